"""Accounts that refuse access: one notice each, and no workflow that needs one starts until the account works again."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import InitVar, dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from clients.errors import AuthError
from clients.sign_in import SignInWay
from engine.base.clock import Clock, timestamp
from engine.base.errors import OrchestraError
from engine.base.services import add_command, client_class, sign_in_of
from engine.base.statuses import AccountMode
from engine.store.triggering.account_notices import AccountNoticeRecord, AccountNoticeStore
from engine.workspace.config import LoadedConfig
from engine.workspace.workflow_ids import WorkflowIds

if TYPE_CHECKING:
    from engine.connections.accounts import Accounts

Kind = Literal["revoked", "reduced", "refused"]
"""The sign-in is rejected; it was granted less than requested; it may not do what one workflow wants."""

_SCRYPT = {"n": 2**12, "r": 8, "p": 1}  # 4 MiB each: it is computed whenever refusals are listed


@dataclass(frozen=True)
class AccountNotice:
    """An account that refuses access, as shown to people; without `workflows`, all that need it wait."""

    connection: str
    mode: AccountMode
    service: str
    kind: Kind
    account: str
    message: str
    """The service's message."""
    since: str
    workflows: tuple[str, ...] = ()

    sentence: str = field(init=False)
    """What the problem is, with whose account, and what waits for it."""
    remedy: str = field(init=False)
    """The button, and the command, that solve it."""

    way: InitVar[SignInWay | None] = None
    """How a person signs in to it again; None if it has a key."""

    def __post_init__(self, way: SignInWay | None) -> None:
        """Compose the sentences."""
        object.__setattr__(self, "sentence", _sentence(self))
        object.__setattr__(self, "remedy", _remedy(self, way))


_SAID: Mapping[Kind, str] = {
    "revoked": "is no longer let in",
    "reduced": "has less access than it needs",
    "refused": "may not do what a workflow asks of it",
}


def _sentence(one: AccountNotice) -> str:
    whose = f" ({one.account})" if one.account else ""
    waits = f"Triggers of {', '.join(one.workflows)}" if one.workflows else "Workflows that need it"
    return f"The connection {one.connection!r}{whose} {_SAID[one.kind]}: {one.message} {waits} wait."


def _remedy(one: AccountNotice, way: SignInWay | None) -> str:
    check = f"`orchestra connections check {one.connection}`"
    if one.kind == "refused":
        return f"Allow it at the service, then press Check on the page Connections, or run {check}."
    if one.mode == AccountMode.DEMO:
        return f"Check it again: {check}."
    client = client_class(one.service)
    command = add_command(one.service, one.connection, way)
    if way is not None or client.sign_in_way is not None:
        return f"Press Sign in again on the page Connections, or run {command}."
    button = "Change" if client.service.beside_key else "Enter another key"
    key = f"Create a valid key ({client.service.key.url}). " if client.service.key else ""
    return f"{key}Press {button} on the page Connections, or run {command}; {check} tries it."


class AccountNotices:
    """Records refusals. Thread-safe; each change is on disk when its method returns."""

    def __init__(
        self,
        refusals: AccountNoticeStore,
        config: Callable[[], LoadedConfig],
        accounts: Accounts,
        clock: Clock,
        ids: WorkflowIds,
    ) -> None:
        self._ids = ids
        self._refusals, self._config, self._accounts, self._clock = refusals, config, accounts, clock
        self._known: set[tuple[str, str]] | None = None
        """The refusals that affect all workflows, as known to this process: checked after every successful call."""

    def report(self, connection: str, mode: AccountMode, error: AuthError, workflow_id: str = "") -> None:
        """Record that a call was refused; a refusal that is already known changes nothing.

        A refusal of one action (403) does not affect others: it concerns one workflow, and is ignored without one.
        """
        kind = _kind(error)
        known = self._config().config.connections.get(connection)
        if known is None or (kind == "refused" and not workflow_id):
            return
        refusal = AccountNoticeRecord(
            connection=connection,
            mode=mode,
            workflow=workflow_id if kind == "refused" else "",
            service=known.service,
            kind=kind,
            account=error.account or self._accounts.label(connection, mode),
            message=error.message,
            since=timestamp(self._clock()),
            key_mark=_mark(self._settings(connection, mode), secrets.token_hex(8)),
        )
        self._refusals.report(refusal, self._is_met_still)  # with another key it is a new refusal
        self._known = None

    def is_known(self, connection: str, mode: AccountMode) -> bool:
        """Return, without blocking, whether this process knows of a refusal of the account as a whole."""
        known = self._known
        if known is None:
            self._known = known = {(one.connection, one.mode) for one in self._refusals.all() if not one.workflow}
        return (connection, mode) in known

    def worked(self, connection: str, mode: AccountMode) -> None:
        """Record that an account is accepted again; refusals of single workflows stay."""
        self._refusals.forget(connection, mode, workflow="")
        self._known = None

    def cleared(self, connection: str, mode: AccountMode | None = None) -> None:
        """Forget the refusals of a connection: it has a new sign-in or key, or it works."""
        self._refusals.forget(connection, mode)
        self._known = None

    def open(self) -> list[AccountNotice]:
        """Return the current problems, one for each connection and mode, oldest first."""
        merged: dict[tuple[str, str], AccountNotice] = {}
        for refusal in self._refusals.all():
            if not self._is_met_still(refusal):
                continue
            one = self._trouble(refusal)
            known = merged.get((refusal.connection, refusal.mode), one)
            merged[refusal.connection, refusal.mode] = _together(known, one)
        return list(merged.values())

    def blocks(self, connections: Mapping[str, AccountMode], workflow_id: str = "") -> AccountNotice | None:
        """Return what keeps a trigger from starting a workflow that needs these connections, or None.

        `connections`: {name: mode}. Without a workflow: what affects every workflow that needs them.
        """
        workflow = self._name(workflow_id) if workflow_id else ""
        return next((one for one in self.open() if _concerns(one, connections, workflow)), None)

    def _name(self, workflow_id: str) -> str:
        """Return the name of a workflow; its id if no file has it."""
        return self._ids.name(workflow_id) or workflow_id

    def _is_met_still(self, refusal: AccountNoticeRecord) -> bool:
        """Return whether the connection still has the key that was refused."""
        salt = refusal.key_mark.partition(":")[0]
        known = self._config().config.connections.get(refusal.connection)
        is_same = known is not None and known.service == refusal.service
        return is_same and _mark(self._settings(refusal.connection, refusal.mode), salt) == refusal.key_mark

    def _trouble(self, refusal: AccountNoticeRecord) -> AccountNotice:
        told = refusal._asdict()
        id_, _ = told.pop("workflow"), told.pop("key_mark")
        known = self._config().config.connections.get(refusal.connection)
        way = sign_in_of(refusal.service, known.settings if known is not None else {})
        return AccountNotice(**told, workflows=(self._name(id_),) if id_ else (), way=way)

    def _settings(self, connection: str, mode: str) -> str:
        if mode == AccountMode.DEMO:
            return "demo"
        try:
            return json.dumps(self._config().settings_of(connection), sort_keys=True, default=str)
        except OrchestraError as error:
            return type(error).__name__


def _kind(error: AuthError) -> Kind:
    if error.lacks_scope:
        return "reduced"
    return "refused" if error.http_status == 403 else "revoked"


def _together(first: AccountNotice, second: AccountNotice) -> AccountNotice:
    """Merge two troubles of a connection: one that affects all workflows wins over one for a single workflow."""
    if first is second or not first.workflows:
        return first
    if not second.workflows:
        return second
    return replace(first, workflows=(*first.workflows, *second.workflows))


def _concerns(trouble: AccountNotice, connections: Mapping[str, AccountMode], workflow: str) -> bool:
    is_needed = connections.get(trouble.connection) == trouble.mode
    return is_needed and (not trouble.workflows or workflow in trouble.workflows)


def _mark(settings: str, salt: str) -> str:
    """Return a salted hash that shows only whether settings are the same; slow to guess, as passwords may be short."""
    found = hashlib.scrypt(settings.encode(), salt=salt.encode(), **_SCRYPT)
    return f"{salt}:{found.hex()}"
