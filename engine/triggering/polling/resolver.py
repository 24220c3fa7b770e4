"""Resolve a trigger of a workflow file to what a poll needs: the plan, the opened account, the fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from clients.deadline import deadline
from clients.errors import AuthError
from engine.base.errors import OrchestraError, UnknownName
from engine.base.statuses import AccountMode
from engine.compiler.definition.plan import Plan, Trigger
from engine.connections.accounts import Account, Accounts
from engine.forms.inbox import Inbox
from engine.hooks.deliveries import SHOWN
from engine.people.access import Principal
from engine.plugins.registry import trigger_type
from engine.plugins.trigger import Around
from engine.store.triggering.triggered_runs import TriggeredRuns
from engine.store.triggering.triggers import ItemRecord, TriggerKey, TriggerRecord
from engine.triggering.polling.not_watched import NotWatched
from engine.triggering.polling.status import TriggerError

if TYPE_CHECKING:
    from engine.runs.starting.consent import Touch
    from engine.triggering.polling.context import TriggerContext

_IDENTITY_SECONDS = 60.0
_LOCAL, _DEMO = "local", "demo-local"
"""The account of a trigger without a connection: this machine, for runs on real accounts or on the demo.

Switching accounts must not carry the cursor over here either; a reset of the demo deletes what begins with "demo-".
"""


_NOT_AGREED = "Its runs would touch what nobody has agreed to:"
_AGAIN = "Turn it on again."
_AGREE = "Turn it on again and agree to it, or turn it off."


class NamedTrigger(Struct, frozen=True):
    """A trigger of a workflow file that compiles; no account is opened yet."""

    plan: Plan
    trigger: Trigger
    mode: AccountMode
    fields: Any
    """An instance of the type's model."""
    source: str


class Watched(Struct, frozen=True):
    """A trigger that can be polled."""

    named: NamedTrigger
    key: TriggerKey
    account: Account | None
    around: Around

    @property
    def client(self) -> Any:
        """The opened client of its connection, or None if it needs no connection."""
        return None if self.account is None else self.account.client


class TriggerResolver:
    """Resolves triggers; any thread."""

    def __init__(self, context: TriggerContext, accounts: Accounts, runs: TriggeredRuns) -> None:
        self._context, self._accounts, self._runs = context, accounts, runs
        self.ids = context.ids
        """Rows name a workflow by its id; a name without a readable file is its own id."""
        self.plan = context.plan
        """Returns the plan of a workflow by its name. Raises UnknownName, InvalidFile."""

    @property
    def time_zone(self) -> str:
        """The time zone of schedules that name none."""
        return self._context.time_zone

    def named(self, workflow: str, trigger: str) -> NamedTrigger:
        """Return a trigger as its file defines it. Raises UnknownName, InvalidFile."""
        return self.of_plan(self.plan(workflow), trigger)

    def of_row(self, row: TriggerKey | TriggerRecord | ItemRecord) -> NamedTrigger:
        """Return the trigger of a row as its file defines it. Raises UnknownName, InvalidFile, NotWatched."""
        return self.of_plan(self.plan_of(row.workflow), row.trigger)

    def name_of(self, workflow_id: str) -> str:
        """Return the name of the workflow with an id; the id if no file has it."""
        return self.ids.name(workflow_id) or workflow_id

    def of_plan(self, plan: Plan, trigger: str) -> NamedTrigger:
        """Return a trigger of a plan. Raises UnknownName."""
        for one in plan.triggers:
            if one.id == trigger:
                fields = one.kind.fields.model_validate(dict(one.fields))
                return NamedTrigger(plan, one, self._mode(plan, one), fields, one.kind.source(fields))
        raise UnknownName("trigger", trigger, [one.id for one in plan.triggers])

    def find(self, workflow: str, trigger: str) -> Watched:
        """Return a trigger with its account opened; the first time, ask the service for the account's owner.

        Raises UnknownName, InvalidFile, InvalidInput (an account cannot sign in), ServiceError.
        """
        return self.opened(self.named(workflow, trigger))

    def opened(self, named: NamedTrigger) -> Watched:
        """Return a trigger with its account opened. Raises as `find`."""
        workflow_id = named.plan.id
        self._context.require_ready(workflow_id, self.modes(named))
        connection = named.trigger.connection
        service = named.trigger.kind.service
        if connection is None:  # any server, without credentials: there is nobody to ask for
            account = None if service is None else self._accounts.open(None, service, named.mode)
            whose = self.known_account(named)
        else:
            account = self._accounts.open(connection, None, named.mode)
            whose = self._asked(account, workflow_id)
        return Watched(
            named, TriggerKey(workflow_id, named.trigger.id, whose, named.source), account, self._around(named)
        )

    def _asked(self, account: Account, workflow_id: str) -> str:
        """Return the owner of an account; the service is asked only the first time. Raises ServiceError."""
        try:
            with deadline(_IDENTITY_SECONDS):
                return account.identity()
        except AuthError as error:
            self._refused(account, workflow_id, error)
            raise

    def watched(self, key: TriggerKey) -> Watched:
        """Return a trigger that is on, by the key of its row. Raises as `find`, and NotWatched if it has changed."""
        try:
            found = self.opened(self.of_row(key))
        except UnknownName as error:
            raise NotWatched(error.message, remedy="Turn the trigger off, or bring it back.") from error
        if found.key.source != key.source:
            raise NotWatched("What it watches has changed.", remedy=_AGAIN)
        if found.key.account != key.account:
            raise NotWatched("It was turned on for another account.", remedy="Turn it on again for this one.")
        missing = self.not_agreed(found.named)
        if missing:
            raise NotWatched(f"{_NOT_AGREED} {'; '.join(one.words for one in missing)}.", remedy=_AGREE)
        return found

    def is_resting(self, row: TriggerRecord) -> bool:
        """Tell whether a row belongs to the demo while real accounts are in use, or the other way round.

        Raises UnknownName, InvalidFile.
        """
        return row.demo != (self.of_row(row).mode == AccountMode.DEMO)

    def known_client(self, row: TriggerRecord) -> Any:
        """Return the client of a trigger's connection; None if it has none, or it is not open. Asks nobody.

        Raises UnknownName, InvalidFile.
        """
        named = self.of_row(row)
        connection = named.trigger.connection
        return None if connection is None else self._accounts.known_client(connection, named.mode)

    def known_account(self, named: NamedTrigger) -> str:
        """Return the account that a trigger watches, as rows name it; empty if the service has not been asked yet."""
        connection = named.trigger.connection
        if connection is None:
            return _DEMO if named.mode == AccountMode.DEMO else _LOCAL
        return self._accounts.known_identity(connection, named.mode)

    def refused(self, watched: Watched, error: AuthError) -> None:
        """Record that the account of a trigger refused a call."""
        if watched.account is not None and watched.named.trigger.connection is not None:
            self._refused(watched.account, watched.key.workflow, error)

    def _refused(self, account: Account, workflow_id: str, error: AuthError) -> None:
        self._accounts.notices.report(account.connection, account.mode, error, workflow_id)

    def shown_account(self, named: NamedTrigger) -> str:
        """Return the account as people know it, as far as known."""
        connection = named.trigger.connection
        if connection is None:
            return "demo" if named.mode == AccountMode.DEMO else "this machine"
        return self._accounts.label(connection, named.mode)

    def plan_of(self, workflow_id: str) -> Plan:
        """Return the plan of the workflow with an id. Raises UnknownName, InvalidFile, NotWatched."""
        plan = self.plan(self.name_of(workflow_id))
        require_id(plan, workflow_id)
        return plan

    def disagreement(self, named: NamedTrigger) -> TriggerError | None:
        """Return the error to show if nobody has agreed to what runs of a trigger would touch, else None."""
        if self._context.is_agreed(named.plan, named.trigger.connection):
            return None
        return TriggerError("NotWatched", _NOT_AGREED.removesuffix(":") + ".", _AGREE)

    def not_agreed(self, named: NamedTrigger) -> list[Touch]:
        """Return what runs of a trigger would touch without anybody's consent. Raises ServiceError."""
        return self._context.not_agreed(named.plan, named.trigger)

    def agree(self, p: Principal, named: NamedTrigger) -> None:
        """Record the consent of whoever turns a trigger on. Raises ConfirmationNeeded, ServiceError."""
        self._context.agree(p, named.plan, named.trigger)

    def _mode(self, plan: Plan, trigger: Trigger) -> AccountMode:
        """Return the account mode that a trigger watches; without a connection, the mode its runs will touch.

        If its runs touch no outside service, demo and real accounts are the same place: this machine.
        """
        return _mode(plan, trigger, self._context.mode_of, self._context.mode(""))

    def served_mode(self, named: NamedTrigger) -> AccountMode:
        """Return the account mode that the server watches and its runs touch."""
        return _mode(named.plan, named.trigger, self._context.connections.served_mode, AccountMode.MINE)

    def modes(self, named: NamedTrigger) -> dict[str, AccountMode]:
        """Return whose account each connection is that a trigger and its runs use."""
        names = {*named.plan.connections, *filter(None, [named.trigger.connection])}
        return {name: named.plan.mode(name, self._context.mode_of(name)) for name in sorted(names)}

    def inbox(self, named: NamedTrigger) -> Inbox:
        """Return where what was sent to a form or webhook waits for runs on these accounts."""
        kind, is_demo = named.trigger.kind.inbox, named.mode == AccountMode.DEMO
        return self._inbox(kind, named.plan.id, named.trigger.id, is_demo=is_demo)

    def inbox_of(self, row: TriggerRecord) -> Inbox:
        """Return the same for the row of a trigger, whose file may be gone."""
        return self._inbox(self.inbox_kind(row), row.workflow, row.trigger, is_demo=row.demo)

    def inbox_kind(self, row: TriggerRecord) -> str:
        """Return where what is sent to a trigger waits; empty if nothing is, or its type is gone."""
        try:
            return trigger_type(row.uses).inbox
        except OrchestraError:
            return ""

    def _inbox(self, kind: str, workflow_id: str, trigger: str, *, is_demo: bool) -> Inbox:
        mode = AccountMode.DEMO if is_demo else AccountMode.MINE
        keeps = SHOWN if kind == "hooks" else 0
        return Inbox(self._context.state_dir / kind, workflow_id, trigger, mode, keeps=keeps)

    def key(self, name: str) -> str:
        """Return the value of `env:NAME` or `secret:NAME`; empty if there is none. Raises SecretLost."""
        return self._context.loaded().value_of(name)

    def _around(self, named: NamedTrigger) -> Around:
        is_demo = None if _is_at_home(named) else named.mode == AccountMode.DEMO
        return Around(
            root=self._context.root,
            time_zone=self._context.time_zone,
            workflow=named.plan.name,
            ended_runs=lambda since, limit: self._runs.ended_since(since, limit, demo=is_demo),
            last_end=self._runs.last_end,
            private=self._accounts.private(),
            inbox=self.inbox(named) if named.trigger.kind.inbox else None,
        )


def require_id(plan: Plan, workflow_id: str) -> None:
    """Raise NotWatched if a workflow found by name is not the one with an id."""
    if plan.id != workflow_id:
        raise NotWatched(
            f"No workflow file now has the id {workflow_id!r}: {plan.name!r} is another workflow.",
            remedy=f'If its file was moved, add `"id": "{workflow_id}"` to it, or turn the trigger off.',
        )


def _is_at_home(named: NamedTrigger) -> bool:
    """Tell whether neither the trigger nor its runs touch anything outside: then the end of any run may start them."""
    return named.trigger.kind.service is None and named.plan.touches_nothing


def _mode(plan: Plan, trigger: Trigger, mode_of: Callable[[str], AccountMode], default: AccountMode) -> AccountMode:
    if trigger.connection is not None:
        return plan.mode(trigger.connection, mode_of(trigger.connection))
    if plan.touches_nothing and trigger.kind.service is None:
        return AccountMode.MINE
    modes = [plan.mode(name, mode_of(name)) for name in plan.connections]
    return AccountMode.DEMO if AccountMode.DEMO in (modes or [default]) else AccountMode.MINE
