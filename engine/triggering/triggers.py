"""Everything that people and programs can do with triggers."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from msgspec import Struct

from engine.base.clock import moment_of
from engine.base.errors import InvalidInput, OrchestraError, UnknownName
from engine.base.names import is_branch
from engine.base.statuses import AccountMode
from engine.compiler.definition.plan import Plan
from engine.compiler.self_feeding import FeedingChain
from engine.expressions.json_values import compact_json
from engine.people.access import Principal
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.plugins.trigger import Item, Start
from engine.runs.starting.consent import Touch
from engine.runs.starting.run_request import retry_if_renamed
from engine.store.triggering.triggers import DeadRecord, ItemRecord, SeenItems, TriggerRecord, TriggerStore
from engine.triggering.activation import Activation, require_choice
from engine.triggering.alarms import alarm_of
from engine.triggering.poll_now import PollBatch
from engine.triggering.polling.poll import TriggerPolls
from engine.triggering.polling.resolver import NamedTrigger, TriggerResolver
from engine.triggering.polling.starts import start_text
from engine.triggering.polling.status import Alarm, DeadItem, PollResult, TriggerError, TriggerPreview, TriggerStatus
from engine.triggering.previews import TriggerPreviews
from engine.triggering.run_queue import RunStarter
from engine.triggering.statuses import TriggerStatuses

_MOST_DEAD = 200


class TriggersDependencies(Struct, frozen=True):
    """What the area is built from."""

    rows: TriggerStore
    items: SeenItems
    resolver: TriggerResolver
    looks: TriggerPolls
    activation: Activation
    previews: TriggerPreviews
    statuses: TriggerStatuses
    turns: RunStarter
    asking: PollBatch
    audit: Audit
    resume: Callable[[Principal, str], str]
    about_models: Callable[[Plan, Mapping[str, AccountMode]], Sequence[str]]
    """Returns what a person should know of the models that runs ask."""


class FailingTriggers(NamedTuple):
    """The triggers that do not work at the moment."""

    alarms: list[Alarm]
    """Why some need attention."""
    trying_again: list[TriggerStatus]
    """Triggers whose last poll failed and that will try again by themselves; they need no attention yet."""


class Triggers:
    """The `triggers` area; every change writes an audit line."""

    def __init__(self, parts: TriggersDependencies) -> None:
        self._items, self._resolver, self._statuses = parts.items, parts.resolver, parts.statuses
        self._clock = parts.looks.clock
        self._rows, self._looks, self._previews = parts.rows, parts.looks, parts.previews
        self._turns, self._asking, self._audit = parts.turns, parts.asking, parts.audit
        self._activation, self._resume, self._about_models = parts.activation, parts.resume, parts.about_models

    @operation("triggers.list", "view", "see triggers", "List triggers", "GET /api/triggers", answer="triggers")
    def list(self, p: Principal, workflow: str | None = None) -> builtins.list[TriggerStatus]:
        """List the triggers of all workflows that can be read, or of one, without asking any service.

        One that is also on for accounts not in use now (Demo or Mine) is listed a second time, as resting. A branch has
        none: nothing starts it by itself.

        Raises UnknownName if there is no such workflow, InvalidFile if its triggers cannot be read.
        """
        if workflow is not None and is_branch(workflow):
            return []
        found = [one for one in self._statuses.all(workflow, p.sees) if p.sees(one.workflow)]
        if workflow is not None and not found:
            self._resolver.plan(workflow)
        return found

    @operation("triggers.status", "view", "see triggers", "Get a trigger", "GET /api/triggers/{workflow}/{trigger}")
    def status(self, p: Principal, workflow: str, trigger: str) -> TriggerStatus:
        """Return the status of a trigger, for the account in use: its polls, the items it has seen, its errors.

        Its warning also tells if a model that its runs ask fails the cases of a prompt.

        Raises UnknownName, InvalidFile.
        """
        found = [one for one in self._statuses.all(workflow, p.sees) if one.id == trigger]
        if not found:
            self._resolver.named(workflow, trigger)
            raise UnknownName("trigger", trigger)
        one = min(found, key=lambda one: one.is_resting)
        try:
            named = self._resolver.named(workflow, trigger)
        except OrchestraError:  # of a file that is gone or broken: the status says so
            return one
        about_models = self._about_models(named.plan, self._resolver.modes(named))
        return replace(one, warning=" ".join(filter(None, [one.warning, *about_models])))

    @operation("triggers.chains", "view", "see triggers", "List the triggers that may start each other")
    def chains(self, p: Principal, workflow: str | None = None) -> builtins.list[FeedingChain]:
        """Return the triggers, of one workflow or all, whose runs may start each other by way of other workflows."""
        return [one for one in self._statuses.chains(workflow) if all(map(p.sees, (one.workflow, *one.way)))]

    @operation("triggers.dead", "view", "see what triggers could not process", "List what triggers could not process")
    def dead(self, p: Principal, workflow: str | None = None) -> builtins.list[DeadItem]:
        """Return items that could not become a run, and those whose run failed, newest first, 200 at most."""
        workflow_id = None if workflow is None else self._resolver.ids.of(workflow)
        found = self._items.dead(workflow_id, _MOST_DEAD, p.hidden.ids)
        return [_dead_item(one, self._resolver.name_of(one.item.workflow)) for one in found]

    @operation("triggers.alarms", "view", "see triggers", "List alarms", "GET /api/triggers/alarms", answer="alarms")
    def alarms(self, p: Principal) -> builtins.list[Alarm]:
        """List triggers that are silent, are refused by an account, are in a broken file, or have dead items."""
        return self.difficulties(p).alarms

    @operation("triggers.difficulties", "view", "see triggers", "List the failing triggers")
    def difficulties(self, p: Principal) -> FailingTriggers:
        """Return which triggers need attention, and which try again by themselves."""
        found = self._in_question(p)
        alarms = [alarm_of(one, self._clock()) for one in found]
        trying = [one for one in found if one.state == "trying again"]
        return FailingTriggers([one for one in alarms if one is not None], trying)

    @operation("triggers.coming", "view", "see triggers", "List the triggers that fire next")
    def coming(self, p: Principal, limit: int = 5) -> builtins.list[TriggerStatus]:
        """Return the triggers that are on, those first that fire or poll next; asks no service."""
        awake = [one for one in self._in_question(p) if one.is_on and not one.is_resting and one.look_again_at]
        return sorted(awake, key=lambda one: one.look_again_at or "")[:limit]

    @operation("triggers.watched", "view", "see triggers", "List the triggers that are on")
    def watched(self, p: Principal) -> builtins.list[TriggerStatus]:
        """Return the triggers that are on, for the accounts in use; asks no service."""
        return [one for one in self._in_question(p) if one.is_on and not one.is_resting]

    @operation("triggers.of_demo", "view", "see triggers", "List the triggers that are on for the demo")
    def of_demo(self, p: Principal) -> builtins.list[TriggerStatus]:
        """Return the triggers that are on for demo accounts: a reset of the demo turns them off. Asks no service."""
        return [one for one in self._in_question(p) if one.is_on and one.demo]

    def _in_question(self, p: Principal) -> builtins.list[TriggerStatus]:
        return [one for one in self._statuses.in_question() if p.sees(one.workflow)]

    def summary(self) -> dict[str, int]:
        """Return {on, silent, dead}: triggers that are on, how many of those are silent, and dead items of all."""
        found = self._statuses.in_question()
        awake = [one for one in found if one.is_on and not one.is_resting]
        return {"on": len(awake), "silent": sum(one.is_silent for one in awake), "dead": sum(one.dead for one in found)}

    @operation("triggers.preview", "run", "see what triggers would process", "See what a trigger would process")
    def preview(self, p: Principal, workflow: str, trigger: str, start: Start | None = None) -> TriggerPreview:
        """Return what a poll would find now or, with `start`, what turning it on would find; nothing moves.

        It asks the account and shows what no run has read yet, so it is not for viewers. Raises UnknownName,
        InvalidFile, InvalidInput, ServiceError.
        """
        require_choice(self._watchable(workflow, trigger), start, self._looks.clock())
        watched = self._resolver.find(workflow, trigger)
        return self._previews.preview(watched, self._rows.get(watched.key), start)

    @operation("triggers.turn_on", "edit", "turn triggers on", "Turn a trigger on")
    def turn_on(self, p: Principal, workflow: str, trigger: str, start: Start | None = None) -> TriggerStatus:
        """Start watching; `start` says from when on items count as new, None continues from where it left off.

        The first poll is made here, so that items arriving before the scheduler's first are not lost; if it fails, the
        trigger stays off. Raises UnknownName, InvalidFile, InvalidInput, ServiceError, and ConfirmationNeeded if its
        runs would touch something that nobody, `p` included, has agreed to.
        """
        require_choice(self._watchable(workflow, trigger), start, self._looks.clock())
        watched = self._resolver.find(workflow, trigger)
        self._activation.begin(p, watched, start)
        told = {"trigger": trigger, "account": watched.key.account, "start": start and start_text(start)}
        self._audit.record(p, "triggers.turn_on", workflow, told)
        self._asking.wake()
        return self.status(p, workflow, trigger)

    @operation(
        "triggers.rests_when_served", "view", "see triggers", "Ask whether a server would leave a trigger at rest"
    )
    def rests_when_served(self, p: Principal, workflow: str, trigger: str) -> bool:
        """Tell whether a trigger that this process watches would rest in `orchestra serve`, because the server uses the
        other of Demo and Mine. Raises UnknownName, InvalidFile.
        """
        named = self._resolver.named(workflow, trigger)
        return named.mode != self._resolver.served_mode(named)

    @operation("triggers.time_zone", "view", "see triggers", "Get the time zone of schedules that name none")
    def time_zone(self, p: Principal) -> str:
        """Return the time zone of schedules that name none."""
        return self._resolver.time_zone

    @operation("triggers.needs_confirmation", "view", "see triggers", "See what a trigger needs consent for")
    def needs_confirmation(self, p: Principal, workflow: str, trigger: str) -> builtins.list[Touch]:
        """Return what runs of a trigger would touch without anybody's consent; whoever turns it on must agree.

        Raises UnknownName, InvalidFile, ServiceError.
        """
        return self._resolver.not_agreed(self._resolver.named(workflow, trigger))

    @operation("triggers.turn_off", "edit", "turn triggers off", "Turn a trigger off")
    def turn_off(self, p: Principal, workflow: str, trigger: str) -> TriggerStatus:
        """Stop watching, for the account in use; queued runs still start. Raises UnknownName.

        A trigger that is gone from its file, or whose file is gone, is turned off as well; `workflow` is then its id.
        """
        workflow_id, on = self._resolver.ids.of(workflow), [row for row in self._rows.on() if row.trigger == trigger]
        if not any(row.workflow == workflow_id for row in on) and self._resolver.ids.naming()(workflow) is None:
            workflow_id = workflow
        rows = [row for row in on if row.workflow == workflow_id]
        if not rows:
            self._resolver.named(workflow, trigger)
            raise InvalidInput(f"The trigger {trigger!r} of {workflow!r} is not on.")
        in_use = [row for row in rows if not self._is_resting(row)] or rows
        # Looked up before: one that is gone from its file is not listed once it is off.
        known = [one for one in self._statuses.all(workflow) if one.id == trigger and one.is_on]
        for is_demo in {row.demo for row in in_use}:
            self._rows.turn_off(workflow_id, trigger, demo=is_demo)
        self._audit.record(p, "triggers.turn_off", workflow, {"trigger": trigger})
        left = [one for one in self._statuses.all(workflow) if one.id == trigger]
        if not left:
            return replace(known[0], is_on=False, is_silent=False, state="off")
        return min(left, key=lambda one: one.is_resting)

    @operation("triggers.poll", "run", "poll triggers", "Poll triggers now")
    def poll(self, p: Principal, workflow: str | None = None, trigger: str | None = None) -> builtins.list[PollResult]:
        """Poll every trigger that is on, or those named, and return the results.

        The serving process polls if there is one; otherwise this process does and starts the runs at once. Raises
        UnknownName, InvalidInput if none of those named is on, StorageError.
        """
        workflow_id = None if workflow is None else self._resolver.ids.of(workflow)
        rows = [
            row
            for row in self._rows.on()
            if workflow_id in (None, row.workflow) and trigger in (None, row.trigger) and not self._is_resting(row)
            if p.may_run(self._resolver.name_of(row.workflow))
        ]
        if workflow is not None and not rows:
            self._require_known(workflow, trigger)
            raise InvalidInput(
                f"No trigger of {workflow!r} is on{f' as {trigger!r}' if trigger else ''}.",
                remedy=f"`orchestra triggers on {workflow}` turns it on.",
            )
        return self._asking.polled(rows)

    @operation("triggers.retry", "run", "try dead items again", "Try a dead item again")
    def retry(self, p: Principal, workflow: str, trigger: str, item: str) -> str:
        """Try again to make a run of a dead item, or resume its failed run, with the current file.

        A run that cannot go on with that goes on with the definition that it was accepted with.
        Return the id of the run. Raises UnknownName, InvalidInput (still not possible), ServiceError, InvalidFile.
        """
        row = self._dead_row(workflow, trigger, item)
        self._audit.record(p, "triggers.retry", workflow, {"trigger": trigger, "item": item})
        return (
            self._resume(p, row.run_id) if row.run_id is not None else retry_if_renamed(lambda: self._revived(p, row))
        )

    @operation("triggers.dismiss", "run", "dismiss dead items", "Dismiss a dead item")
    def dismiss(self, p: Principal, workflow: str, trigger: str, item: str) -> None:
        """Remove an item from the list of those that need attention. Raises UnknownName."""
        self._items.dismiss(self._dead_row(workflow, trigger, item))
        self._audit.record(p, "triggers.dismiss", workflow, {"trigger": trigger, "item": item})

    def _watchable(self, workflow: str, trigger: str) -> NamedTrigger:
        named = self._resolver.named(workflow, trigger)
        if not named.trigger.kind.is_watched:
            raise InvalidInput(
                f"{named.trigger.title}: the trigger {trigger!r} of {workflow!r} has nothing to watch.",
                remedy=f"Start it yourself: `orchestra run {workflow}`.",
            )
        return named

    def _require_known(self, workflow: str, trigger: str | None) -> None:
        if trigger is not None:
            self._resolver.named(workflow, trigger)
        else:
            self._resolver.plan(workflow)

    def _is_resting(self, row: TriggerRecord) -> bool:
        try:
            return self._resolver.is_resting(row)
        except OrchestraError:  # its file is broken or gone: the poll itself will report that
            return False

    def _dead_row(self, workflow: str, trigger: str, item: str) -> ItemRecord:
        """Return the record of an item that needs attention. Raises UnknownName."""
        row = self._items.find(self._resolver.ids.of(workflow), trigger, item)
        if row is None or row.state not in ("dead", "started"):
            raise UnknownName("dead item", item, remedy="`orchestra triggers dead` lists what there is.")
        return row

    def _revived(self, p: Principal, row: ItemRecord) -> str:
        watched = self._resolver.opened(self._resolver.of_row(row))
        self._resolver.agree(p, watched.named)
        if watched.key != row.key:
            raise InvalidInput("It was seen in another account or place than is watched now.", remedy="Dismiss it.")
        value = None if row.value is None else json.loads(row.value)
        at = None if row.item_at is None else moment_of(row.item_at)
        look = self._looks.made(watched, None, Start())
        prepared = self._looks.prepare(watched, look, Item(row.item, value, row.title, at))
        if prepared.error is not None:
            self._items.still_dead(row, compact_json(dict(prepared.error)), prepared.kept_value)
            raise InvalidInput(prepared.error["message"], remedy=prepared.error["remedy"])
        if prepared.entry is None:
            raise InvalidInput(f"No run was started: {prepared.item.skip}.", remedy="Dismiss it.")
        entry = prepared.entry
        if not self._looks.acceptances.revive(row, entry):
            raise InvalidInput("Somebody else has tried it again just now.")
        self._turns.begin()
        return str(entry.run_id)


def _dead_item(dead: DeadRecord, workflow: str) -> DeadItem:
    row = dead.item
    if row.error is not None:
        error = TriggerError(**json.loads(row.error))
    else:
        remedy = f"`orchestra runs show {row.run_id}` says why."
        error = TriggerError("RunFailed", dead.sentence or f"Its run {row.run_id} failed.", remedy)
    return DeadItem(workflow, row.trigger, row.item, row.title, row.seen_at, error, row.run_id)
