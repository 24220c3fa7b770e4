"""Suspend a run once all of its branches are waiting, until something is due.

A run may wait for days: for a person, a time, another run. A waiting run should hold no thread, no task and no
memory, and it must survive a restart. So waits are recorded as events, and when every branch of a run has been
waiting for a moment, its task is cancelled and its row becomes "waiting" with the time it is due. The engine
later reads the events and walks the plan again, up to the same waits. Waits of up to two seconds stay in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

_SHORT_WAIT_SECONDS = 2.0
_QUIET_SECONDS = 0.05  # looked at twice, as a branch between two of its steps is not counted as busy
_LOOK_SECONDS = 0.25  # an answer or the end of a called run shows in the state, and wakes nobody here


class Pause(Protocol):
    """What a step waits for."""

    @property
    def due_at(self) -> datetime | None:
        """When it ends by itself; None if that is unknown."""

    def is_over(self) -> bool:
        """Return whether the step can continue."""

    def may_park(self) -> bool:
        """Return whether the run may be suspended meanwhile."""

    async def changed(self) -> None:
        """Return when it may have ended; may return early, or never."""


class RunSuspension(AbstractContextManager[None]):
    """Counts the busy branches of a run and ends its walk once all of them only wait. Lives on the engine's loop."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.walk: asyncio.Task[Any] | None = None
        """The task to cancel; a new one continues when something is due."""
        self._busy = 0
        self._waits: list[tuple[Pause, datetime | None]] = []
        self._left: list[tuple[Pause, datetime | None]] | None = None

    @property
    def is_parked(self) -> bool:
        """Return whether the run is suspended."""
        return self._left is not None

    def __enter__(self) -> None:
        """Count a busy branch until it leaves the `with` block."""
        self._busy += 1

    def __exit__(self, *_: object) -> None:
        self._busy -= 1

    def due_at(self) -> datetime | None:
        """Return when the run must continue at the latest: now if a wait has ended; None: only when woken."""
        waits = self._left or self._waits
        if any(pause.is_over() for pause, _ in waits):
            return self._clock()
        return min((wake_at for _, wake_at in waits if wake_at is not None), default=None)

    async def wait(self, pause: Pause, limit: datetime | None, outer_limit: datetime | None) -> None:
        """Wait, from within a busy branch, until the pause ends or `limit` is reached; short waits stay in memory.

        A suspended run also wakes at `outer_limit`, when the time limit of something around the step is reached.
        """
        wake_at = min((at for at in (pause.due_at, limit, outer_limit) if at is not None), default=None)
        if wake_at is not None and self._seconds_until(wake_at) <= _SHORT_WAIT_SECONDS:
            await self._until(pause, limit)
            return
        self._waits.append((pause, wake_at))
        watch = asyncio.ensure_future(self._park_when_quiet())
        try:
            await self._until(pause, limit)
        finally:
            watch.cancel()
            self._waits.remove((pause, wake_at))

    async def _until(self, pause: Pause, limit: datetime | None) -> None:
        while not pause.is_over() and (limit is None or self._seconds_until(limit) > 0):
            longest = _LOOK_SECONDS if pause.due_at is None else self._seconds_until(pause.due_at)
            seconds = longest if limit is None else min(longest, self._seconds_until(limit))
            try:
                async with asyncio.timeout(max(0.0, seconds)):
                    await pause.changed()
            except TimeoutError:
                continue

    def _seconds_until(self, moment: datetime) -> float:
        return (moment - self._clock()).total_seconds()

    async def _park_when_quiet(self) -> None:
        """End the walk once every branch has been waiting for a moment."""
        quiet = 0
        while quiet < 2:
            await asyncio.sleep(_QUIET_SECONDS)
            is_quiet = self._busy == len(self._waits) and all(pause.may_park() for pause, _ in self._waits)
            quiet = quiet + 1 if is_quiet else 0
        self._left = list(self._waits)
        if self.walk is not None:
            self.walk.cancel()
