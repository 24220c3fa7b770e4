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
from pamqp.commands import Basic

from engine.ingress.brokers.broker import Topics
from tests.brokers import require

_SECONDS = 0.5


class Raw(str):
    """A string that is written as bytes which are not UTF-8."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        """As Latin-1."""
        return super().encode("latin-1")


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

    async def send_raw(self, header: bytes, body: bytes, *, purge: bool = True) -> None:
        """Publish with a header block as no client would write it."""
        if purge:
            await self.send(b"")  # makes the stream
            await self._stream.purge_stream(self.topics.topic)
        reader, writer = await asyncio.open_connection("127.0.0.1", 4222)
        await reader.readline()
        writer.write(b'CONNECT {"verbose":false,"headers":true}\r\n')
        writer.write(f"HPUB {self.topics.topic} {len(header)} {len(header) + len(body)}\r\n".encode() + header + body)
        writer.write(b"\r\nPING\r\n")
        while await reader.readline() != b"PONG\r\n":
            pass
        writer.close()

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

    async def send_with(self, body: bytes, routing_key: str = "", **properties: Any) -> None:
        """Publish with properties that aio-pika would not let pass; by way of an exchange if the key is another."""
        exchange = ""
        if routing_key:
            exchange = f"{self.topics.topic}.any"
            await self._channel.declare_exchange(exchange, "fanout", auto_delete=True)
            await (await self._channel.get_queue(self.topics.topic)).bind(exchange)
        given = Basic.Properties()
        for name, value in {"delivery_mode": 2, **properties}.items():
            setattr(given, name, value)  # not checked, as by the constructor
        channel = await self._channel.get_underlay_channel()
        place = routing_key or self.topics.topic
        await channel.basic_publish(body, exchange=exchange, routing_key=place, properties=given)

    async def left(self) -> int:
        """Waiting ones; with nobody connected, these are all."""
        channel = await self._connection.channel()
        found = await channel.declare_queue(self.topics.topic, passive=True)
        await channel.close()
        return found.declaration_result.message_count or 0

    async def dead(self) -> list[tuple[bytes, Mapping[str, Any]]]:
        """Take the dead letters."""
        return [(one.body, json.loads(str(one.headers["orchestra-error"]))) for one in await self.letters()]

    async def letters(self) -> list[aio_pika.abc.AbstractIncomingMessage]:
        """Take the dead letters, with all of their headers."""
        return await self._taken(await self._channel.get_queue(self.topics.dead_letters))

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


class Cable:
    """A connection to a server that can be cut: it passes bytes on until then, and connects anew afterwards."""

    def __init__(self, port: int) -> None:
        self._port, self._writers, self._clients = port, list[asyncio.StreamWriter](), list[asyncio.StreamWriter]()

    async def __aenter__(self) -> int:
        """Listen; return the port."""
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aexit__(self, *_: object) -> None:
        """Hang up, and listen no more."""
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Cut all connections."""
        for one in self._writers:
            one.transport.abort()
        self._writers.clear()
        self._clients.clear()

    def tell(self, data: bytes) -> None:
        """Write to all clients, as if the server did."""
        for one in self._clients:
            one.write(data)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onwards = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers += [writer, onwards]
        self._clients.append(writer)
        await asyncio.gather(_pass_on(reader, onwards), _pass_on(there, writer))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


async def pause() -> None:
    """Let others work."""
    await asyncio.sleep(0.05)
