"""What sockets watch: looked at once for all of them, and only while somebody does.

Nothing tells a socket that something has happened: whoever writes, in this process or another one, changes the state
file. So one task asks for its version ten times a second while there are sockets, which takes microseconds. When the
version changes, each *subject* is looked at again, in a thread, and keeps its newest state; sockets send what has
changed since the state that they sent last. So nobody waits for a socket, and however slow one is, nothing piles up.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Generic, TypeVar

from anyio import to_thread
from anyio.lowlevel import RunVar

from api.base.threads import Threads, reading
from engine.base.errors import OrchestraError, StorageError
from engine.orchestra import Orchestra

State = TypeVar("State")
MOST_OF_ONE = 16
"""Sockets of one person."""
MOST = 128
"""Sockets of all people."""
_ASK_SECONDS = 0.1
_REST = 40
"""Looking at a subject takes at most a fortieth of a core."""
_AGAIN_SECONDS = 1.0
"""After a look that failed because the disk did."""

_log = logging.getLogger(__name__)


class TooManySockets(Exception):
    """The person, or everybody, has as many sockets open as there may be."""


class Subject(Generic[State]):
    """One thing that sockets watch, and the newest state of it."""

    def __init__(self) -> None:
        self.state: State | None = None
        self.number = 0
        """How many states there were."""
        self.error: Exception | None = None
        """Why it cannot be watched any more."""
        self.news = asyncio.Event()
        """Set, and replaced by another one, whenever one of these changes."""
        self.watchers = 0

    def take(self, state: State) -> None:
        """Set the newest state."""
        if state is not self.state and state != self.state:
            self.state, self.number = state, self.number + 1
            self._tell()

    def fail(self, error: Exception) -> None:
        """Say that it cannot be watched any more."""
        self.error = error
        self._tell()

    def _tell(self) -> None:
        self.news.set()
        self.news = asyncio.Event()


class Hub:
    """The subjects that are being watched, and the sockets that watch them; for one event loop."""

    def __init__(self, version: Callable[[], int]) -> None:
        self._version = version
        self.number = 0
        """The version of the state when it was last asked for."""
        self._written = asyncio.Event()
        self._subjects: dict[Hashable, tuple[Subject[Any], asyncio.Task[None]]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._places = Counter[str]()

    @contextmanager
    def place(self, who: str) -> Iterator[None]:
        """Hold one of the places for sockets. Raises TooManySockets."""
        if self._places[who] >= MOST_OF_ONE or self._places.total() >= MOST:
            raise TooManySockets
        self._places[who] += 1
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        try:
            yield
        finally:
            self._places[who] -= 1
            self._places += Counter()  # forget those who have none
            if not self._places and self._asking is not None:
                self._asking.cancel()
                self._asking = None

    @asynccontextmanager
    async def watching(
        self,
        key: Hashable,
        look: Callable[[], State],
        *,
        at_least_seconds: float = 0.0,
        at_most_seconds: float = 60.0,
        threads: Threads = reading,
    ) -> AsyncIterator[Subject[State]]:
        """Watch a subject, which has a first state, or an error, when the block begins.

        `look` returns its state; the same object or an equal one if nothing has changed. It is called in a thread after
        the state file has changed, and `at_most_seconds` after the last time.
        """
        if key not in self._subjects:
            subject = Subject[State]()
            follow = self._follow(subject, look, at_least_seconds, at_most_seconds, threads)
            self._subjects[key] = subject, asyncio.create_task(follow)
        subject, task = self._subjects[key]
        subject.watchers += 1
        try:
            while subject.number == 0 and subject.error is None:
                await subject.news.wait()
            yield subject
        finally:
            subject.watchers -= 1
            if subject.watchers == 0 and self._subjects.get(key, (None,))[0] is subject:
                del self._subjects[key]
                task.cancel()

    async def written(self, since: int, at_most_seconds: float) -> None:
        """Wait until the state file has changed since a version, or until the time is over."""
        if self.number == since:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._written.wait(), at_most_seconds)

    async def _follow(
        self, subject: Subject[State], look: Callable[[], State], at_least: float, at_most: float, threads: Threads
    ) -> None:
        before = 0.0
        while subject.error is None:
            since = self.number
            spent = await self._look(subject, look, threads)
            await asyncio.sleep(max(at_least, _REST * min(before, spent)))  # one that took long is no reason to rest
            before = spent
            await self.written(since, at_most)

    async def _look(self, subject: Subject[State], look: Callable[[], State], threads: Threads) -> float:
        """Look at a subject; return the processor time that it took."""

        def timed() -> tuple[State, float]:
            began = time.thread_time()
            return look(), time.thread_time() - began

        try:
            state, spent = await threads.run(timed)
        except StorageError as error:  # it may pass; whoever has no state yet learns of it now
            if subject.number == 0:
                subject.fail(error)
            return _AGAIN_SECONDS / _REST
        except OrchestraError as error:
            subject.fail(error)
            return 0.0
        except Exception as error:  # noqa: BLE001 - a defect ends these sockets, not the task without a word
            _log.exception("what sockets watch cannot be read")
            subject.fail(error)
            return 0.0
        subject.take(state)
        return spent

    async def _ask(self) -> None:
        """Notice what any process writes."""
        while True:
            with suppress(OrchestraError):
                number = await to_thread.run_sync(self._version)
                if number != self.number:
                    self.number = number
                    self._written.set()
                    self._written = asyncio.Event()
            await asyncio.sleep(_ASK_SECONDS)


_hub: RunVar[Hub] = RunVar("what sockets watch")


def hub_of(orchestra: Orchestra) -> Hub:
    """Return the hub of this event loop, which serves one workspace."""
    try:
        return _hub.get()
    except LookupError:
        _hub.set(hub := Hub(orchestra.version))
        return hub
