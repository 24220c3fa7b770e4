"""A stand-in on a real loopback port, without latency, for the tests that talk to it as the SDKs do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.endpoints import bind
from demo.server import server
from demo.service import StandIn, service
from demo.store import Store
from tests.described import described
from tests.patience import PATIENCE_SECONDS


@dataclass(frozen=True)
class Running:
    """A stand-in that answers."""

    base_url: str
    store: Store
    stand_in: StandIn

    def http(self, **options: Any) -> httpx.Client:
        """A client with the right token."""
        headers = {"authorization": f"Bearer {self.stand_in.TOKEN}"} | options.pop("headers", {})
        return httpx.Client(
            base_url=self.base_url, headers=headers, trust_env=False, timeout=PATIENCE_SECONDS, **options
        )

    def break_(self, **fault: Any) -> None:
        """Set a fault."""
        httpx.post(
            f"{self.base_url}/_demo/faults", json=fault, trust_env=False, timeout=PATIENCE_SECONDS
        ).raise_for_status()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Callable[[StandIn], Running]]:
    """Start a stand-in with its sample data; stopped after the test."""
    started: list[tuple[Any, threading.Thread, Store]] = []

    def start(stand_in: StandIn) -> Running:
        store = Store(tmp_path / "demo.db")
        store.seed_once(stand_in.seed)
        socket = bind()
        instance = server(described(service(stand_in, store), getattr(stand_in, "__name__", "..").split(".")[1]))
        thread = threading.Thread(target=instance.run, kwargs={"sockets": [socket]})
        thread.start()
        started.append((instance, thread, store))
        return Running(f"http://127.0.0.1:{socket.getsockname()[1]}", store, stand_in)

    yield start
    for instance, thread, store in started:
        instance.should_exit = True
        thread.join(PATIENCE_SECONDS)
        store.close()
