"""The stand-ins of `demo/` on real loopback ports in this process, and all that can go wrong with a service."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import settings

from clients.errors import (
    AuthError,
    BadAnswer,
    Conflict,
    InvalidRequest,
    NotFound,
    Outcome,
    RateLimited,
    ServiceError,
    Timeout,
    Unavailable,
)
from clients.transport import http_client
from demo import stand_ins
from demo.server import QuietServer, bind, server
from demo.service import service
from demo.store import Store

# A loaded machine takes as long as it takes: no example is too slow. The same examples every time, so that a change is
# judged by what it changes; `pytest --hypothesis-profile=wide` looks for new ones.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("wide", deadline=None)
settings.load_profile("same")


@dataclass(frozen=True)
class Endpoint:
    """One stand-in that answers: `base_url` as the service's SDK takes it, its origin, its token."""

    base_url: str
    origin: str
    token: str


@dataclass
class StandIns:
    """The stand-ins by name ("github", "notion", "gmail", "openai"), without latency, each with a store of its own.

    One starts when it is first asked for, and has its sample data anew when a test first asks for it.
    """

    folder: Path
    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    stores: dict[str, Store] = field(default_factory=dict)
    servers: list[tuple[QuietServer, threading.Thread]] = field(default_factory=list)
    controls: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=30))
    used: set[str] = field(default_factory=set)

    def __getitem__(self, name: str) -> Endpoint:
        """Where the stand-in answers."""
        if name not in self.endpoints:
            self.endpoints[name] = self._start(name)
        if name not in self.used:
            self.used.add(name)
            self.calm(name)
            self.reset(name)
        return self.endpoints[name]

    def _start(self, name: str) -> Endpoint:
        module = stand_ins.load(name)
        self.stores[name] = Store(self.folder / name / "demo.db")
        listener = bind()
        instance = server(service(module, self.stores[name], reset=lambda: self.reset(name)))
        thread = threading.Thread(target=instance.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        self.servers.append((instance, thread))
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        return Endpoint(f"{origin}/v1" if name == "openai" else origin, origin, module.TOKEN)

    def faults(self, name: str, **fault: Any) -> None:
        """Let the next matching requests fail (see `demo.faults.Fault`)."""
        self._control(name, "POST", "faults", fault)

    def calm(self, name: str) -> None:
        """Take every fault back."""
        self._control(name, "DELETE", "faults")

    def requests(self, name: str) -> Mapping[str, int]:
        """How often each "METHOD /path" was asked since the stand-in started."""
        answer = self._control(name, "GET", "requests")
        return dict(answer["requests"])

    def show(self, name: str) -> dict[str, Any]:
        """What the stand-in holds."""
        return self._control(name, "GET", "show")

    def reset(self, name: str) -> int:
        """Lay out the sample data of one stand-in anew."""
        return self.stores[name].reset(stand_ins.load(name).seed)

    def _control(self, name: str, method: str, action: str, body: Any = None) -> dict[str, Any]:
        answer = self.controls.request(method, f"{self[name].origin}/_demo/{action}", json=body)
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document

    def stop(self) -> None:
        """Stop every server."""
        self.controls.close()
        for instance, thread in self.servers:
            instance.should_exit = True
            thread.join(20)
        for store in self.stores.values():
            store.close()


@pytest.fixture(scope="session")
def demo_services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIns]:
    """One set of stand-ins for all tests; use `standins`, which starts each test from the sample data."""
    running = StandIns(tmp_path_factory.mktemp("demo"))
    yield running
    running.stop()


@pytest.fixture
def standins(demo_services: StandIns) -> StandIns:
    """The stand-ins, each with fresh sample data and no faults when the test first asks for it."""
    demo_services.used.clear()
    return demo_services


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    """The one way out, for one test."""
    with http_client() as client:
        yield client


@dataclass(frozen=True)
class Failure:
    """A fault of a service, and the error that every client must make of it."""

    fault: dict[str, Any]
    error: type[ServiceError]
    outcome: Outcome
    retry_after_seconds: float | None = None

    def check(self, error: ServiceError, service: str) -> None:
        """Compare an error with what the fault means."""
        seen = (type(error), error.outcome, error.retry_after_seconds, error.service)
        assert seen == (self.error, self.outcome, self.retry_after_seconds, service), error.message
        if self.fault.get("status", 0) >= 400:
            assert error.http_status == self.fault["status"]
        assert len(error.message.split()) >= 3
        assert error.remedy


HTML = "<html><body><h1>502 Bad Gateway</h1></body></html>"
FAILURES = {
    "401": Failure({"status": 401}, AuthError, "not_done"),
    "403": Failure({"status": 403}, AuthError, "not_done"),
    "403 rate limited with Retry-After": Failure({"status": 403, "retry_after": 7}, RateLimited, "not_done", 7),
    "403 rate limited, none remaining": Failure(
        {"status": 403, "headers": {"x-ratelimit-remaining": "0"}}, RateLimited, "not_done"
    ),
    "404": Failure({"status": 404}, NotFound, "not_done"),
    "409": Failure({"status": 409}, Conflict, "not_done"),
    "412": Failure({"status": 412}, Conflict, "not_done"),
    "400": Failure({"status": 400}, InvalidRequest, "not_done"),
    "413": Failure({"status": 413}, InvalidRequest, "not_done"),
    "422": Failure({"status": 422}, InvalidRequest, "not_done"),
    "429 with Retry-After": Failure({"status": 429, "retry_after": 9}, RateLimited, "not_done", 9),
    "429 without Retry-After": Failure({"status": 429}, RateLimited, "not_done"),
    "500": Failure({"status": 500}, Unavailable, "unknown"),
    "502 with HTML": Failure({"status": 502, "body": HTML}, Unavailable, "unknown"),
    "503": Failure({"status": 503}, Unavailable, "unknown"),
    "cut before the effect": Failure({"cut": True}, Unavailable, "unknown"),
    "cut after the effect": Failure({"cut": True, "when": "after_effect"}, Unavailable, "unknown"),
    "not JSON": Failure({"status": 200, "body": HTML}, BadAnswer, "unknown"),
    "broken JSON": Failure({"status": 200, "body": '{"id": 1'}, BadAnswer, "unknown"),
    "empty body": Failure({"status": 200, "body": ""}, BadAnswer, "unknown"),
    "another shape": Failure({"status": 200, "body": '"yes"'}, BadAnswer, "unknown"),
}
SLOWNESS = {
    "no answer in time": Failure({"delay_seconds": 60}, Timeout, "unknown"),
    "no answer in time, effect done": Failure({"delay_seconds": 60, "when": "after_effect"}, Timeout, "unknown"),
    "dripping answer": Failure({"drip": 0.3}, Timeout, "unknown"),
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each row of a table to the tests that take a `failure` or a `slowness`."""
    for name, table in (("failure", FAILURES), ("slowness", SLOWNESS)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, table.values(), ids=table.keys())


_TALKS = frozenset({"standins", "failure", "slowness", "http", "scripted", "service", "orchestra", "running", "client"})
_FACES = frozenset({"api", "dashboard", "demo", "browser", "kill"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what talks to a server, opens an engine or draws a page: `make check` leaves it out."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if _TALKS & set(fixtures) or _FACES & set(item.path.parts):
            item.add_marker("service")


def pytest_sessionfinish() -> None:
    """Stop the mail server, where a test has started one."""
    mailboxes = sys.modules.get("tests.mail.mailboxes")
    if mailboxes is not None:
        mailboxes.stop()
