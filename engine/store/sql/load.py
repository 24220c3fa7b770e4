"""How much work there is, from one snapshot of the state."""

from __future__ import annotations

from collections.abc import Mapping

from engine.base.statuses import AccountMode
from engine.store.load import Load, QueuedRuns
from engine.store.owners import OwnerRecord
from engine.store.spending import Amount
from engine.store.sql.base.database import Cursor, StateDatabase
from engine.store.sql.workers import deaths

_OPEN = (
    "SELECT status, count(*) FROM runs WHERE status IN ('queued', 'running', 'waiting', 'interrupted') GROUP BY status"
)
_QUEUED = (
    "SELECT lane IS NOT NULL, count(*), min(CASE WHEN started_at IS NULL THEN queued_at END)"
    " FROM runs WHERE status = 'queued' GROUP BY lane IS NOT NULL"
)
_PROCESSES = f"SELECT {', '.join(OwnerRecord._fields)} FROM owners ORDER BY owner"  # noqa: S608 - columns of ours
# Each answered call counts once for its connection, so the sum over connections is all of them.
_USED = (
    f"SELECT {', '.join(f'sum({name})' for name in Amount._fields)} FROM spending"  # noqa: S608 - columns of ours
    " WHERE scope >= ? AND scope < ?"
)


class SqlLoads:
    """Measures the load."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def now(self) -> Load:
        """Return the load, from one snapshot."""
        with self._database.snapshot() as cursor:
            return _load(cursor)

    def size_bytes(self) -> int:
        """Return how much room the whole state takes."""
        with self._database.asking() as cursor:
            return int(cursor.execute(f"SELECT {self._database.size_bytes}").fetchone()[0])

    def set_aside(self) -> int:
        """Return how many runs took their process down too often, without measuring the rest."""
        with self._database.asking() as cursor:
            return _set_aside(cursor)


def _load(cursor: Cursor) -> Load:
    queued = {bool(has_lane): QueuedRuns(*rest) for has_lane, *rest in cursor.execute(_QUEUED).fetchall()}
    return Load(
        open_runs=dict(cursor.execute(_OPEN).fetchall()),
        ready=queued.get(False, QueuedRuns()),
        in_line=queued.get(True, QueuedRuns()),
        processes=[OwnerRecord(*row) for row in cursor.execute(_PROCESSES).fetchall()],
        used=_used(cursor),
        set_aside=_set_aside(cursor),
    )


def _set_aside(cursor: Cursor) -> int:
    condition, run_ids = deaths.set_aside(cursor)
    return int(cursor.execute(f"SELECT count(*) FROM runs WHERE {condition}", run_ids).fetchone()[0])  # noqa: S608


def _used(cursor: Cursor) -> Mapping[AccountMode, Amount]:
    found = {}
    for mode in AccountMode:
        scope = f"use:connection:{mode}"
        sums = cursor.execute(_USED, (f"{scope}:", f"{scope};")).fetchone()  # ";" follows ":"
        found[mode] = Amount(*(int(one or 0) for one in sums))
    return found
