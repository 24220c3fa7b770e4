"""Announcements of runs through a broker: of all processes that wait, one hears of each run.

By NOTIFY of PostgreSQL all of them hear of each, and look. A broker spares the server that where there are many.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from engine.store.taskiq.brokers import MakeBroker, broker_at

if TYPE_CHECKING:
    from taskiq import AsyncBroker

_log = logging.getLogger(__name__)
_CONNECT_SECONDS = 5.0
_SEND_SECONDS = 5.0
_PAUSE_SECONDS = 1.0
_HOLD_SECONDS = 20.0
"""How long a message is held while its process works: less than a broker waits for its acknowledgement.

A process that holds one gets no other, so that those with free slots get them.
"""
_MOST_AT_ONCE = 100
"""So many messages are sent for one transaction; each makes somebody take several runs."""
_CLOSE_SECONDS, _AGAIN_SECONDS = 5.0, 0.2


class BrokerAnnouncements:
    """The port `Announcements` on a broker; a thread of its own sends and hears, and connects anew when it must."""

    def __init__(self, url: str, name: str) -> None:
        """Announce the runs of the workspace `name`. Raises InvalidInput for an address that cannot be used."""
        self._make: MakeBroker = broker_at(url, name)
        self._shown = _without_password(url)
        self._announced = threading.local()
        self._lock = threading.Lock()
        self._heard = threading.Event()
        self._waiting = 0
        """How many messages are to be sent."""
        self._loop = asyncio.new_event_loop()
        self._to_send, self._is_wanted = asyncio.Event(), asyncio.Event()
        self._sends, self._hears, self._is_closed = False, False, False
        self._tasks: list[asyncio.Task[None]] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="announcements", daemon=True)

    def announce(self, cursor: object, count: int) -> None:
        """Note how many messages the transaction of this thread is followed by."""
        del cursor
        self._announced.count = getattr(self._announced, "count", 0) + count

    def committed(self) -> None:
        """Send them."""
        count, self._announced.count = getattr(self._announced, "count", 0), 0
        if not count:
            return
        with self._lock:
            self._waiting = min(self._waiting + count, _MOST_AT_ONCE)
            self._begun("_sends", self._send)
        self._call(self._to_send.set)

    def wait(self, seconds: float) -> bool:
        """Have a message delivered to this process, and wait for it."""
        with self._lock:
            self._begun("_hears", self._hear)
        if not self._is_wanted.is_set():
            self._call(self._is_wanted.set)
        was_heard = self._heard.wait(seconds)
        self._heard.clear()
        return was_heard

    def close(self) -> None:
        """Disconnect."""
        with self._lock:
            self._is_closed = True
            is_begun = self._thread.is_alive()
        if is_begun:
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
            self._call(self._loop.stop)
            self._thread.join(_CLOSE_SECONDS)
        if not self._loop.is_running():
            self._loop.close()

    def _begun(self, flag: str, work: Callable[[AsyncBroker], Awaitable[None]], /) -> None:
        """Begin to send or to hear, the first time that there is a need; the caller holds the lock."""
        if getattr(self, flag) or self._is_closed:
            return
        setattr(self, flag, True)
        if not self._thread.is_alive():
            self._thread.start()
        self._call(lambda: self._tasks.append(self._loop.create_task(self._again_and_again(work))))

    def _call(self, what: Callable[[], object]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what)

    async def _again_and_again(self, work: Callable[[AsyncBroker], Awaitable[None]]) -> None:
        """Work with a broker until this is cancelled; if it fails, with another one, connected anew."""
        is_known = False
        while not self._is_closed:
            try:
                async with self._connected(hears=work == self._hear) as broker:
                    is_known = False
                    await work(broker)
            except Exception as error:  # noqa: BLE001 - of any class that a broker's client has; the state is looked at
                if not is_known:
                    _log.warning("%s does not answer, so runs may wait for a second: %s", self._shown, _words(error))
                is_known = True
            await asyncio.sleep(_PAUSE_SECONDS)

    @asynccontextmanager
    async def _connected(self, *, hears: bool) -> AsyncGenerator[AsyncBroker]:
        broker = self._make()
        broker.is_worker_process = hears
        connecting = asyncio.ensure_future(asyncio.wait_for(broker.startup(), _CONNECT_SECONDS))
        try:
            await asyncio.shield(connecting)  # half connected, a client could not be closed
            yield broker
        finally:
            await asyncio.wait([connecting])
            await _ended(broker.shutdown())

    async def _send(self, broker: AsyncBroker) -> None:
        from taskiq import BrokerMessage

        message = BrokerMessage(task_id="runs", task_name="look", message=b"look", labels={})
        while True:
            await self._to_send.wait()
            self._to_send.clear()
            with self._lock:
                count, self._waiting = self._waiting, 0
            for _ in range(count):
                async with asyncio.timeout(_SEND_SECONDS):
                    await broker.kick(message)

    async def _hear(self, broker: AsyncBroker) -> None:
        """Take a message whenever this process waits for one."""
        from taskiq import AckableMessage
        from taskiq.utils import maybe_awaitable

        async with aclosing(broker.listen()) as messages:
            while True:
                await self._is_wanted.wait()
                message = await anext(messages)
                self._is_wanted.clear()
                self._heard.set()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._is_wanted.wait(), _HOLD_SECONDS)
                if isinstance(message, AckableMessage):
                    await maybe_awaitable(message.ack())

    async def _end(self) -> None:
        ends_at = self._loop.time() + _CONNECT_SECONDS + _CLOSE_SECONDS
        pending = {*self._tasks}
        while pending and self._loop.time() < ends_at:
            for one in pending:
                one.cancel()  # again and again: a client may take this for the end of its own waiting
            _, pending = await asyncio.wait(pending, timeout=_AGAIN_SECONDS)


async def _ended(stop: Awaitable[object]) -> None:
    """Wait until a client has stopped; it may fail if its broker has gone, and nothing depends on it."""
    try:
        async with asyncio.timeout(_CLOSE_SECONDS):
            await stop
    except Exception:  # noqa: BLE001
        _log.debug("a broker's client did not stop", exc_info=True)


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _without_password(url: str) -> str:
    found = urlsplit(url)
    return f"{found.scheme}://{found.netloc.rpartition('@')[2]}{found.path}"
