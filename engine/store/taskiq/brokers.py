"""The brokers: JetStream of NATS, and RabbitMQ. They drop messages that nobody takes within a minute."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from clients.service import install_command
from engine.base.errors import InvalidInput

if TYPE_CHECKING:
    from taskiq import AsyncBroker

_EXTRAS = {
    "nats": ("taskiq-nats", "taskiq_nats"),
    "tls": ("taskiq-nats", "taskiq_nats"),
    "amqp": ("taskiq-rabbitmq", "taskiq_aio_pika"),
    "amqps": ("taskiq-rabbitmq", "taskiq_aio_pika"),
}
"""By the scheme of the address, after `taskiq+`: the extra that its client needs, and a package of it."""
_KEPT_SECONDS, _MOST_KEPT = 60, 100
"""An older announcement is of no use: a process that hears none looks once a second."""
_UNUSED_SECONDS = 24 * 3600
"""After this time without any process, the broker forgets what it has kept for them."""
_CONNECT_SECONDS, _PING_SECONDS = 4, 10
_TALKATIVE = ("aiormq", "aio_pika")
"""Loggers that repeat every second, with a traceback, what we log once."""


@dataclass(frozen=True)
class BrokerAddress:
    """The address of a broker."""

    url: str = field(repr=False)
    """As its client takes it, with the password."""
    extra: str
    shown: str
    """For people."""
    password: str = field(repr=False)

    @classmethod
    def parsed(cls, text: str) -> BrokerAddress:
        """Return the address in a text such as `taskiq+nats://host:4222`. Raises InvalidInput, without the text."""
        prefix, _, url = text.partition("+")
        parts = _parts(url) if prefix.lower() == "taskiq" else None
        if parts is None or parts.scheme not in _EXTRAS:
            raise InvalidInput(
                "`queue` in config.yaml (or ORCHESTRA_QUEUE) is not the address of a broker.",
                remedy="Write one such as taskiq+nats://127.0.0.1:4222 or taskiq+amqp://user:password@127.0.0.1/, and"
                " special characters of a password as %2F (/), %3F (?), %23 (#) or %40 (@).",
            )
        extra, package = _EXTRAS[parts.scheme]
        if find_spec("taskiq") is None or find_spec(package) is None:
            raise InvalidInput(
                f"`queue` in config.yaml (or ORCHESTRA_QUEUE): taskiq+{parts.scheme}:// needs packages that are not"
                " installed.",
                remedy=f"Install them: `{install_command(extra)}`.",
            )
        port = f":{parts.port}" if parts.port else ""
        return cls(parts.geturl(), extra, f"{parts.scheme}://{parts.hostname}{port}", parts.password or "")

    def broker(self, name: str) -> AsyncBroker:
        """Return a broker that is not connected yet, with the topic of a workspace.

        One that was lost is not connected again, but replaced.
        """
        return _jetstream(self.url, name) if self.extra == "taskiq-nats" else _rabbitmq(self.url, name)


def _parts(url: str) -> SplitResult | None:
    """Return the parts of an address of one host, None if it is not one: a password with "/" would be in its path."""
    try:
        parts = urlsplit(url)
        is_one = bool(parts.hostname) and (parts.port is None or parts.port > 0) and "," not in parts.netloc
    except ValueError:
        return None
    return parts if is_one and "@" not in f"{parts.path}{parts.query}{parts.fragment}" else None


def _jetstream(url: str, name: str) -> AsyncBroker:
    """One durable consumer for all processes: each message goes to one of them, when it asks for one."""
    from nats.js.api import ConsumerConfig, DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
    from taskiq_nats import PullBasedJetStreamBroker

    kept = StreamConfig(
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.MEMORY,  # what a restart loses is found by looking, see _KEPT_SECONDS
        max_age=_KEPT_SECONDS,
        max_msgs=_MOST_KEPT,
        discard=DiscardPolicy.OLD,
    )
    shared = ConsumerConfig(durable_name="workers", ack_wait=_KEPT_SECONDS, inactive_threshold=_UNUSED_SECONDS)
    return PullBasedJetStreamBroker(
        url,
        subject=name,
        stream_name=name,
        durable="workers",
        stream_config=kept,
        consumer_config=shared,
        pull_consume_batch=1,
        pull_consume_timeout=5.0,
        allow_reconnect=False,  # see `BrokerAddress.broker`
        max_reconnect_attempts=1,
        connect_timeout=_CONNECT_SECONDS,
        ping_interval=_PING_SECONDS,
        max_outstanding_pings=2,
        error_cb=_unsaid,
    )


async def _unsaid(_error: Exception) -> None:
    """Say nothing: what fails is raised, too."""


def _rabbitmq(url: str, name: str) -> AsyncBroker:
    """One queue for all processes: each message goes to one of them that has acknowledged the one before."""
    from taskiq_aio_pika import AioPikaBroker, Exchange, Queue
    from taskiq_aio_pika.queue import QueueType

    for one in _TALKATIVE:
        logging.getLogger(one).setLevel(logging.CRITICAL)

    def queue(name: str, **arguments: Any) -> Queue:
        return Queue(name=name, type=QueueType.CLASSIC, arguments={"x-expires": _UNUSED_SECONDS * 1000, **arguments})

    return AioPikaBroker(
        url,
        qos=1,
        exchange=Exchange(name=name, auto_delete=True),
        task_queues=[queue(name, **{"x-message-ttl": _KEPT_SECONDS * 1000, "x-max-length": _MOST_KEPT})],
        dead_letter_queue=queue(f"{name}-dropped", **{"x-message-ttl": 1000, "x-max-length": 1}),
        timeout=_CONNECT_SECONDS,
        heartbeat=_PING_SECONDS,
    )
