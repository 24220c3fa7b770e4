"""Kafka: a batch of records at a time; the offsets of a group move on after the transaction of the batch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from engine.ingress.brokers.broker import BATCH, BrokerMessage, Receiver, Topics, Unsendable, ended, label

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord
    from faststream.kafka import KafkaMessage
    from faststream.kafka.message import ConsumerProtocol


class KafkaTopics:
    """The port `Broker` on Kafka."""

    def __init__(self, url: str, topics: Topics) -> None:
        from faststream.kafka import KafkaBroker

        self._topics = topics
        self._lost = ""
        servers = url.removeprefix("kafka://").rstrip("/").split(",")
        self._broker = KafkaBroker(servers, logger=None, apply_types=False, acks="all", enable_idempotence=True)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Connect; topics are made in the cluster, not here."""
        try:
            await self._broker.connect()
            yield
        finally:
            await ended(self._broker.stop())

    @asynccontextmanager
    async def receiving(self, receiver: Receiver) -> AsyncIterator[None]:
        """Poll batches, and commit the offsets of each once it is taken."""
        from faststream import AckPolicy

        async def parser(batch: tuple[ConsumerRecord[Any, Any], ...]) -> KafkaMessage:
            return unread(batch, subscriber.consumer)

        subscriber = self._broker.subscriber(
            self._topics.topic,
            batch=True,
            batch_timeout_ms=200,
            max_records=BATCH,
            group_id=self._topics.group,
            auto_offset_reset="earliest",  # a new group takes what was sent before it
            ack_policy=AckPolicy.MANUAL,
            parser=parser,
            decoder=_whole,
        )

        async def take(message: KafkaMessage) -> None:
            await handle(message, receiver)

        subscriber(take)
        await self._broker.start()
        try:
            yield
        finally:
            await ended(subscriber.stop())

    async def send_dead(self, message: BrokerMessage, error: str) -> None:
        """Put a record into the topic of dead letters, with the beginning of its key."""
        from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError, RecordTooLargeError

        headers = {"orchestra-error": error, "orchestra-place": message.place}
        key = label(message.key).encode() or None
        try:
            await self._send(message.body, self._topics.dead_letters, key, headers)
        except (MessageSizeTooLargeError, RecordListTooLargeError, RecordTooLargeError) as refusal:
            raise Unsendable(f"{type(refusal).__name__} for {len(message.body):,} bytes.") from refusal

    async def send_status(self, run_id: str, body: bytes) -> None:
        """Put the status of a run into its topic; all of a run are in one partition."""
        await self._send(body, self._topics.statuses, run_id.encode())

    def lost(self) -> str:
        """Return why the producer cannot go on; a consumer tries again by itself."""
        return self._lost

    async def _send(self, body: bytes, topic: str, key: bytes | None, headers: dict[str, str] | None = None) -> None:
        from aiokafka.errors import ProducerClosed

        try:
            await self._broker.publish(body, topic, key=key, headers=headers)
        except ProducerClosed:
            self._lost = "The producer for Kafka is closed."
            raise


async def handle(message: KafkaMessage, receiver: Receiver) -> None:
    """Take a batch, then commit: whoever dies in between gets the batch again."""
    records = message.raw_message
    await receiver.take([_message(one) for one in (records if isinstance(records, tuple) else (records,))])
    await message.ack()
    await receiver.room()  # nothing is held meanwhile, so it does not matter if others get the partitions


def unread(batch: tuple[ConsumerRecord[Any, Any], ...], consumer: ConsumerProtocol | None) -> KafkaMessage:
    """Return a batch without reading any of it.

    FastStream's own parser decodes the headers, and fails for headers that are not UTF-8: the batch would then never
    be taken, and the commit of the next one would pass it over.
    """
    from faststream.kafka.message import KafkaAckableMessage

    assert consumer is not None
    return KafkaAckableMessage(raw_message=batch, body=b"", consumer=consumer)


async def _whole(message: KafkaMessage) -> KafkaMessage:
    """Return the message itself: what is in it is read together with the others."""
    return message


def _message(record: ConsumerRecord[Any, Any]) -> BrokerMessage:
    place = f"{record.topic}/{record.partition}/{record.offset}/{record.timestamp}"
    key = (record.key or b"").decode(errors="backslashreplace")  # distinct tenants stay so
    return BrokerMessage(record.value or b"", place, key)
