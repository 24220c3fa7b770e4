"""The account behind a connection, the stand-in's or the owner's, and its opened client."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from clients.client import AccountSighting, Client, Opening, Program, RunningProgram
from clients.errors import AuthError, ServiceError
from clients.pacing.paces import OwnPaces, Paces
from clients.secrets import known
from clients.service import Service
from engine.base.errors import InvalidInput, OrchestraError, UnknownName, own_words
from engine.base.services import add_command, client_class, declaration, has_stand_in
from engine.base.statuses import AccountMode
from engine.base.threads import WorkerThreads
from engine.connections.sign_ins import VaultSeal
from engine.people.answer_links import without_links_in_bytes
from engine.workspace.config import LoadedConfig

_WORKFLOWS = "workflows"
"""No step reads them, as people may run steps who may not see each workflow. Programs do: one may be for Git."""


class StandIns(Protocol):
    """The addresses of the demo services."""

    def endpoints(self) -> Mapping[str, Any]:
        """Return {service: {base_url, token, …}, "generation": n}; start the stand-ins if none are running."""


class AccountNoticeListener(Protocol):
    """Receives reports that an account rejected its credentials, or accepts them again."""

    def report(self, connection: str, mode: AccountMode, error: AuthError, workflow: str = "") -> None:
        """Record a refusal; `workflow`: the one that a trigger started."""

    def is_known(self, connection: str, mode: AccountMode) -> bool:
        """Return, without blocking, whether this account was refused before."""

    def worked(self, connection: str, mode: AccountMode) -> None:
        """Record that the account was accepted again."""


class NoAccountNotices:
    """Ignores all reports."""

    def report(self, connection: str, mode: AccountMode, error: AuthError, workflow: str = "") -> None:
        """Do nothing."""

    def is_known(self, connection: str, mode: AccountMode) -> bool:
        """Return False."""
        return False

    def worked(self, connection: str, mode: AccountMode) -> None:
        """Do nothing."""


@dataclass
class Account:
    """An opened connection."""

    connection: str
    service: str
    mode: AccountMode
    client: Client = field(repr=False)
    workers: WorkerThreads = field(repr=False)
    _identity: str = ""
    _known_at: Any = None
    """The sign-in that the identity belongs to: another process may replace it with another person's."""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def known_identity(self) -> str:
        """`service:whose`; empty if not asked yet, or not since the sign-in changed."""
        return self._identity if self._known_at == self.client.sign_in_version() else ""

    @property
    def label(self) -> str:
        """Whose account it is, in words for people; empty if not asked yet."""
        if self._identity.startswith("demo-") and has_stand_in(self.service):
            return self._identity
        return self.client.label() if self._identity else ""  # the client has asked before, and answers from memory

    def identity(self) -> str:
        """Return `service:whose`; asks the service the first time (blocking), so call it in a worker."""
        with self._lock:
            sign_in = self.client.sign_in_version()
            if not self._identity or self._known_at != sign_in:
                self._identity, self._known_at = f"{self.service}:{self.client.identity()}", sign_in
            return self._identity

    def owner(self) -> tuple[str, str]:
        """Return (the permanent id of this account, its name for people); asks as `identity` does."""
        self.identity()
        return self.client.identity(), self.label


class Accounts:
    """Opens each connection once; `mode` says for each service whose account is meant.

    `shared`: the folder in which the clients of all processes of a workspace share state; None: nothing is shared.
    """

    def __init__(
        self,
        config: Callable[[], LoadedConfig],
        stand_ins: StandIns,
        calls_at_once: int = 64,
        shared: Path | None = None,
        paces: Paces | None = None,
    ) -> None:
        self._shared, self._paces = shared, paces or OwnPaces()
        self.notices: AccountNoticeListener = NoAccountNotices()
        """Receives each refusal of an account, and the first success after it."""
        self.config, self._stand_ins, self._size = config, stand_ins, calls_at_once
        self._opened: dict[tuple[str, str], tuple[Any, Account]] = {}
        self._retired: list[Account] = []
        """Replaced by others; runs may still be using them, so they are closed with the rest."""
        self._lock = threading.Lock()

    def open(self, connection: str | None, service: str | None, mode: AccountMode) -> Account:
        """Return the account of a connection (None: the service without one). Blocking; thread-safe.

        Raises UnknownName, InvalidInput (a setting is missing or wrong) and ServiceError.
        """
        name = connection or f"no connection ({service})"
        with self._lock:
            settings, identity = self._settings(connection, service, mode)
            known = self._opened.get((name, mode))
            if known is None or known[0] != (settings, identity):
                kind = str(service) if connection is None else self._service(connection)  # a model may replace another
                self._retire((name, mode))
                known = ((settings, identity), self._connect(name, kind, mode, settings, identity))
                self._opened[(name, mode)] = known
            return known[1]

    def seen(self, connection: str, mode: AccountMode) -> AccountSighting | None:
        """Return what an account was last seen to have; None if nothing is known. Asks no service, starts no demo."""
        if mode == AccountMode.DEMO:
            known = self._opened.get((connection, mode))
            return known[1].client.seen() if known else None
        try:
            return self.open(connection, None, mode).client.seen()
        except (OrchestraError, ServiceError):
            return None

    def label(self, connection: str, mode: AccountMode) -> str:
        """Return whose account a connection is, if known; never asks the service."""
        known = self._opened.get((connection, mode))
        return known[1].label if known else ""

    def known_identity(self, connection: str, mode: AccountMode) -> str:
        """Return a connection's account as in identities of writes, if known; never asks the service."""
        known = self._opened.get((connection, mode))
        return known[1].known_identity if known else ""

    def known_client(self, connection: str, mode: AccountMode) -> Client | None:
        """Return the client of a connection; None if it is not open. Never asks the service."""
        known = self._opened.get((connection, mode))
        return known[1].client if known else None

    def known_owner(self, connection: str) -> tuple[str, str] | None:
        """Return `Account.owner` of the owner's account, if known; never asks the service."""
        known = self._opened.get((connection, AccountMode.MINE))
        return known[1].owner() if known and known[1].known_identity else None

    def _service(self, connection: str | None) -> str:
        known = self.config().config.connections
        if connection not in known:
            raise UnknownName("connection", str(connection), list(known))
        return known[connection].service

    def _settings(self, connection: str | None, service: str | None, mode: AccountMode) -> tuple[dict[str, Any], str]:
        """Return the client's settings, and the account's identity if it is known without asking."""
        demo = "demo-" if mode == AccountMode.DEMO else ""  # so that a reset of the demo forgets its receipts
        if connection is None:
            return self.config().own_settings(service), f"{demo}{service}:none"
        name = self._service(connection)
        declared = declaration(name)
        if mode == AccountMode.DEMO and has_stand_in(name):
            endpoints = self._stand_ins.endpoints()
            return _stand_in_settings(declared, endpoints[name]), f"demo-{endpoints['generation']}"
        return self.config().settings_of(connection), "" if declared.has_accounts else f"{demo}{name}:{connection}"

    def _connect(self, name: str, kind: str, mode: AccountMode, settings: Mapping[str, Any], identity: str) -> Account:
        from pydantic import ValidationError

        found = client_class(kind)
        try:
            checked = found.service.settings.model_validate(dict(settings))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise InvalidInput(
                f"The connection {name!r} has a wrong setting {place!r}: {own_words(first)}.",
                remedy=f"Correct it: {add_command(kind, name)}.",
                field=place,
            ) from error
        if mode == AccountMode.MINE:
            known.keep(f"connection {name}", *secrets_in(checked.model_dump()))
        client = found.open(checked, self._opening(is_demo=mode == AccountMode.DEMO))
        at_once = min(self._size, client.calls_at_once or self._size)
        return Account(name, kind, mode, client, WorkerThreads(name, at_once), identity)

    def _opening(self, *, is_demo: bool) -> Opening:
        root = self.config().root.resolve()
        private = self.private()
        start = partial(_started, root=root, private=private - {root / _WORKFLOWS})
        return Opening(
            is_demo,
            self._shared,
            self._paces,
            self._demo_site,
            root,
            private,
            self._seal,
            start,
            for_models=without_links_in_bytes,  # a model says what a stranger tells it to say
            time_zone=lambda: self.config().config.time_zone,
        )

    def _demo_site(self) -> str:
        return str(self._stand_ins.endpoints()["site"]["base_url"])

    def private(self) -> frozenset[Path]:
        """Return the files of the workspace that are not for steps."""
        root, config = self.config().root.resolve(), self.config().config
        settings = [setting for one in config.connections.values() for setting in one.settings.items()]
        named = [value for name, value in settings if name.endswith("_file") and isinstance(value, str) and value]
        own = [config.state_dir, "logs", "projects", _WORKFLOWS, "config.yaml", *named]
        return frozenset(root / Path(one).expanduser() for one in own)

    def _seal(self, token_file: Path | None) -> VaultSeal | None:
        """Return the seal of a sign-in file; None if the file is not this program's own."""
        is_ours = token_file is not None and self.config().vault.holds(token_file)
        return VaultSeal(lambda: self.config().vault) if is_ours else None

    def forget(self, connection: str) -> None:
        """Open a connection again next time: its account may have changed."""
        with self._lock:
            for key in [key for key in self._opened if key[0] == connection]:
                self._retire(key)

    def _retire(self, key: tuple[str, str]) -> None:
        known = self._opened.pop(key, None)
        if known is not None:
            self._retired.append(known[1])

    def close(self) -> None:
        """Close all open connections to the services."""
        with self._lock:
            for key in list(self._opened):
                self._retire(key)
            for account in self._retired:
                account.client.close()
            self._retired.clear()


def _started(program: Program, *, root: Path, private: frozenset[Path]) -> AbstractContextManager[RunningProgram]:
    from engine.sandbox.code.process import talking  # most accounts start none

    return talking(program, root, [*private])


def secrets_in(read: Any) -> Iterator[str]:
    """Yield the secrets in the settings of a client: no stored or displayed text may contain them."""
    from pydantic import SecretStr

    if isinstance(read, SecretStr):
        yield read.get_secret_value()
    elif isinstance(read, Mapping):
        for value in read.values():
            yield from secrets_in(value)


def _stand_in_settings(service: Service, endpoint: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stand-in's endpoint as settings of the service."""
    settings = {name: value for name, value in endpoint.items() if name in service.settings.model_fields}
    return {**settings, service.key.setting: endpoint["token"]} if service.key else settings
