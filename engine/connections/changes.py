"""Change connections: receive keys and sign-ins, seal them, and name them in config.yaml."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain, count
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from msgspec.structs import replace

from clients.check_line import CheckLine
from clients.service import Service
from clients.sign_in import SignInWay, WrongFile, client_id_content
from clients.wording import counted, listed
from engine.base.clock import Clock, timestamp
from engine.base.errors import InUse, InvalidInput, SecretLost, UnknownName, own_words
from engine.base.names import checked_name
from engine.base.services import add_command, client_class, client_classes, declaration, has_stand_in, is_for
from engine.base.statuses import AccountMode
from engine.connections.account_notices import AccountNotices
from engine.connections.accounts import Accounts
from engine.connections.choices import KnownChoices
from engine.connections.doctor import Doctor
from engine.connections.fetches import ModelFetch, ModelFetches
from engine.connections.modes import Modes
from engine.connections.sign_ins import SignIn, SignIns, VaultSeal
from engine.connections.statuses import ConnectionStatus, ConnectionStatuses
from engine.connections.token_limits import require_leads_nowhere_else
from engine.people.access import Principal, may, require_person
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.secrets.vault import Rekeyed, StoredSecret, Unopened, Vault
from engine.workspace.config import LoadedConfig
from engine.workspace.connection_file import remove_connection, write_connection
from engine.workspace.secret import is_reference, kept_names
from engine.workspace.workspace import Workspace

_NAMED = 5
"""How many workflows an error names."""
_KEY_REMOVED = "The key for the former address is removed: enter one for the new address if it needs one."
_ADDRESS = "address"
"""The setting without which there is no mailbox."""


class UsingWorkflows(Protocol):
    """The workflows that use connections."""

    def of(self, connection: str) -> Sequence[str]:
        """Return those that use a connection."""

    def environments(self, connection: str) -> Sequence[str]:
        """Return the environments that name a connection."""

    def unclear(self) -> Sequence[str]:
        """Return those that do not say which of several connections they mean."""


class ConnectionChanges:
    """The changing part of the `connections` area; every change requires an owner and writes an audit line."""

    def __init__(
        self,
        workspace: Workspace,
        config: Callable[[], LoadedConfig],
        accounts: Accounts,
        modes: Modes,
        audit: Audit,
        account_notices: AccountNotices,
        clock: Clock,
        users: UsingWorkflows,
    ) -> None:
        """Changes concern the workflows of `users`."""
        self._users = users
        self._workspace, self._config, self._accounts = workspace, config, accounts
        self._modes, self._audit, self._account_notices, self._clock = modes, audit, account_notices, clock
        self._statuses = ConnectionStatuses(workspace.root, config, accounts, modes, account_notices, clock)
        self._doctor = Doctor(workspace, config, accounts, self._statuses, clock)
        self._sign_ins = SignIns()
        self._fetches = ModelFetches()
        self._known_choices = KnownChoices()

    def kinds(self) -> list[Service]:
        """Return the services a new connection can use, except those with a sign-in by browser."""
        kinds = [kind for kind in client_classes().values() if kind.sign_in_way is None]
        return [kind.service for kind in kinds if kind.service.key or kind.service.models]

    def signed_in_kinds(self) -> list[Service]:
        """Return the services that people sign in to with a browser."""
        return [kind.service for kind in client_classes().values() if kind.sign_in_way is not None]

    def key_page(self, service: str, beside: Mapping[str, Any]) -> str:
        """Return the page where one gets a key of a service; for a mailbox, its provider's page if known."""
        return client_class(service).key_page(beside)

    def foreseen(self, service: str, beside: Mapping[str, Any]) -> CheckLine | None:
        """Return what settings beside a key lack, or why they cannot work; None if only a check can tell."""
        return client_class(service).foreseen(beside)

    @operation("connections.add", "admin", "add connections", "Add or change a connection")
    def add(self, p: Principal, name: str, service: str, settings: Mapping[str, Any]) -> ConnectionStatus:
        """Add a connection to config.yaml, or change some settings of one; secrets are sealed and stored.

        Settings that are not given stay unchanged, but a key for another address is removed, so that it never reaches
        this one; `note` of the result says so. If it is another connection to its service, `note` names the workflows
        that no longer say which one they mean. Raises UnknownName, InvalidInput, InUse (a
        connection of this name is to another service).
        """
        declared = declaration(service)
        known = declared.settings.model_fields
        for key in settings:
            if key not in known:
                raise UnknownName(f"setting of {service}", key, list(known))
        _require_references(service, settings)
        secret = declared.key.setting if declared.key is not None else ""
        is_replaced = any("token" in one or one == secret for one in settings)
        whole = self._kept_settings(name, service, with_token=True)
        has_moved = not is_replaced and _is_elsewhere(declared, whole, {**whole, **settings})
        kept = self._kept_settings(name, service, with_token=not (is_replaced or has_moved))
        added = self._write(p, name, {"service": service, **kept, **settings})
        if has_moved and kept.keys() < whole.keys():
            added = replace(added, note=f"{added.note} {_KEY_REMOVED}".strip())
        program = {one: settings[one] for one in ("command",) if one in settings}
        self._audit.record(p, "connections.add", name, {"service": service, **program})
        return added

    def add_missing(self, p: Principal, services: Sequence[str], named: Mapping[str, str]) -> list[str]:
        """Add a connection without a key for each service that has none and a stand-in; return their names.

        Steps use the stand-in until an owner gives the key. A connection of the same kind is enough, such as one to
        another drive. `named`: the service of each connection that must have this name. Without the right to add
        connections nothing is added. Raises InvalidFile, StorageError.
        """
        if not may(p, "admin"):
            return []
        missing = [name for name in named if name not in self._config().config.connections]
        added = [self.add(p, name, named[name], {}).name for name in missing]
        for service in filter(has_stand_in, services):
            known = self._config().config.connections.values()
            if not any(is_for(one.service, service) for one in known):
                added.append(self.add(p, self._free_name(service), service, {}).name)
        return added

    @operation("connections.begin_fetch", "admin", "add connections", "Fetch a model to this machine")
    def begin_fetch(self, p: Principal, source: str, model: str) -> ModelFetch:
        """Begin to fetch a model, unless it is there or on its way.

        `source`: a service that runs models on this machine, for one of its models, or the address of an Ollama that is
        found on this machine, for any model of Ollama's library. Raises UnknownName, InvalidInput.
        """
        begun = self._fetches.begin(source, model)
        self._audit.record(p, "connections.begin_fetch", model, {"source": source})
        return begun

    @operation("connections.model_fetch", "admin", "add connections", "See how far the fetch of a model is")
    def model_fetch(self, p: Principal, source: str, model: str) -> ModelFetch:
        """Return the latest fetch of a model in this process. Raises UnknownName."""
        return self._fetches.of(source, model)

    @operation("connections.cancel_fetch", "admin", "add connections", "Cancel the fetch of a model")
    def cancel_fetch(self, p: Principal, source: str, model: str) -> ModelFetch:
        """End the fetch of a model at its next progress, unless it has ended. Raises UnknownName.

        What has arrived is used when the model is asked for again.
        """
        fetch = self._fetches.of(source, model)
        if not fetch.ended.is_set():
            fetch.cancel()
            self._audit.record(p, "connections.cancel_fetch", model, {"source": source})
        return fetch

    @operation("connections.give_key", "admin", "add connections", "Store the key of a connection")
    def give_key(
        self, p: Principal, name: str, key: str, beside: Mapping[str, str] = MappingProxyType({})
    ) -> ConnectionStatus:
        """Store the owner's key for a connection: sealed, with its name in config.yaml.

        `beside`: the settings that usually accompany the key, such as an address or a model; an empty one is reset to
        its default, but the address of a mailbox stays. A key for another address is removed. A local server (an
        address is given) may need no key, nor does a service that people sign in to. Raises UnknownName, InvalidInput
        (an empty key, or a service without keys), InvalidFile, StorageError.
        """
        from pydantic import SecretStr

        service, loaded = self._service(name), self._config()
        declared = declaration(service)
        secret = declared.key
        _require_references(service, {"key": key.strip()})
        given = _checked(service, beside)
        if secret is None:
            raise InvalidInput(
                f"The sign-in for {name} uses several settings, not one key.", remedy=self._statuses.remedy(name)
            )
        is_signed_in = client_class(service).sign_in_way is not None
        if not (key.strip() or given or (beside and is_signed_in)):
            raise InvalidInput(f"This is not a key for {name}.", remedy=self._statuses.remedy(name))
        reset = {one for one, text in beside.items() if text.strip() or one != _ADDRESS}
        before = loaded.config.connections[name].settings
        kept = {one: value for one, value in before.items() if one not in reset}
        has_moved = _is_elsewhere(declared, before, {**kept, **given})
        if key.strip():
            kept.pop("token_file", None)
            kept[secret.setting] = SecretStr(key.strip())
        elif not is_signed_in and ((is_missing := self._statuses.missing(name)) or has_moved):
            if is_missing and "base_url" not in given:
                raise InvalidInput(f"There is no key for {name} yet.", remedy=self._statuses.remedy(name))
            kept.pop(secret.setting, None)
        self._write(p, name, {"service": service, **kept, **given})
        self._audit.record(p, "connections.give_key", name)
        return self._statuses.of(name)

    @operation("connections.use_model", "admin", "add connections", "Use a model server without a key")
    def use_model(
        self, p: Principal, name: str, base_url: str, model: str, embedding_model: str = ""
    ) -> ConnectionStatus:
        """Let a connection use a model of a server that needs no key; its mode stays.

        A key for another address is removed, so that it never reaches this server; so is the model for embeddings of
        another server. `embedding_model` is used unless one of this server is named. Raises UnknownName, InvalidInput,
        InvalidFile, StorageError.
        """
        service, before = self._service(name), self._config().config.connections[name].settings
        given = _checked(service, {"base_url": base_url, "model": model})
        is_same = str(before.get("base_url", "")).rstrip("/") == base_url.rstrip("/")
        kept = self._kept_settings(name, service, with_token=is_same and not self._statuses.missing(name))
        named = kept.pop("embedding_model", "")
        embedding = (named if is_same else "") or embedding_model
        more = {"embedding_model": embedding} if embedding else {}
        saved = self._write(p, name, {"service": service, **kept, **given, **more})
        self._audit.record(p, "connections.use_model", name, given)
        return saved

    @operation("connections.remove_key", "admin", "add connections", "Delete the key of a connection")
    def remove_key(self, p: Principal, name: str) -> ConnectionStatus:
        """Delete the stored key of a connection; its other settings and its mode stay.

        A key that another connection uses, too, stays stored for that one. Raises UnknownName, InvalidInput (no key is
        stored, it is in the environment, for instance), InvalidFile, StorageError.
        """
        service, settings = self._service(name), self._config().config.connections[name].settings
        secret = declaration(service).key
        if secret is None or not kept_names({secret.setting: settings.get(secret.setting)}):
            raise InvalidInput(f"No key is stored for {name}.", remedy="`orchestra connections list` shows what is.")
        self._write(p, name, {"service": service, **{one: of for one, of in settings.items() if one != secret.setting}})
        self._audit.record(p, "connections.remove_key", name)
        return self._statuses.of(name)

    @operation("connections.remove", "admin", "add connections", "Remove a connection")
    def remove(self, p: Principal, name: str) -> None:
        """Take a connection out of config.yaml, and delete the secrets that no other connection uses.

        Raises UnknownName, InUse (workflows or environments use it), InvalidFile (the file cannot be changed without
        harm, or other settings name the connection), StorageError.
        """
        self._service(name)
        for noun, users in (("workflow", self._users.of(name)), ("environment", self._users.environments(name))):
            if users:
                raise InUse(
                    f"{counted(len(users), noun)} {'uses' if len(users) == 1 else 'use'} the connection {name}:"
                    f" {listed(users[:_NAMED])}.",
                    remedy="Choose another connection in them first.",
                )
        given_to = {kept.partition(".")[0] for kept in kept_names(self._config().config.connections[name].settings)}
        remove_connection(self._workspace.root, name)
        self._forget_unused({name, *given_to}, {})
        self._accounts.forget(name)
        self._account_notices.cleared(name, AccountMode.MINE)
        self._audit.record(p, "connections.remove", name)

    @operation("connections.connect", "admin", "add connections", "Sign in to a service in a browser")
    def connect(
        self, p: Principal, name: str, service: str, file: Path, open_browser: Callable[[str], object]
    ) -> ConnectionStatus:
        """Sign in to a service in a browser and store the sign-in, sealed.

        `file`: what a person brings for it (`SignInWay.file_remedy`). Raises ServiceError, InvalidInput, InUse.
        """
        _require_may_sign_in(p)
        kept = self._kept_settings(checked_name("connection", name), service, with_token=False)
        way = self._sign_in_way(service, kept)
        if not file.expanduser().exists():
            raise UnknownName("file", str(file), remedy=way.file_remedy)
        base_url = str(kept.get("base_url") or declaration(service).url)
        try:
            signed_in = way.sign_in(file, open_browser, base_url)
        except WrongFile as error:
            raise InvalidInput(error.message, remedy=error.remedy) from error
        path = self._keep_sign_in(name, way, {**signed_in.info, "owner": p.id})
        written = os.path.relpath(path, self._workspace.root)  # config.yaml belongs in git: no absolute paths
        before = self._statuses.sign_in_file(name)
        added = self._write(p, name, {**kept, "service": service, "token_file": written})
        named = {self._statuses.sign_in_file(one) for one in self._config().config.connections}
        if before is not None and before not in named and self._vault.holds(before):
            self._vault.remove(before)
        self._audit.record(p, f"connections.connect_{service}", name, {"account": signed_in.account})
        return added

    @operation("connections.connect_with_id", "admin", "add connections", "Sign in to a service with a client id")
    def connect_with_id(
        self, p: Principal, name: str, service: str, client_id: str, open_browser: Callable[[str], object]
    ) -> ConnectionStatus:
        """Sign in like `connect`, with the id of a client instead of a file (`SignInWay.id_label`)."""
        with tempfile.TemporaryDirectory() as folder:  # a private folder
            file = Path(folder) / "client_id.json"
            file.write_bytes(client_id_content(client_id))
            return self.connect(p, name, service, file, open_browser)

    @operation("connections.begin_sign_in", "admin", "add connections", "Begin a sign-in to a service")
    def begin_sign_in(self, p: Principal, name: str, content: bytes, service: str = "") -> SignIn:
        """Start a sign-in in the background; return it once a person can open its address.

        `content`: what is in the file that a person brings. `service` is only needed for a connection that does not
        exist yet; without it, the connection's name decides, else it is the first service that people sign in to.
        Raises ServiceError, InvalidInput, InUse, NotAllowed, UnknownName.
        """
        _require_may_sign_in(p)
        checked_name("connection", name)
        known = self._config().config.connections.get(name)
        service = service or (known.service if known else _signed_in_to(name))
        remedy = self._sign_in_way(service, known.settings if known else {}).file_remedy
        return self._sign_ins.begin(
            name, content, remedy, lambda file, opened: self.connect(p, name, service, file, opened)
        )

    def _sign_in_way(self, service: str, settings: Mapping[str, Any]) -> SignInWay:
        way = client_class(service).sign_in_for(settings)
        if way is None:
            beside = [one.label for one in declaration(service).beside_key if not settings.get(one.name)]
            first = f" Or give it first what is missing: {', '.join(beside)}." if beside else ""
            raise InvalidInput(
                f"{service} has no sign-in with a browser{' for these settings' if beside else ''}.",
                remedy=f"Give the connection its key.{first}",
            )
        return way

    @operation(
        "connections.bring_back", "admin", "add connections", "Finish a sign-in with the address from another browser"
    )
    def bring_back(self, p: Principal, name: str, address: str) -> SignIn:
        """Finish a sign-in with the address where another machine's browser ended. Raises InvalidInput, UnknownName."""
        _require_may_sign_in(p)
        begun = self.sign_in(p, name)
        if begun is None:
            raise UnknownName("sign-in", name, remedy="Begin one first.")
        begun.bring_back(address)
        return begun

    @operation("connections.sign_in", "admin", "add connections", "See the sign-in of a connection")
    def sign_in(self, p: Principal, name: str) -> SignIn | None:
        """Return the latest sign-in of a connection in this process, or None."""
        return self._sign_ins.of(name)

    @operation("connections.rekey", "admin", "change the key of secrets", "Encrypt the kept secrets with another key")
    def rekey(self, p: Principal) -> Rekeyed:
        """Seal every stored secret again: with a new key in the key file, or with the first key in the environment.

        Raises SecretLost, naming the secrets that cannot be opened; nothing is changed then.
        """
        try:
            done = self._vault.rekey()
        except SecretLost as error:
            lost = self._vault.unopened()
            raise SecretLost(error.message, remedy=self._way_out(lost) if lost else error.remedy) from error
        self._audit.record(p, "connections.rekey", done.place, {"files": done.files})
        return done

    @operation(
        "connections.unopened", "admin", "look at the keys of secrets", "See which kept secrets cannot be decrypted"
    )
    def unopened(self, p: Principal) -> str:
        """Return a sentence naming the stored secrets of another key, with the remedy; "" if all can be opened."""
        lost = self._vault.unopened()
        names = ", ".join(one.name for one in lost)
        return f"The current key does not decrypt the secrets kept as {names}. {self._way_out(lost)}" if lost else ""

    def _way_out(self, lost: list[Unopened]) -> str:
        services = {name: one.service for name, one in self._config().config.connections.items()}
        return _way_out(lost, self._vault.keys.file, services)

    @property
    def _vault(self) -> Vault:
        return self._config().vault

    def _service(self, name: str) -> str:
        known = self._config().config.connections
        if name not in known:
            raise UnknownName("connection", name, list(known))
        return known[name].service

    def _kept_settings(self, name: str, service: str, *, with_token: bool) -> dict[str, Any]:
        """Return a connection's settings, without its key, token or sign-in if a new one replaces it.

        Raises InUse if it is to another service: workflows that name it would ask somebody else.
        """
        known = self._config().config.connections.get(name)
        if known is not None and known.service != service:
            free = self._free_name(service)
            raise InUse(
                f"The connection {name!r} is to {known.service}, not to {service}.",
                remedy=f"Choose another name, such as {free!r}, or take connections.{name} out of config.yaml first.",
            )
        settings = known.settings if known is not None else {}
        key = declaration(service).key
        replaced = {key.setting, "token_file"} if key is not None else {"token_file"}
        return {one: of for one, of in settings.items() if with_token or ("token" not in one and one not in replaced)}

    def _free_name(self, service: str) -> str:
        usual, known = client_class(service).service.usual_name, self._config().config.connections
        wanted = chain([usual], (f"{usual}-{number}" for number in count(2)))
        return next(one for one in wanted if one not in known)

    def _write(self, p: Principal, name: str, settings: Mapping[str, Any]) -> ConnectionStatus:
        """Write a connection to config.yaml with its secrets sealed, and forget earlier refusals. Raises NotAllowed."""
        known = self._config().config.connections
        before = known.get(name)
        beside = [one for one, other in known.items() if other.service == settings["service"] and before is None]
        unclear = self._users.unclear() if beside else ()
        given = {key: value for key, value in settings.items() if key != "service"}
        require_leads_nowhere_else(p, declaration(settings["service"]), before.settings if before else {}, given)
        entry = write_connection(self._workspace.root, name, settings, partial(self._keep, p))
        given_to = {kept.partition(".")[0] for kept in kept_names(before.settings if before else {})}
        self._forget_unused({name, *given_to}, entry)
        self._accounts.forget(name)
        self._account_notices.cleared(name, AccountMode.MINE)
        status = self._statuses.of(name)
        made = [one for one in self._users.unclear() if one not in unclear] if beside else []
        return (
            replace(status, note=f"{status.note} {_no_longer_clear([*beside, name], made)}".strip()) if made else status
        )

    def _forget_unused(self, names: Iterable[str], written: Mapping[str, Any]) -> None:
        """Delete the secrets given to these connections that none uses now; one may use what was given to another.

        `written` is what the file has just got: where the environment overrides it, the settings do not show it.
        """
        entries = [written, *(one.settings for one in self._config().config.connections.values())]
        used = {kept for one in entries for kept in _kept_files(one)}
        for name in names:
            self._vault.forget_others(name, used)

    def _keep(self, p: Principal, secret: str, value: str) -> None:
        self._vault.keep(secret, StoredSecret(value, p.id, timestamp(self._clock())))

    def _keep_sign_in(self, name: str, way: SignInWay, info: Mapping[str, Any]) -> Path:
        vault = self._vault
        path = vault.folder / f"{name}.sign-in.json"
        with vault.changing():
            file = way.stored(path, VaultSeal(lambda: vault))
            with file.locked():
                file.save(info)
        return path


def _is_elsewhere(service: Service, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether settings name another server than those before."""
    old, new = (str(one.get("base_url") or service.url) for one in (before, after))
    return old.split("/", 3)[:3] != new.split("/", 3)[:3]  # the scheme and the host; one that cannot be read differs


def _require_may_sign_in(p: Principal) -> None:
    """Raise NotAllowed for a program: what it sends for a sign-in names the addresses that get it."""
    require_person(p, "sign in to an account")


def _signed_in_to(name: str) -> str:
    """Return the service of a new connection that a person signs in to, given only its name."""
    names = [one for one, kind in client_classes().items() if kind.sign_in_way]
    return next((one for one in names if name == one or name.startswith(f"{one}-")), names[0])


def _kept_files(settings: Mapping[str, Any]) -> set[str]:
    """Return the names under which the vault stores the secrets of these settings: keys, and the file of a sign-in."""
    return {*kept_names(settings), Path(str(settings.get("token_file", ""))).name.removesuffix(".json")}


def _require_references(service: str, settings: Mapping[str, Any]) -> None:
    """Raise InvalidInput for a value that was meant to name a variable of the environment, but cannot."""
    for key, value in settings.items():
        text = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        if isinstance(text, str) and text.startswith("env:") and not is_reference(text):
            raise InvalidInput(
                f"The setting {key} of {service} begins with `env:`, but names no variable of the environment.",
                remedy="Write `env:` and a name of letters, digits and `_`, such as `env:MY_TOKEN`.",
            )


def _checked(service: str, beside: Mapping[str, str]) -> dict[str, str]:
    """Return the given settings that accompany a key; raise InvalidInput for an invalid one."""
    from pydantic import TypeAdapter, ValidationError

    declared = declaration(service)
    fields, known = declared.settings.model_fields, [one.name for one in declared.beside_key]
    given = {name: text.strip() for name, text in beside.items() if text.strip()}
    for name, text in given.items():
        if name not in known:
            raise UnknownName(f"setting beside the key of {service}", name, known)
        if text.startswith("env:"):
            continue
        try:
            TypeAdapter(fields[name].rebuild_annotation()).validate_python(text)
        except ValidationError as error:
            said = own_words(error.errors(include_url=False)[0])
            raise InvalidInput(f"{declared.title}, {declared.label_of(name)}: {said}.", field=name) from error
    return given


def _no_longer_clear(connections: Sequence[str], workflows: Sequence[str]) -> str:
    which = f"{counted(len(workflows), 'workflow')} ({listed(workflows)})"
    return (
        f"There are {len(connections)} connections to this service now: {listed(connections)}. Steps that name none no"
        f" longer say which one they mean, so {which} cannot run. Name one as `connection` in each of these steps."
    )


def _way_out(lost: Sequence[Unopened], key_file: Path, services: Mapping[str, str]) -> str:
    """Return a sentence saying how to open, replace or drop each; `services` is {connection: service}."""
    ways = "; ".join(f"{one.name}: {_replaced(one, services)}" for one in lost)
    return f"Restore the key, as another line of {key_file} (from a backup). If that is not possible, {ways}."


def _replaced(lost: Unopened, services: Mapping[str, str]) -> str:
    name = lost.name.partition(".")[0]
    if name not in services:
        return f"no connection needs it, remove {lost.place}"
    return f"{add_command(services[name], name)} stores it again, or remove {lost.place} and the connection"
