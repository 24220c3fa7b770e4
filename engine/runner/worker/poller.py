"""Poll the database for requests from other processes, for due runs, and for processes that have died.

Processes share no memory: they meet in the state file. Each run has one owner, the process that works on it. Another
process that wants to cancel or wake it changes its row, and the owner sees that here, twice a second. A process that
dies leaves its runs behind; its file lock is then free, which proves the death, and any process that serves may
*adopt* the runs: it becomes their owner and continues them from their events. If a process finds itself fenced off
(another one has taken over its runs), it stops at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol

from engine.base.clock import timestamp
from engine.base.errors import Fenced, StorageError
from engine.base.signal import Signal
from engine.base.statuses import Ending, RunStatus
from engine.observing.observer import Observer
from engine.store.broadcasts import ChangeWatch
from engine.store.owners import Owner
from engine.store.state import Records

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.5
_ADOPT_SECONDS = 2.0
_FORGOTTEN_SECONDS = 5.0
_NEVER = "9999"  # times are compared as text, and every real one sorts before this


class PollingWorker(Protocol):
    """The worker, as this module sees it."""

    queue_adopted: Signal
    """Emitted when adopted runs wait for their turn."""

    @property
    def observer(self) -> Observer:
        """Who hears of the work on runs."""

    def is_at_work_on(self, run_id: str) -> bool:
        """Return whether this process is working on a run."""

    def is_in_hand(self, run_id: str) -> bool:
        """Return whether there is work on a run here, or it is held on purpose."""

    def end_here(self, run_id: str, how: Any) -> None:
        """End a run if this process is working on it."""

    def take_up(self, run_id: str) -> None:
        """Continue a run that this process owns."""

    def look_at_fence(self) -> None:
        """Stop if another process has taken over."""


class Poller:
    """Lives on the engine's loop. While nothing is written and nothing is due, a poll is one short query."""

    def __init__(
        self, changes: ChangeWatch, records: Records, owner: Owner, clock: Callable[[], datetime], worker: PollingWorker
    ) -> None:
        self._changes, self._owner, self._clock, self._worker = changes, owner, clock, worker
        self._journal, self._due = records.journal, records.due
        self._version: int | None = None
        self._due_at: str | None = None
        """When the next waiting run of this process is due, `_NEVER` if no run waits; None while unknown."""
        self._idle: frozenset[str] = frozenset()
        """The runs of this process that nobody here worked on when it last looked."""
        self.adopts = False
        """Whether to adopt the runs of processes that die."""
        self.turned_at = time.monotonic()
        """When the loop last ran a poll."""

    def begin(self) -> None:
        """Start polling."""
        self._tasks = [
            asyncio.ensure_future(self._repeat(_LOOK_SECONDS, self._look)),
            asyncio.ensure_future(self._repeat(_ADOPT_SECONDS, self._look_for_dead)),
            asyncio.ensure_future(self._repeat(_FORGOTTEN_SECONDS, self._look_for_forgotten)),
            asyncio.ensure_future(self._repeat(self._owner.beat_seconds, self._beat)),
        ]

    def close(self) -> None:
        """Stop polling."""
        for task in self._tasks:
            task.cancel()

    async def adopt(self, take_over: Callable[[], list[str]]) -> list[str]:
        """Continue the runs that `take_over` (called in a thread) makes ours; return their ids."""
        adopted = await asyncio.to_thread(take_over)
        self._worker.observer.adopted(len(adopted))
        waiting: set[str] = set()
        with suppress(StorageError):  # a run taken up without need waits again by itself
            waiting = {*self._due.not_due(timestamp(self._clock())), *self._due.suspects()}
        for run_id in adopted:
            if run_id not in waiting:  # thousands may wait for days: each wakes when it is due
                self._worker.take_up(run_id)
        if adopted and self._due.has_line():
            self._worker.queue_adopted.emit()
        self._try_one()
        return adopted

    def _try_one(self) -> None:
        """Take up the next run under suspicion of killing its process, unless there is one at work."""
        with suppress(StorageError):  # tried again soon
            suspects = self._due.suspects()
            if suspects and not any(map(self._worker.is_in_hand, suspects)):
                self._worker.take_up(suspects[0])

    async def _look(self) -> None:
        """Do what others requested through the database, and what is due."""
        self.turned_at = time.monotonic()
        # Read before the requests, so that anything written meanwhile is seen next time.
        version, now = self._changes.version(), timestamp(self._clock())
        is_quiet = version == self._version
        if is_quiet and self._due_at is not None and now < self._due_at:
            return
        self._worker.look_at_fence()
        requests = self._due.requests(now)
        for run_id, is_to_cancel, status in requests:
            if is_to_cancel and self._worker.is_at_work_on(run_id):
                self._worker.end_here(run_id, Ending.CANCELLED)
            elif is_to_cancel or status == RunStatus.WAITING:
                self._worker.take_up(run_id)
        # With thousands of waiting runs this query takes a while: ask only when nobody is writing.
        self._due_at = (self._due.next_due() or _NEVER) if is_quiet and not requests else None
        self._version = version

    async def _look_for_dead(self) -> None:
        if self.adopts and self._journal.is_ours() and self._due.has_others():
            await self.adopt(self._owner.adopt)
        elif self.adopts:
            self._try_one()

    async def _look_for_forgotten(self) -> None:
        """Take up the runs that are ours and that nobody here works on, as after an answer of the server that was lost.

        No other process would: this one is alive. A run that was only just accepted or taken is given time.
        """
        if not self.adopts:
            return
        mine = set(self._due.at_work()).difference(self._due.suspects())
        idle = frozenset(one for one in mine if not self._worker.is_in_hand(one))
        for run_id in sorted(idle & self._idle):
            _log.warning("run %s is ours, and nobody has begun to work on it", run_id)
            self._worker.take_up(run_id)
        self._idle = idle

    async def _beat(self) -> None:
        try:
            await asyncio.to_thread(self._owner.beat)
        except Fenced:
            self._worker.look_at_fence()

    async def _repeat(self, seconds: float, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        while True:
            due_at = time.monotonic() + seconds
            await asyncio.sleep(seconds)
            self._worker.observer.late(time.monotonic() - due_at)
            try:
                await work()
            except StorageError as error:
                _log.error("%s", error)
            except Exception:  # noqa: BLE001 - tried again next time
                _log.exception("background work broke down")
