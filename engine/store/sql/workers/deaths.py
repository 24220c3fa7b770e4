"""Count process deaths per run: a run that keeps killing its process is set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.store.runs import MOST_DEATHS, MOST_DEATHS_IN_A_ROW, SUSPECT
from engine.store.sql.base.conditions import IS_BUSY
from engine.store.sql.base.database import Cursor
from engine.store.sql.base.places import places
from engine.store.sql.base.tables import run_deaths

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MORE = 2
"""After this many deaths more, not even failing the run is attempted: that killed the process, too."""
_TO_BLAME = (
    f"{IS_BUSY} AND owner = ?"  # noqa: S608 - a condition of ours
    " AND NOT EXISTS (SELECT 1 FROM runs AS other WHERE other.parent_run_id = runs.run_id AND other.ended_at IS NULL)"
)
"""Without runs that wait for one that they called: no step of theirs ends meanwhile, however far that one gets."""


def _too_many(more: int) -> str:
    """Return the condition for runs with this many deaths more than `Deaths.are_too_many` allows."""
    few, many = MOST_DEATHS_IN_A_ROW + more, MOST_DEATHS + more
    return f"(in_a_row >= {few} AND in_all >= {few}) OR in_a_row >= {many} OR in_all >= {many}"


_TOO_OFTEN = f"SELECT run_id FROM run_deaths WHERE {_too_many(0)}"  # noqa: S608 - a condition of ours
_GIVEN_UP = f"SELECT run_id FROM run_deaths WHERE {_too_many(_MORE)}"  # noqa: S608 - a condition of ours

IS_SUSPECT = f"EXISTS (SELECT 1 FROM run_deaths WHERE run_deaths.run_id = runs.run_id AND in_a_row >= {SUSPECT})"  # noqa: S608
"""The condition for runs that a process works on one at a time."""


def count(cursor: Cursor, owner: str) -> None:
    """Count the death of an owner for the runs it worked on; abandon those that cannot even be failed."""
    at_work = cursor.execute(f"SELECT run_id FROM runs WHERE {_TO_BLAME}", (owner,)).fetchall()  # noqa: S608
    suspects = cursor.execute(f"SELECT run_id FROM runs WHERE {_TO_BLAME} AND {IS_SUSPECT}", (owner,)).fetchall()  # noqa: S608
    tried = {run_id for few in (at_work, suspects) if len(few) == 1 for (run_id,) in few}
    cursor.executemany(
        "INSERT INTO run_deaths (run_id, in_a_row, in_all) VALUES (?, 1, ?) ON CONFLICT (run_id) DO UPDATE"
        " SET in_a_row = run_deaths.in_a_row + 1, in_all = run_deaths.in_all + excluded.in_all",
        [(run_id, int(run_id in tried)) for (run_id,) in at_work],
    )
    cursor.execute(
        "UPDATE runs SET status = 'interrupted', owner = NULL, is_at_work = 0, sentence = ?"  # noqa: S608
        f" WHERE {_TO_BLAME} AND run_id IN ({_GIVEN_UP})",
        ("Set aside: the process died each time that it worked on this run. Only a person resumes it.", owner),
    )


def set_aside(cursor: Cursor) -> tuple[str, list[str]]:
    """Return the condition for the runs that were set aside, with its parameters.

    It names them: PostgreSQL has no statistics of so small a table, and would rather read all runs that have failed.
    """
    found = [run_id for (run_id,) in cursor.execute(_TOO_OFTEN).fetchall()] or [""]  # PostgreSQL refuses `IN ()`
    return f"run_id IN ({places(found)}) AND status IN ('failed', 'interrupted')", found


def forget(connection: Connection, run_id: str) -> None:
    """Reset the count of a run, because a person resumes it."""
    connection.execute(run_deaths.delete().where(run_deaths.c.run_id == run_id))
