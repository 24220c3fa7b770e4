"""Announcements of runs through a broker: of all processes that wait, one hears of each run.

With NOTIFY of PostgreSQL, every process hears of each run, and looks. With many processes, a broker spares the
server that.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING, TypeAlias

from engine.store.taskiq.brokers import BrokerAddress
from engine.store.taskiq.loop import LoopThread

if TYPE_CHECKING:
    from taskiq import AsyncBroker

Work: TypeAlias = "Callable[[AsyncBroker], Awaitable[None]]"

_log = logging.getLogger(__name__)
_CONNECT_SECONDS, _SEND_SECONDS, _PAUSE_SECONDS = 5.0, 5.0, 1.0
_HOLD_SECONDS = 20.0
"""How long a message is held while its process works: less than a broker waits for its acknowledgement.

A process that holds one gets no other, so the next ones reach processes with free slots.
"""
_LISTEN_SECONDS = 60.0
"""After this time without a message, a client is replaced: it may have lost its consumer without noticing."""
_MOST = 100
"""How many announcements may wait to be sent; each makes a process take several runs."""
_LAST_SECONDS, _CLOSE_SECONDS = 0.5, 3.0  # a process that ends waits no longer for a broker


class BrokerAnnouncements:
    """The port `Announcements` on a broker; a thread sends and hears, with a connection for each."""

    def __init__(self, address: str, name: str) -> None:
        """Announce the runs of the workspace `name`. Raises InvalidInput for an address that cannot be used."""
        self._address, self._name = BrokerAddress.parsed(address), name
        self._transaction = threading.local()
        self._thread = LoopThread("announcements")
        self._lock = threading.Lock()
        self._begun: set[str] = set()
        self._unsent = 0
        self._to_send, self._is_wanted = asyncio.Event(), asyncio.Event()
        """Touched on the loop alone."""
        self._sent, self._heard = threading.Event(), threading.Event()
        self._is_away = False

    def announce(self, cursor: object, count: int) -> None:
        """Note how many runs the transaction of this thread has announced."""
        del cursor
        self._transaction.count = getattr(self._transaction, "count", 0) + count

    def committed(self) -> None:
        """Send as many messages."""
        count, self._transaction.count = getattr(self._transaction, "count", 0), 0
        if not count:
            return
        with self._lock:
            self._unsent = min(self._unsent + count, _MOST)
            self._sent.clear()
        self._begin("sending", self._send, hears=False)
        self._thread.call(self._to_send.set)

    def wait(self, seconds: float, *, takes: bool) -> bool:
        """Have a message delivered to this process, and wait for it; or only wait, if it would take no run."""
        if not takes:
            time.sleep(seconds)
            return False
        self._begin("hearing", self._hear, hears=True)
        self._thread.call(self._is_wanted.set)
        was_heard = self._heard.wait(seconds)
        if was_heard:  # a message that comes only now is for the next time
            self._heard.clear()
        return was_heard

    def close(self) -> None:
        """Send what is left, if the broker answers, and disconnect."""
        if self._unsent and not self._is_away:
            self._sent.wait(_LAST_SECONDS)
        self._thread.close(_CLOSE_SECONDS)

    def _begin(self, what: str, work: Work, *, hears: bool) -> None:
        """Begin to send or to hear, the first time that there is a need."""
        with self._lock:
            if what not in self._begun and self._thread.run(self._working(work, hears=hears)):
                self._begun.add(what)

    async def _working(self, work: Work, *, hears: bool) -> None:
        """Work with a broker until this is cancelled; if it fails, with another one, connected anew."""
        while True:
            try:
                async with self._connected(hears=hears) as broker:
                    self._is_back()
                    await work(broker)
            except Exception as error:  # noqa: BLE001 - of any class that a broker's client has; the state is looked at
                self._failed(error)
                await asyncio.sleep(_PAUSE_SECONDS)

    @asynccontextmanager
    async def _connected(self, *, hears: bool) -> AsyncGenerator[AsyncBroker]:
        broker = self._address.broker(self._name)
        broker.is_worker_process = hears
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await broker.startup()
            yield broker
        finally:
            with suppress(Exception):  # it may fail if its broker has gone, and nothing depends on it
                async with asyncio.timeout(_CLOSE_SECONDS / 2):
                    await broker.shutdown()

    async def _send(self, broker: AsyncBroker) -> None:
        from taskiq import BrokerMessage

        message = BrokerMessage(task_id="runs", task_name="look", message=b"look", labels={})
        while True:
            await self._to_send.wait()
            self._to_send.clear()
            while self._unsent:
                async with asyncio.timeout(_SEND_SECONDS):
                    await broker.kick(message)
                with self._lock:
                    self._unsent = max(0, self._unsent - 1)
                    if not self._unsent:
                        self._sent.set()

    async def _hear(self, broker: AsyncBroker) -> None:
        """Take a message whenever this process waits for one."""
        from taskiq import AckableMessage
        from taskiq.utils import maybe_awaitable

        async with aclosing(broker.listen()) as messages:
            while True:
                await self._is_wanted.wait()
                try:
                    message = await asyncio.wait_for(anext(messages), _LISTEN_SECONDS)
                except TimeoutError:
                    return
                self._is_wanted.clear()
                self._heard.set()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._is_wanted.wait(), _HOLD_SECONDS)
                if isinstance(message, AckableMessage):
                    await maybe_awaitable(message.ack())

    def _failed(self, error: Exception) -> None:
        """Forget what could not be sent: whoever takes runs has looked by the time that the broker is back."""
        with self._lock:
            self._unsent = 0
        if not self._is_away:
            self._is_away = True
            why = str(error) or type(error).__name__
            why = why.replace(self._address.password, "…") if self._address.password else why
            _log.warning("runs are not announced by %s, so they may wait for a second: %s", self._address.shown, why)

    def _is_back(self) -> None:
        if self._is_away:
            self._is_away = False
            _log.info("runs are announced by %s again", self._address.shown)
