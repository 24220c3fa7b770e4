"""Everything a person or program may do with connections: whose account each service means, and whether it works."""

from __future__ import annotations

import builtins
from collections.abc import Mapping

from clients.errors import ServiceError
from engine.connections.accounts import Mode
from engine.connections.changes import ConnectionChanges
from engine.connections.doctor import CheckLine, lets_in
from engine.connections.local_models import LocalServer, local_servers
from engine.connections.services import client_class
from engine.connections.statuses import ConnectionStatus
from engine.connections.troubles import Trouble
from engine.errors import InvalidInput, OrchestraError
from engine.people.access import Principal, require


class Connections(ConnectionChanges):
    """The `connections` facet: every method checks the right of `p`; every change writes an audit line."""

    def list(self, p: Principal) -> list[ConnectionStatus]:
        """Return every connection of config.yaml, without asking any service."""
        require(p, "view", "see connections")
        return self._statuses.all()

    def get(self, p: Principal, name: str) -> ConnectionStatus:
        """Return one connection, without asking its service. Raises UnknownName."""
        require(p, "view", "see connections")
        self._service(name)
        return self._statuses.of(name)

    def troubles(self, p: Principal) -> builtins.list[Trouble]:
        """Return the accounts that refuse what workflows need; each is told of once, until it is made good."""
        require(p, "view", "see connections")
        return self._troubles.open()

    def set_mode(self, p: Principal, service: str, mode: Mode) -> None:
        """Switch a service between the stand-in and the owner's account. Raises InvalidInput where no key is there."""
        require(p, "admin", "switch a service between Demo and Mine")
        client_class(service)
        loaded = self._config()
        names = [name for name, one in loaded.config.connections.items() if one.service == service]
        if mode == "mine" and all(self._statuses.missing(name) for name in names):
            take = f"`orchestra connections add {service}` takes one."
            remedy = self._statuses.remedy(names[0]) if names else take
            raise InvalidInput(f"No key for {service} was found.", remedy=remedy)
        self._modes.set(service, mode)
        self._audit.record(p, "connections.set_mode", service, {"mode": mode})

    def check(self, p: Principal, name: str) -> builtins.list[CheckLine]:
        """Examine a connection and say what works, in plain sentences, each with what to do where it does not.

        Where the service lets the account in, what was the matter before is over.
        Raises UnknownName.
        """
        require(p, "run", "check connections")
        mode = self._modes.of(self._service(name))
        lines = self._doctor.examine(name, mode)
        if lets_in(lines):
            self._troubles.cleared(name, mode)
        return lines

    def local_models(self, p: Principal) -> builtins.list[LocalServer]:
        """Return the model servers that answer on this machine; they are offered, never used by themselves."""
        require(p, "run", "look for model servers")
        return local_servers()

    def require_ready(self, modes: Mapping[str, Mode]) -> None:
        """Raise InvalidInput where an account lacks what its settings name, or was refused and still is.

        `modes`: by connection name. A run that would stop for it after its first steps does not begin. Only an account
        that was refused before is asked whether it works again.
        """
        known = self._config().config.connections
        mine = [name for name, mode in modes.items() if mode == "mine" and name in known]
        missing = {name: what for name in mine if (what := self._statuses.missing(name))}
        if missing:
            said = [f"The connection {name!r} has no key: {what}." for name, what in missing.items()]
            remedies = dict.fromkeys(self._statuses.remedy(name) for name in missing)
            raise InvalidInput(" ".join(said), remedy=" ".join(remedies))
        while (trouble := self._troubles.blocks(modes)) is not None:
            if not self._works_again(trouble):
                raise InvalidInput(trouble.sentence, remedy=trouble.remedy)

    def _works_again(self, trouble: Trouble) -> bool:
        works = self._doctor.is_let_in(trouble.connection, trouble.mode)
        if works:
            self._troubles.cleared(trouble.connection, trouble.mode)
        return works

    def choices(self, p: Principal, name: str, what: str) -> builtins.list[str]:
        """Return what a picker offers (`repositories`, `databases`, `models`, …); [] where it cannot be asked."""
        require(p, "view", "see connections")
        service = self._service(name)
        try:
            account = self._accounts.open(name, service, self._modes.of(service))
            found = getattr(account.client, what)()
        except (OrchestraError, ServiceError, AttributeError):
            return []
        return [str(one if isinstance(one, str) else one.get("full_name") or one["name"]) for one in found]
