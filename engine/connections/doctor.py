"""The doctor of connections: reaches each service, looks at what the account may do, and names what to do next."""

from __future__ import annotations

import importlib.util
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clients.errors import AuthError, ServiceError
from engine.clock import Clock
from engine.connections.accounts import Account, Accounts, Mode
from engine.connections.local_models import local_servers
from engine.connections.services import add_command, client_class
from engine.connections.statuses import Statuses
from engine.errors import OrchestraError
from engine.workspace.config import LoadedConfig
from engine.workspace.secret import kept_names, references
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.connections.reach import Line

_SECONDS = 30.0
"""How long an examination may take in all."""
_LET_IN_SECONDS = 10.0
_OF_THE_ACCOUNT = frozenset({"settings", "reachable", "server", "sign-in", "sending", "scopes"})
"""Lines that tell whether the account is let in; the others tell what it finds there, or of this machine."""


@dataclass(frozen=True)
class CheckLine:
    """One line of a check: what was tried, whether it worked, and a sentence with the remedy where not."""

    what: str
    ok: bool
    text: str


class Doctor:
    """Examines connections; a fault of one service is a line, never an exception."""

    def __init__(
        self,
        workspace: Workspace,
        config: Callable[[], LoadedConfig],
        accounts: Accounts,
        statuses: Statuses,
        clock: Clock,
    ) -> None:
        self._workspace, self._config, self._accounts = workspace, config, accounts
        self._statuses, self._clock = statuses, clock

    def examine(self, name: str, mode: Mode) -> list[CheckLine]:
        """Return what works and what does not, in the order in which one depends on the other."""
        from clients.transport import deadline

        with deadline(_SECONDS):
            return [CheckLine(*line) for line in self._lines(name, mode)]

    def is_let_in(self, name: str, mode: Mode) -> bool:
        """Tell whether the service takes the account's key again; what it cannot say now counts as no."""
        from clients.transport import deadline

        try:
            with deadline(_LET_IN_SECONDS):
                return lets_in(CheckLine(*line) for line in self._open(name, mode).client.check())
        except (OrchestraError, ServiceError):
            return False

    def _lines(self, name: str, mode: Mode) -> Iterator[Line]:
        if mode == "mine":
            yield from self._permissions(name)
        try:
            account = self._open(name, mode)
            reached = list(self._reached(account)) if mode == "mine" else []
            yield from reached
            if all(ok for what, ok, _ in reached if what == "reachable"):
                yield from self._examined(account)
        except (OrchestraError, ServiceError) as error:
            yield ("settings", False, f"{error.message} {error.remedy}")
        if mode == "mine":
            yield from self._sign_in(name)
            yield from self._offered(name)

    def _open(self, name: str, mode: Mode) -> Account:
        return self._accounts.open(name, self._config().config.connections[name].service, mode)

    def _reached(self, account: Account) -> Iterator[Line]:
        url = self._address(account.connection)
        if url:
            from engine.connections.reach import reach  # brings HTTP, which an idle server does without

            yield from reach(account.http, url, self._clock)

    def _examined(self, account: Account) -> Iterator[Line]:
        lines = list(account.client.check())
        yield from lines
        if all(ok for _, ok, _ in lines):
            account.identity()
        if account.mode == "mine" and lines and lines[0][1]:
            yield from self._looked_at(account)
        elif account.mode == "mine" and _is_refused(account):
            yield from _way_on(account, lines)

    def _looked_at(self, account: Account) -> Iterator[Line]:
        """Ask what the service's own check asks (`clients/<service>/check.py`), where it has one."""
        module = f"clients.{account.service}.check"
        if importlib.util.find_spec(module) is None:
            return
        settings = client_class(account.service).Settings.model_validate(self._config().settings_of(account.connection))
        import httpx

        with suppress(httpx.HTTPError):
            yield from importlib.import_module(module).look(settings, account.http, self._clock())

    def _address(self, name: str) -> str:
        """Return where a service answers HTTP; empty for one that has no address of its own, or another protocol."""
        loaded = self._config()
        client = client_class(loaded.config.connections[name].service)
        return str(loaded.settings_of(name).get("base_url") or getattr(client, "default_url", ""))

    def _permissions(self, name: str) -> Iterator[Line]:
        """Look whether others may read the files that hold this connection's secrets."""
        open_to_others = [path for path in self._secret_files(name) if _is_open_to_others(path)]
        for path in open_to_others:
            shown = path.relative_to(self._workspace.root) if path.is_relative_to(self._workspace.root) else path
            said = f"{shown} holds secrets, and others on this machine can read it."
            yield ("files", False, f"{said} `chmod 600 {shown}` makes it yours alone.")

    def _secret_files(self, name: str) -> Iterator[Path]:
        loaded = self._config()
        settings = loaded.config.connections[name].settings
        if references(settings):
            yield self._workspace.root / ".env"
        sign_in = self._statuses.sign_in_file(name)
        if sign_in is not None:
            yield sign_in
        if kept_names(settings) or (sign_in is not None and loaded.safe.holds(sign_in)):
            yield loaded.safe.keys.file
        yield from (loaded.safe.folder / f"{one}.json" for one in kept_names(settings))

    def _sign_in(self, name: str) -> Iterator[Line]:
        known = self._statuses.sign_in(name)
        if known is not None and known.note:
            advice = " Sign in again before that: Sign in again on the page Connections." if known.warns else ""
            yield ("sign-in ends", True, f"{known.note}{advice}")
        if known is not None and known.scopes:
            yield ("scopes", True, f"Google granted {', '.join(known.scopes)}.")

    def _offered(self, name: str) -> Iterator[Line]:
        """Name the model servers of this machine that are not the one in use."""
        if self._config().config.connections[name].service != "openai":
            return
        used = ""
        with suppress(OrchestraError):  # its key is missing, which has a line: all the more is another one offered
            used = self._address(name).rstrip("/")
        for found in local_servers():
            if found.base_url != used:
                models = ", ".join(found.models[:5]) or "no model yet"
                said = f"{found.kind} answers at {found.base_url} with {models}. To use it: `{found.command}`."
                yield ("local server", True, said)


def lets_in(lines: Iterable[CheckLine]) -> bool:
    """Tell whether the service takes the account's key, by what an examination said."""
    return all(line.ok for line in lines if line.what in _OF_THE_ACCOUNT)


def _is_refused(account: Account) -> bool:
    """Tell a refusal from a service that answers, but not as it should: no other key helps there."""
    try:
        account.identity()
    except ServiceError as error:
        return isinstance(error, AuthError)
    return True  # a mailbox's address is known without asking


def _way_on(account: Account, lines: Iterable[Line]) -> Iterator[Line]:
    """Name the page and the command for a key that the service takes, where it does not take this one."""
    if any(what == "sign-in" and not ok for what, ok, _ in lines):
        client, command = client_class(account.service), add_command(account.service, account.connection)
        at = f" ({client.key_url})" if client.key_url else ""
        is_signed_in = getattr(client, "sign_in_at", "")
        way = f"sign in again: {command}." if is_signed_in else f"make another one{at}, then {command} takes it."
        yield ("new key", False, f"Where the key is refused, {way}")


def _is_open_to_others(path: Path) -> bool:
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
    except OSError:
        return False
