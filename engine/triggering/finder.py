"""From a trigger of a workflow file to what a look needs: the plan, the opened account, the fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clients.deadline import deadline
from clients.errors import AuthError
from engine.compiler.plan import Plan, Trigger
from engine.connections.accounts import Account, Accounts, Mode
from engine.errors import UnknownName
from engine.trigger import Around
from engine.triggering.ended_runs import EndedRuns
from engine.triggering.not_watched import NotWatched
from engine.triggering.rows import Key
from engine.triggering.status import TriggerError
from engine.triggering.workplace import Workplace

_IDENTITY_SECONDS = 60.0
_LOCAL, _DEMO = "local", "demo-local"
"""Whose account a trigger without a connection watches: of this machine, for runs on real accounts or on the demo.

Switching accounts must not carry a cursor over there, either; a reset of the demo forgets what begins with "demo-".
"""


_NOT_AGREED = "Its runs would touch accounts that nobody has agreed to."
_AGAIN = "Turn it on again."


@dataclass(frozen=True)
class Named:
    """A trigger of a workflow file that compiles; nothing is opened yet."""

    plan: Plan
    trigger: Trigger
    mode: Mode
    fields: Any
    """An instance of the type's model."""
    source: str


@dataclass(frozen=True)
class Watched:
    """A trigger that can be looked at."""

    named: Named
    key: Key
    account: Account | None
    around: Around

    @property
    def client(self) -> Any:
        """The opened client of its connection, None where it needs none."""
        return None if self.account is None else self.account.client


class Finder:
    """Finds triggers; any thread."""

    def __init__(self, workplace: Workplace, accounts: Accounts, ended_runs: EndedRuns) -> None:
        self._workplace, self._accounts, self._ended_runs = workplace, accounts, ended_runs

    def named(self, workflow: str, trigger: str) -> Named:
        """Return a trigger as its file says it. Raises UnknownName, InvalidFile."""
        return self.of_plan(self._workplace.plan(workflow), trigger)

    def of_plan(self, plan: Plan, trigger: str) -> Named:
        """Return a trigger of a plan. Raises UnknownName."""
        for one in plan.triggers:
            if one.id == trigger:
                fields = one.kind.fields.model_validate(dict(one.fields))
                return Named(plan, one, self._mode(plan, one), fields, one.kind.source(fields))
        raise UnknownName("trigger", trigger, [one.id for one in plan.triggers])

    def find(self, workflow: str, trigger: str) -> Watched:
        """Return a trigger with its account opened; asks the service whose it is, the first time.

        Raises UnknownName, InvalidFile, InvalidInput (an account cannot be signed in to), ServiceError.
        """
        named = self.named(workflow, trigger)
        self._workplace.require_ready(workflow, self._modes(named))
        connection = named.trigger.connection
        account = None if connection is None else self._accounts.open(connection, None, named.mode)
        whose = self.known_account(named) if account is None else self._asked(account, workflow)
        return Watched(named, Key(workflow, trigger, whose, named.source), account, self._around(named))

    def _asked(self, account: Account, workflow: str) -> str:
        """Return whose account it is; the service is asked the first time. Raises ServiceError."""
        try:
            with deadline(_IDENTITY_SECONDS):
                return account.identity()
        except AuthError as error:
            self._refused(account, workflow, error)
            raise

    def watched(self, key: Key) -> Watched:
        """Return a trigger that is on, as its row has it. Raises as `find`, and NotWatched if it has changed."""
        try:
            found = self.find(key.workflow, key.trigger)
        except UnknownName as error:
            raise NotWatched(error.message, remedy="Turn the trigger off, or bring it back.") from error
        if found.key.source != key.source:
            raise NotWatched("What it watches has changed.", remedy=_AGAIN)
        if found.key.account != key.account:
            raise NotWatched("It was turned on for another account.", remedy="Turn it on again for this one.")
        if not self._workplace.is_agreed(found.named.plan):
            raise NotWatched(_NOT_AGREED, remedy=_AGAIN)
        return found

    def is_resting(self, row: Any) -> bool:
        """Tell whether a row belongs to the demo and real accounts are in use now, or the other way.

        Raises UnknownName, InvalidFile.
        """
        return bool(row.demo) != (self.named(row.workflow, row.trigger).mode == "demo")

    def known_account(self, named: Named) -> str:
        """Return the account that a trigger watches, as rows name it; an empty text where nobody asked the service."""
        connection = named.trigger.connection
        if connection is None:
            return _DEMO if named.mode == "demo" else _LOCAL
        return self._accounts.known_identity(connection, named.mode)

    def refused(self, watched: Watched, error: AuthError) -> None:
        """Take down that the account of a trigger refused a call."""
        if watched.account is not None:
            self._refused(watched.account, watched.key.workflow, error)

    def _refused(self, account: Account, workflow: str, error: AuthError) -> None:
        self._accounts.refusals.report(account.connection, account.mode, error, workflow)

    def shown_account(self, named: Named) -> str:
        """Return whose account that is for people, as far as it is known."""
        connection = named.trigger.connection
        if connection is None:
            return "demo" if named.mode == "demo" else "this machine"
        return self._accounts.label(connection, named.mode)

    def plan(self, workflow: str) -> Plan:
        """Return the plan of a workflow. Raises UnknownName, InvalidFile."""
        return self._workplace.plan(workflow)

    def disagreement(self, plan: Plan) -> TriggerError | None:
        """Say that nobody has agreed to what the runs of a workflow would touch; None where somebody has."""
        return None if self._workplace.is_agreed(plan) else TriggerError("NotWatched", _NOT_AGREED, _AGAIN)

    def _mode(self, plan: Plan, trigger: Trigger) -> Mode:
        """Return whose account a trigger watches; without a connection, whose its runs will touch."""
        if trigger.connection is not None:
            return self._workplace.mode_of(trigger.connection)
        modes = [self._workplace.mode_of(name) for name in plan.connections]
        return "demo" if "demo" in (modes or [self._workplace.mode("")]) else "mine"

    def _modes(self, named: Named) -> dict[str, Mode]:
        names = {*named.plan.connections, *filter(None, [named.trigger.connection])}
        return {name: self._workplace.mode_of(name) for name in sorted(names)}

    def _around(self, named: Named) -> Around:
        is_demo = named.mode == "demo"
        return Around(
            root=self._workplace.root,
            time_zone=self._workplace.time_zone,
            workflow=named.plan.name,
            ended_runs=lambda since, limit: self._ended_runs.since(since, limit, demo=is_demo),
            last_end=self._ended_runs.last,
        )
