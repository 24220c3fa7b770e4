"""The stand-ins of `demo/` on real loopback ports in this process, and all that can go wrong with a service."""

from __future__ import annotations

import os
import re
import socket
import socketserver
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import argon2
import httpx
import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers

from clients.transport import http_client
from demo import stand_ins
from demo.endpoints import FILES, bind
from demo.server import StandInServer, server
from demo.service import service
from demo.sql import shop
from demo.store import Store
from engine.store.sqlite import database
from tests import postgres
from tests.described import described
from tests.patience import PATIENCE_SECONDS
from tests.warm_demo import Subprocess

pytest_plugins = ["tests.leaks", "tests.second_try"]

# Where Python keeps no bytecode (containers often set this), each process that a test starts would compile all our
# modules again, a third of the time that most of them take.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The stand-ins of the demo answer at once, also in the processes that tests start: people see them work, tests wait.
os.environ["ORCHESTRA_DEMO_LATENCY"] = "0"

# A loaded machine takes as long as it takes: no example is too slow. The same examples every time, so that a change is
# judged by what it changes; `pytest --hypothesis-profile=wide` looks for new ones.
settings.register_profile("same", deadline=None, derandomize=True, max_examples=40)
settings.register_profile("wide", deadline=None)
settings.load_profile("same")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Know no name of another machine: nothing made up is sent to a real service."""
    known = socket.getaddrinfo

    def look_up(host: Any, *args: Any, **more: Any) -> Any:
        if host not in (None, "localhost", "127.0.0.1", "::1"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return known(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Let Hypothesis take no constants from the modules that happen to be imported, which takes 8 s.

    Other tests in the process would change the examples.
    """
    if config.getoption("--hypothesis-profile") is None:
        providers._get_local_constants = lambda: providers._local_constants


_handle_error = socketserver.BaseServer.handle_error


def _tell_of_faults_alone(server: socketserver.BaseServer, request: Any, client_address: Any) -> None:
    """Print no traceback for a client that has gone: it would stand in the output of whichever test runs then."""
    if not isinstance(sys.exc_info()[1], ConnectionError):
        _handle_error(server, request, client_address)


socketserver.BaseServer.handle_error = _tell_of_faults_alone  # type: ignore[method-assign, assignment]


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
    servers: list[tuple[StandInServer, threading.Thread]] = field(default_factory=list)
    controls: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS))
    used: set[str] = field(default_factory=set)

    def __getitem__(self, name: str) -> Endpoint:
        """Where the stand-in answers, or the file that it is."""
        if name in FILES:
            shop.make(self.folder / FILES[name])
            url = f"sqlite:///{self.folder / FILES[name]}"
            return Endpoint(url, url, url)
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
        app = service(module, self.stores[name], reset=lambda: self.reset(name))
        instance = server(described(app, name))
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
        for instance, _ in self.servers:
            instance.should_exit = True
        for _, thread in self.servers:
            thread.join(PATIENCE_SECONDS)
        for store in self.stores.values():
            store.close()


@pytest.fixture(autouse=True, scope="session")
def certificates() -> Iterator[None]:
    """Let httpx load the public certificates once, and not for each client: 10 ms each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpx._transports.default.create_ssl_context", cache(httpx.create_ssl_context))
        yield


@pytest.fixture(autouse=True, scope="session")
def hashes() -> Iterator[None]:
    """Let a hash of a password take 0.1 ms of this process instead of 100; servers that tests start take their time."""
    with pytest.MonkeyPatch.context() as patch:
        cheap = partial(argon2.PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(argon2, "PasswordHasher", cheap)
        yield


@pytest.fixture(autouse=True, scope="session")
def syncs() -> Iterator[None]:
    """Let no sync of this process wait for the disk: its end loses nothing, and power cuts are in assurance/faults."""
    pragmas = database._pragmas
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)  # it still refuses a file that is not open
        patch.setattr(database, "_pragmas", lambda: (*pragmas(), "PRAGMA synchronous=OFF"))
        yield


@pytest.fixture(autouse=True, scope="session")
def stand_in_processes() -> Iterator[None]:
    """Let the stand-ins of an engine in this process be forked of a warm one; commands and servers start their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engine.connections.stand_ins.subprocess", Subprocess)
        yield


@pytest.fixture(scope="session")
def components() -> Iterator[None]:
    """Let Streamlit look for components among the installed packages once, and not for each page: 100 ms each."""
    from streamlit.components.v2.manifest_scanner import scan_component_manifests

    with pytest.MonkeyPatch.context() as patch:
        name = "streamlit.components.v2.manifest_scanner.scan_component_manifests"
        patch.setattr(name, cache(scan_component_manifests))
        yield


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


_ROOT = Path(__file__).parents[1]
_TALKS = frozenset(
    {"standins", "http", "scripted", "service", "orchestra", "running", "client", "desk", "here", "there"}
)
_APART = ("slow", "service", "browser", "chaos", "control")
_MARKS_OF_A_FILE = re.compile(r"^pytestmark = (?:\[$.*?^\]|.*?)$", re.MULTILINE | re.DOTALL)
_FACES = frozenset({"api", "dashboard", "demo", "browser", "faces", "operations", "sandbox", "sql"})


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import what is left out as a whole: a folder, or a file by its `pytestmark`."""
    left_out = [name for name in _APART if f"not {name}" in config.option.markexpr]
    if "service" in left_out and collection_path.name in _FACES:
        return True
    if left_out and collection_path.suffix == ".py":
        marks = _MARKS_OF_A_FILE.search(collection_path.read_text(encoding="utf-8"))
        return True if marks and any(f"pytest.mark.{name}" in marks[0] for name in left_out) else None
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what talks to a server or a process, opens an engine or draws a page; put the files in order."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if _TALKS & set(fixtures) or _FACES & set(item.path.parts):
            item.add_marker("service")
    places = _places(items)
    items.sort(key=lambda item: places[item.path])


def _places(items: Sequence[pytest.Item]) -> dict[Path, tuple[int, float]]:
    """Return where each file comes: slow ones first, then those with the most tests.

    So no worker of xdist is left alone with a long file in the end (with `--no-loadscope-reorder`). The slow files of
    each folder are spread evenly: those that wait for processes run beside those that keep a browser busy.
    """
    tests = Counter(item.path for item in items)
    slow = dict.fromkeys(item.path for item in items if item.get_closest_marker("slow"))
    folders: defaultdict[str, list[Path]] = defaultdict(list)
    for path in slow:
        folders[path.relative_to(_ROOT).parts[1]].append(path)
    spread = {path: (0, n / len(paths)) for paths in folders.values() for n, path in enumerate(paths)}
    return {path: spread.get(path, (1, -number)) for path, number in tests.items()}


def pytest_sessionfinish() -> None:
    """Stop the mail server, where a test has started one."""
    mailboxes = sys.modules.get("tests.mail.mailboxes")
    if mailboxes is not None:
        mailboxes.stop()


@pytest.fixture(autouse=os.environ.get("TEST_STATE") == "postgres")
def state_on_postgres(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the state of all workspaces of a test in a schema on PostgreSQL: `TEST_STATE=postgres pytest …`.

    The workspaces of assurance/kill have schemas of their own (assurance/kill/state.py): several tests may share one.
    """
    if "kill" in request.path.parts:
        yield
        return
    with postgres.schema() as url:
        monkeypatch.setenv("ORCHESTRA_STATE", url)
        yield
