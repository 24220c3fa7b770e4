"""The other side of a broker, with its plain client: sends messages, and reads dead letters and statuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol
from uuid import uuid4

import aio_pika
import nats
from nats.js.errors import NotFoundError

from engine.ingress.brokers.broker import Topics
from tests.brokers import require

_SECONDS = 0.5


class Server(Protocol):
    """A broker with topics of its own for one test."""

    url: str
    topics: Topics

    async def open(self) -> None:
        """Connect, and make the topic as a sender would."""

    async def send(self, body: bytes, sent_id: str = "") -> None:
        """Send a message."""

    async def left(self) -> int:
        """How many messages are not acknowledged."""

    async def dead(self) -> list[tuple[bytes, Mapping[str, Any]]]:
        """The dead letters, each with its error, so far unread."""

    async def statuses(self) -> list[Mapping[str, Any]]:
        """The statuses so far unread."""

    async def close(self) -> None:
        """Remove what was made."""


def _topics() -> Topics:
    return Topics(f"test-{uuid4().hex[:12]}", "group")


class Nats:
    """NATS with JetStream."""

    def __init__(self) -> None:
        require(4222, "NATS")
        self.url, self.topics = "nats://127.0.0.1:4222", _topics()

    async def open(self) -> None:
        """Connect; the streams are made by ours, or by a first send."""
        self._client = await nats.connect(self.url)
        self._stream = self._client.jetstream()

    async def send(self, body: bytes, sent_id: str = "") -> None:
        """Publish; make the stream if it is missing."""
        headers = {"Nats-Msg-Id": sent_id} if sent_id else None
        with suppress(Exception):
            await self._stream.stream_info(self.topics.topic)
            await self._stream.publish(self.topics.topic, body, headers=headers)
            return
        await self._stream.add_stream(name=self.topics.topic, subjects=[self.topics.topic], retention="workqueue")
        await self._stream.publish(self.topics.topic, body, headers=headers)

    async def left(self) -> int:
        """Of a stream that drops what was acknowledged."""
        return (await self._stream.stream_info(self.topics.topic)).state.messages

    async def dead(self) -> list[tuple[bytes, Mapping[str, Any]]]:
        """Read on in the stream of dead letters."""
        found = await self._read(self.topics.dead_letters)
        return [(one.data, json.loads((one.headers or {})["orchestra-error"])) for one in found]

    async def statuses(self) -> list[Mapping[str, Any]]:
        """Read on in the stream of statuses."""
        return [json.loads(one.data) for one in await self._read(self.topics.statuses)]

    async def _read(self, subject: str) -> list[Any]:
        reader, found = await self._stream.pull_subscribe(subject, durable="reader"), []
        with suppress(TimeoutError, nats.errors.TimeoutError):
            while batch := await reader.fetch(500, timeout=_SECONDS):
                found += batch
                for one in batch:
                    await one.ack()
        return found

    async def close(self) -> None:
        """Delete the streams."""
        for subject in (self.topics.topic, self.topics.dead_letters, self.topics.statuses):
            with suppress(NotFoundError):
                await self._stream.delete_stream(subject.replace(".", "-"))
        await self._client.close()


class RabbitMQ:
    """RabbitMQ."""

    def __init__(self) -> None:
        require(5672, "RabbitMQ")
        self.url, self.topics = "amqp://guest:guest@127.0.0.1:5672/", _topics()

    async def open(self) -> None:
        """Make the queue as a sender would, and one that is bound to the statuses."""
        self._connection = await aio_pika.connect(self.url)
        self._channel = await self._connection.channel()
        arguments: Any = {"x-max-priority": 3}  # not what ours would choose
        await self._channel.declare_queue(self.topics.topic, durable=True, arguments=arguments)
        self._exchange = await self._channel.declare_exchange(self.topics.statuses, "topic", durable=True)
        self._statuses = await self._channel.declare_queue(exclusive=True)
        await self._statuses.bind(self._exchange, "#")

    async def send(self, body: bytes, sent_id: str = "") -> None:
        """Publish to the queue."""
        sent = aio_pika.Message(body, message_id=sent_id or None, delivery_mode=2)
        await self._channel.default_exchange.publish(sent, self.topics.topic)

    async def left(self) -> int:
        """Waiting ones; with nobody connected, these are all."""
        channel = await self._connection.channel()
        found = await channel.declare_queue(self.topics.topic, passive=True)
        await channel.close()
        return found.declaration_result.message_count or 0

    async def dead(self) -> list[tuple[bytes, Mapping[str, Any]]]:
        """Take the dead letters."""
        queue = await self._channel.get_queue(self.topics.dead_letters)
        return [(one.body, json.loads(str(one.headers["orchestra-error"]))) for one in await self._taken(queue)]

    async def statuses(self) -> list[Mapping[str, Any]]:
        """Take the statuses."""
        return [json.loads(one.body) for one in await self._taken(self._statuses)]

    async def _taken(self, queue: Any) -> list[Any]:
        found = []
        while (one := await queue.get(fail=False, no_ack=True)) is not None:
            found.append(one)
        return found

    async def close(self) -> None:
        """Delete the queues and the exchange."""
        for name in (self.topics.topic, self.topics.dead_letters):
            await self._channel.queue_delete(name)
        await self._channel.exchange_delete(self.topics.statuses)
        await self._connection.close()


async def pause() -> None:
    """Let others work."""
    await asyncio.sleep(0.05)
