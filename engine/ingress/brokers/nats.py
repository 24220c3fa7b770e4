"""NATS JetStream: a stream for each topic, and one durable consumer for a group."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from engine.ingress.brokers.broker import BATCH, Message, Receiver, Topics, ended
from engine.ingress.brokers.intake import Intake

if TYPE_CHECKING:
    from faststream.message import StreamMessage
    from faststream.nats import NatsMessage
    from nats.aio.msg import Msg
    from nats.js.api import StreamConfig

_ACK_SECONDS = 60.0
"""After so long a message that was not acknowledged is delivered again; the client that had it may be dead."""
_CONNECT_SECONDS = 10.0
"""To begin with; a server that is lost later is looked for without end."""
_STATUS_SECONDS = 7 * 24 * 3600.0
_SENT_ID = "Nats-Msg-Id"
_KEY = "Orchestra-Key"


class NatsTopics:
    """The port `Broker` on a NATS server with JetStream."""

    def __init__(self, url: str, topics: Topics) -> None:
        from faststream.nats import NatsBroker

        self._topics = topics
        self._streams: dict[str, str] = {}
        """The stream of each subject."""
        self._broker = NatsBroker(url, logger=None, apply_types=False, max_reconnect_attempts=-1)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Connect, and make the streams that are missing."""
        from nats.js.api import RetentionPolicy, StreamConfig

        names = self._topics
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self._broker.connect()
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
        from faststream import AckPolicy
        from faststream.nats import JStream, PullSub
        from nats.js.api import ConsumerConfig

        intake = Intake(receiver)

        async def take(message: NatsMessage) -> None:
            await intake.take(_message(message.raw_message))
            await message.ack()
            await receiver.room()

        subscriber = self._broker.subscriber(
            self._topics.topic,
            durable=self._topics.group,
            stream=JStream(self._streams[self._topics.topic], declare=False),
            pull_sub=PullSub(batch_size=BATCH, timeout=1.0),
            config=ConsumerConfig(ack_wait=_ACK_SECONDS, max_ack_pending=2 * BATCH),
            ack_policy=AckPolicy.MANUAL,
            decoder=_whole,
        )
        subscriber(take)
        await self._broker.start()
        try:
            yield
        finally:
            await intake.close()
            await ended(subscriber.stop())

    async def send_dead(self, message: Message, error: str) -> None:
        """Put a message into the stream of dead letters."""
        headers = {"orchestra-error": error, "orchestra-place": message.place}
        await self._send(self._topics.dead_letters, message.body, headers)

    async def send_status(self, run_id: str, body: bytes) -> None:
        """Put the status of a run into its stream."""
        headers = {"orchestra-run": run_id, "content-type": "application/json"}
        await self._send(self._topics.statuses, body, headers)

    async def _send(self, subject: str, body: bytes, headers: dict[str, str]) -> None:
        await self._broker.publish(body, subject, stream=self._streams[subject], headers=headers, timeout=5)


async def _whole(message: StreamMessage[Msg]) -> StreamMessage[Msg]:
    """Return the message itself: what is in it is read together with the others."""
    return message


def _message(raw: Msg) -> Message:
    at, headers = raw.metadata, raw.headers or {}
    place = f"{at.stream}/{at.sequence.stream}/{at.timestamp.isoformat()}"
    return Message(raw.data, place, headers.get(_KEY, ""), headers.get(_SENT_ID, ""))
