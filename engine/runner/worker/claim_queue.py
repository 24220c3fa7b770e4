"""The queue of processes that take their runs from the state: it is shared, or limits decide which runs may be at work.

The rows of the runs are the queue. Nothing can be in one and missing in the other, nothing is delivered twice, and
nothing needs to be acknowledged: a run is taken in the transaction that makes it a process's own, and that finds the
limits kept. A run that waits is a row, and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from engine.base.clock import timestamp
from engine.base.errors import Fenced, OrchestraError
from engine.runner.worker.queue import LocalQueue, Work
from engine.store.claims import Claims, Draining, TakenRun
from engine.store.run_limits import NO_LIMITS, RunLimits

_log = logging.getLogger(__name__)
_AT_ONCE = 25
"""How many runs are taken together, so that other workers have some, too; a tenth of the slots if that is more."""
_IDLE_SECONDS = 1.0
_PAUSE_SECONDS = 0.004
"""Under load slots become free one by one: after each claim, a moment is waited for more of them."""
_LOOK_SECONDS = 0.1
_CLOSE_SECONDS = 5.0


class ClaimQueue(LocalQueue):
    """Takes runs of nobody while fewer than `slots` are at work (None: it takes none of them).

    What this process owns it delivers at once if there are no limits, else once they permit it.
    """

    def __init__(
        self,
        claims: Claims,
        owner: str,
        clock: Callable[[], datetime],
        slots: int | None,
        limits: RunLimits = NO_LIMITS,
    ) -> None:
        super().__init__()
        self._claims, self._owner, self._clock, self._slots = claims, owner, clock, slots or 0
        self._limits = limits
        self.delivers_at_once = slots is None and not self._limits.are_set
        self._asked: set[str] = set()
        """Runs that were put, and are to be delivered if they are at work already."""
        self._lock = threading.Lock()
        self._most_at_once = max(_AT_ONCE, self._slots // 10)
        self._fresh: dict[str, str] = {}
        self._at_work = 0
        """Changed on the loop alone."""
        self.is_draining = False
        """Whether a person has asked this process to take nothing more; with limits, it still goes on with its own."""
        self._free = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._take, name="claims", daemon=True)

    def work(self, work: Work) -> None:
        """Deliver entries to this process from now on, and take runs. Call it once, on the worker's loop."""
        super().work(work)
        self._free.set()
        if self._slots or self._limits.are_set:
            self._thread.start()

    def look(self) -> None:
        """Look for runs to take now."""
        self._free.set()

    def fresh_acceptance(self, run_id: str) -> str | None:
        """Return the acceptance of a run that was taken a moment ago; once."""
        return self._fresh.pop(run_id, None)

    def close(self) -> None:
        """Take and deliver nothing more. Call it on the worker's loop."""
        super().close()
        self._stopped.set()
        self._free.set()

    def join(self) -> None:
        """Wait until nothing is being taken. Call it after `close`, not on the loop."""
        if self._thread.is_alive():
            self._thread.join(_CLOSE_SECONDS)

    @property
    def is_drained(self) -> bool:
        """Return whether it takes nothing more, and nothing that it has taken is at work."""
        return self.is_draining and self._at_work == 0

    def _deliver(self, run_ids: Sequence[str]) -> None:
        """Deliver what was put: at once, or if there are limits, once a claim has found them kept."""
        if not self._limits.are_set:
            self._begin(run_ids)
            return
        with self._lock:
            self._asked.update(run_ids)
        self._free.set()

    def _begin(self, run_ids: Sequence[str]) -> list[str]:
        """Have work on these runs begin; return those on which it did not."""
        refused = []
        for run_id in run_ids:
            task = None if self._is_closed else self._work(run_id)
            if task is None:
                refused.append(run_id)
            else:
                self._at_work += 1
                task.add_done_callback(self._freed)
        return refused

    def _freed(self, _task: asyncio.Future[None]) -> None:
        self._at_work -= 1
        self._free.set()

    def _take(self) -> None:
        while not self._stopped.is_set():
            self._free.clear()  # before the claim, so that no signal during it is lost
            try:
                if not self._taken():
                    self._idle()
            except Fenced:
                return
            except Draining:
                self.is_draining = True
                if not self._limits.are_set:
                    return
                self._idle()
            except OrchestraError as error:
                _log.error("no run could be taken: %s", error)
                self._stopped.wait(_IDLE_SECONDS)
            except Exception:  # noqa: BLE001 - a worker that takes no more would look as if it had nothing to do
                _log.exception("taking runs broke down")
                self._stopped.wait(_IDLE_SECONDS)

    def _taken(self) -> bool:
        """Take what may be taken now; return whether there may be more."""
        again = self._asked_again()
        if again:
            self._delivered(again)
        free = 0 if self.is_draining else min(self._slots - self._at_work, self._most_at_once)
        mine = self._most_at_once if self._limits.are_set else 0
        if free <= 0 and not mine:
            return False
        now = timestamp(self._clock())
        taken = self._claims.claim(self._owner, now, max(free, 0), self._limits, mine)
        refused = self._delivered(taken) if taken else []
        if 0 < len(taken) < self._most_at_once:
            self._stopped.wait(_PAUSE_SECONDS)
        if refused and self._limits.are_set:
            self._claims.give_back(self._owner, refused)
        return len(refused) < len(taken)

    def _asked_again(self) -> list[TakenRun]:
        """Return the runs that were put and are at work already: work on them has stalled, or was not begun."""
        with self._lock:
            asked, self._asked = self._asked, set()
        return [TakenRun(one, None) for one in self._claims.at_work(self._owner) if one in asked] if asked else []

    def _idle(self) -> None:
        """Wait until a run was put or a slot is free, or others announce something; at most a second."""
        if self._slots and self._slots <= self._at_work and not self._limits.are_set:
            self._free.wait(_IDLE_SECONDS)
            return
        for _ in range(round(_IDLE_SECONDS / _LOOK_SECONDS)):
            takes = not self.is_draining and self._at_work < self._slots
            if self._free.is_set() or self._claims.wait(_LOOK_SECONDS, takes=takes):
                return

    def _delivered(self, taken: Sequence[TakenRun]) -> list[str]:
        """Deliver on the loop, and wait for it: these runs then count as at work. Return those that did not begin."""
        run_ids = [one.run_id for one in taken]
        done, refused = threading.Event(), list(run_ids)

        def deliver() -> None:
            try:
                self._fresh = {one.run_id: one.acceptance for one in taken if one.acceptance is not None}
                refused[:] = self._begin(run_ids)
            finally:
                done.set()

        self._loop.call_soon_threadsafe(deliver)
        while not done.wait(_IDLE_SECONDS) and not self._stopped.is_set():  # a loop that ends delivers nothing
            pass
        return refused
