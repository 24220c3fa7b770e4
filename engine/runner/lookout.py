"""What a process looks for now and then: what others ask of its runs, what is due, and processes that have died."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol

from engine.errors import StorageError
from engine.names import timestamp
from engine.store.database import Database
from engine.store.journal import Journal
from engine.store.owners import Fenced, Owner

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.5
_ADOPT_SECONDS = 2.0
_NEVER = "9999"
_TO_DO = (
    "SELECT run_id, cancel_requested, status FROM runs"
    " WHERE owner = ? AND ended_at IS NULL AND (cancel_requested = 1 OR due_at <= ?)"
)
_NEXT_DUE = "SELECT min(due_at) FROM runs WHERE owner = ? AND ended_at IS NULL"
_NOT_DUE = (
    "SELECT run_id FROM runs WHERE owner = ? AND ended_at IS NULL AND cancel_requested = 0"
    " AND (lane IS NOT NULL OR (status = 'waiting' AND (due_at IS NULL OR due_at > ?)))"
)
_ANY_IN_LINE = "SELECT 1 FROM runs WHERE owner = ? AND lane IS NOT NULL AND ended_at IS NULL LIMIT 1"
_OTHERS = (
    "SELECT EXISTS (SELECT 1 FROM owners WHERE owner <> ?1)"
    " OR EXISTS (SELECT 1 FROM runs WHERE owner < ?1) OR EXISTS (SELECT 1 FROM runs WHERE owner > ?1)"
)


class Worker(Protocol):
    """Whoever works on runs: the host, as this module sees it."""

    on_adopted: Callable[[], None]

    def is_at_work_on(self, run_id: str) -> bool:
        """Tell whether this process works on a run now."""

    def end_here(self, run_id: str, how: Any) -> None:
        """End a run if this process works on it."""

    def take_up(self, run_id: str) -> None:
        """Go on with a run that this process owns."""

    def look_at_fence(self) -> None:
        """Stop where another process has taken over."""


class Lookout:
    """Lives on the engine's loop. As long as nothing is written and nothing due, a look is one short question."""

    def __init__(
        self, database: Database, journal: Journal, owner: Owner, clock: Callable[[], datetime], worker: Worker
    ) -> None:
        self._database, self._journal, self._owner, self._clock, self._worker = database, journal, owner, clock, worker
        self._version: int | None = None
        self._due_at: str | None = None
        """When the next run that waits here is due, `_NEVER` where none is; None while it is not known."""
        self.adopts = False
        """Whether to take over the runs of processes that die."""

    def begin(self) -> None:
        """Look from now on."""
        self._tasks = [
            asyncio.ensure_future(_repeat(_LOOK_SECONDS, self._look)),
            asyncio.ensure_future(_repeat(_ADOPT_SECONDS, self._look_for_dead)),
            asyncio.ensure_future(_repeat(self._owner.beat_seconds, self._beat)),
        ]

    def close(self) -> None:
        """Look no more."""
        for task in self._tasks:
            task.cancel()

    async def adopt(self, take_over: Callable[[], list[str]]) -> list[str]:
        """Go on with the runs that `take_over` (called in a thread) makes ours; return their ids."""
        adopted = await asyncio.to_thread(take_over)
        waiting: set[str] = set()
        with suppress(StorageError):  # what is not told waits again by itself
            rows = self._journal.read(_NOT_DUE, (self._owner.id, timestamp(self._clock())))
            waiting = {run_id for (run_id,) in rows}
        for run_id in adopted:
            if run_id not in waiting:  # thousands may wait for days: each wakes when it is due
                self._worker.take_up(run_id)
        if adopted and self._journal.read(_ANY_IN_LINE, (self._owner.id,)):
            self._worker.on_adopted()
        return adopted

    async def _look(self) -> None:
        """Do what others asked for through the database, and what is due by now."""
        version, now = (
            self._database.version(),
            timestamp(self._clock()),
        )  # what is written from here on shows next time
        is_quiet = version == self._version
        if is_quiet and self._due_at is not None and now < self._due_at:
            return
        self._worker.look_at_fence()
        rows = self._journal.read(_TO_DO, (self._owner.id, now))
        for run_id, cancel_requested, status in rows:
            if cancel_requested and self._worker.is_at_work_on(run_id):
                self._worker.end_here(run_id, "cancelled")
            elif cancel_requested or status == "waiting":
                self._worker.take_up(run_id)
        # With thousands that wait, to ask for the next one takes a while: only once nobody writes any more.
        self._due_at = self._next_due() if is_quiet and not rows else None
        self._version = version

    def _next_due(self) -> str:
        [(due_at,)] = self._journal.read(_NEXT_DUE, (self._owner.id,))
        return due_at or _NEVER

    async def _look_for_dead(self) -> None:
        if self.adopts and self._journal.is_ours() and self._has_others():
            await self.adopt(self._owner.adopt)

    def _has_others(self) -> bool:
        """Tell whether there is, or was, any other process: most of the time there is none to ask about."""
        [(has_others,)] = self._journal.read(_OTHERS, (self._owner.id,))
        return bool(has_others)

    async def _beat(self) -> None:
        try:
            await asyncio.to_thread(self._owner.beat)
        except Fenced:
            self._worker.look_at_fence()


async def _repeat(seconds: float, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except StorageError as error:
            _log.error("%s", error)
        except Exception:  # noqa: BLE001 - tried again next time
            _log.exception("background work broke down")
