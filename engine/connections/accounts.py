"""Which account stands behind a connection: the stand-in's or the owner's; and its opened client."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from clients.errors import AuthError
from engine.connections.services import NO_STAND_IN, client_class
from engine.connections.sign_ins import SafeSeal
from engine.errors import InvalidInput, UnknownName, own_words
from engine.runner.threads import Workers
from engine.workspace.config import LoadedConfig

Mode = Literal["demo", "mine"]


class StandIns(Protocol):
    """Where the demo services answer."""

    def endpoints(self) -> Mapping[str, Any]:
        """Return {service: {base_url, token, …}, "generation": n}, starting them if none run."""


class Refusals(Protocol):
    """Who wants to know that an account does not take its key any more, or takes it again."""

    def report(self, connection: str, mode: Mode, error: AuthError, workflow: str = "") -> None:
        """Take down a refusal; `workflow`: the one that a trigger began."""

    def is_known(self, connection: str, mode: Mode) -> bool:
        """Tell at once whether this account was refused before."""

    def worked(self, connection: str, mode: Mode) -> None:
        """Take down that it is let in again."""


class NoRefusals:
    """Nobody wants to know."""

    def report(self, connection: str, mode: Mode, error: AuthError, workflow: str = "") -> None:
        """Do nothing."""

    def is_known(self, connection: str, mode: Mode) -> bool:
        """Give no."""
        return False

    def worked(self, connection: str, mode: Mode) -> None:
        """Do nothing."""


@dataclass
class Account:
    """An opened connection."""

    connection: str
    service: str
    mode: Mode
    client: Any = field(repr=False)
    workers: Workers = field(repr=False)
    http: Any = field(repr=False)
    _identity: str = ""
    _known_at: Any = None
    """Of which sign-in that is: another process may replace it by one of somebody else."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def known_identity(self) -> str:
        """`service:whose`, or an empty string as long as nobody asked, or not since the sign-in is another one."""
        return self._identity if self._known_at == self._sign_in() else ""

    @property
    def label(self) -> str:
        """Whose account it is in words for people, or an empty string as long as nobody asked."""
        if self._identity.startswith("demo-"):
            return self._identity
        if not self._identity:
            return ""
        label = str(self.client.account())  # asked before, so the client answers from memory
        return label.partition(":")[2] if hasattr(self.client, "identity") else label

    def identity(self) -> str:
        """Return `service:whose`; asks the service the first time (blocking), so call it in a worker.

        A client has `identity` where what people call an account (`account`) may change, and `sign_in_version` where
        the account itself may.
        """
        with self._lock:
            sign_in = self._sign_in()
            if not self._identity or self._known_at != sign_in:
                whose = getattr(self.client, "identity", self.client.account)
                self._identity, self._known_at = f"{self.service}:{whose()}", sign_in
            return self._identity

    def _sign_in(self) -> Any:
        asked = getattr(self.client, "sign_in_version", None)
        return None if asked is None else asked()


class Accounts:
    """Opens connections once each; `mode` says for each service whose account is meant.

    `shared`: the folder in which clients of all processes of a workspace keep what they must agree on; None: nowhere.
    """

    def __init__(
        self,
        config: Callable[[], LoadedConfig],
        stand_ins: StandIns,
        calls_at_once: int = 64,
        shared: Path | None = None,
    ) -> None:
        self._shared = shared
        self.refusals: Refusals = NoRefusals()
        """Told of each call that an account refused, and of the first that it does not refuse any more."""
        self._config, self._stand_ins, self._size = config, stand_ins, calls_at_once
        self._opened: dict[tuple[str, str], tuple[Any, Account]] = {}
        self._retired: list[Account] = []
        """Replaced by others; runs may still be at work with them, so they are closed with the rest."""
        self._lock = threading.Lock()

    def open(self, connection: str | None, service: str | None, mode: Mode) -> Account:
        """Return the account of a connection (None: the service without one). Blocking; thread-safe.

        Raises UnknownName, InvalidInput (a setting is missing or wrong) and ServiceError.
        """
        name = connection or f"no connection ({service})"
        with self._lock:
            settings, identity = self._settings(connection, service, mode)
            known = self._opened.get((name, mode))
            if known is None or known[0] != (settings, identity):
                kind = str(service or self._service(connection))
                self._retire((name, mode))
                known = ((settings, identity), self._connect(name, kind, mode, settings, identity))
                self._opened[(name, mode)] = known
            return known[1]

    def label(self, connection: str, mode: Mode) -> str:
        """Return whose account a connection is, if that was asked before; asks nobody."""
        known = self._opened.get((connection, mode))
        return known[1].label if known else ""

    def known_identity(self, connection: str, mode: Mode) -> str:
        """Return which account a connection is, as identities of writes name it, if that was asked before."""
        known = self._opened.get((connection, mode))
        return known[1].known_identity if known else ""

    def _service(self, connection: str | None) -> str:
        known = self._config().config.connections
        if connection not in known:
            raise UnknownName("connection", str(connection), list(known))
        return known[connection].service

    def _settings(self, connection: str | None, service: str | None, mode: Mode) -> tuple[dict[str, Any], str]:
        """Return the client's settings, and the account's identity where it is known beforehand."""
        if connection is None:
            return {}, f"{service}:none"
        kind = self._service(connection)
        if mode == "demo" and kind not in NO_STAND_IN:
            endpoints = self._stand_ins.endpoints()
            return _client_settings(kind, endpoints[kind]), f"demo-{endpoints['generation']}"
        return self._config().settings_of(connection), f"http:{connection}" if kind == "http" else ""

    def _connect(self, name: str, kind: str, mode: Mode, settings: Mapping[str, Any], identity: str) -> Account:
        from pydantic import ValidationError

        found = client_class(kind)
        try:
            checked = found.Settings.model_validate(dict(settings))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise InvalidInput(
                f"The connection {name!r} has a wrong setting {place!r}: {own_words(first)}.",
                remedy="Correct it in config.yaml.",
            ) from error
        is_own = hasattr(found, "way_out")
        http = found.way_out(checked, is_demo=mode == "demo") if is_own else _http(kind, mode, settings)
        return Account(name, kind, mode, self._client(found, checked, http), Workers(name, self._size), http, identity)

    def _client(self, found: Any, settings: Any, http: Any) -> Any:
        """Return a client; one that has a `shared_file` gets its place, one of a sign-in how that is sealed."""
        name = getattr(found, "shared_file", "")
        if name and self._shared:
            return found(settings, http, self._shared / name)
        if getattr(found, "sign_in_at", ""):
            return found(settings, http, self._seal(settings.token_file))
        return found(settings, http)

    def _seal(self, token_file: Path | None) -> SafeSeal | None:
        """Return how a sign-in file is sealed; None for one that is not this program's own."""
        is_ours = token_file is not None and self._config().safe.holds(token_file)
        return SafeSeal(lambda: self._config().safe) if is_ours else None

    def forget(self, connection: str) -> None:
        """Open a connection anew next time: there may be another account behind it now."""
        with self._lock:
            for key in [key for key in self._opened if key[0] == connection]:
                self._retire(key)

    def _retire(self, key: tuple[str, str]) -> None:
        known = self._opened.pop(key, None)
        if known is not None:
            self._retired.append(known[1])

    def close(self) -> None:
        """Close the connections that are open to the services."""
        with self._lock:
            for key in list(self._opened):
                self._retire(key)
            for account in self._retired:
                account.http.close()
            self._retired.clear()


def _client_settings(kind: str, endpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stand-in's endpoint in the words of the client's settings."""
    settings = {"base_url": endpoint["base_url"]}
    settings["api_key" if kind == "openai" else "token"] = endpoint["token"]
    for extra in ("model", "web_url"):
        if extra in endpoint:
            settings[extra] = endpoint[extra]
    return settings


def _http(kind: str, mode: Mode, settings: Mapping[str, Any]) -> Any:
    """Return the HTTP client that the account sends through; a demo account can reach its stand-in only."""
    from clients.transport import http_client, origin

    if kind == "http" and mode == "demo":
        return http_client(allowed_origins=frozenset())
    if kind == "http":
        return http_client(public_only=True, allow_hosts=frozenset(settings.get("allow_hosts", [])))
    if mode == "demo":
        return http_client(allowed_origins=frozenset({origin(settings["base_url"])}))
    return http_client()
