"""Separate threads for requests that may take long, so that they do not delay others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

Result = TypeVar("Result")

LONG_SECONDS = 0.02
"""Whatever takes longer than this is passed by others."""


class Threads:
    """A limited number of threads for one kind of request; further requests wait without occupying one.

    One works at a time, in the order of the requests, while each takes only milliseconds: two that compute would
    compete for the interpreter, which costs a quarter of the throughput. While some take longer, others are let past
    them, up to `most` at once.
    """

    def __init__(self, name: str, most: int) -> None:
        self._most = most
        self._limiter: RunVar[CapacityLimiter] = RunVar(name)
        self._long = 0

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run `work` in one of the threads and return its result."""
        async with self.turn():
            return await in_thread(work)

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """Wait for a turn, and hold it while the block runs."""
        limiter, loop = self._of_this_loop(), asyncio.get_running_loop()
        is_long = False

        def let_others_past() -> None:
            nonlocal is_long
            is_long = True
            self._set_long(limiter, 1)

        async with limiter:
            timer = loop.call_later(LONG_SECONDS, let_others_past)
            try:
                yield
            finally:
                timer.cancel()
                if is_long:
                    self._set_long(limiter, -1)

    def _set_long(self, limiter: CapacityLimiter, more: int) -> None:
        self._long += more
        limiter.total_tokens = min(self._most, 1 + self._long)

    def _of_this_loop(self) -> CapacityLimiter:
        try:
            return self._limiter.get()
        except LookupError:
            limiter = CapacityLimiter(1)
            self._limiter.set(limiter)
            return limiter


async def in_thread(work: Callable[[], Result]) -> Result:
    """Run `work` in a thread, which counts towards no limit."""
    return await to_thread.run_sync(work, limiter=CapacityLimiter(1))


reading = Threads("requests that read", 4)
