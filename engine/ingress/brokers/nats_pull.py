"""Pull the messages of a durable consumer of JetStream, whatever their senders have written into the headers.

The client's own `fetch` takes a status in the headers of a message for one of the server, and then drops or loses
messages. Its reader ends without a word at headers that it cannot decode; the server's silence is noticed here.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.ingress.brokers.broker import BATCH

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

_log = logging.getLogger(__name__)
_REQUEST_SECONDS = 1.0
"""After this time, the server answers that there was nothing."""
_ANSWER_SECONDS = 5.0
"""Longer than a request, so that there is one at a time."""
_WATCH_SECONDS = 2.0  # between two questions whether the server still answers
_SILENCE_SECONDS = 10.0
"""A server that has not answered for this long counts as lost."""
_JOIN_SECONDS = 0.1
"""How long a message waits for others that share its transaction."""
_PAUSE_SECONDS = 1.0
_USUAL = frozenset({"404", "408"})
"""No messages; the request has expired."""


class Pull(Struct):
    """Used on one loop."""

    client: Client
    inbox: Subscription
    stream: str
    durable: str
    redelivery_seconds: float
    _careful_until: float = 0.0
    """On the monotonic clock; until then one message at a time, so that one that cannot be decoded hides no other."""

    async def messages(self) -> list[Msg]:
        """Return the next messages; an empty list if none comes within a second. Raises nats.errors.Error."""
        batch = BATCH if time.monotonic() > self._careful_until else 1
        request = {"batch": batch, "expires": int(_REQUEST_SECONDS * 1e9)}  # nanoseconds
        place = f"$JS.API.CONSUMER.MSG.NEXT.{self.stream}.{self.durable}"
        await self.client.publish(place, json.dumps(request).encode(), reply=self.inbox.subject)
        found: list[Msg] = []
        ends_at = time.monotonic() + _ANSWER_SECONDS
        with suppress(TimeoutError):
            while len(found) < batch:
                one = await self.inbox.next_msg(max(0.001, ends_at - time.monotonic()))
                if not one.reply:  # the server's own answer: messages have a reply, to which the acknowledgement goes
                    await _pause_after(one)
                    break
                if not found:
                    ends_at = time.monotonic() + _JOIN_SECONDS
                found.append(one)
        return found

    async def watch(self) -> None:
        """Reconnect whenever the client has stopped reading; one that is looking for its server recovers by itself."""
        question = f"$JS.API.CONSUMER.INFO.{self.stream}.{self.durable}"  # `flush` asks nothing without a reader
        is_failing = False
        while not self.client.is_closed:
            await asyncio.sleep(_WATCH_SECONDS)
            try:
                await self._listen_if_silent(question)
            except Exception as error:  # noqa: BLE001 - tried again soon
                if not is_failing:
                    _log.warning("NATS cannot be asked or connected to anew, and is tried again: %r", error)
                is_failing = True
            else:
                is_failing = False

    async def _listen_if_silent(self, question: str) -> None:
        try:
            await self.client.request(question, timeout=_SILENCE_SECONDS)
        except TimeoutError:
            if self.client.is_connected:
                await self._listen_again()

    async def _listen_again(self) -> None:
        _log.error(
            "NATS has not been heard for %s seconds; connecting anew. If this comes again, a message of the stream %s"
            " has headers that cannot be decoded: see docs/ingress.md.",
            _SILENCE_SECONDS,
            self.stream,
        )
        self._careful_until = time.monotonic() + 2 * self.redelivery_seconds + _SILENCE_SECONDS
        await self.client.force_reconnect()


async def _pause_after(answer: Msg) -> None:
    """Wait a moment if the server cannot serve the request, as while it starts: the next answer may be as quick."""
    status = (answer.headers or {}).get("Status", "")
    if status not in _USUAL:
        _log.warning("NATS gives no messages: %s %s", status, (answer.headers or {}).get("Description", ""))
        await asyncio.sleep(_PAUSE_SECONDS)
