"""What sockets watch. Each subject is read once for all its sockets, and only while there is one.

Every write changes the version of the state, whichever process makes it. So while sockets are open, one task reads that
version ten times a second: of a state file this takes microseconds, of a state on a server one short query. When the
version changes, each *subject* is read again in a thread and keeps its newest state. Sockets send the difference from
the state that they sent last, so nothing waits for a slow client and nothing is queued for it.

Writers notify nobody: each of their transactions would pay for that, also while no page is open (docs/scaling.md).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from anyio import to_thread
from anyio.lowlevel import RunVar

from api.base.threads import Threads, reading
from engine.base.errors import OrchestraError, StorageError

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

State = TypeVar("State")
MOST_OF_ONE = 16
"""How many sockets one person may have open."""
MOST = 128
"""How many sockets all people together may have open."""
_ASK_SECONDS = 0.1
_REST = 40
"""The pause after a read, as a multiple of its processor time: one subject takes at most a fortieth of a core."""
_RETRY_SECONDS = 1.0
"""The pause after a read that failed because of the disk."""

_log = logging.getLogger(__name__)


class TooManySockets(Exception):
    """The person, or all people together, have the maximum number of sockets open."""


class Subject(Generic[State]):
    """Something that sockets watch, and its newest state."""

    def __init__(self) -> None:
        self.state: State | None = None
        self.number = 0
        """How many states there have been."""
        self.error: Exception | None = None
        """Why it can no longer be watched."""
        self.updated = asyncio.Event()
        """Set, and replaced by a new event, whenever the state or the error changes."""
        self.watchers = 0

    def update(self, state: State) -> None:
        """Set the newest state."""
        if state is not self.state and state != self.state:
            self.state, self.number = state, self.number + 1
            self._notify()

    def fail(self, error: Exception) -> None:
        """Set the error that ends the watching."""
        self.error = error
        self._notify()

    def _notify(self) -> None:
        self.updated.set()
        self.updated = asyncio.Event()


class Hub:
    """The watched subjects and the open sockets of one event loop."""

    def __init__(self, version: Callable[[], int]) -> None:
        self._version = version
        self.number = 0
        """The version of the state when it was last read."""
        self._written = asyncio.Event()
        self._subjects: dict[Hashable, tuple[Subject[Any], asyncio.Task[None]]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._open = Counter[str]()
        """How many sockets each person has open."""

    @contextmanager
    def socket(self, who: str) -> Iterator[None]:
        """Count an open socket of a person. Raises TooManySockets."""
        if self._open[who] >= MOST_OF_ONE or self._open.total() >= MOST:
            raise TooManySockets
        self._open[who] += 1
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        try:
            yield
        finally:
            self._open[who] -= 1
            self._open += Counter()  # drops people without one
            if not self._open and self._asking is not None:
                self._asking.cancel()
                self._asking = None

    @asynccontextmanager
    async def watching(
        self,
        key: Hashable,
        load: Callable[[], State],
        *,
        at_least_seconds: float = 0.0,
        at_most_seconds: float = 60.0,
        threads: Threads = reading,
    ) -> AsyncIterator[Subject[State]]:
        """Watch a subject; when the block begins, it has a state or an error.

        `load` returns its state; the same object or an equal one if nothing has changed. It is called in a thread after
        the state has changed, and at the latest `at_most_seconds` after the last call.
        """
        if key not in self._subjects:
            subject = Subject[State]()
            follow = self._follow(subject, load, at_least_seconds, at_most_seconds, threads)
            self._subjects[key] = subject, asyncio.create_task(follow)
        subject, task = self._subjects[key]
        subject.watchers += 1
        try:
            while subject.number == 0 and subject.error is None:
                await subject.updated.wait()
            yield subject
        finally:
            subject.watchers -= 1
            if subject.watchers == 0 and self._subjects.get(key, (None,))[0] is subject:
                del self._subjects[key]
                task.cancel()

    async def written(self, since: int, at_most_seconds: float) -> None:
        """Wait until the state has changed since a version, for at most this time."""
        if self.number == since:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._written.wait(), at_most_seconds)

    async def _follow(
        self, subject: Subject[State], load: Callable[[], State], at_least: float, at_most: float, threads: Threads
    ) -> None:
        before = 0.0
        while subject.error is None:
            since = self.number
            spent = await self._read(subject, load, threads)
            await asyncio.sleep(max(at_least, _REST * min(before, spent)))  # a single slow read causes no long pause
            before = spent
            await self.written(since, at_most)

    async def _read(self, subject: Subject[State], load: Callable[[], State], threads: Threads) -> float:
        """Read the state of a subject; return the processor time that it took."""

        def timed() -> tuple[State, float]:
            began = time.thread_time()
            return load(), time.thread_time() - began

        try:
            state, spent = await threads.run(timed)
        except StorageError as error:  # maybe temporary; a socket without a state is refused now
            if subject.number == 0:
                subject.fail(error)
            return _RETRY_SECONDS / _REST
        except OrchestraError as error:
            subject.fail(error)
            return 0.0
        except Exception as error:  # noqa: BLE001 - a bug ends these sockets, and is logged
            _log.exception("what sockets watch cannot be read")
            subject.fail(error)
            return 0.0
        subject.update(state)
        return spent

    async def _ask(self) -> None:
        """Notice the writes of all processes."""
        while True:
            try:
                number = await to_thread.run_sync(self._version)
            except OrchestraError:
                pass  # asked again soon
            except Exception:  # noqa: BLE001 - a bug does not end what keeps all sockets up to date
                _log.exception("whether something was written cannot be found out")
            else:
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
