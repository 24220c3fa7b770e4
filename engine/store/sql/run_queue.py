"""Runs that wait: for their turn in the lane of their workflow, or for a worker that takes them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import select

from engine.base.statuses import ACTIVE_RUNS
from engine.store.claims import Draining
from engine.store.sql.base.conditions import is_on_its_own
from engine.store.sql.base.database import Database
from engine.store.sql.base.tables import runs
from engine.store.sql.owners import require_unfenced
from engine.store.triggering.triggered_runs import Line, QueuedRun

_READY = (
    " FROM runs WHERE owner IS NULL AND ended_at IS NULL AND lane IS NULL"
    " AND (status IN ('queued', 'running') OR (status = 'waiting' AND (due_at <= ? OR cancel_requested = 1)))"
    " AND NOT EXISTS (SELECT 1 FROM runs AS caller WHERE caller.run_id = runs.parent_run_id"
    " AND caller.ended_at IS NULL AND caller.status IN ('queued', 'running'))"
)
_IS_DRAINING = "SELECT 1 FROM owners WHERE owner = ? AND is_draining = 1"
_ANY = f"SELECT 1{_READY} LIMIT 1"
_OLDEST = f"SELECT run_id{_READY} ORDER BY run_id LIMIT ?"
_TAKE = "UPDATE runs SET owner = ? WHERE run_id = ? AND owner IS NULL"


class SqlRunQueue:
    """Reads and clears lanes of `runs`; any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def line(self, owner: str) -> Line:
        """Return the queue of a process, and how many runs of each workflow are at work."""
        mine = (runs.c.owner == owner) & runs.c.ended_at.is_(None)
        at_work = runs.c.started_by.startswith("trigger:") & is_on_its_own() & runs.c.lane.is_(None)
        with self._database.reading() as connection:
            waiting = select(runs.c.run_id, runs.c.lane).where(mine & runs.c.lane.is_not(None)).order_by(runs.c.run_id)
            queued = [QueuedRun(*row) for row in connection.execute(waiting)]
            if not queued:
                return Line([], Counter())
            under_way = select(runs.c.workflow_id).where(at_work & runs.c.status.in_(ACTIVE_RUNS))
            return Line(queued, Counter(connection.execute(under_way).scalars()))

    def hand_out(self, owner: str, run_ids: Sequence[str], *, shared: bool = False) -> list[str]:
        """Take runs out of the queue; return those that were still in it."""
        in_line = runs.c.lane.is_not(None) & (runs.c.owner == owner) & runs.c.ended_at.is_(None)
        with self._database.writing() as connection:
            cursor = self._database.cursor_of(connection)
            require_unfenced(cursor, owner)
            heir = None if shared else owner
            if shared:
                self._database.announce_runs(cursor)
            return [
                run_id
                for run_id in run_ids
                if connection.execute(
                    runs.update().where((runs.c.run_id == run_id) & in_line).values(lane=None, owner=heir)
                ).rowcount
            ]


class SqlClaims:
    """Reads and changes the owner of rows of `runs`; any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, owner: str, now: str, most: int) -> list[str]:
        """Make at most so many runs a process's own. Nothing is locked while there is none."""
        with self._database.asking() as cursor:
            if cursor.execute(_IS_DRAINING, (owner,)).fetchone() is not None:
                raise Draining
            if cursor.execute(_ANY, (now,)).fetchone() is None:
                return []
        with self._database.inserting() as cursor:
            require_unfenced(cursor, owner)
            found = [run_id for (run_id,) in cursor.execute(_OLDEST, (now, most)).fetchall()]
            if found:
                cursor.executemany(_TAKE, [(owner, run_id) for run_id in found])
        return found

    def wait(self, seconds: float) -> None:
        """Wait until there may be something to claim; at most so long."""
        self._database.wait_for_runs(seconds)
