"""The message brokers of this machine, for the tests that need one."""

from __future__ import annotations

import os
import socket

import pytest

BROKERS = {
    "nats": ("taskiq+nats://127.0.0.1:4222", 4222, "NATS"),
    "rabbitmq": ("taskiq+amqp://guest:guest@127.0.0.1:5672/", 5672, "RabbitMQ"),
}
"""As `queue` in config.yaml names each: its address, its port, and its name."""


def require(port: int, name: str) -> None:
    """Skip the test where nothing answers; it fails where REQUIRE_BROKERS is set."""
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1", port)) != 0:
            (pytest.fail if os.environ.get("REQUIRE_BROKERS") else pytest.skip)(
                f"no {name} answers at 127.0.0.1:{port}"
            )
