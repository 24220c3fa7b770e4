"""A workspace whose messages act as an operator, with workflows for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.ingress.brokers.broker import BrokerMessage
from engine.ingress.topic_consumer import TopicConsumer
from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER, Service, get_step, set_step, write_workflow

NUMBER = {"type": "object", "properties": {"number": {"type": "integer"}}, "required": ["number"]}
ADDRESS = {"type": "object", "properties": {"url": {"type": "string"}}}
TOPIC = "workflows"


def message(workflow: str = "work", number: int = 1, place: str = "", **more: Any) -> BrokerMessage:
    """A message for a run of the workflow that counts, with its number as its place."""
    body = {"workflow": workflow, "inputs": {"number": number}, **more}
    return BrokerMessage(json.dumps(body).encode(), place or str(number))


@pytest.fixture(autouse=True)
def workplace(root: Path) -> None:
    """Workflows, and the settings of messages."""
    write_workflow(root, "work", [set_step("first", {"got": "{{ inputs.number }}"})], inputs=NUMBER)
    write_workflow(root, "fetch", [get_step("get", "{{ inputs.url }}")], inputs=ADDRESS)
    with (root / "config.yaml").open("a") as config:
        config.write("ingress: {user: robot}\n")


MakeTopic = Callable[..., TopicConsumer]


@pytest.fixture
def topic(orchestra: Orchestra) -> MakeTopic:
    """The way in for messages as `orchestra ingress` makes it; the user is an operator."""
    orchestra.users.add(OWNER, "robot", "Robot", "operator", "correct horse battery")

    def make(*, is_trusted: bool = False) -> TopicConsumer:
        ingress = orchestra.ingress
        return TopicConsumer(ingress.acceptor, ingress.plan, ingress.user, TOPIC, is_trusted)

    return make


@pytest.fixture
def address(service: Service) -> str:
    """An address that answers."""
    return service.url("/fetched")
