"""Check connections: reach each service, examine what the account may do, and name the next step."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from clients.check_line import CheckLine
from clients.errors import ServiceError
from clients.secrets import known
from clients.sign_in import SignInWay
from engine.base.clock import Clock
from engine.base.errors import OrchestraError
from engine.base.services import add_command, client_class, declaration, runs_locally
from engine.base.statuses import AccountMode
from engine.connections.accounts import Account, Accounts
from engine.connections.local_models import local_servers
from engine.connections.statuses import ConnectionStatuses
from engine.workspace.config import LoadedConfig
from engine.workspace.secret import kept_names, references
from engine.workspace.workspace import Workspace

_SECONDS = 30.0
"""The time limit for a whole check."""
_LET_IN_SECONDS = 10.0  # for the key alone, not for the content of the account
_OF_THE_ACCOUNT = frozenset({"settings", "reachable", "server", "sign-in", "sending", "scopes"})
"""The lines about access to the account; the others are about its content, or this machine."""


class Doctor:
    """Checks connections; a fault of one service becomes a line, never an exception."""

    def __init__(
        self,
        workspace: Workspace,
        config: Callable[[], LoadedConfig],
        accounts: Accounts,
        statuses: ConnectionStatuses,
        clock: Clock,
    ) -> None:
        self._workspace, self._config, self._accounts = workspace, config, accounts
        self._statuses, self._clock = statuses, clock

    def examine(self, name: str, mode: AccountMode) -> list[CheckLine]:
        """Return what works and what does not, ordered by dependency."""
        from clients.transport import deadline

        with deadline(_SECONDS):
            return [replace(one, text=_in_one_line(one.text)) for one in self._lines(name, mode)]

    def is_let_in(self, name: str, mode: AccountMode) -> bool:
        """Return whether the service accepts the account's key again; no if it cannot say."""
        from clients.transport import deadline

        try:
            with deadline(_LET_IN_SECONDS):
                return lets_in(self._open(name, mode).client.check())
        except (OrchestraError, ServiceError):
            return False

    def _lines(self, name: str, mode: AccountMode) -> Iterator[CheckLine]:
        if mode == AccountMode.MINE:
            yield from self._permissions(name)
        try:
            account = self._open(name, mode)
            reached = list(self._reached(account)) if mode == AccountMode.MINE else []
            yield from reached
            if all(line.ok for line in reached if line.what == "reachable"):
                yield from self._examined(account)
            elif absence := self._statuses.absence(name, mode):
                yield CheckLine("server", ok=False, text=f"{absence} {account.client.service.install}")
        except (OrchestraError, ServiceError) as error:
            not_signed_in = self._not_signed_in(name) if mode == AccountMode.MINE else ""
            yield CheckLine(
                "settings", ok=False, text=not_signed_in or f"{error.message} {error.remedy}", field=_field(error)
            )
        if mode == AccountMode.MINE:
            yield from self._sign_in(name)
            yield from self._offered(name)
        yield from self._walls(name)

    def _not_signed_in(self, name: str) -> str:
        """Return how to sign in, if that is what a connection lacks: a token for `.env` is hard to come by."""
        service = self._config().config.connections[name].service
        lacks_key = self._statuses.sign_in_file(name) is None and self._statuses.missing(name)
        way = self._statuses.way(name)
        if not lacks_key or way is None:
            return ""
        ways = f"Run {add_command(service, name, way)}, or press Connect on the page Connections."
        return f"Nobody has signed in to {name}. {ways}"

    def _open(self, name: str, mode: AccountMode) -> Account:
        return self._accounts.open(name, self._config().config.connections[name].service, mode)

    def _reached(self, account: Account) -> Iterator[CheckLine]:
        url, http = self._address(account.connection), account.client.http
        if url and http is not None:
            from engine.connections.reach import reach  # brings HTTP, which an idle server does without

            yield from reach(http, url, self._clock)

    def _examined(self, account: Account) -> Iterator[CheckLine]:
        lines = list(account.client.check())
        # Nobody enters the key of a service that people sign in to.
        way = self._statuses.way(account.connection)
        yield from [replace(one, field="") for one in lines] if way is not None else lines
        if all(line.ok for line in lines):
            account.identity()
        if account.mode == AccountMode.MINE and lines and lines[0].ok:
            yield from account.client.look_closer(self._clock())
        elif account.mode == AccountMode.MINE and any(_is_refused(account, line) for line in lines):
            yield _way_on(account, way)

    def _address(self, name: str) -> str:
        """Return the HTTP address of a service; empty if it has none, or uses another protocol."""
        loaded = self._config()
        service = declaration(loaded.config.connections[name].service)
        return str(loaded.settings_of(name).get("base_url") or service.url)

    def _permissions(self, name: str) -> Iterator[CheckLine]:
        """Check whether other users may read the files with this connection's secrets."""
        open_to_others = [path for path in self._secret_files(name) if _is_open_to_others(path)]
        for path in open_to_others:
            shown = path.relative_to(self._workspace.root) if path.is_relative_to(self._workspace.root) else path
            said = f"{shown} holds secrets, and others on this machine can read it."
            yield CheckLine("files", ok=False, text=f"{said} `chmod 600 {shown}` makes it private.")

    def _secret_files(self, name: str) -> Iterator[Path]:
        """Yield the files of this machine; secrets that are sealed in the state on a server have none."""
        loaded = self._config()
        settings = loaded.config.connections[name].settings
        if references(settings):
            yield self._workspace.root / ".env"
        sign_in = self._statuses.sign_in_file(name)
        if sign_in is not None:
            yield sign_in
        if kept_names(settings) or (sign_in is not None and loaded.vault.holds(sign_in)):
            yield loaded.vault.keys.file
        yield from (loaded.vault.folder / f"{one}.json" for one in kept_names(settings))

    def _sign_in(self, name: str) -> Iterator[CheckLine]:
        known = self._statuses.sign_in(name)
        if known is not None and known.note:
            advice = " Before that, press Sign in again on the page Connections." if known.warns else ""
            yield CheckLine("sign-in ends", ok=True, text=f"{known.note}{advice}", is_note=True)
        if known is not None and known.scopes:
            yield CheckLine(
                "scopes", ok=True, text=f"{self._statuses.of(name).sign_in_at} granted {', '.join(known.scopes)}."
            )

    def _walls(self, name: str) -> Iterator[CheckLine]:
        """Say whether strangers' files, and code, are shut off from this machine."""
        service = declaration(self._config().config.connections[name].service)
        if service.runs_code:
            from engine.sandbox.backends.ladder import lines

            yield from lines(self._config().config.code)
            from engine.tools.uv import missing_uv, uv_program

            missing = "" if uv_program() else f"{missing_uv().message} {missing_uv().remedy}"
            said = missing or f"Tools may have packages: {uv_program()} takes them."
            yield CheckLine("packages", ok=True, text=said, is_note=bool(missing))
        if service.reads_strangers_files:
            from engine.sandbox.walls import problem

            open_wall = problem()
            said = open_wall or "Strangers' files are read without network and without other files."
            yield CheckLine("sandbox", ok=True, text=said, is_note=bool(open_wall))

    def _offered(self, name: str) -> Iterator[CheckLine]:
        """Name the model servers of this machine that are not in use."""
        if not runs_locally(self._config().config.connections[name].service):
            return
        used = ""
        with suppress(OrchestraError):  # a missing key has its own line; offer another server all the more
            used = self._address(name).rstrip("/")
        for found in local_servers():
            if found.base_url != used:
                models = ", ".join(one.name for one in found.models[:5]) or "no model yet"
                said = f"{found.kind} answers at {found.base_url} with {models}. To use it: `{found.command}`."
                if found.needs_key:
                    said = f"{found.kind} answers at {found.base_url} and needs a key. To use it: `{found.command}`."
                yield CheckLine("local server", ok=True, text=said, is_note=True)


def _field(error: OrchestraError | ServiceError) -> str:
    return error.field if isinstance(error, ServiceError) else str(error.details.get("field", ""))


def lets_in(lines: Iterable[CheckLine]) -> bool:
    """Return whether the service accepts the account's key, according to a check."""
    return all(line.ok for line in lines if line.what in _OF_THE_ACCOUNT)


def _in_one_line(text: str) -> str:
    """Return words of a check without secrets, and without what a server may have put into them to look like others."""
    return "".join(one if one.isprintable() else " " for one in known.in_text(text))


def _is_refused(account: Account, line: CheckLine) -> bool:
    """Return whether a line says that the service refuses the key; another key would help with nothing else."""
    key = account.client.service.key
    return line.what == "sign-in" and not line.ok and (key is None or line.field == key.setting)


def _way_on(account: Account, sign_in: SignInWay | None) -> CheckLine:
    """Name the page and the command for a new key."""
    client, command = client_class(account.service), add_command(account.service, account.connection, sign_in)
    at = f" ({client.service.key.url})" if client.service.key else ""
    way = f"sign in again: {command}." if sign_in else f"create a new one{at}, then enter it with {command}."
    return CheckLine("new key", ok=True, text=f"If the key is refused, {way}", is_note=True)


def _is_open_to_others(path: Path) -> bool:
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
    except OSError:
        return False
