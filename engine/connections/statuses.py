"""What is known of each connection without asking its service: whose account, where its key is, what is the matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from clients.errors import ServiceError
from engine.clock import Clock
from engine.connections.accounts import Accounts, Mode
from engine.connections.modes import Modes
from engine.connections.services import NO_STAND_IN, add_command, client_class
from engine.connections.sign_ins import SafeSeal, SignInFacts, facts
from engine.connections.troubles import Trouble, Troubles
from engine.errors import OrchestraError, SecretLost
from engine.workspace.config import LoadedConfig
from engine.workspace.secret import kept_names, references

_KEYLESS = frozenset({"http", "openai"})
"""Services that may be used without any key."""


@dataclass(frozen=True)
class ConnectionStatus:
    """One connection as the page shows it. `ready`: what its mode needs is there; `note` says what is missing.

    `key_variable`, `key_place` and `key_url` say how to come to a key of one's own, `sign_in_at` where a person signs
    in instead; the client's class names them, and what it does not name is empty.
    """

    name: str
    service: str
    mode: Mode
    account: str
    own_key_found: bool
    own_key_source: str
    """`signed in`, `kept` (sealed by this program), `config.yaml`, or the variables that hold it."""
    ready: bool
    note: str
    has_stand_in: bool = True
    key_variable: str = ""
    key_place: str = ""
    key_url: str = ""
    sign_in_at: str = ""
    beside_key: Mapping[str, str] = field(default_factory=dict)
    """Settings that usually stand beside the key, with what config.yaml says of them, e.g. {"model": ""}."""
    owner: str = ""
    """Who gave the key or signed in; empty where it came from the environment."""
    sign_in: SignInFacts | None = None
    trouble: Trouble | None = None


class Statuses:
    """Looks at settings, kept secrets and sign-in files; asks nobody."""

    def __init__(
        self,
        root: Path,
        config: Callable[[], LoadedConfig],
        accounts: Accounts,
        modes: Modes,
        troubles: Troubles,
        clock: Clock,
    ) -> None:
        self._root, self._config, self._accounts = root, config, accounts
        self._modes, self._troubles, self._clock = modes, troubles, clock

    def all(self) -> list[ConnectionStatus]:
        """Return every connection of config.yaml."""
        troubles = {(one.connection, one.mode): one for one in self._troubles.open()}
        return [self._status(name, troubles) for name in self._config().config.connections]

    def of(self, name: str) -> ConnectionStatus:
        """Return one; the caller knows that it is there."""
        return next(one for one in self.all() if one.name == name)

    def missing(self, name: str) -> str:
        """Return what of the owner's key is not there, "" where nothing is; whether it is good nobody asks."""
        loaded = self._config()
        connection = loaded.config.connections[name]
        path = self.sign_in_file(name)
        if path is not None:
            return _missing_sign_in(loaded, path)
        variables, kept = references(connection.settings), kept_names(connection.settings)
        if not variables and not kept:
            return "" if connection.service in _KEYLESS else "its settings name none"
        unset = [variable for variable in variables if not loaded.environment.get(variable)]
        if unset:
            return f"{', '.join(unset)} {'is' if len(unset) == 1 else 'are'} not set"
        return next(filter(None, (_unopened(partial(loaded.safe.kept, one)) for one in kept)), "")

    def remedy(self, name: str) -> str:
        """Return how to come to a key that is missing."""
        connection = self._config().config.connections[name]
        service, settings = connection.service, connection.settings
        given = add_command(service, name)
        if getattr(client_class(service), "sign_in_at", ""):
            return f"Sign in: {given}."
        variables = ", ".join(self._variables(name))
        if variables and not references(settings):
            return f"{given} takes one."
        return f"Put {variables} into the environment or into `.env`." if variables else f"Give it: {given}."

    def sign_in_file(self, name: str) -> Path | None:
        """Return where the sign-in of a connection lies; None for one that has a key or is not there."""
        known = self._config().config.connections.get(name)
        written = known.settings.get("token_file") if known is not None else None
        return self._root / Path(str(written)).expanduser() if written else None

    def sign_in(self, name: str) -> SignInFacts | None:
        """Return what a connection's sign-in file tells; None where it has none, or it cannot be opened."""
        path = self.sign_in_file(name)
        if path is None:
            return None
        from clients.gmail.sign_in_file import SignInFile

        try:
            return facts(SignInFile(path, SafeSeal(lambda: self._config().safe)).read(), self._clock())
        except ServiceError:
            return None

    def _status(self, name: str, troubles: Mapping[tuple[str, Mode], Trouble]) -> ConnectionStatus:
        loaded = self._config()
        service, own = loaded.config.connections[name].service, loaded.config.connections[name].settings
        mode, missing = self._modes.of(service), self.missing(name)
        client, ready = client_class(service), mode == "demo" or not missing
        sign_in = self.sign_in(name)
        return ConnectionStatus(
            name=name,
            service=service,
            mode=mode,
            account=self._accounts.label(name, mode),
            own_key_found=not missing,
            own_key_source=_source(own),
            ready=ready,
            note="" if ready else f"No key was found: {missing}. {self.remedy(name)}",
            has_stand_in=service not in NO_STAND_IN,
            key_variable=next(iter(self._variables(name)), ""),
            key_place=client.key_place,
            key_url=client.key_url,
            sign_in_at=getattr(client, "sign_in_at", ""),
            beside_key={one: str(own.get(one) or "") for one in getattr(client, "more_variables", {})},
            owner=sign_in.owner if sign_in else _owner(loaded, own),
            sign_in=sign_in,
            trouble=troubles.get((name, mode)),
        )

    def _variables(self, name: str) -> list[str]:
        """Return the variables that a connection's key is read from: those it names, else the service's usual ones."""
        connection = self._config().config.connections[name]
        return references(connection.settings) or list(client_class(connection.service).key_variables.values())


def _missing_sign_in(loaded: LoadedConfig, path: Path) -> str:
    if not path.exists():
        return "nobody has signed in yet"
    if not loaded.safe.holds(path):
        return ""
    return _unopened(lambda: loaded.safe.opened(path.read_text(encoding="utf-8")))


def _unopened(open_it: Callable[[], object]) -> str:
    """Return why a kept secret cannot be opened, "" where it can."""
    try:
        open_it()
    except SecretLost as error:
        return f"{error.message} {error.remedy}".removesuffix(".")
    except OrchestraError as error:
        return error.message.removesuffix(".")
    except OSError as error:
        return str(error)
    return ""


def _source(settings: Mapping[str, object]) -> str:
    """Return where the owner's key comes from."""
    if "token_file" in settings:
        return "signed in"
    return ", ".join(references(settings)) or ("kept" if kept_names(settings) else "config.yaml")


def _owner(loaded: LoadedConfig, settings: Mapping[str, object]) -> str:
    """Return who gave the first of the kept secrets."""
    for name in kept_names(settings):
        try:
            return loaded.safe.kept(name).owner
        except OrchestraError:
            continue
    return ""
