"""RabbitMQ: a durable queue for messages and one for dead letters, and a topic exchange for statuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from engine.ingress.brokers.amqp_values import UNREADABLE, accept_any
from engine.ingress.brokers.broker import BATCH, BrokerMessage, Receiver, Topics, Unsendable, ended, label
from engine.ingress.brokers.intake import Intake

if TYPE_CHECKING:
    from aio_pika import IncomingMessage
    from aio_pika.abc import HeadersType
    from faststream.message import StreamMessage
    from faststream.rabbit import RabbitMessage

_KEY = "orchestra-key"
_MOST_BREAKS = 3
"""How often a connection may end at a frame that cannot be decoded, before a message is acknowledged."""


class RabbitTopics:
    """The port `Broker` on RabbitMQ."""

    def __init__(self, url: str, topics: Topics) -> None:
        from faststream.rabbit import Channel, ExchangeType, RabbitBroker, RabbitExchange

        accept_any()
        self._topics = topics
        self._breaks: list[str] = []
        """Why connections have ended since a message was acknowledged, other than by the network or the server."""
        channel = Channel(on_return_raises=True)  # a dead letter without a queue is an error
        self._broker = RabbitBroker(url, default_channel=channel, logger=None, apply_types=False, timeout=5)
        self._statuses = RabbitExchange(topics.statuses, type=ExchangeType.TOPIC, durable=True)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Connect, and make the queues that are missing; existing ones stay as they are."""
        try:
            (await self._broker.connect()).close_callbacks.add(self._closed)
            await self._make(self._topics.topic)
            await self._make(self._topics.dead_letters)
            await self._broker.declare_exchange(self._statuses)
            yield
        finally:
            await ended(self._broker.stop())

    async def _make(self, name: str) -> None:
        """Make a durable queue, unless there is one: its settings may be others."""
        from aio_pika.exceptions import ChannelNotFoundEntity

        connection = await self._broker.connect()
        async with connection.channel() as channel:  # RabbitMQ closes it after a refusal
            try:
                await channel.declare_queue(name, passive=True)
                return
            except ChannelNotFoundEntity:
                pass
        async with connection.channel() as channel:
            await channel.declare_queue(name, durable=True)

    @asynccontextmanager
    async def receiving(self, receiver: Receiver) -> AsyncIterator[None]:
        """Take what RabbitMQ sends, at most 500 messages ahead, and acknowledge each once it is taken."""
        from faststream import AckPolicy
        from faststream.rabbit import Channel, RabbitQueue

        intake = Intake(receiver)

        async def take(message: RabbitMessage) -> None:
            await intake.take(_message(message.raw_message, self._topics.topic))
            await message.ack()
            self._breaks.clear()

        queue = RabbitQueue(self._topics.topic, declare=False)
        channel = Channel(prefetch_count=BATCH)  # its own: RabbitMQ closes a channel whose dead letter it refuses
        subscriber = self._broker.subscriber(queue, channel=channel, ack_policy=AckPolicy.MANUAL, decoder=_whole)
        subscriber(take)
        await self._broker.start()
        try:
            yield
        finally:
            await intake.close()
            await ended(subscriber.stop())

    async def send_dead(self, message: BrokerMessage, error: str) -> None:
        """Put a message into the queue of dead letters, with the beginning of its key and its id."""
        from aio_pika.exceptions import ChannelPreconditionFailed

        headers: HeadersType = {"orchestra-error": error, "orchestra-place": message.place, _KEY: label(message.key)}
        sent_id = label(message.sent_id) or None
        try:
            await self._broker.publish(
                message.body, self._topics.dead_letters, headers=headers, message_id=sent_id, persist=True
            )
        except ChannelPreconditionFailed as refusal:
            raise Unsendable(f"RabbitMQ refuses {len(message.body):,} bytes: {refusal}.") from refusal

    def lost(self) -> str:
        """Return why the connection ends again and again before a message is acknowledged."""
        if len(self._breaks) < _MOST_BREAKS:
            return ""
        return (
            f"The connection to RabbitMQ has ended {len(self._breaks)} times at what cannot be decoded"
            f" ({self._breaks[-1]}): see the first messages of the queue {self._topics.topic}."
        )

    def _closed(self, _connection: object, error: BaseException | None) -> None:
        from aiormq.exceptions import ConnectionFrameError

        is_broken = isinstance(error, Exception) and not isinstance(error, OSError)  # not the network
        if is_broken or isinstance(error, ConnectionFrameError):
            self._breaks.append(str(error) or type(error).__name__)

    async def send_status(self, run_id: str, body: bytes) -> None:
        """Send the status of a run to the queues that are bound to the exchange; without one it is dropped."""
        await self._broker.publish(
            body,
            exchange=self._statuses,
            routing_key=run_id,
            correlation_id=run_id,
            content_type="application/json",
            mandatory=False,
            persist=True,
        )


async def _whole(message: StreamMessage[IncomingMessage]) -> StreamMessage[IncomingMessage]:
    """Return the message itself: what is in it is read together with the others."""
    return message


def _message(raw: IncomingMessage, topic: str) -> BrokerMessage:
    headers: dict[str, Any] = raw.headers
    key = headers.get(_KEY, "")
    if isinstance(key, bytes):
        key = key.decode(errors="backslashreplace")
    text = key if isinstance(key, str) else ""
    return BrokerMessage(raw.body, "", text, raw.message_id or "", str(headers.get(UNREADABLE, "")))
