"""The port of a broker: messages come from a topic, and go to the topics of dead letters and statuses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from msgspec import Struct

from engine.base.errors import OrchestraError

_log = logging.getLogger(__name__)
_STOP_SECONDS = 3.0  # for a client that waits for a server which has gone
_CANCEL_SECONDS = 0.5  # then a task is cancelled again, see `cancelled`
_LONGEST_LABEL_BYTES = 200  # AMQP takes 255 for an id (0-9-1, 4.2.5.3)

BATCH = 500
"""The most messages that are accepted together."""


class BrokerLost(OrchestraError):
    """The client of the broker cannot go on; nothing is lost, and a new process may."""

    default_remedy = (
        "Start it again, as a supervisor does; if it ends again, see `cannot be decoded` in docs/ingress.md."
    )


class Unsendable(Exception):
    """The broker will not take this, however often it is sent."""


class BrokerMessage(Struct, frozen=True):
    """A message as a broker delivered it."""

    body: bytes
    place: str
    """Where it is in its broker, the same whenever it is delivered; empty if its broker does not say."""
    key: str = ""
    """The key that its sender gave it: the tenant or user."""
    sent_id: str = ""
    """The id that its sender gave it."""
    unreadable: str = ""
    """Why its headers cannot be read; empty if they can."""


class Topics(Struct, frozen=True):
    """The names in the broker."""

    topic: str
    group: str

    @property
    def dead_letters(self) -> str:
        """Where messages go that start no run."""
        return f"{self.topic}.dlq"

    @property
    def statuses(self) -> str:
        """Where the statuses of runs go."""
        return f"{self.topic}.status"


class Receiver(Struct, frozen=True):
    """What a broker calls with messages; on its loop."""

    take: Callable[[Sequence[BrokerMessage]], Awaitable[None]]
    """Returns once these messages may be acknowledged. It never fails: it tries again until it is cancelled."""
    room: Callable[[], Awaitable[None]]
    """Returns once more messages may come: asked after an acknowledgement, so that none is held meanwhile."""


class Broker(Protocol):
    """A broker, connected while its context is open."""

    def opened(self) -> AbstractAsyncContextManager[None]:
        """Connect, and make the topics that are missing. Raises OSError and what its client raises."""

    def receiving(self, receiver: Receiver) -> AbstractAsyncContextManager[None]:
        """Deliver messages, and acknowledge each after `take`; what was not acknowledged is delivered again."""

    def lost(self) -> str:
        """Return why its client can never go on, in a sentence; empty while it can."""

    async def send_dead(self, message: BrokerMessage, error: str) -> None:
        """Put a message with the header `orchestra-error` where dead letters go; the broker has it on return.

        Key and id are cut to 200 bytes. Raises Unsendable if the broker will never take it.
        """

    async def send_status(self, run_id: str, body: bytes) -> None:
        """Send the status of a run; the broker has it on return."""


def label(text: str) -> str:
    """Return a foreign key or id as headers take it: at most 200 bytes of UTF-8."""
    return text.encode(errors="backslashreplace")[:_LONGEST_LABEL_BYTES].decode(errors="ignore")


async def cancelled(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks, and wait for their ends.

    Again and again: nats-py, and `wait_for` of Python 3.11, may take a cancellation for a timeout.
    """
    left = {*tasks}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_CANCEL_SECONDS)


async def ended(stop: Awaitable[object]) -> None:
    """Wait some seconds until a client has stopped; it may fail if its server has gone, and nothing depends on it."""
    stopping = asyncio.ensure_future(stop)
    try:
        await asyncio.wait([stopping], timeout=_STOP_SECONDS)  # unlike wait_for, it does not wait for a cancellation
    finally:
        if not stopping.done():
            await cancelled(stopping)
    if not stopping.cancelled() and (error := stopping.exception()) is not None:
        # What was not acknowledged is delivered again.
        _log.warning("the client of the broker did not stop properly: %r", error)
