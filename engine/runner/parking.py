"""Waiting without holding anything: a run whose branches all only wait is put away until something is due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

_SHORT_WAIT_SECONDS = 2.0
_QUIET_SECONDS = 0.05
_LOOK_SECONDS = 0.25


class Pause(Protocol):
    """What a step waits for."""

    @property
    def due_at(self) -> datetime | None:
        """When it is over by itself; None where that is not known."""

    def is_over(self) -> bool:
        """Tell whether the step can go on."""

    def may_park(self) -> bool:
        """Tell whether the run may be put away meanwhile."""

    async def changed(self) -> None:
        """Return when it may be over; may return early, or never."""


class Parking(AbstractContextManager[None]):
    """Counts what a run is doing, and ends its walk once nothing but waits is left; lives on the engine's loop."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.walk: asyncio.Task[Any] | None = None
        """What is ended; it goes on when something is due."""
        self._busy = 0
        self._waits: list[tuple[Pause, datetime | None]] = []
        self._left: list[tuple[Pause, datetime | None]] | None = None

    @property
    def is_parked(self) -> bool:
        """Tell whether the run is put away."""
        return self._left is not None

    def __enter__(self) -> None:
        """Count a branch that is at work, until it leaves the `with` block."""
        self._busy += 1

    def __exit__(self, *_: object) -> None:
        self._busy -= 1

    def due_at(self) -> datetime | None:
        """Return when the run must go on at the latest: at once where something is over; None: when woken."""
        waits = self._left or self._waits
        if any(pause.is_over() for pause, _ in waits):
            return self._clock()
        return min((wake_at for _, wake_at in waits if wake_at is not None), default=None)

    async def wait(self, pause: Pause, limit: datetime | None, outer_limit: datetime | None) -> None:
        """Wait, being at work, until the pause is over, but not beyond `limit`; short waits stay in memory.

        A run that is put away wakes at `outer_limit`, too: the time of something around the step is over then.
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
        """End the walk once nothing but waits is left for a moment."""
        quiet = 0
        while quiet < 2:
            await asyncio.sleep(_QUIET_SECONDS)
            is_quiet = self._busy == len(self._waits) and all(pause.may_park() for pause, _ in self._waits)
            quiet = quiet + 1 if is_quiet else 0
        self._left = list(self._waits)
        if self.walk is not None:
            self.walk.cancel()
