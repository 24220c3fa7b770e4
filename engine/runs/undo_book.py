"""Writes down in the logs of runs, and in the list of runs, what of them was undone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from engine.runner.host import Host
from engine.runs.run_log import RunLogs
from engine.runs.summary import sentence
from engine.runs.undo_list import RunWrite

_SHARE_OF_TIME = 10
"""A log is written again after each undo as long as that takes a tenth of the time; a long one more rarely."""


class UndoBook:
    """Writes down in the logs what was undone."""

    def __init__(self, logs: RunLogs, host: Host, now: Callable[[], str], by: str) -> None:
        self._logs, self._host, self._now, self._by = logs, host, now, by
        self._open: dict[str, dict[str, Any]] = {}
        self._due_at = 0.0

    def note(self, write: RunWrite, what: str) -> None:
        """Write down that a write was undone; on disk at once, or soon where the log is long."""
        step = write.step
        effect = step["effect"] or {
            "identity": write.identity,
            "outcome": "done",
            "reused": False,
            "receipt": dict(write.receipt),
            **({"generation": write.generation} if write.generation else {}),
        }
        step["effect"] = {**effect, "undone": {"at": self._now(), "by": self._by, "note": what}}
        self._open[write.run_id] = write.run
        if time.monotonic() >= self._due_at:
            self.close()

    def close(self) -> None:
        """Write every log that lacks something. Raises StorageError."""
        began_at = time.monotonic()
        for run in list(self._open.values()):
            run["sentence"] = sentence(run)
            self._logs.write(run)
            _list(self._host, run)
            self._open.pop(run["run_id"])
        ended_at = time.monotonic()
        self._due_at = ended_at + _SHARE_OF_TIME * (ended_at - began_at)


def _list(host: Host, run: Mapping[str, Any]) -> None:
    """Let the list of runs say it, too."""
    values = (run["sentence"], run["run_id"])
    statement = "UPDATE runs SET sentence = ? WHERE run_id = ? AND ended_at IS NOT NULL"
    host.answer(lambda cursor: cursor.execute(statement, values))
