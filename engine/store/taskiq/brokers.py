"""The brokers: JetStream of NATS, and RabbitMQ. They drop messages that nobody takes within a minute."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from engine.base.errors import InvalidInput

if TYPE_CHECKING:
    from taskiq import AsyncBroker

MakeBroker: TypeAlias = "Callable[[], AsyncBroker]"
"""Returns a broker that is not connected yet; one that was lost is not connected again, but replaced."""

SCHEMES = {
    "taskiq+nats": ("taskiq-nats", "taskiq_nats"),
    "taskiq+tls": ("taskiq-nats", "taskiq_nats"),
    "taskiq+amqp": ("taskiq-rabbitmq", "taskiq_aio_pika"),
    "taskiq+amqps": ("taskiq-rabbitmq", "taskiq_aio_pika"),
}
"""By the scheme of the address: the extra that its client needs, and a package of it."""
_KEPT_SECONDS = 60
_CONNECT_SECONDS = 4


def broker_at(url: str, name: str) -> MakeBroker:
    """Return what makes a broker at an address; its topic is that of the workspace `name`. Raises InvalidInput."""
    scheme = urlsplit(url).scheme
    if scheme not in SCHEMES:
        raise InvalidInput(
            f"`queue` in config.yaml has no broker: its scheme is {scheme!r}.",
            remedy="Write one such as taskiq+nats://127.0.0.1:4222 or taskiq+amqp://127.0.0.1/.",
        )
    extra, package = SCHEMES[scheme]
    if find_spec("taskiq") is None or find_spec(package) is None:
        raise InvalidInput(
            f"`queue` in config.yaml: {scheme}:// needs packages that are not installed.",
            remedy=f"Install them: `pip install 'ai-orchestra[{extra}]'`.",
        )
    address = url.removeprefix("taskiq+")
    return (lambda: _jetstream(address, name)) if extra == "taskiq-nats" else (lambda: _rabbitmq(address, name))


def _jetstream(url: str, name: str) -> AsyncBroker:
    """One durable consumer for all processes: each message goes to one of them, when it asks for one."""
    from nats.js.api import ConsumerConfig, RetentionPolicy, StreamConfig
    from taskiq_nats import PullBasedJetStreamBroker

    return PullBasedJetStreamBroker(
        url,
        subject=name,
        stream_name=name,
        durable="workers",
        stream_config=StreamConfig(retention=RetentionPolicy.WORK_QUEUE, max_age=_KEPT_SECONDS),
        consumer_config=ConsumerConfig(durable_name="workers", ack_wait=_KEPT_SECONDS),
        pull_consume_batch=1,
        pull_consume_timeout=5.0,
        allow_reconnect=False,
        max_reconnect_attempts=1,
        connect_timeout=_CONNECT_SECONDS,
    )


def _rabbitmq(url: str, name: str) -> AsyncBroker:
    """One queue for all processes: each message goes to one of them that has acknowledged the one before."""
    from taskiq_aio_pika import AioPikaBroker, Exchange, Queue

    queue = Queue(name=name, arguments={"x-message-ttl": _KEPT_SECONDS * 1000})
    unused = Queue(name=f"{name}-dropped", arguments={"x-message-ttl": 1000, "x-max-length": 1})
    return AioPikaBroker(url, qos=1, exchange=Exchange(name=name), task_queues=[queue], dead_letter_queue=unused)
