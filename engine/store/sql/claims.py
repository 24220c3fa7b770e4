"""Runs that belong to nobody, and the processes that take them."""

from __future__ import annotations

from engine.store.claims import Depth
from engine.store.sql.base.database import Database
from engine.store.sql.owners import require_unfenced

_READY = (
    " FROM runs WHERE owner IS NULL AND ended_at IS NULL AND lane IS NULL"
    " AND (status IN ('queued', 'running') OR (status = 'waiting' AND (due_at <= ? OR cancel_requested = 1)))"
    " AND NOT EXISTS (SELECT 1 FROM runs AS caller WHERE caller.run_id = runs.parent_run_id"
    " AND caller.ended_at IS NULL AND caller.status IN ('queued', 'running'))"
)
_ANY = f"SELECT 1{_READY} LIMIT 1"
_OLDEST = f"SELECT run_id{_READY} ORDER BY run_id LIMIT ?"
_DEPTH = f"SELECT count(*), min(queued_at){_READY}"
_TAKE = "UPDATE runs SET owner = ? WHERE run_id = ? AND owner IS NULL"


class SqlClaims:
    """Reads and changes the owner of rows of `runs`; any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, owner: str, now: str, most: int) -> list[str]:
        """Make at most so many runs a process's own. Nothing is locked while there is none."""
        with self._database.asking() as cursor:
            if cursor.execute(_ANY, (now,)).fetchone() is None:
                return []
        with self._database.inserting() as cursor:
            require_unfenced(cursor, owner)
            found = [run_id for (run_id,) in cursor.execute(_OLDEST, (now, most)).fetchall()]
            if found:
                cursor.executemany(_TAKE, [(owner, run_id) for run_id in found])
        return found

    def depth(self, now: str) -> Depth:
        """Return what waits for a worker."""
        with self._database.asking() as cursor:
            return Depth(*cursor.execute(_DEPTH, (now,)).fetchone())

    def wait(self, seconds: float) -> None:
        """Wait until there may be something to claim; at most so long."""
        self._database.wait_for_runs(seconds)
