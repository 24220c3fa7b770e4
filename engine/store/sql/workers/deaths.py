"""Count process deaths per run: a run that keeps killing its process is set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.store.runs import MOST_DEATHS_IN_A_ROW
from engine.store.sql.base.database import Cursor
from engine.store.sql.base.tables import run_deaths

if TYPE_CHECKING:
    from sqlalchemy import Connection

_GIVEN_UP = MOST_DEATHS_IN_A_ROW + 2
"""At this many deaths, not even failing the run is attempted: that killed the process, too."""
_AT_WORK = (
    "(status = 'running' OR (status = 'queued' AND lane IS NULL)) AND is_at_work = 1 AND ended_at IS NULL AND owner = ?"
    " AND NOT EXISTS (SELECT 1 FROM runs AS other WHERE other.parent_run_id = runs.run_id AND other.ended_at IS NULL)"
)
"""Not a run that waits for one that it has called: no step of it ends meanwhile, however far the other one gets."""


def count(cursor: Cursor, owner: str) -> None:
    """Count the death of an owner for the runs it worked on; abandon those that cannot even be failed."""
    cursor.execute(
        "INSERT INTO run_deaths (run_id, in_a_row, in_all)"  # noqa: S608
        f" SELECT run_id, 1, 1 FROM runs WHERE {_AT_WORK}"
        " ON CONFLICT (run_id) DO UPDATE SET in_a_row = run_deaths.in_a_row + 1, in_all = run_deaths.in_all + 1",
        (owner,),
    )
    cursor.execute(
        "UPDATE runs SET status = 'interrupted', owner = NULL, is_at_work = 0, sentence = ?"  # noqa: S608
        f" WHERE {_AT_WORK} AND run_id IN (SELECT run_id FROM run_deaths WHERE in_a_row >= {_GIVEN_UP})",
        ("Set aside: the process died each time that it worked on this run. Only a person resumes it.", owner),
    )


def forget(connection: Connection, run_id: str) -> None:
    """Reset the count of a run, because a person resumes it."""
    connection.execute(run_deaths.delete().where(run_deaths.c.run_id == run_id))
