"""The stand-ins of `demo/` on real loopback ports, in this process, for every test that talks to a service."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo import stand_ins
from demo.server import QuietServer, bind, server
from demo.service import service
from demo.store import Store


@dataclass(frozen=True)
class Endpoint:
    """One stand-in that answers: `base_url` as the service's SDK takes it, its origin, its token."""

    base_url: str
    origin: str
    token: str


@dataclass
class StandIns:
    """The stand-ins by name ("github", "notion", "gmail", "openai"), without latency; each starts when asked for."""

    folder: Path
    store: Store
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    servers: list[tuple[QuietServer, threading.Thread]] = field(default_factory=list)

    def __getitem__(self, name: str) -> Endpoint:
        """Where the stand-in answers."""
        if name not in self.endpoints:
            self.endpoints[name] = self._start(name)
        return self.endpoints[name]

    def _start(self, name: str) -> Endpoint:
        module = stand_ins.load(name)
        listener = bind()
        instance = server(service(module, self.store, reset=self.reset))
        thread = threading.Thread(target=instance.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        self.servers.append((instance, thread))
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        return Endpoint(f"{origin}/v1" if name == "openai" else origin, origin, module.TOKEN)

    def faults(self, name: str, **fault: Any) -> None:
        """Let the next matching requests fail (see `demo.faults.Fault`)."""
        self._control(name, "POST", "faults", fault)

    def requests(self, name: str) -> Mapping[str, int]:
        """How often each "METHOD /path" was asked since the stand-in started."""
        answer = self._control(name, "GET", "requests")
        return dict(answer["requests"])

    def show(self, name: str) -> dict[str, Any]:
        """What the stand-in holds."""
        return self._control(name, "GET", "show")

    def reset(self) -> int:
        """Lay out the sample data anew."""
        return self.store.reset(stand_ins.seed_all)

    def calm(self) -> None:
        """Take every fault back."""
        for name in self.endpoints:
            self._control(name, "DELETE", "faults")

    def _control(self, name: str, method: str, action: str, body: Any = None) -> dict[str, Any]:
        url = f"{self[name].origin}/_demo/{action}"
        answer = httpx.request(method, url, json=body, trust_env=False, timeout=30)
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document

    def stop(self) -> None:
        """Stop every server."""
        for instance, thread in self.servers:
            instance.should_exit = True
            thread.join(20)
        self.store.close()


@pytest.fixture(scope="session")
def demo_services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIns]:
    """One set of stand-ins for all tests; use `standins`, which starts each test from the sample data."""
    folder = tmp_path_factory.mktemp("demo")
    running = StandIns(folder, stand_ins.open_store(folder))
    yield running
    running.stop()


@pytest.fixture
def standins(demo_services: StandIns) -> StandIns:
    """The stand-ins with fresh sample data and no faults."""
    demo_services.calm()
    demo_services.reset()
    return demo_services
