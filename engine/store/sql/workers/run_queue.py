"""Runs that wait for their turn in the lane of their workflow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import select

from engine.base.statuses import ACTIVE_RUNS
from engine.store.sql.base.conditions import is_on_its_own
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.tables import runs
from engine.store.sql.workers.owners import require_unfenced
from engine.store.triggering.triggered_runs import ProcessQueue, QueuedRun

if TYPE_CHECKING:
    from sqlalchemy import Connection

_HAND_OUT = "UPDATE runs SET lane = NULL, owner = ?, is_at_work = 0 WHERE run_id = ?"


class SqlRunQueue:
    """Reads and clears lanes of `runs`; any thread."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def line(self, owner: str) -> ProcessQueue:
        """Return the queue of a process, and how many runs of each workflow are at work."""
        with self._database.reading() as connection:
            return _line(connection, owner)

    def hand_out(self, owner: str, at_once: Mapping[str, int], *, shared: bool = False) -> list[str]:
        """Take the runs whose turn it is out of the queue; return them."""
        with self._database.writing() as connection:
            cursor = self._database.cursor_of(connection)
            require_unfenced(cursor, owner)
            found = _line(connection, owner).next(at_once)
            if found and shared:
                self._database.announce_runs(cursor, len(found))
            cursor.executemany(_HAND_OUT, [(None if shared else owner, run_id) for run_id in found])
            return found


def _line(connection: Connection, owner: str) -> ProcessQueue:
    mine = (runs.c.owner == owner) & runs.c.ended_at.is_(None)
    waiting = select(runs.c.run_id, runs.c.lane).where(mine & runs.c.lane.is_not(None)).order_by(runs.c.run_id)
    queued = [QueuedRun(*row) for row in connection.execute(waiting)]
    if not queued:
        return ProcessQueue([], Counter())
    at_work = runs.c.started_by.startswith("trigger:") & is_on_its_own() & runs.c.lane.is_(None)
    under_way = select(runs.c.workflow_id).where(at_work & runs.c.status.in_(ACTIVE_RUNS))
    return ProcessQueue(queued, Counter(connection.execute(under_way).scalars()))
