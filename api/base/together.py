"""Requests whose last part is done together: as many as have come in share one thread and, say, one transaction.

With a thread for each, all of them compete for the interpreter, which costs a third of the throughput.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
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
    outcome: asyncio.Future[Any]
    """Its result or its error."""
    prepared: Any = None

    def settle(self, outcome: Any) -> None:
        """Give the outcome to whoever waits for it, from any thread."""
        with suppress(RuntimeError):  # the loop has ended
            self.outcome.get_loop().call_soon_threadsafe(self._settle, outcome)

    def _settle(self, outcome: Any) -> None:
        if not self.outcome.done():  # its client may have gone
            self.outcome.set_result(outcome)


@dataclass
class _Line:
    """The requests that wait, and the requests that are prepared but not finished; any thread may take them."""

    waiting: deque[_Asked] = field(default_factory=deque)
    ready: deque[_Asked] = field(default_factory=deque)
    turns: set[asyncio.Task[None]] = field(default_factory=set)
    """The tasks that wait for a turn or are at work: asyncio keeps only weak references to them."""

    def work(self) -> None:
        """Prepare and finish requests until none waits, or one has taken long: those behind it have their own turns."""
        ends_at = time.monotonic() + LONG_SECONDS
        for asked in _taken(self.waiting):
            try:
                asked.prepared = asked.context.run(asked.prepare)
            except Exception as error:  # noqa: BLE001 - one request must not stop the others
                asked.settle(error)
            else:
                self.ready.append(asked)
            if time.monotonic() >= ends_at:
                break
        self.finish()

    def finish(self) -> None:
        """Finish what is prepared."""
        for finish, group in groupby(list(_taken(self.ready)), key=lambda asked: asked.finish):
            together = list(group)
            try:
                outcomes = finish([asked.prepared for asked in together])
            except Exception as error:  # noqa: BLE001 - each of those who wait must hear of it
                outcomes = [error] * len(together)
            for asked, outcome in zip(together, outcomes, strict=True):
                asked.settle(outcome)


def _taken(line: deque[_Asked]) -> Iterator[_Asked]:
    """Take what is in a line, one after the other."""
    while True:
        try:
            yield line.popleft()
        except IndexError:
            return


class Together(Generic[Prepared, Result]):
    """Whoever has a turn of `threads` does the work of all that are waiting for one."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._line: RunVar[_Line] = RunVar("requests that are done together")

    async def run(self, prepare: Callable[[], Prepared], finish: Finish[Prepared, Result]) -> Result:
        """Return the result for what `prepare` returns; raise what it raises, or the error that `finish` gives for it.

        `finish` gets what several requests have prepared, and returns a result or an error for each.
        """
        line = self._of_this_loop()
        asked = _Asked(prepare, finish, copy_context(), asyncio.get_running_loop().create_future())
        line.waiting.append(asked)
        turn = asyncio.create_task(self._turn(line, asked))
        line.turns.add(turn)
        turn.add_done_callback(line.turns.discard)
        try:
            outcome = await asked.outcome
        finally:
            with suppress(ValueError):
                line.waiting.remove(asked)  # it is cancelled
        if isinstance(outcome, Exception):
            raise outcome
        result: Result = outcome
        return result

    async def _turn(self, line: _Line, asked: _Asked) -> None:
        """Work once this request has its turn, unless somebody has taken it with theirs.

        The turn ends with the thread, which may be at work for others longer than for this request.
        """
        try:
            async with self._threads.turn():
                if asked in line.waiting:
                    await _work(line)
        except Exception as error:  # noqa: BLE001 - e.g. no thread can be started
            asked.settle(error)

    def _of_this_loop(self) -> _Line:
        try:
            return self._line.get()
        except LookupError:
            line = _Line()
            self._line.set(line)
            return line


async def _work(line: _Line) -> None:
    work = asyncio.ensure_future(in_thread(line.work))
    await asyncio.wait({work}, timeout=LONG_SECONDS)
    if not work.done():
        await in_thread(line.finish)  # what came before a slow request need not wait for it
    await work


starting: Together[Any, Any] = Together(Threads("requests that start runs", 40))  # as many as AnyIO's own threads
