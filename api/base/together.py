"""Requests whose last part is done together: as many as have come in share one thread and, say, one transaction.

With a thread for each, all of them compete for the interpreter, which costs a third of the throughput.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Generic, TypeVar

from anyio.lowlevel import RunVar

from api.base.threads import LONG_SECONDS, Threads, in_thread

Prepared = TypeVar("Prepared")
Result = TypeVar("Result")
Finish = Callable[[Sequence[Prepared]], Sequence[Result | Exception]]


@dataclass(eq=False)
class _Asked:
    """A request: how it is prepared, in the context that it came with, and how it is finished with others."""

    prepare: Callable[[], Any]
    finish: Finish[Any, Any]
    context: Context
    future: asyncio.Future[Any]
    prepared: Any = None
    result: Any = None
    error: BaseException | None = None
    is_done: bool = False

    def take(self, outcome: Any) -> None:
        """Note the result or the error."""
        self.is_done = True
        if isinstance(outcome, Exception):
            self.error = outcome
        else:
            self.result = outcome

    def settle(self) -> None:
        """Give the outcome to whoever waits for it, if anyone still does."""
        if self.future.done():
            return
        if not self.is_done:  # the server is ending
            self.future.cancel()
        elif self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Together(Generic[Prepared, Result]):
    """Whoever has a turn of `threads` does the work of all that are waiting for one."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._waiting: RunVar[deque[_Asked]] = RunVar("requests that are done together")

    async def run(self, prepare: Callable[[], Prepared], finish: Finish[Prepared, Result]) -> Result:
        """Return the result for what `prepare` returns; raise what it raises, or the error that `finish` gives for it.

        `finish` gets what several requests have prepared, and returns a result or an error for each.
        """
        waiting = self._of_this_loop()
        asked = _Asked(prepare, finish, copy_context(), asyncio.get_running_loop().create_future())
        waiting.append(asked)
        try:
            async with self._threads.turn():
                if asked in waiting:
                    await _answer(waiting)
        finally:
            with suppress(ValueError):
                waiting.remove(asked)  # it is cancelled
        result: Result = await asked.future
        return result

    def _of_this_loop(self) -> deque[_Asked]:
        try:
            return self._waiting.get()
        except LookupError:
            waiting: deque[_Asked] = deque()
            self._waiting.set(waiting)
            return waiting


async def _answer(waiting: deque[_Asked]) -> None:
    taken: list[_Asked] = []
    try:
        await in_thread(lambda: _work(waiting, taken))
    finally:
        for asked in taken:
            asked.settle()


def _work(waiting: deque[_Asked], taken: list[_Asked]) -> None:
    """Take requests until none waits, or one has taken long: those that are left have turns of their own."""
    ends_at = time.monotonic() + LONG_SECONDS
    while waiting and time.monotonic() < ends_at:
        with suppress(IndexError):  # another thread was faster
            taken.append(asked := waiting.popleft())
            try:
                asked.prepared = asked.context.run(asked.prepare)
            except Exception as error:  # noqa: BLE001 - that of one request must not stop all others
                asked.take(error)
    ready = [asked for asked in taken if not asked.is_done]
    for finish, group in groupby(ready, key=lambda asked: asked.finish):
        _finish(finish, list(group))


def _finish(finish: Finish[Any, Any], group: Sequence[_Asked]) -> None:
    try:
        outcomes = finish([asked.prepared for asked in group])
    except Exception as error:  # noqa: BLE001 - each of those who wait must hear of it
        outcomes = [error] * len(group)
    for asked, outcome in zip(group, outcomes, strict=True):
        asked.take(outcome)


starting: Together[Any, Any] = Together(Threads("requests that start runs", 8))
