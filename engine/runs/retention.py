"""How long runs are kept: by age and by number, as config.yaml says; what they have written is remembered for ever."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from engine.clock import Clock
from engine.names import run_day, timestamp
from engine.people.access import Principal, require
from engine.people.audit import Audit
from engine.runs.run_log import RunLogs
from engine.store.database import Database
from engine.store.old_runs import OldRuns
from engine.workspace.config import RetentionSettings
from engine.workspace.files import storage_errors, sync_folder

_AT_ONCE = 100
"""So many runs go in one transaction: others can write in between."""


@dataclass(frozen=True)
class Pruned:
    """Runs that went, or would go, oldest first, and how much room they took."""

    run_ids: list[str]
    size_bytes: int


class Retention:
    """The `retention` facet. May be used from any thread, and by several processes at once."""

    def __init__(
        self,
        database: Database,
        logs: RunLogs,
        audit: Audit,
        clock: Clock,
        settings: Callable[[], RetentionSettings],
    ) -> None:
        self._runs, self._logs, self._audit, self._clock, self._settings = (
            OldRuns(database),
            logs,
            audit,
            clock,
            settings,
        )
        self._stopped = threading.Event()

    def due(self, p: Principal) -> Pruned:
        """Return the runs that would go now. Raises InvalidFile, StorageError."""
        require(p, "view", "see which runs would go")
        found = self._due()
        return Pruned(found, sum(map(self._size_bytes, found)))

    def prune(self, p: Principal) -> Pruned:
        """Remove the log, the large values and the line of every run that is due; return them.

        Runs that are open, wait or were interrupted stay, with all that they refer to, and so do runs with a write
        whose outcome nobody knows. Receipts, approvals and request keys outlive their runs.
        Raises InvalidFile, StorageError.
        """
        require(p, "admin", "remove runs")
        self._remove_files(self._runs.leaving())
        found, gone, size_bytes = self._due(), list[str](), 0
        for begin in range(0, len(found), _AT_ONCE):
            if self._stopped.is_set():
                break
            batch = self._runs.take_off(found[begin : begin + _AT_ONCE])
            size_bytes += sum(map(self._size_bytes, batch))
            self._remove_files(batch)
            gone += batch
        if gone:
            self._audit.record(p, "runs.prune", "", {"runs": len(gone), "oldest": gone[0], "newest": gone[-1]})
        return Pruned(gone, size_bytes)

    def stop(self) -> None:
        """Let a `prune` that is at work end soon."""
        self._stopped.set()

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

    def _remove_files(self, run_ids: Sequence[str]) -> None:
        """Remove what runs that are off the list have left, then that it had to be done."""
        for run_id in run_ids:
            path = self._logs.path(run_id)
            with storage_errors(path):
                path.unlink(missing_ok=True)
                with suppress(FileNotFoundError):  # most have none; another process may be at it, too
                    shutil.rmtree(path.with_suffix(".files"))
        for day in sorted({run_day(run_id) for run_id in run_ids}):
            _leave_no_empty_day(self._logs.folder / day)
        if run_ids:
            self._runs.forget(run_ids)

    def _size_bytes(self, run_id: str) -> int:
        path = self._logs.path(run_id)
        return sum(map(_size_bytes, [path, *path.with_suffix(".files").glob("*")]))


def _leave_no_empty_day(folder: Path) -> None:
    with suppress(OSError):  # there are runs of that day left, or a run of it begins just now
        folder.rmdir()
    with storage_errors(folder):
        sync_folder(folder if folder.exists() else folder.parent)


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
