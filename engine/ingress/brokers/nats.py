"""NATS JetStream: a stream for each topic, and one durable consumer for a group."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from engine.ingress.brokers.broker import (
    BATCH,
    BrokerLost,
    BrokerMessage,
    Receiver,
    Topics,
    Unsendable,
    cancelled,
    ended,
)
from engine.ingress.brokers.nats_pull import Pull

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js.api import StreamConfig

_log = logging.getLogger(__name__)
_ACK_SECONDS = 60.0
"""After this time, a message that was not acknowledged is delivered again; the client that had it may be dead."""
_CONNECT_SECONDS = 10.0
"""To begin with; a server that is lost later is looked for without end."""
_STATUS_SECONDS = 7 * 24 * 3600.0  # then the stream drops a status: nobody needs to acknowledge them
_PAUSE_SECONDS = 1.0  # after a failure
_MOST_WAITING_BYTES = 256 * 1024 * 1024
"""What the client holds of messages that are not taken yet; beyond, it drops them, and they come again."""
_CLIENT_HEADERS_BYTES = 512
"""How much is added at most to our own headers of a letter: its content type, an id, the name of its stream."""
_TOO_LARGE_FOR_STREAM = 10054  # JSStreamMessageExceedsMaximumErr of the server
_SENT_ID = "Nats-Msg-Id"
_KEY = "Orchestra-Key"


class NatsTopics:
    """The port `Broker` on a NATS server with JetStream."""

    def __init__(self, url: str, topics: Topics) -> None:
        from faststream.nats import NatsBroker

        self._topics = topics
        self._streams: dict[str, str] = {}
        """The stream of each subject."""
        self._pulling: asyncio.Task[None] | None = None
        self._broker = NatsBroker(url, logger=None, apply_types=False, max_reconnect_attempts=-1)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Connect, and make the streams that are missing."""
        from nats.js.api import RetentionPolicy, StreamConfig

        names = self._topics
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                self._client: Client = await self._broker.connect()
            await self._make(names.topic, StreamConfig(retention=RetentionPolicy.WORK_QUEUE))
            await self._make(names.dead_letters, StreamConfig())
            await self._make(names.statuses, StreamConfig(max_age=_STATUS_SECONDS))
            yield
        finally:
            await ended(self._broker.stop())

    async def _make(self, subject: str, config: StreamConfig) -> None:
        """Make a stream for a subject, if it has none."""
        from nats.js.errors import NotFoundError

        jetstream = self._broker.config.connection_state.stream
        try:
            name = await jetstream.find_stream_name_by_subject(subject)
        except NotFoundError:
            name = subject.replace(".", "-")
            await jetstream.add_stream(config, name=name, subjects=[subject])
        self._streams[subject] = name

    @asynccontextmanager
    async def receiving(self, receiver: Receiver) -> AsyncIterator[None]:
        """Pull messages, and acknowledge each once it is taken."""
        stream, durable = self._streams[self._topics.topic], self._topics.group
        await self._make_consumer(stream, durable)
        inbox = await self._client.subscribe(self._client.new_inbox(), pending_bytes_limit=_MOST_WAITING_BYTES)
        pull = Pull(self._client, inbox, stream, durable, _ACK_SECONDS)
        self._pulling, watching = asyncio.create_task(self._pull(pull, receiver)), asyncio.create_task(pull.watch())
        try:
            yield
        finally:
            await cancelled(self._pulling, watching)

    async def _make_consumer(self, stream: str, durable: str) -> None:
        """Make the durable consumer, unless there is one: its settings may be others."""
        from nats.js.api import ConsumerConfig
        from nats.js.errors import NotFoundError

        jetstream = self._broker.config.connection_state.stream
        try:
            await jetstream.consumer_info(stream, durable)
        except NotFoundError:
            wanted = ConsumerConfig(
                durable_name=durable,
                filter_subject=self._topics.topic,
                ack_wait=_ACK_SECONDS,
                max_ack_pending=2 * BATCH,
            )
            await jetstream.add_consumer(stream, wanted)

    async def _pull(self, pull: Pull, receiver: Receiver) -> None:
        """Take messages until the client is closed for ever, or this is cancelled."""
        while not self._client.is_closed:
            try:
                if messages := await pull.messages():
                    await receiver.take([_message(one) for one in messages])
                    for one in messages:
                        await one.ack()
                    await receiver.room()
            except Exception as error:  # noqa: BLE001 - what was not acknowledged is delivered again
                _log.warning("NATS: %r", error)
                await asyncio.sleep(_PAUSE_SECONDS)

    def lost(self) -> str:
        """Return why the client is closed: after most errors that a server reports it does not connect again."""
        if self._client.is_closed:
            return f"The connection to NATS was closed: {self._client.last_error or 'without a reason'}."
        return "Pulling from NATS has ended." if self._pulling is not None and self._pulling.done() else ""

    async def send_dead(self, message: BrokerMessage, error: str) -> None:
        """Put a message into the stream of dead letters.

        The size is checked here: a server that gets too much closes the connection, and the client then for ever.
        """
        from nats.js.errors import BadRequestError

        headers = {"orchestra-error": error, "orchestra-place": message.place}
        most = self._client.max_payload - _CLIENT_HEADERS_BYTES
        if len(message.body) + sum(len(one.encode()) for one in (*headers, *headers.values())) > most:
            raise Unsendable(f"NATS takes {self._client.max_payload:,} bytes, its headers included.")
        try:
            await self._send(self._topics.dead_letters, message.body, headers)
        except BadRequestError as refusal:
            if refusal.err_code != _TOO_LARGE_FOR_STREAM:
                raise
            stream = self._streams[self._topics.dead_letters]
            raise Unsendable(f"The stream {stream} takes less than {len(message.body):,} bytes.") from refusal

    async def send_status(self, run_id: str, body: bytes) -> None:
        """Put the status of a run into its stream."""
        headers = {"orchestra-run": run_id, "content-type": "application/json"}
        await self._send(self._topics.statuses, body, headers)

    async def _send(self, subject: str, body: bytes, headers: dict[str, str]) -> None:
        from nats.errors import ConnectionClosedError

        try:
            await self._broker.publish(body, subject, stream=self._streams[subject], headers=headers, timeout=5)
        except ConnectionClosedError as error:
            raise BrokerLost(self.lost() or f"NATS: {error}.") from error


def _message(raw: Msg) -> BrokerMessage:
    at, headers = raw.metadata, raw.headers or {}
    place = f"{at.stream}/{at.sequence.stream}/{at.timestamp.isoformat()}"
    sent_id = headers.get(_SENT_ID, "")
    if "\N{REPLACEMENT CHARACTER}" in sent_id:  # not UTF-8: the ids of two messages may look alike
        sent_id = ""
    return BrokerMessage(raw.data, place, headers.get(_KEY, ""), sent_id)
