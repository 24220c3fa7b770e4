"""The interface of a client: one account of a service, as the engine opens, checks and closes it.

Beyond it, a client has a method for each operation that steps and triggers use.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import msgspec
from msgspec import Struct

from clients.check_line import CheckLine
from clients.errors import SandboxMissing
from clients.pacing.paces import OwnPaces, Paces
from clients.reads import ConnectionReads
from clients.service import Service

if TYPE_CHECKING:
    import httpx

    from clients.sign_in import Seal, SignInWay


class AccountSighting(Struct, frozen=True):
    """The last known content of an account, in a form for its step types, and when it was seen."""

    what: Any
    at: datetime


@dataclass(frozen=True)
class Program:
    """A program of this machine that a connection starts, with its access and its limits."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    """The whole environment: this program's own is not passed on."""
    folders: tuple[str, ...]
    """What it may read; relative paths are in the workspace."""
    hosts: tuple[str, ...]
    """What it may reach, such as `api.example.org` or `api.example.org:8443`."""
    private_hosts: tuple[str, ...]
    """The `hosts` whose addresses may be private."""
    seconds: int
    memory_mb: int
    processes: int
    disk_mb: int
    output_kb: int


class RunningProgram(Protocol):
    """A program that is talked to line by line."""

    reason: str
    """Why it was ended: `time`, `answer`, `processes`, `memory`, `files`, `cancelled`; empty: it was not."""

    def write(self, data: bytes) -> None:
        """Write to its stdin. Blocking. Raises OSError once it has ended."""

    def line(self) -> bytes:
        """Return the next line of its stdout; empty once it has ended. Blocking."""

    @property
    def complaint(self) -> str:
        """The last line that it has written to stderr."""


def _no_sandbox(_program: Program) -> AbstractContextManager[RunningProgram]:
    raise SandboxMissing("Programs are started only where a workspace is open.")


def _no_site() -> str:
    return ""


def _no_seal(_file: Path | None) -> None:
    return None


def _no_zone() -> str:
    return "UTC"


def _as_it_is(content: bytes) -> bytes:
    return content


class Opening(Struct, frozen=True):
    """What a client gets besides its settings: its reach, and the things that it shares with other processes."""

    is_demo: bool = False
    """Only the service's stand-in may be reached."""
    shared_folder: Path | None = None
    paces: Paces = msgspec.field(default_factory=OwnPaces)
    """How far accounts have used their paces."""
    demo_site: Callable[[], str] = _no_site
    """Starts the stand-in for the web, and returns its address; empty if there is none."""
    workspace: Path | None = None
    """The folder that relative paths of settings are in."""
    private: frozenset[Path] = frozenset()
    """Files and folders of the workspace that no step may read or write: its state, its settings, sign-ins."""
    seal: Callable[[Path | None], Seal | None] = _no_seal
    """Returns what encrypts a sign-in file; None for a file that other programs read, too."""
    start: Callable[[Program], AbstractContextManager[RunningProgram]] = _no_sandbox
    """Starts a program in the sandbox of this machine, and ends it."""
    for_models: Callable[[bytes], bytes] = _as_it_is
    """Returns the body of a request to a model without what no model may read; it stays as long."""
    time_zone: Callable[[], str] = _no_zone
    """Returns the time zone of the workspace, for times without a zone."""

    def http(self, service: Service, base_url: str) -> httpx.Client:
        """Return a new HTTP client for the API of a service; for a demo account, it reaches nothing else."""
        # Imported late, since most commands open no connection.
        from clients.transport import http_client, origin, rewriting

        only = frozenset({origin(base_url)}) if self.is_demo else None
        http = http_client(allowed_origins=only, reads=ConnectionReads(service.reads, base_url, service.title))
        return rewriting(http, self.for_models) if service.kind == "model" else http

    def shared_file(self, service: Service) -> Path | None:
        """Return the path of the service's shared file; None if nothing is shared."""
        return self.shared_folder / service.shared_file if self.shared_folder else None


class Client(ABC):
    """One account. Thread-safe; every method raises only errors of `clients.errors`."""

    service: ClassVar[Service]
    sign_in_way: ClassVar[SignInWay | None] = None
    """How a person signs in with a browser, instead of giving a key; None if all or some connections take a key."""
    calls_at_once: ClassVar[int | None] = None
    """How many calls its service takes at once; None: as many as the workspace allows."""
    http: httpx.Client | None = None
    """What it sends HTTP requests through; None if it uses another protocol."""

    @classmethod
    @abstractmethod
    def open(cls, settings: Any, opening: Opening) -> Self:
        """Return a client for settings of `service.settings`; calls no service."""

    @classmethod
    def sign_in_for(cls, settings: Mapping[str, Any]) -> SignInWay | None:
        """Return how a person can sign in to a connection with these settings; None: it takes only a key."""
        return cls.sign_in_way.for_settings(settings) if cls.sign_in_way is not None else None

    @abstractmethod
    def account(self) -> str:
        """Return the account's name; asks the service at most once."""

    def identity(self) -> str:
        """Return the permanent id of the account; unlike its name, it never changes."""
        return self.account()

    def label(self) -> str:
        """Return whose account it is, for people."""
        return self.account()

    def sign_in_version(self) -> Hashable:
        """Return a value that changes with each sign-in, which may be to another account, or None."""
        return None

    @abstractmethod
    def check(self) -> list[CheckLine]:
        """Try what workflows depend on; a failure is a line, not an exception.

        The lines `settings`, `reachable`, `server`, `sign-in`, `sending` and `scopes` are about access to the account,
        and come first; the others are about its content.
        """

    def look_closer(self, now: datetime) -> Iterable[CheckLine]:
        """Yield further lines for `connections check` of a working account, such as an expiry or a limit."""
        del now
        return ()

    @classmethod
    def foreseen(cls, beside_key: Mapping[str, Any]) -> CheckLine | None:
        """Return what these settings lack, or why they cannot work, as far as that is known without asking."""
        del beside_key
        return None

    @classmethod
    def key_page(cls, beside_key: Mapping[str, Any]) -> str:
        """Return the page where a person gets a key; `beside_key`: the settings known so far."""
        del beside_key
        return cls.service.key.url if cls.service.key else ""

    @classmethod
    def is_fetched(cls, model: str) -> bool:
        """Tell whether the file of one of `service.models` is on this machine."""
        raise NotImplementedError(f"{cls.service.name} has no models to fetch: {model}")

    @classmethod
    def fetch_model(cls, model: str, on_progress: Callable[[int], object]) -> None:
        """Fetch the file of one of `service.models`, unless it is there; blocking.

        `on_progress` gets the bytes that have arrived, again and again.
        """
        raise NotImplementedError(f"{cls.service.name} has no models to fetch: {model}, {on_progress}")

    def seen(self) -> AccountSighting | None:
        """Return the last known content of the account, for the compiler; None if nothing is known. Sends nothing."""
        return None

    def is_public(self, place: str) -> bool:
        """Tell whether everybody can read what is written to a `Service.public_place`."""
        raise NotImplementedError(f"{self.service.name} has no public places: {place}")

    def close(self) -> None:
        """Close the connections to the service; harmless if done twice."""
        if self.http is not None:
            self.http.close()
