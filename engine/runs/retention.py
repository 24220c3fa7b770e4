"""How long runs are kept, by age and number, as set in config.yaml; their receipts are kept forever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from msgspec import Struct

from engine.base.clock import Clock, timestamp
from engine.files.readings import Readings
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.record.run_log import RunLogs
from engine.store.runs import OldRuns
from engine.workspace.config import RetentionSettings

_AT_ONCE = 500
"""Runs per transaction, so that others can write in between."""


class Pruned(Struct, frozen=True):
    """Runs that were (or would be) removed, oldest first, and their size."""

    run_ids: list[str]
    size_bytes: int


class Retention:
    """The `retention` area; for any thread, and for several processes at once."""

    def __init__(
        self,
        runs: OldRuns,
        logs: RunLogs,
        audit: Audit,
        clock: Clock,
        settings: Callable[[], RetentionSettings],
        readings: Readings,
    ) -> None:
        self._runs, self._logs, self._audit, self._clock, self._settings = (
            runs,
            logs,
            audit,
            clock,
            settings,
        )
        self._readings = readings
        self._stopped = threading.Event()

    @operation("runs.due", "view", "see which runs would go", "List the runs that are due to be removed")
    def due(self, p: Principal) -> Pruned:
        """Return the runs that `prune` would remove now. Raises InvalidFile, StorageError."""
        found = self._due()
        return Pruned(found, sum(map(self._logs.size_bytes, _batches(found))))

    @operation("runs.prune", "admin", "remove runs", "Remove the runs that are due")
    def prune(self, p: Principal) -> Pruned:
        """Remove the log, the large values and the row of every run that is due; return them.

        Runs that are open, waiting or interrupted stay, with everything they refer to, and so do runs with a write
        whose outcome is unknown. Receipts, approvals and request keys outlive their runs. Raises InvalidFile,
        StorageError.
        """
        self._remove_files(self._runs.leaving())  # left behind by a prune that was killed
        self._forget_readings()
        pruned = self._removed(self._due())
        if gone := pruned.run_ids:
            self._audit.record(p, "runs.prune", "", {"runs": len(gone), "oldest": gone[0], "newest": gone[-1]})
        return pruned

    def stop(self) -> None:
        """Make a running `prune` end soon."""
        self._stopped.set()

    def _forget_readings(self) -> None:
        """Remove the texts of pictures that are as old as the runs that are removed."""
        settings = self._settings()
        days = [one for one in (settings.days, settings.demo_days) if one is not None]
        if days:
            self._readings.forget(timedelta(days=min(days)).total_seconds())

    def _due(self) -> list[str]:
        settings, now = self._settings(), self._clock()
        found: set[str] = set()
        if settings.days is not None:
            found.update(self._runs.ended_before(timestamp(now - timedelta(days=settings.days)), demo=None))
        if settings.demo_days is not None:
            found.update(self._runs.ended_before(timestamp(now - timedelta(days=settings.demo_days)), demo=True))
        if settings.runs is not None:
            found.update(self._runs.beyond(settings.runs))
        return sorted(found)

    def _removed(self, found: Sequence[str]) -> Pruned:
        """Remove these runs, as far as they may still be removed; return the ones that were."""
        gone, size_bytes = list[str](), 0
        for some in _batches(found):
            if self._stopped.is_set():
                break
            batch = self._runs.take_off(some)
            size_bytes += self._logs.size_bytes(batch)
            self._remove_files(batch)
            gone += batch
        return Pruned(gone, size_bytes)

    def _remove_files(self, run_ids: Sequence[str]) -> None:
        """Remove the files of runs that are off the list, then the record that this had to be done."""
        if run_ids:
            self._logs.remove(run_ids)
            self._runs.forget(run_ids)


def _batches(run_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (run_ids[begin : begin + _AT_ONCE] for begin in range(0, len(run_ids), _AT_ONCE))
