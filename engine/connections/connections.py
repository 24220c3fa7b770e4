"""Everything a person or program may do with connections: whose account each service means, and whether it works."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from clients.errors import ServiceError
from engine.connections.accounts import Accounts, Mode
from engine.connections.modes import NO_STAND_IN, Modes
from engine.connections.services import client_class
from engine.errors import InvalidInput, OrchestraError, UnknownName
from engine.names import checked_name
from engine.people.access import Principal, require
from engine.people.audit import Audit
from engine.workspace.config import LoadedConfig
from engine.workspace.connection_file import write_connection
from engine.workspace.secret import references
from engine.workspace.workspace import Workspace

_DESKTOP_APP = "In Google's console make an OAuth client of the type Desktop app, and download its JSON."


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
    ready: bool
    note: str
    has_stand_in: bool = True
    key_variable: str = ""
    key_place: str = ""
    key_url: str = ""
    sign_in_at: str = ""
    beside_key: Mapping[str, str] = field(default_factory=dict)
    """Settings that usually stand beside the key, with what config.yaml says of them, e.g. {"model": ""}."""


@dataclass(frozen=True)
class CheckLine:
    """One line of a check: what was tried, whether it worked, and a sentence with the remedy where not."""

    what: str
    ok: bool
    text: str


class Connections:
    """The `connections` facet: every method checks the right of `p`; every change writes an audit line."""

    def __init__(
        self, workspace: Workspace, config: Callable[[], LoadedConfig], accounts: Accounts, modes: Modes, audit: Audit
    ) -> None:
        self._workspace, self._config, self._accounts = workspace, config, accounts
        self._modes, self._audit = modes, audit

    def list(self, p: Principal) -> list[ConnectionStatus]:
        """Return every connection of config.yaml, without asking any service."""
        require(p, "view", "see connections")
        loaded = self._config()
        return [self._status(loaded, name) for name in loaded.config.connections]

    def set_mode(self, p: Principal, service: str, mode: Mode) -> None:
        """Switch a service between the stand-in and the owner's account. Raises InvalidInput where no key is there."""
        require(p, "admin", "switch a service between Demo and Mine")
        client_class(service)
        loaded = self._config()
        names = [name for name, one in loaded.config.connections.items() if one.service == service]
        if mode == "mine" and all(self._missing(loaded, name) for name in names):
            remedy = _remedy(loaded, names[0]) if names else f"`orchestra connections add {service}` takes one."
            raise InvalidInput(f"No key for {service} was found.", remedy=remedy)
        self._modes.set(service, mode)
        self._audit.record(p, "connections.set_mode", service, {"mode": mode})

    def check(self, p: Principal, name: str) -> builtins.list[CheckLine]:
        """Try a connection and say what works, in plain sentences. Raises UnknownName."""
        require(p, "run", "check connections")
        service = self._service(name)
        try:
            account = self._accounts.open(name, service, self._modes.of(service))
            lines = account.client.check()
            if all(ok for _, ok, _ in lines):
                account.identity()
        except (OrchestraError, ServiceError) as error:
            return [CheckLine("settings", ok=False, text=f"{error.message} {error.remedy}")]
        return [CheckLine(what, ok, text) for what, ok, text in lines]

    def add(self, p: Principal, name: str, service: str, settings: Mapping[str, Any]) -> ConnectionStatus:
        """Add a connection to config.yaml, or change these settings of one; secrets go to `.env`.

        Settings of it that are not given stay, unless it was a connection to another service.
        Raises UnknownName, InvalidInput.
        """
        require(p, "admin", "add connections")
        known = client_class(service).Settings.model_fields
        for key in settings:
            if key not in known:
                raise UnknownName(f"setting of {service}", key, builtins.list(known))
        kept = self._kept_settings(name, service, with_token=not any("token" in key for key in settings))
        write_connection(self._workspace.root, name, {"service": service, **kept, **settings})
        self._accounts.forget(name)
        self._audit.record(p, "connections.add", name, {"service": service})
        return self._status(self._config(), name)

    def give_key(
        self, p: Principal, name: str, key: str, beside: Mapping[str, str] = MappingProxyType({})
    ) -> ConnectionStatus:
        """Keep the owner's own key for a connection: the key in `.env`, its name in config.yaml.

        `beside` are the settings that usually stand beside the key, such as an address or a model; an empty one goes
        back to its default. A server of one's own (an address is given) may need no key.
        Raises UnknownName, InvalidInput (an empty key, or a service that takes none), InvalidFile, StorageError.
        """
        from pydantic import SecretStr

        require(p, "admin", "add connections")
        service, loaded = self._service(name), self._config()
        key_field = next(iter(client_class(service).key_variables), "")
        given = _checked(service, beside)
        if not key_field or not (key.strip() or given):
            raise InvalidInput(f"This is no key for {name}.", remedy=_remedy(loaded, name))
        kept = {one: value for one, value in loaded.config.connections[name].settings.items() if one not in beside}
        if key.strip():
            kept[key_field] = SecretStr(key.strip())
        elif self._missing(loaded, name):
            if "base_url" not in given:
                raise InvalidInput(f"There is no key for {name} yet.", remedy=_remedy(loaded, name))
            kept.pop(key_field, None)
        write_connection(self._workspace.root, name, {"service": service, **kept, **given})
        self._accounts.forget(name)
        self._audit.record(p, "connections.give_key", name)
        return self._status(self._config(), name)

    def connect_gmail(
        self, p: Principal, client_secret_file: Path, open_browser: Callable[[str], object], name: str = "gmail"
    ) -> ConnectionStatus:
        """Sign in at Google in a browser and keep the token in a 0600 file. Raises ServiceError, InvalidInput."""
        from clients.gmail_oauth import sign_in

        require(p, "admin", "add connections")
        if not client_secret_file.expanduser().exists():
            raise UnknownName("file", str(client_secret_file), remedy=_DESKTOP_APP)
        token_file = self._workspace.state_dir / "tokens" / f"{checked_name('connection', name)}.json"
        token_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        sign_in(client_secret_file, token_file, open_browser)
        kept = self._kept_settings(name, "gmail", with_token=False)
        written = os.path.relpath(token_file, self._workspace.root)  # config.yaml belongs into git: no path of ours
        write_connection(self._workspace.root, name, {**kept, "service": "gmail", "token_file": written})
        self._accounts.forget(name)
        self._audit.record(p, "connections.connect_gmail", name)
        return self._status(self._config(), name)

    def _kept_settings(self, name: str, service: str, *, with_token: bool) -> dict[str, Any]:
        """Return what a connection to this service says already; a new token or sign-in takes the place of its own."""
        known = self._config().config.connections.get(name)
        settings = known.settings if known and known.service == service else {}
        return {key: value for key, value in settings.items() if with_token or "token" not in key}

    def require_ready(self, modes: Mapping[str, Mode]) -> None:
        """Raise InvalidInput where an account of the owner lacks what its settings name; no service is asked.

        `modes`: by connection name. A run that would stop for it after its first steps does not begin.
        """
        loaded = self._config()
        mine = [name for name, mode in modes.items() if mode == "mine" and name in loaded.config.connections]
        missing = {name: what for name in mine if (what := self._missing(loaded, name))}
        if missing:
            said = [f"The connection {name!r} has no key: {what}." for name, what in missing.items()]
            remedies = dict.fromkeys(_remedy(loaded, name) for name in missing)
            raise InvalidInput(" ".join(said), remedy=" ".join(remedies))

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

    def _service(self, name: str) -> str:
        known = self._config().config.connections
        if name not in known:
            raise UnknownName("connection", name, builtins.list(known))
        return known[name].service

    def _status(self, loaded: LoadedConfig, name: str) -> ConnectionStatus:
        service = loaded.config.connections[name].service
        mode = self._modes.of(service)
        is_found = not self._missing(loaded, name)
        ready = mode == "demo" or is_found
        client, own = client_class(service), loaded.config.connections[name].settings
        return ConnectionStatus(
            name=name,
            service=service,
            mode=mode,
            account=self._accounts.label(name, mode),
            own_key_found=is_found,
            own_key_source=_source(loaded, name),
            ready=ready,
            note="" if ready else f"No key was found. {_remedy(loaded, name)}",
            has_stand_in=service not in NO_STAND_IN,
            key_variable=next(iter(_variables(loaded, name)), ""),
            key_place=client.key_place,
            key_url=client.key_url,
            sign_in_at=getattr(client, "sign_in_at", ""),
            beside_key={one: str(own.get(one) or "") for one in getattr(client, "more_variables", {})},
        )

    def _missing(self, loaded: LoadedConfig, name: str) -> str:
        """Return what of the owner's key is not there, "" where nothing is; the key itself is not looked at."""
        connection = loaded.config.connections[name]
        if "token_file" in connection.settings:
            path = self._workspace.root / Path(connection.settings["token_file"]).expanduser()
            return "" if path.exists() else "nobody has signed in yet"
        named = references(connection.settings)
        if not named:
            return "" if connection.service in ("http", "openai") else "its settings name none"
        unset = [variable for variable in named if not loaded.environment.get(variable)]
        return f"{', '.join(unset)} {'is' if len(unset) == 1 else 'are'} not set" if unset else ""


def _source(loaded: LoadedConfig, name: str) -> str:
    """Return where the owner's key comes from."""
    settings = loaded.config.connections[name].settings
    return "signed in" if "token_file" in settings else ", ".join(references(settings)) or "config.yaml"


def _variables(loaded: LoadedConfig, name: str) -> builtins.list[str]:
    """Return the variables that a connection's key is read from: those it names, else the service's usual ones."""
    connection = loaded.config.connections[name]
    return references(connection.settings) or builtins.list(client_class(connection.service).key_variables.values())


def _remedy(loaded: LoadedConfig, name: str) -> str:
    connection = loaded.config.connections[name]
    if connection.service == "gmail" and not references(connection.settings):
        return f"Sign in: `orchestra connections add gmail{_named(name, 'gmail')} --client-secret FILE`."
    variables = ", ".join(_variables(loaded, name))
    if not references(connection.settings) and variables:
        return f"`orchestra connections add {connection.service}{_named(name, connection.service)}` takes one."
    return f"Put {variables} into the environment or into `.env`." if variables else "Add it in config.yaml."


def _named(name: str, service: str) -> str:
    return "" if name == service else f" --name {name}"


def _checked(service: str, beside: Mapping[str, str]) -> dict[str, str]:
    """Return what is given of the settings beside a key; raise InvalidInput for one that cannot be."""
    from pydantic import TypeAdapter, ValidationError

    fields = client_class(service).Settings.model_fields
    known = getattr(client_class(service), "more_variables", {})
    given = {name: text.strip() for name, text in beside.items() if text.strip()}
    for name, text in given.items():
        if name not in known:
            raise UnknownName(f"setting beside the key of {service}", name, list(known))
        if text.startswith("env:"):
            continue
        try:
            TypeAdapter(fields[name].rebuild_annotation()).validate_python(text)
        except ValidationError as error:
            said = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
            raise InvalidInput(f"{text!r} cannot be the {name} of {service}: {said}.") from error
    return given
