"""Start the runs that triggers have queued, oldest first, as many in parallel as their workflow allows.

A poll may find a hundred mails at once, and stores all of their runs in one transaction. A queued run has a lane, the
id of its workflow; clearing the lane is what permits it to start. This happens in a transaction that checks the owner,
so each run is started by one process only. A run that waits for a time or an answer makes room for the next one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.base.errors import Fenced, OrchestraError
from engine.compiler.definition.plan import Concurrency
from engine.runner.effects.fault_points import reached
from engine.store.broadcasts import ChangeWatch
from engine.store.triggering.triggered_runs import RunQueue

if TYPE_CHECKING:
    from engine.runner.worker.worker import Worker

_log = logging.getLogger(__name__)
_SECONDS = 1.0
_IDLE_SECONDS = 3.0
"""The wait while no run is queued; whoever queues one wakes the thread."""


class RunStarter:
    """A thread of a process that owns queued runs. Runs waiting for a time or an answer do not count as active."""

    def __init__(
        self, worker: Worker, queue: RunQueue, changes: ChangeWatch, concurrency: Callable[[str], Concurrency]
    ) -> None:
        self._worker, self._queue, self._changes, self._concurrency = worker, queue, changes, concurrency
        self._wake, self._stopped = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._has_line = False
        self._version: int | None = None
        worker.run_left.subscribe(self._look_again)

    def begin(self) -> None:
        """Check the queue now, and from now on."""
        with self._lock:
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._run, name="turns", daemon=True)
                self._thread.start()
        self._wake.set()

    def _look_again(self) -> None:
        """Check the queue, as a run has ended; usually nothing is queued."""
        if self._has_line:
            self._wake.set()

    def close(self) -> None:
        """Start no more runs."""
        self._stopped.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def let_go(self) -> list[str]:
        """Start the runs that may start now; return their ids. Raises StorageError, Fenced."""
        at_once = self._at_once_if_any()
        if not at_once:
            return []
        reached("before release")
        released = self._queue.hand_out(self._worker.owner.id, at_once, shared=self._worker.shares)
        reached("after release")
        if not self._worker.shares:  # else the workers know
            for run_id in released:
                self._worker.start(run_id)
        return released

    def _at_once_if_any(self) -> dict[str, int]:
        """Return how many runs of each queued workflow may be active; nothing if no workflow has its turn.

        While none is queued and nobody writes, no query is made.
        """
        version = self._changes.version()
        if version == self._version and not self._has_line:
            return {}
        line = self._queue.line(self._worker.owner.id)
        self._has_line, self._version = bool(line.queued), version
        at_once = {one: self._at_once(one) for one in {run.workflow for run in line.queued}}
        return at_once if line.next(at_once) else {}

    def _at_once(self, workflow_id: str) -> int:
        """Return how many runs of a workflow may be active at once; 1 if its file cannot be read."""
        try:
            return self._concurrency(workflow_id).at_once
        except OrchestraError:
            return 1

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._wake.clear()
            try:
                while self.let_go():
                    pass
            except Fenced:
                return
            except OrchestraError as error:
                _log.error("%s", error)
            except Exception:  # noqa: BLE001 - tried again next time
                _log.exception("no run could be let go")
            self._wake.wait(_SECONDS if self._has_line else _IDLE_SECONDS)
