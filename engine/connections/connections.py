"""The `connections` area: whose account each service uses, and whether it works."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from msgspec import structs

from clients.check_line import CheckLine
from clients.errors import ServiceError
from engine.base.errors import InvalidInput, OrchestraError
from engine.base.services import (
    declaration,
    has_stand_in,
    is_for,
    is_in_workspace,
    makes_vectors,
    pickers,
    service_of,
)
from engine.base.statuses import AccountMode
from engine.compiler.definition.environment import SeenAccount
from engine.connections.account_notices import AccountNotice
from engine.connections.accounts import Account
from engine.connections.changes import ConnectionChanges
from engine.connections.doctor import lets_in
from engine.connections.local_models import LocalServer, local_servers
from engine.connections.statuses import ConnectionStatus
from engine.people.access import Principal
from engine.people.operation import operation
from engine.plugins.registry import step_type
from engine.plugins.step import EMBEDDING

_FRESH = timedelta(minutes=15)
"""For how long the last look at an account is certain enough to stop a workflow."""


class Connections(ConnectionChanges):
    """The connections of a workspace; every change writes an audit line."""

    @operation("connections.list", "view", "see connections", "List the connections")
    def list(self, p: Principal) -> builtins.list[ConnectionStatus]:
        """Return every connection in config.yaml, without asking any service."""
        return [_shown(p, one) for one in self._statuses.all()]

    @operation("connections.get", "view", "see connections", "Read a connection")
    def get(self, p: Principal, name: str) -> ConnectionStatus:
        """Return one connection, without asking its service. Raises UnknownName."""
        self._service(name)
        return _shown(p, self._statuses.of(name))

    def client_of(self, name: str, service: str) -> Any:
        """Return the opened client of a connection to this service. Raises UnknownName, InvalidInput."""
        if self._service(name) != service:
            said = f"The connection {name!r} is for {self._service(name)}, not for {service}."
            raise InvalidInput(said, remedy="`orchestra connections list` shows what each one is.")
        return self._accounts.open(name, service, self._modes.of(service)).client

    @property
    def is_demo_only(self) -> bool:
        """Whether everything in this process is on the demo, as with `orchestra serve --demo`."""
        return self._modes.is_demo_only

    def served_mode(self, name: str) -> AccountMode:
        """Return whose account a connection uses in the dashboard and in `orchestra serve`. Raises UnknownName."""
        return self._modes.served(self._service(name))

    @operation("connections.troubles", "view", "see connections", "List the accounts that refuse requests")
    def troubles(self, p: Principal) -> builtins.list[AccountNotice]:
        """Return the accounts that refuse access that workflows need; each is listed once, until it works again."""
        return [one for one in self._account_notices.open() if not p.hidden or all(map(p.sees, one.workflows))]

    @operation(
        "connections.set_mode",
        "admin",
        "switch a service between Demo and Mine",
        "Switch a service between Demo and Mine",
    )
    def set_mode(self, p: Principal, service: str, mode: AccountMode) -> None:
        """Switch a service between the stand-in and the owner's account. Raises InvalidInput if there is no key."""
        declaration(service)
        loaded = self._config()
        names = [name for name, one in loaded.config.connections.items() if one.service == service]
        if mode == AccountMode.MINE and all(self._statuses.missing(name) for name in names):
            take = f"`orchestra connections add {service}` takes one."
            remedy = self._statuses.remedy(names[0]) if names else take
            raise InvalidInput(f"No key for {service} was found.", remedy=remedy)
        self._modes.set(service, mode)
        self._audit.record(p, "connections.set_mode", service, {"mode": mode})

    @operation("connections.check", "run", "check connections", "Check a connection")
    def check(self, p: Principal, name: str, mode: AccountMode | None = None) -> builtins.list[CheckLine]:
        """Check a connection and describe what works, in plain sentences, each with a remedy if it does not.

        `mode`: whose account; default: the one in use. So a stored key can be checked before runs use it.
        If the service accepts the account, earlier refusals are forgotten.
        Raises UnknownName, and NotAvailableYet for an own account in a process that runs with --demo.
        """
        service = self._service(name)
        if mode == AccountMode.MINE:
            self._modes.require_own_accounts()
        mode = mode or self._modes.of(service)
        lines = self._doctor.examine(name, mode)
        if lets_in(lines):
            self._account_notices.cleared(name, mode)
        return lines

    @operation("connections.local_models", "run", "look for model servers", "Look for model servers on this machine")
    def local_models(self, p: Principal) -> builtins.list[LocalServer]:
        """Return the model servers running on this machine; they are offered, never used without being asked."""
        return local_servers()

    def require_ready(self, modes: Mapping[str, AccountMode]) -> None:
        """Raise InvalidInput if an account lacks a key that its settings name, or was refused and still is.

        `modes`: by connection name. Such a run would stop after its first steps, so it does not start. Only accounts
        that were refused before are asked whether they work again.
        """
        known = self._config().config.connections
        for name in modes.keys() & known.keys():
            absence = self._statuses.absence(name, modes[name])
            if absence:
                install = declaration(known[name].service).install
                raise InvalidInput(f"The connection {name!r} cannot be used: {absence}", remedy=install)
        mine = [name for name, mode in modes.items() if mode == AccountMode.MINE and name in known]
        missing = {name: what for name in mine if (what := self._statuses.missing(name))}
        if missing:
            said = [f"The connection {name!r} has no key: {what}." for name, what in missing.items()]
            remedies = dict.fromkeys(self._statuses.remedy(name) for name in missing)
            raise InvalidInput(" ".join(said), remedy=" ".join([*remedies, *self._demo_offered(missing)]))
        while (trouble := self._account_notices.blocks(modes)) is not None:
            if not self._works_again(trouble):
                raise InvalidInput(trouble.sentence, remedy=trouble.remedy)

    def _demo_offered(self, missing: Iterable[str]) -> Iterator[str]:
        """Offer the demo instead of a key, if stand-ins exist for everything that is missing."""
        if all(has_stand_in(self._service(name)) for name in missing):
            yield "To try it on the demo: `--demo` at the command line, or Demo on the page Connections."

    def _works_again(self, trouble: AccountNotice) -> bool:
        works = self._doctor.is_let_in(trouble.connection, trouble.mode)
        if works:
            self._account_notices.cleared(trouble.connection, trouble.mode)
        return works

    def for_type(self, p: Principal, uses: str) -> builtins.list[ConnectionStatus]:
        """Return the connections that steps of a type can use. Raises UnknownName."""
        kind = step_type(uses)
        found = [one for one in self.list(p) if is_for(one.service, kind.service)]
        return [one for one in found if kind.of_connection in {"", one.name}]

    @operation("connections.choices", "run", "ask accounts what they have", "List what an account has for a field")
    def choices(self, p: Principal, form: str, connection: str = "") -> builtins.list[str]:
        """Return the choices for a field of this format, of a connection or else of the first one that has any.

        The format is `model`, one of `Service.pickers`, or `embedding_connection`, for which no account is asked. [] if
        there is no such connection, or its service cannot be asked. An account is asked once a minute, whoever needs
        its choices; the workspace itself is asked each time. Raises TooManyRequests.
        """
        if not connection and is_in_workspace(own := pickers().get(form), None):
            return self._of_workspace(str(own), form)
        known = self._config().config.connections
        if form == EMBEDDING:
            return [name for name, at in known.items() if makes_vectors(at.service)]
        fitting = {name: at.service for name, at in known.items() if _lister(at.service, form)}
        name = connection or next(iter(fitting), "")
        if name not in fitting:
            return []
        service = fitting[name]
        try:
            account = self._accounts.open(name, service, self._modes.of(service))
        except (OrchestraError, ServiceError):
            return []
        return self._known_choices.of(p.id, account, form, lambda: _listed(account, _lister(service, form)))

    def _of_workspace(self, service: str, form: str) -> builtins.list[str]:
        try:
            return [*_listed(self._accounts.open(None, service, AccountMode.MINE), _lister(service, form))]
        except (OrchestraError, ServiceError):
            return []

    def ready_services(self) -> set[str]:
        """Return the services with a connection that lacks nothing; on the demo, none needs a key."""
        return {one.service for one in self._statuses.all() if one.ready}

    def lacks(self, name: str) -> tuple[str, str]:
        """Return what is not installed that a connection needs, and the remedy; empty texts if nothing."""
        known = self._config().config.connections.get(name)
        service = None if known is None else declaration(known.service)
        if service is None or service.extra is None or service.extra.is_installed():
            return "", ""
        absence = self._statuses.absence(name, self._modes.of(service.name))
        return (absence, service.install) if absence else ("", "")

    def seen(self, name: str) -> SeenAccount | None:
        """Return what the account of a connection was last seen to have, for the compiler. Asks no service."""
        known = self._config().config.connections.get(name)
        found = None if known is None else self._accounts.seen(name, self._modes.of(known.service))
        if found is None:
            return None
        is_fresh = self._clock() - found.at < _FRESH
        return SeenAccount(name, found.what, f"{found.at:%Y-%m-%d %H:%M} UTC", is_fresh)

    @operation(
        "connections.look_up", "run", "ask accounts what they have", "Check that an account has what a field names"
    )
    def look_up(self, p: Principal, form: str, name: str, connection: str) -> None:
        """Ask the account of a connection for what a field of this format names, if its service can be asked.

        Raises UnknownName, ServiceError: NotFound if it is not there, InvalidRequest if the name cannot be right.
        """
        service = self._service(connection)
        finder = declaration(service).finders.get(form)
        if finder is not None:
            getattr(self._accounts.open(connection, service, self._modes.of(service)).client, finder)(name)


def _shown(p: Principal, status: ConnectionStatus) -> ConnectionStatus:
    """Return a connection without the workflows that `p` may not see in what its account refuses."""
    trouble = status.trouble
    if trouble is None or not trouble.workflows or p.shown(trouble.workflows) == [*trouble.workflows]:
        return status
    left = tuple(p.shown(trouble.workflows))
    return structs.replace(status, trouble=replace(trouble, workflows=left) if left else None)


def _listed(account: Account, lister: str) -> Sequence[str]:
    found = getattr(account.client, lister)()
    return [str(one if isinstance(one, str) else one.get("full_name") or one["name"]) for one in found]


def _lister(service: str, form: str) -> str:
    """Return the method of a service's client that lists the choices for a format, "" if it has none."""
    found = service_of(service)
    if found is None:
        return ""
    return "models" if form == "model" and found.is_model else found.pickers.get(form, "")
