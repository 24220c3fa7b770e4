"""Accounts that refuse what workflows need: one notice each, and nothing that needs them begins till that is good."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from clients.errors import AuthError
from engine.clock import Clock
from engine.connections.accounts import Accounts, Mode
from engine.connections.services import add_command, client_class
from engine.errors import OrchestraError
from engine.names import timestamp
from engine.store.database import Database
from engine.store.tables import troubles
from engine.workspace.config import LoadedConfig

Kind = Literal["revoked", "reduced", "refused"]
"""The sign-in is not taken; it was granted less than is asked for; it may not do what one workflow wants."""

_SCRYPT = {"n": 2**12, "r": 8, "p": 1}


@dataclass(frozen=True)
class Trouble:
    """One account that refuses, as people are told of it; `workflows` empty: all that need it wait."""

    connection: str
    mode: Mode
    service: str
    kind: Kind
    account: str
    message: str
    """What the service said."""
    since: str
    workflows: tuple[str, ...] = ()

    sentence: str = field(init=False)
    """What is the matter with whose account, and what waits for it."""
    remedy: str = field(init=False)
    """Which button makes it good, and which command."""

    def __post_init__(self) -> None:
        """Put it into words."""
        object.__setattr__(self, "sentence", _sentence(self))
        object.__setattr__(self, "remedy", _remedy(self))


_SAID: Mapping[Kind, str] = {
    "revoked": "is not let in any more",
    "reduced": "may do less than it needs",
    "refused": "may not do what is wanted of it",
}


def _sentence(one: Trouble) -> str:
    whose = f" ({one.account})" if one.account else ""
    waits = f"Triggers of {', '.join(one.workflows)}" if one.workflows else "Workflows that need it"
    return f"The connection {one.connection!r}{whose} {_SAID[one.kind]}: {one.message} {waits} wait."


def _remedy(one: Trouble) -> str:
    check = f"`orchestra connections check {one.connection}`"
    if one.kind == "refused":
        return f"Allow it at the service, then press Check on the page Connections, or run {check}."
    if one.mode == "demo":
        return f"Press Check on the page Connections, or run {check}."
    client = client_class(one.service)
    command = add_command(one.service, one.connection)
    if getattr(client, "sign_in_at", ""):
        return f"Press Sign in again on the page Connections, or run {command}."
    button = "Change" if getattr(client, "more_variables", {}) else "Give another key"
    key = f"Make a key that is good ({client.key_url}). " if client.key_url else ""
    return f"{key}Press {button} on the page Connections, or run {command}; {check} tries it."


class Troubles:
    """Thread-safe; what it is told is on disk when it returns."""

    def __init__(
        self, database: Database, config: Callable[[], LoadedConfig], accounts: Accounts, clock: Clock
    ) -> None:
        self._database, self._config, self._accounts, self._clock = database, config, accounts, clock
        self._known: set[tuple[str, str]] | None = None
        """Those that concern everybody, as far as this process knows: asked after every call that went well."""

    def report(self, connection: str, mode: Mode, error: AuthError, workflow: str = "") -> None:
        """Take down that a call was refused; of one that is known already nothing changes.

        A refusal of one thing (403) says nothing of others: it concerns `workflow`, or without one nobody.
        """
        kind = _kind(error)
        known = self._config().config.connections.get(connection)
        if known is None or (kind == "refused" and not workflow):
            return
        row = {
            "connection": connection,
            "mode": mode,
            "workflow": workflow if kind == "refused" else "",
            "service": known.service,
            "kind": kind,
            "account": error.account or self._accounts.label(connection, mode),
            "message": error.message,
            "since": timestamp(self._clock()),
            "key_mark": _mark(self._settings(connection, mode), secrets.token_hex(8)),
        }
        same = [troubles.c[name] == row[name] for name in ("connection", "mode", "workflow")]
        with self._database.writing() as database:
            known_row = database.execute(troubles.select().where(*same)).first()
            if known_row is None or not self._is_met_still(known_row):  # with another key it is another refusal
                database.execute(troubles.delete().where(*same))
                database.execute(troubles.insert().values(row))
        self._known = None

    def is_known(self, connection: str, mode: Mode) -> bool:
        """Tell at once whether an account as a whole was refused before, as far as this process knows."""
        known = self._known
        if known is None:
            with self._database.reading() as database:
                rows = database.execute(troubles.select().where(troubles.c.workflow == "")).all()
            self._known = known = {(row.connection, row.mode) for row in rows}
        return (connection, mode) in known

    def worked(self, connection: str, mode: Mode) -> None:
        """Take down that an account is let in again; what one workflow may not do stays."""
        self._forget(troubles.c.connection == connection, troubles.c.mode == mode, troubles.c.workflow == "")

    def cleared(self, connection: str, mode: Mode | None = None) -> None:
        """Forget what was the matter with a connection: it is signed in anew, has another key, or works."""
        self._forget(troubles.c.connection == connection, *([troubles.c.mode == mode] if mode else []))

    def _forget(self, *which: Any) -> None:
        with self._database.writing() as database:
            database.execute(troubles.delete().where(*which))
        self._known = None

    def open(self) -> list[Trouble]:
        """Return what is the matter now, one for each connection and mode, the oldest first."""
        with self._database.reading() as database:
            rows = database.execute(troubles.select().order_by(troubles.c.since)).all()
        merged: dict[tuple[str, str], Trouble] = {}
        for row in rows:
            if not self._is_met_still(row):
                continue
            one = _trouble(row)
            known = merged.get((row.connection, row.mode), one)
            merged[row.connection, row.mode] = _together(known, one)
        return list(merged.values())

    def blocks(self, connections: Mapping[str, Mode], workflow: str = "") -> Trouble | None:
        """Return what keeps a workflow that needs these connections from being begun by a trigger, None where nothing.

        `connections`: {name: mode}. Without `workflow`: what keeps every workflow that needs them.
        """
        return next((one for one in self.open() if _concerns(one, connections, workflow)), None)

    def _is_met_still(self, row: Any) -> bool:
        """Tell whether the connection has still the key that was refused."""
        salt = row.key_mark.partition(":")[0]
        known = self._config().config.connections.get(row.connection)
        is_same = known is not None and known.service == row.service
        return is_same and _mark(self._settings(row.connection, row.mode), salt) == row.key_mark

    def _settings(self, connection: str, mode: Mode) -> str:
        if mode == "demo":
            return "demo"
        try:
            return json.dumps(self._config().settings_of(connection), sort_keys=True, default=str)
        except OrchestraError as error:
            return type(error).__name__


def _kind(error: AuthError) -> Kind:
    if error.lacks_scope:
        return "reduced"
    return "refused" if error.http_status == 403 else "revoked"


def _trouble(row: Any) -> Trouble:
    names = ("connection", "mode", "service", "kind", "account", "message", "since")
    return Trouble(**{name: getattr(row, name) for name in names}, workflows=(row.workflow,) if row.workflow else ())


def _together(first: Trouble, second: Trouble) -> Trouble:
    """Return one trouble for two of a connection: what concerns everybody goes before what concerns one workflow."""
    if first is second or not first.workflows:
        return first
    if not second.workflows:
        return second
    return replace(first, workflows=(*first.workflows, *second.workflows))


def _concerns(trouble: Trouble, connections: Mapping[str, Mode], workflow: str) -> bool:
    is_needed = connections.get(trouble.connection) == trouble.mode
    return is_needed and (not trouble.workflows or workflow in trouble.workflows)


def _mark(settings: str, salt: str) -> str:
    """Return what tells whether settings are the same ones, and nothing else of them: passwords may be short."""
    found = hashlib.scrypt(settings.encode(), salt=salt.encode(), **_SCRYPT)
    return f"{salt}:{found.hex()}"
