"""Separate threads for requests that may take long, so that they do not delay others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

Result = TypeVar("Result")


class Threads:
    """A fixed number of threads for one kind of request; further requests wait without occupying one."""

    def __init__(self, name: str, most: int) -> None:
        self._most = most
        self._limiter: RunVar[CapacityLimiter] = RunVar(name)

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run `work` in one of the threads and return its result."""
        return await to_thread.run_sync(work, limiter=self._of_this_loop())

    def _of_this_loop(self) -> CapacityLimiter:
        try:
            return self._limiter.get()
        except LookupError:
            limiter = CapacityLimiter(self._most)
            self._limiter.set(limiter)
            return limiter


reading = Threads("requests that read", 4)
"""More at once would not finish sooner: they would only compete for the processor."""
