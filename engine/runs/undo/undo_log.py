"""Record in the logs and in the list of runs which writes were undone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.record.run_log import RunLogs
from engine.record.summary import sentence
from engine.record.types.run import Run
from engine.record.types.step import StepEffect
from engine.runs.undo.undo_list import RunWrite

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker

_SHARE_OF_TIME = 10
"""Rewriting a log may take a tenth of the time: a short one is rewritten after each undo, a long one less often."""


class UndoLog:
    """Records undone writes in the logs."""

    def __init__(self, logs: RunLogs, worker: Worker, now: Callable[[], str], by: str) -> None:
        self._logs, self._worker, self._now, self._by = logs, worker, now, by
        self._open: dict[str, Run] = {}
        self._due_at = 0.0

    def note(self, write: RunWrite, what: str) -> None:
        """Record that a write was undone; on disk at once, or soon if the log is long."""
        step = write.step
        effect: StepEffect = step["effect"] or {
            "identity": write.identity,
            "outcome": "done",
            "reused": False,
            "receipt": write.receipt,
        }
        if write.generation:
            effect = {**effect, "generation": write.generation}
        step["effect"] = {**effect, "undone": {"at": self._now(), "by": self._by, "note": what}}
        self._open[write.run_id] = write.run
        if time.monotonic() >= self._due_at:
            self.close()

    def close(self) -> None:
        """Write every log that is out of date. Raises StorageError."""
        began_at = time.monotonic()
        for run in list(self._open.values()):
            run["sentence"] = sentence(run)
            self._logs.write(run)
            self._worker.retell(run["run_id"], run["sentence"])
            self._open.pop(run["run_id"])
        ended_at = time.monotonic()
        self._due_at = ended_at + _SHARE_OF_TIME * (ended_at - began_at)
