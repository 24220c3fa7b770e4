"""The `ingress` area: take the messages of the broker in config.yaml."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from clients.service import install_command
from engine.base.errors import InvalidInput, OrchestraError
from engine.compiler.definition.plan import Plan
from engine.ingress.bodies import Bodies
from engine.ingress.brokers.broker import Broker, Topics
from engine.ingress.consumer import Consumer
from engine.ingress.outbox import Outbox
from engine.ingress.topic_consumer import TopicConsumer
from engine.people.access import Principal
from engine.people.people import as_role
from engine.runs.starting.acceptor import Acceptor
from engine.store.locks import Locks
from engine.store.state import State
from engine.workspace.config import IngressSettings, LoadedConfig

_EXTRAS = {
    "nats": ("nats", "nats"),
    "tls": ("nats", "nats"),
    "amqp": ("rabbitmq", "aio_pika"),
    "amqps": ("rabbitmq", "aio_pika"),
    "kafka": ("kafka", "aiokafka"),
}
"""By the scheme of the address: the extra that its client needs, and a package of it."""


class BrokerUnreachable(OrchestraError):
    """The broker of `ingress.url` cannot be used."""

    default_remedy = "Start it, or correct `ingress.url` in config.yaml."


class Ingress(Struct, frozen=True):
    """Messages of a broker start runs of this process."""

    loaded: Callable[[], LoadedConfig]
    state: State
    acceptor: Acceptor
    plan: Callable[[str, str], Plan]
    """Returns the plan of a workflow in an environment, if its accounts can sign in."""
    is_taken_over: threading.Event
    locks: Locks
    """Let one of several consumers tell the broker how runs go."""
    state_dir: Path

    @property
    def settings(self) -> IngressSettings:
        """The settings now."""
        return self.loaded().config.ingress

    def run(self, stop: asyncio.Event, begun: Callable[[], None]) -> asyncio.Task[None]:
        """Take messages on the running loop until `stop` is set; `begun` is called once the broker has answered.

        Raises InvalidInput for the settings. The task raises BrokerUnreachable, BrokerLost, and Fenced if another
        process has taken over the runs of this one.
        """
        settings = self.settings
        self.user()
        topic = TopicConsumer(self.acceptor, self.plan, self.user, settings.topic, settings.trusted)
        outbox = Outbox(self.state.runs, self.state.triggered_runs, self.state.settings, settings.user)
        broker = opened_broker(self.loaded().ingress_url, Topics(settings.topic, settings.group))
        leads = partial(self.locks.leads, "ingress")
        bodies = Bodies(self.state_dir / "dead-letters")
        consumer = Consumer(broker, topic, outbox, bodies, self.is_taken_over, leads)
        return asyncio.create_task(_reached(consumer, stop, begun))

    def user(self) -> Principal:
        """Return the user that messages start runs as, with the present role. Raises InvalidInput if unknown."""
        user_id = self.settings.user
        found = self.state.people.user(user_id) if user_id else None
        if found is None:
            raise InvalidInput(
                f"There is no user {user_id!r}, the user that messages start runs as."
                if user_id
                else "`ingress.user` is empty.",
                remedy="`orchestra users add ID --role operator` adds one; name it as `ingress.user` in config.yaml.",
            )
        return Principal(found.id, as_role(found.role), by_token=True)


def opened_broker(url: str, topics: Topics) -> Broker:
    """Return the broker at an address; it is not asked yet. Raises InvalidInput."""
    scheme = urlsplit(url).scheme
    if scheme not in _EXTRAS:
        raise InvalidInput(
            f"`ingress.url` has no broker: its scheme is {scheme!r}." if url else "`ingress.url` is empty.",
            remedy="Write one such as nats://127.0.0.1:4222, amqp://127.0.0.1/ or kafka://127.0.0.1:9092.",
        )
    extra, package = _EXTRAS[scheme]
    if find_spec("faststream") is None or find_spec(package) is None:
        raise InvalidInput(
            f"Messages of {scheme}:// need packages that are not installed.",
            remedy=f"Install them: `{install_command(extra)}`.",
        )
    if extra == "nats":
        from engine.ingress.brokers.nats import NatsTopics

        return NatsTopics(url, topics)
    if extra == "rabbitmq":
        from engine.ingress.brokers.rabbitmq import RabbitTopics

        return RabbitTopics(url, topics)
    from engine.ingress.brokers.kafka import KafkaTopics

    return KafkaTopics(url, topics)


async def _reached(consumer: Consumer, stop: asyncio.Event, begun: Callable[[], None]) -> None:
    """Run a consumer; an error before its broker has answered becomes BrokerUnreachable."""
    has_begun = False

    def begin() -> None:
        nonlocal has_begun
        has_begun = True
        begun()

    try:
        await consumer.run(stop, begin)
    except OrchestraError:
        raise
    except Exception as error:
        if has_begun:
            raise
        raise BrokerUnreachable(f"The broker does not answer: {error or type(error).__name__}.") from error
