"""What changes connections: keys and sign-ins are taken, sealed and named in config.yaml."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from engine.clock import Clock
from engine.connections.accounts import Accounts
from engine.connections.doctor import Doctor
from engine.connections.lost_secrets import way_out
from engine.connections.modes import Modes
from engine.connections.safe import Kept, Rekeyed, Safe, Unopened
from engine.connections.services import ConnectionKind, client_class, client_classes
from engine.connections.sign_ins import SafeSeal, SignIn, SignIns
from engine.connections.statuses import ConnectionStatus, Statuses
from engine.connections.troubles import Troubles
from engine.errors import InvalidInput, SecretLost, UnknownName, own_words
from engine.names import checked_name, timestamp
from engine.people.access import Principal, require
from engine.people.audit import Audit
from engine.workspace.config import LoadedConfig
from engine.workspace.connection_file import write_connection
from engine.workspace.secret import kept_names
from engine.workspace.workspace import Workspace


class ConnectionChanges:
    """The part of the `connections` facet that changes them; every change is an owner's, and writes an audit line."""

    def __init__(
        self,
        workspace: Workspace,
        config: Callable[[], LoadedConfig],
        accounts: Accounts,
        modes: Modes,
        audit: Audit,
        troubles: Troubles,
        clock: Clock,
    ) -> None:
        self._workspace, self._config, self._accounts = workspace, config, accounts
        self._modes, self._audit, self._troubles, self._clock = modes, audit, troubles, clock
        self._statuses = Statuses(workspace.root, config, accounts, modes, troubles, clock)
        self._doctor = Doctor(workspace, config, accounts, self._statuses, clock)
        self._sign_ins = SignIns()

    def kinds(self) -> list[ConnectionKind]:
        """Return what a new connection can be to, but for services where a person signs in by browser."""
        return [
            ConnectionKind(
                service=service,
                key=next(iter(kind.key_variables), ""),
                key_place=kind.key_place,
                beside=tuple(getattr(kind, "more_variables", {})),
            )
            for service, kind in client_classes().items()
            if kind.key_variables and not getattr(kind, "sign_in_at", "")
        ]

    def key_page(self, service: str, beside: Mapping[str, Any]) -> str:
        """Return where one comes to a key of a service; of a mailbox its provider's page, where it is known."""
        from clients.imap.providers import app_password_page

        own = app_password_page(str(beside.get("address", ""))) if service == "imap" else ""
        return own or str(client_class(service).key_url)

    def add(self, p: Principal, name: str, service: str, settings: Mapping[str, Any]) -> ConnectionStatus:
        """Add a connection to config.yaml, or change these settings of one; secrets are sealed and kept.

        Settings of it that are not given stay, unless it was a connection to another service.
        Raises UnknownName, InvalidInput.
        """
        require(p, "admin", "add connections")
        known = client_class(service).Settings.model_fields
        for key in settings:
            if key not in known:
                raise UnknownName(f"setting of {service}", key, list(known))
        kept = self._kept_settings(name, service, with_token=not any("token" in key for key in settings))
        self._write(p, name, {"service": service, **kept, **settings})
        self._audit.record(p, "connections.add", name, {"service": service})
        return self._statuses.of(name)

    def give_key(
        self, p: Principal, name: str, key: str, beside: Mapping[str, str] = MappingProxyType({})
    ) -> ConnectionStatus:
        """Keep the owner's own key for a connection: sealed, its name in config.yaml.

        `beside` are the settings that usually stand beside the key, such as an address or a model; an empty one goes
        back to its default. A server of one's own (an address is given) may need no key.
        Raises UnknownName, InvalidInput (an empty key, or a service that takes none), InvalidFile, StorageError.
        """
        from pydantic import SecretStr

        require(p, "admin", "add connections")
        service, loaded = self._service(name), self._config()
        key_field = next(iter(client_class(service).key_variables), "")
        given = _checked(service, beside)
        if not key_field:
            raise InvalidInput(
                f"What signs in to {name} are settings, not one key.", remedy=self._statuses.remedy(name)
            )
        if not (key.strip() or given):
            raise InvalidInput(f"This is no key for {name}.", remedy=self._statuses.remedy(name))
        kept = {one: value for one, value in loaded.config.connections[name].settings.items() if one not in beside}
        if key.strip():
            kept[key_field] = SecretStr(key.strip())
        elif self._statuses.missing(name):
            if "base_url" not in given:
                raise InvalidInput(f"There is no key for {name} yet.", remedy=self._statuses.remedy(name))
            kept.pop(key_field, None)
        self._write(p, name, {"service": service, **kept, **given})
        self._audit.record(p, "connections.give_key", name)
        return self._statuses.of(name)

    def connect_gmail(
        self, p: Principal, client_secret_file: Path, open_browser: Callable[[str], object], name: str = "gmail"
    ) -> ConnectionStatus:
        """Sign in at Google in a browser and keep the sign-in, sealed. Raises ServiceError, InvalidInput."""
        from clients.gmail import GmailClient
        from clients.gmail.client_secret import WrongClientSecret
        from clients.gmail.oauth import sign_in

        require(p, "admin", "add connections")
        if not client_secret_file.expanduser().exists():
            raise UnknownName("file", str(client_secret_file), remedy=WrongClientSecret.default_remedy)
        kept = self._kept_settings(checked_name("connection", name), "gmail", with_token=False)
        base_url = str(kept.get("base_url") or GmailClient.default_url)
        try:
            signed_in = sign_in(client_secret_file, open_browser, base_url=base_url)
        except WrongClientSecret as error:
            raise InvalidInput(error.message, remedy=error.remedy) from error
        path = self._keep_sign_in(name, {**signed_in.info, "owner": p.id})
        written = os.path.relpath(path, self._workspace.root)  # config.yaml belongs into git: no path of ours
        before = self._statuses.sign_in_file(name)
        self._write(p, name, {**kept, "service": "gmail", "token_file": written})
        named = {self._statuses.sign_in_file(one) for one in self._config().config.connections}
        if before is not None and before not in named and self._safe.holds(before):
            before.unlink(missing_ok=True)
        self._audit.record(p, "connections.connect_gmail", name, {"account": signed_in.account})
        return self._statuses.of(name)

    def begin_sign_in(self, p: Principal, name: str, client_secret: bytes) -> SignIn:
        """Start a sign-in at Google that waits beside the caller; return it once a person can open its address.

        `client_secret` is the content of Google's JSON file. Raises ServiceError, InvalidInput, NotAllowed.
        """
        require(p, "admin", "add connections")
        checked_name("connection", name)
        return self._sign_ins.begin(name, client_secret, lambda file, opened: self.connect_gmail(p, file, opened, name))

    def bring_back(self, p: Principal, name: str, address: str) -> SignIn:
        """Hand on the address at which a browser on another machine ended. Raises InvalidInput, UnknownName."""
        begun = self.sign_in(p, name)
        if begun is None:
            raise UnknownName("sign-in", name, remedy="Begin one first.")
        begun.bring_back(address)
        return begun

    def sign_in(self, p: Principal, name: str) -> SignIn | None:
        """Return the sign-in that was begun last in this process for a connection, None where none was."""
        require(p, "admin", "add connections")
        return self._sign_ins.of(name)

    def rekey(self, p: Principal) -> Rekeyed:
        """Seal every kept secret anew: with a new key of the key file, or with the first that the environment gives.

        Raises SecretLost, which names those that cannot be opened; then nothing was changed.
        """
        require(p, "admin", "change the key of secrets")
        try:
            done = self._safe.rekey()
        except SecretLost as error:
            lost = self._safe.unopened()
            raise SecretLost(error.message, remedy=self._way_out(lost) if lost else error.remedy) from error
        self._audit.record(p, "connections.rekey", done.place, {"files": done.files})
        return done

    def unopened(self, p: Principal) -> str:
        """Return in a sentence which kept secrets belong to another key, and what to do; "" where all can be opened."""
        require(p, "admin", "look at the keys of secrets")
        lost = self._safe.unopened()
        names = ", ".join(one.name for one in lost)
        return f"The key known now does not open what is kept as {names}. {self._way_out(lost)}" if lost else ""

    def _way_out(self, lost: list[Unopened]) -> str:
        services = {name: one.service for name, one in self._config().config.connections.items()}
        return way_out(lost, self._safe.keys.file, services)

    @property
    def _safe(self) -> Safe:
        return self._config().safe

    def _service(self, name: str) -> str:
        known = self._config().config.connections
        if name not in known:
            raise UnknownName("connection", name, list(known))
        return known[name].service

    def _kept_settings(self, name: str, service: str, *, with_token: bool) -> dict[str, Any]:
        """Return what a connection to this service says already; a new token or sign-in takes the place of its own."""
        known = self._config().config.connections.get(name)
        settings = known.settings if known and known.service == service else {}
        return {key: value for key, value in settings.items() if with_token or "token" not in key}

    def _write(self, p: Principal, name: str, settings: Mapping[str, Any]) -> None:
        """Write a connection into config.yaml with its secrets sealed; what was refused before is no more known."""
        entry = write_connection(self._workspace.root, name, settings, partial(self._keep, p))
        # One connection may name what was given to another.
        others = [one.settings for one in self._config().config.connections.values()]
        self._safe.forget_others(name, {kept for one in (entry, *others) for kept in _kept_files(one)})
        self._accounts.forget(name)
        self._troubles.cleared(name, "mine")

    def _keep(self, p: Principal, secret: str, value: str) -> None:
        self._safe.keep(secret, Kept(value, p.id, timestamp(self._clock())))

    def _keep_sign_in(self, name: str, info: Mapping[str, Any]) -> Path:
        from clients.gmail.sign_in_file import SignInFile

        safe = self._safe
        path = safe.folder / f"{name}.sign-in.json"
        with safe.changing():
            file = SignInFile(path, SafeSeal(lambda: safe))
            with file.locked():
                file.save(info)
        return path


def _kept_files(settings: Mapping[str, Any]) -> set[str]:
    """Return what of the kept secrets these settings name, as the safe calls it: keys, and the file of a sign-in."""
    return {*kept_names(settings), Path(str(settings.get("token_file", ""))).name.removesuffix(".json")}


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
            said = own_words(error.errors(include_url=False)[0])
            raise InvalidInput(f"{text!r} cannot be the {name} of {service}: {said}.") from error
    return given
