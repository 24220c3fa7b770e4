"""The status of each connection without asking its service: whose account, where its key is, what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from msgspec import Struct, field

from clients.errors import ServiceError
from clients.service import Service
from clients.sign_in import SignInFacts, SignInWay
from engine.base.clock import Clock
from engine.base.errors import OrchestraError, SecretLost
from engine.base.services import add_command, client_class, declaration, has_stand_in, sign_in_of
from engine.base.statuses import AccountMode
from engine.connections.account_notices import AccountNotice, AccountNotices
from engine.connections.accounts import Accounts
from engine.connections.modes import Modes
from engine.connections.sign_ins import VaultSeal
from engine.workspace.config import LoadedConfig
from engine.workspace.secret import kept_names, references


class ConnectionStatus(Struct, frozen=True):
    """One connection, for the dashboard. `ready`: its mode has what it needs; `note` says what it lacks.

    `key_variable`, `key_place` and `key_url` say how to get a key, `sign_in_at` where a person signs in instead; the
    client's class defines them, and the others are empty. Some mailboxes have both.
    """

    name: str
    service: str
    mode: AccountMode
    account: str
    own_key_found: bool
    own_key_source: str
    """`signed in`, `kept` (sealed by this program), `config.yaml`, or the variables that contain it."""
    ready: bool
    note: str
    has_stand_in: bool = True
    served_mode: AccountMode = AccountMode.DEMO
    """The mode in the dashboard and in `orchestra serve`; `mode` is this process's."""
    key_variable: str = ""
    key_place: str = ""
    key_url: str = ""
    sign_in_at: str = ""
    beside_key: Mapping[str, str] = field(default_factory=dict)
    """Settings that usually accompany the key, with their values in config.yaml, e.g. {"model": ""}."""
    owner: str = ""
    """Who gave the key or signed in; empty if it comes from the environment."""
    sign_in: SignInFacts | None = None
    trouble: AccountNotice | None = None

    @property
    def needs_sign_in(self) -> bool:
        """Whether it is time to sign in again to the account in use."""
        return self.mode == AccountMode.MINE and self.sign_in is not None and self.sign_in.warns

    @property
    def needs_somebody(self) -> bool:
        """Whether the account refuses access, or it is time to sign in again."""
        return self.trouble is not None or self.needs_sign_in


class ConnectionStatuses:
    """Examines settings, stored secrets and sign-in files; asks no service."""

    def __init__(
        self,
        root: Path,
        config: Callable[[], LoadedConfig],
        accounts: Accounts,
        modes: Modes,
        account_notices: AccountNotices,
        clock: Clock,
    ) -> None:
        self._root, self._config, self._accounts = root, config, accounts
        self._modes, self._account_notices, self._clock = modes, account_notices, clock

    def all(self) -> list[ConnectionStatus]:
        """Return every connection in config.yaml."""
        account_notices = {(one.connection, one.mode): one for one in self._account_notices.open()}
        return [self._status(name, account_notices) for name in self._config().config.connections]

    def of(self, name: str) -> ConnectionStatus:
        """Return the status of an existing connection."""
        return next(one for one in self.all() if one.name == name)

    def missing(self, name: str) -> str:
        """Return what is missing of the owner's key, "" if nothing; does not check whether the key is valid."""
        loaded = self._config()
        connection = loaded.config.connections[name]
        path = self.sign_in_file(name)
        if path is not None:
            return _missing_sign_in(loaded, path)
        variables, kept = references(connection.settings), kept_names(connection.settings)
        if not variables and not kept:
            service = declaration(connection.service)
            is_given = service.key is not None and bool(connection.settings.get(service.key.setting))
            return "its settings name none" if service.needs_key and not is_given else ""
        unset = [variable for variable in variables if not loaded.environment.get(variable)]
        if unset:
            return f"{', '.join(unset)} {'is' if len(unset) == 1 else 'are'} not set"
        return next(filter(None, (_unopened(partial(loaded.vault.kept, one)) for one in kept)), "")

    def remedy(self, name: str) -> str:
        """Return how to get a missing key."""
        connection = self._config().config.connections[name]
        service, settings = connection.service, connection.settings
        way = sign_in_of(service, settings)
        given = add_command(service, name, way)
        if way is not None:
            return f"Sign in: {given}."
        variables = ", ".join(self._variables(name))
        if variables and not references(settings):
            offered = client_class(service).sign_in_for(settings)
            otherwise = f", or sign in: {add_command(service, name, offered)}" if offered is not None else ""
            return f"Enter one with {given}{otherwise}."
        return f"Put {variables} into the environment or into `.env`." if variables else f"Give it: {given}."

    def sign_in_file(self, name: str) -> Path | None:
        """Return the path of a connection's sign-in; None if it uses a key or does not exist."""
        known = self._config().config.connections.get(name)
        written = known.settings.get("token_file") if known is not None else None
        return self._root / Path(str(written)).expanduser() if written else None

    def way(self, name: str) -> SignInWay | None:
        """Return how a person signs in again to a connection; None if it has a key instead."""
        connection = self._config().config.connections[name]
        return sign_in_of(connection.service, connection.settings)

    def sign_in(self, name: str) -> SignInFacts | None:
        """Return the facts in a connection's sign-in file; None if it has no file, or one that cannot be opened."""
        path = self.sign_in_file(name)
        way = self.way(name) if path is not None else None
        if path is None or way is None:
            return None
        try:
            return way.facts(way.stored(path, VaultSeal(lambda: self._config().vault)).read(), self._clock())
        except ServiceError:
            return None

    def _status(self, name: str, account_notices: Mapping[tuple[str, AccountMode], AccountNotice]) -> ConnectionStatus:
        loaded = self._config()
        service, own = loaded.config.connections[name].service, loaded.config.connections[name].settings
        mode, missing = self._modes.of(service), self.missing(name)
        client = client_class(service)
        absence = self.absence(name, mode)
        ready = (mode == AccountMode.DEMO or not missing) and not absence
        key, way, sign_in = client.service.key, client.sign_in_for(own), self.sign_in(name)
        return ConnectionStatus(
            name=name,
            service=service,
            mode=mode,
            account=self._accounts.label(name, mode),
            own_key_found=not missing,
            own_key_source=_source(own),
            ready=ready,
            note=_without_model(loaded, name, client.service) or (sign_in.lacks if sign_in else "")
            if ready
            else self._note(name, missing, absence, client.service),
            has_stand_in=has_stand_in(service),
            served_mode=self._modes.served(service),
            key_variable=next(iter(self._variables(name)), ""),
            key_place=key.place if key else "",
            key_url=key.url if key else "",
            sign_in_at=way.at if way else "",
            beside_key={one.name: str(own.get(one.name) or "") for one in client.service.beside_key},
            owner=sign_in.owner if sign_in else _owner(loaded, own),
            sign_in=sign_in,
            trouble=account_notices.get((name, mode)),
        )

    def absence(self, name: str, mode: AccountMode) -> str:
        """Return what is not installed that a connection needs, as a sentence; "" if nothing."""
        loaded = self._config()
        is_unknown = mode == AccountMode.DEMO or bool(self.missing(name))
        settings = {} if is_unknown else loaded.settings_of(name)
        return declaration(loaded.config.connections[name].service).lacks(settings)

    def _note(self, name: str, missing: str, absence: str, service: Service) -> str:
        """Return what a connection lacks."""
        if absence:
            return f"{absence} {service.install}"
        return f"No key was found: {missing}. {self.remedy(name)}"

    def _variables(self, name: str) -> list[str]:
        """Return the variables with a connection's key: the ones it names, else the usual ones of the service."""
        connection = self._config().config.connections[name]
        key = declaration(connection.service).key
        return references(connection.settings) or ([key.variable] if key else [])


def _without_model(loaded: LoadedConfig, name: str, service: Service) -> str:
    """Return that a connection to models names none and gets no default, with the remedy; "" otherwise."""
    known, variable = loaded.config.connections[name].settings, service.variables.get("model", "")
    if (
        not service.is_model
        or service.takes_default_model
        or service.models
        or known.get("model")
        or loaded.environment.get(variable)
    ):
        return ""
    command = add_command(service.name, name).removesuffix("`")
    return f"No model is set: each step or prompt has to name one. {command} --set model=NAME` sets it for all."


def _missing_sign_in(loaded: LoadedConfig, path: Path) -> str:
    vault = loaded.vault
    name = vault.text_of(path)
    if not (path.exists() if name is None else vault.texts.mark(name)):
        return "nobody has signed in yet"
    if not vault.holds(path):
        return ""
    return _unopened(lambda: vault.opened(path.read_text("utf-8") if name is None else vault.texts.get(name) or ""))


def _unopened(open_it: Callable[[], object]) -> str:
    """Return why a stored secret cannot be opened, "" if it can."""
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
    """Return who gave the first of the stored secrets."""
    for name in kept_names(settings):
        try:
            return loaded.vault.kept(name).owner
        except OrchestraError:
            continue
    return ""
