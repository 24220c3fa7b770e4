"""The queue of processes that share a state: each takes runs that belong to nobody while it has slots for them.

The rows of the runs are the queue. Nothing can be in one and missing in the other, nothing is delivered twice, and
nothing needs to be acknowledged: a run is taken in the transaction that makes it a process's own.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from engine.base.errors import OrchestraError
from engine.base.names import timestamp
from engine.runner.worker.queue import LocalQueue, Work
from engine.store.claims import Claims, Draining
from engine.store.owners import Fenced

_log = logging.getLogger(__name__)
_MOST_AT_ONCE = 25
_IDLE_SECONDS = 1.0
_CLOSE_SECONDS = 5.0


class SharedQueue(LocalQueue):
    """Delivers what this process owns at once, and takes more runs while fewer than `slots` are at work."""

    def __init__(self, claims: Claims, owner: str, clock: Callable[[], datetime], slots: int) -> None:
        super().__init__()
        self._claims, self._owner, self._clock, self._slots = claims, owner, clock, slots
        self._at_work = 0
        """Changed on the loop alone."""
        self.is_draining = False
        """Whether a person has asked this process to take nothing more."""
        self._free = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._take, name="claims", daemon=True)

    def work(self, work: Work) -> None:
        """Deliver entries to this process from now on, and take runs. Call it once, on the worker's loop."""
        super().work(work)
        self._free.set()
        if self._slots:
            self._thread.start()

    def close(self) -> None:
        """Take and deliver nothing more. Call it on the worker's loop."""
        super().close()
        self._stopped.set()
        self._free.set()

    def join(self) -> None:
        """Wait until nothing is being taken any more. Call it after `close`, not on the loop."""
        if self._thread.is_alive():
            self._thread.join(_CLOSE_SECONDS)

    @property
    def is_drained(self) -> bool:
        """Return whether it takes nothing more, and nothing that it has taken is at work."""
        return self.is_draining and self._at_work == 0

    def _deliver(self, run_ids: Sequence[str]) -> None:
        if self._is_closed:
            return
        for run_id in run_ids:
            task = self._work(run_id)
            if task is not None:
                self._at_work += 1
                task.add_done_callback(self._freed)

    def _freed(self, _task: asyncio.Future[None]) -> None:
        self._at_work -= 1
        self._free.set()

    def _take(self) -> None:
        while not self._stopped.is_set():
            self._free.clear()
            free = self._slots - self._at_work
            if free <= 0:
                self._free.wait(_IDLE_SECONDS)
                continue
            try:
                taken = self._claims.claim(self._owner, timestamp(self._clock()), min(free, _MOST_AT_ONCE))
                if taken:
                    self._delivered(taken)
                else:
                    self._claims.wait(_IDLE_SECONDS)
            except Fenced:
                return
            except Draining:
                self.is_draining = True
                return
            except OrchestraError as error:
                _log.error("no run could be taken: %s", error)
                self._stopped.wait(_IDLE_SECONDS)

    def _delivered(self, run_ids: Sequence[str]) -> None:
        """Deliver on the loop, and wait for it: these runs then count as at work."""
        done = threading.Event()

        def deliver() -> None:
            self._deliver(run_ids)
            done.set()

        self._loop.call_soon_threadsafe(deliver)
        while not done.wait(_IDLE_SECONDS) and not self._stopped.is_set():
            pass
