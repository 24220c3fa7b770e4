"""What the fault matrix runs every step type in: one stand-in, freshly laid out, and a client that is watched."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from clients.errors import ServiceError
from clients.request_tracking import SentRequests, counted_sends
from clients.transport import deadline
from demo.faults import InjectedFault
from engine.base.run_file import RunFile
from engine.base.services import client_class
from engine.plugins import registry
from engine.plugins.step import Call, StepType

if TYPE_CHECKING:
    from tests.conftest import Endpoint, StandIns

PATIENCE_SECONDS = 60.0
MARKER = "0123456789abcdef0123456789abcdef"
STAND_INS: Mapping[str, str] = {"http": "github"}
"""Which stand-in plays a service that has none of its own name: to `http.request` each is a server like any other."""


@dataclass(frozen=True)
class Operation:
    """How a step type is run in the matrix.

    `arguments` are its fields, made in a fresh world: `world.shown()` tells what is there, `world.made(…)` makes what
    has to be there first. `match` is the request that the faults hit, as the fault switch takes it ("POST /v1/pages");
    without one they hit the last request that the step sends.
    `differs` names the faults that rightly mean something else here: another error, or none (it succeeds all the same).
    """

    arguments: Callable[[World], Mapping[str, Any]]
    match: str = ""
    plays: str = ""
    """The stand-in that is asked, if not the one of its service."""
    differs: Mapping[str, type[ServiceError] | None] = field(default_factory=dict)


@dataclass
class World:
    """One service for one operation: its stand-in, and a client whose requests are counted."""

    service: str
    standins: StandIns
    http: httpx.Client
    sent: list[str] = field(default_factory=list)
    """The requests of the last call, each "METHOD /path?query"."""
    plays: str = ""
    """The stand-in that is asked, if not the one of its service."""
    files: dict[str, bytes] = field(default_factory=dict)
    counted: SentRequests = field(default_factory=SentRequests)

    def __post_init__(self) -> None:
        self.http.event_hooks = {"request": [self._seen]}
        self._when_sent: Callable[[int], None] = lambda _: None

    def _seen(self, request: httpx.Request) -> None:
        self.sent.append(f"{request.method} {request.url.raw_path.decode()}")
        self._when_sent(len(self.sent))

    @property
    def stand_in(self) -> str:
        """The name of the stand-in."""
        return self.plays or STAND_INS.get(self.service, self.service)

    @property
    def endpoint(self) -> Endpoint:
        """Where the stand-in answers, and its token."""
        return self.standins[self.stand_in]

    @property
    def client(self) -> Any:
        """A client of the service, opened anew: it remembers nothing of what was asked before."""
        found = client_class(self.service)
        made: Any = found
        return made(found.service.settings.model_validate(_settings(self.service, self.endpoint)), self.http)

    def shown(self) -> dict[str, Any]:
        """All that the stand-in holds, as `orchestra demo show` tells it."""
        return self.standins.show(self.stand_in)

    def arrived(self) -> int:
        """How many requests have come to the stand-in so far."""
        return sum(self.standins.requests(self.stand_in).values())

    def made(self, step: str, **arguments: Any) -> Any:
        """Run a step that prepares what the operation needs; give its output."""
        return self.run(registry.step_type(step), arguments)

    def run(self, step_type: StepType, arguments: Mapping[str, Any]) -> Any:
        """Make one call, as the engine makes it."""
        return self._done(lambda: step_type.call(self.call(step_type, arguments)))

    def found(self, step_type: StepType, arguments: Mapping[str, Any]) -> Any:
        """Look for a write, as the engine does after its answer was lost."""
        return self._done(lambda: step_type.find(self.call(step_type, arguments, attempt=0)))

    def whose(self) -> str:
        """Ask the service whose account it is."""
        self.sent.clear()
        return str(self._done(self.client.account))

    def _done(self, work: Callable[[], Any]) -> Any:
        with deadline(PATIENCE_SECONDS), counted_sends() as self.counted:
            return work()

    def call(self, step_type: StepType, arguments: Mapping[str, Any], attempt: int = 1) -> Call:
        """What the step gets for one attempt (0: a look-up)."""
        self.sent.clear()
        now = datetime.now(UTC)
        fields = step_type.fields.model_validate(dict(arguments))
        return Call(
            fields,
            self.client,
            MARKER,
            intended_at=now,
            attempt=attempt,
            started_at=now,
            read=lambda file: self.files[file.place],
            path=self._path,
            on_text=lambda _: None,
        )

    @contextmanager
    def _path(self, file: RunFile) -> Iterator[Path]:
        with tempfile.NamedTemporaryFile() as local:
            local.write(self.files[file.place])
            local.flush()
            yield Path(local.name)

    def file(self, content: bytes, name: str, media_type: str) -> dict[str, Any]:
        """A file of the run, for a field that takes one."""
        self.files[name] = content
        return {"$file": name, "name": name, "bytes": len(content), "media_type": media_type}

    @contextmanager
    def struck(self, number: int, fault: Mapping[str, Any], strike: Callable[[], None]) -> Iterator[None]:
        """Let a fault hit the request of that number (from 1) of what is done inside; `strike` is called before it."""

        def arm(count: int) -> None:
            if count == number:
                self.standins.faults(self.stand_in, **fault)
                strike()

        self._when_sent = arm
        try:
            yield
        finally:
            self._when_sent = lambda _: None
            self.standins.calm(self.stand_in)

    def number_of(self, match: str) -> int:
        """Which of the requests just sent is the first that a `match` means; without one, the last."""
        if not match:
            return len(self.sent)
        fits = InjectedFault(match=match).fits
        return next(number for number, line in enumerate(self.sent, 1) if fits(*line.split(" ", 1)))


def _settings(service: str, endpoint: Endpoint) -> dict[str, Any]:
    """The connection to a stand-in, in the words of the client's settings."""
    if service == "http":
        return {"allow_hosts": [endpoint.origin.removeprefix("http://")], "token": endpoint.token}
    if service == "openai":
        return {"base_url": endpoint.base_url, "api_key": endpoint.token, "model": "demo-extractive"}
    return {"base_url": endpoint.base_url, "token": endpoint.token}
