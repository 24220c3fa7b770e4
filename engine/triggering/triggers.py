"""Everything a person or program may do with triggers."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from engine.errors import InvalidInput, OrchestraError, UnknownName
from engine.expressions.expressions import compact_json
from engine.names import moment_of
from engine.people.access import Principal, require
from engine.people.audit import Audit
from engine.runs.acceptor import anew
from engine.trigger import Item, Start
from engine.triggering import items as item_rows
from engine.triggering.alarms import alarm_of
from engine.triggering.asking import Asking
from engine.triggering.beginnings import Beginnings, require_choice
from engine.triggering.finder import Finder, Named
from engine.triggering.items import ItemRows
from engine.triggering.looks import Looks
from engine.triggering.previews import Previews
from engine.triggering.rows import TriggerRows, key_of, start_text
from engine.triggering.status import Alarm, DeadItem, PollResult, TriggerError, TriggerPreview, TriggerStatus
from engine.triggering.statuses import Statuses
from engine.triggering.turns import Turns


@dataclass(frozen=True)
class Parts:
    """What the facet is put together from."""

    rows: TriggerRows
    items: ItemRows
    finder: Finder
    looks: Looks
    beginnings: Beginnings
    previews: Previews
    statuses: Statuses
    turns: Turns
    asking: Asking
    audit: Audit
    resume: Callable[[Principal, str], str]


class Triggers:
    """The `triggers` facet: every method checks the right of `p`; every change writes an audit line."""

    def __init__(self, parts: Parts) -> None:
        self._rows, self._items, self._finder = parts.rows, parts.items, parts.finder
        self._looks, self._previews, self._statuses = parts.looks, parts.previews, parts.statuses
        self._turns, self._asking, self._audit = parts.turns, parts.asking, parts.audit
        self._beginnings, self._resume = parts.beginnings, parts.resume

    def list(self, p: Principal, workflow: str | None = None) -> list[TriggerStatus]:
        """Return every trigger of every workflow file that can be read, without asking any service.

        One that is also on for accounts that are not in use now (Demo or Mine) comes a second time, resting. Raises
        UnknownName where there is no such workflow, InvalidFile where nobody can tell whether it has any.
        """
        require(p, "view", "see triggers")
        found = self._statuses.all(workflow)
        if workflow is not None and not found:
            self._finder.plan(workflow)
        return found

    def status(self, p: Principal, workflow: str, trigger: str) -> TriggerStatus:
        """Return one trigger, for the account in use. Raises UnknownName, InvalidFile."""
        require(p, "view", "see triggers")
        found = [one for one in self._statuses.all(workflow) if one.id == trigger]
        if not found:
            self._finder.named(workflow, trigger)
            raise UnknownName("trigger", trigger)
        return min(found, key=lambda one: one.is_resting)

    def preview(self, p: Principal, workflow: str, trigger: str, start: Start | None = None) -> TriggerPreview:
        """Return what a look would find now, or with `start` what turning it on so would; nothing moves.

        Raises UnknownName, InvalidFile, InvalidInput, ServiceError.
        """
        require(p, "view", "see what triggers would process")
        require_choice(self._watchable(workflow, trigger), start, self._looks.clock())
        watched = self._finder.find(workflow, trigger)
        return self._previews.preview(watched, self._rows.get(watched.key), start)

    def turn_on(self, p: Principal, workflow: str, trigger: str, start: Start | None = None) -> TriggerStatus:
        """Watch from now on; `start` says from where on things count as new, None goes on from where it was.

        The first look is made here, so that nothing is lost that comes before somebody watches; where it fails, nothing
        is on. What it would touch counts as agreed to. Raises UnknownName, InvalidFile, InvalidInput, ServiceError.
        """
        require(p, "edit", "turn triggers on")
        require_choice(self._watchable(workflow, trigger), start, self._looks.clock())
        watched = self._finder.find(workflow, trigger)
        self._beginnings.begin(p, watched, start)
        told = {"trigger": trigger, "account": watched.key.account, "start": start and start_text(start)}
        self._audit.record(p, "triggers.turn_on", workflow, told)
        self._asking.wake()
        return self.status(p, workflow, trigger)

    def turn_off(self, p: Principal, workflow: str, trigger: str) -> TriggerStatus:
        """Watch no more, for the account in use; runs that wait for their turn still go. Raises UnknownName.

        One that is gone from its file, or whose file is gone, is turned off as well.
        """
        require(p, "edit", "turn triggers off")
        rows = [row for row in self._rows.on() if (row.workflow, row.trigger) == (workflow, trigger)]
        if not rows:
            self._finder.named(workflow, trigger)
            raise InvalidInput(f"The trigger {trigger!r} of {workflow!r} is not on.")
        in_use = [row for row in rows if not self._is_resting(row)] or rows
        known = [one for one in self._statuses.all(workflow) if one.id == trigger and one.is_on]
        for is_demo in {bool(row.demo) for row in in_use}:
            self._rows.turn_off(workflow, trigger, demo=is_demo)
        self._audit.record(p, "triggers.turn_off", workflow, {"trigger": trigger})
        left = [one for one in self._statuses.all(workflow) if one.id == trigger]
        if not left:
            return replace(known[0], is_on=False, is_silent=False, state="off")
        return min(left, key=lambda one: one.is_resting)

    def poll(self, p: Principal, workflow: str | None = None, trigger: str | None = None) -> builtins.list[PollResult]:
        """Look now at every trigger that is on, or at those named, and return what came of it.

        The serving process looks where there is one; else this process does, and its runs go at once. Raises
        UnknownName, InvalidInput where none of those named is on, StorageError.
        """
        require(p, "run", "let triggers look")
        rows = [
            row
            for row in self._rows.on()
            if workflow in (None, row.workflow) and trigger in (None, row.trigger) and not self._is_resting(row)
        ]
        if workflow is not None and not rows:
            self._require_known(workflow, trigger)
            raise InvalidInput(
                f"No trigger of {workflow!r} is on{f' as {trigger!r}' if trigger else ''}.",
                remedy=f"`orchestra triggers on {workflow}` turns it on.",
            )
        return self._asking.polled(rows)

    def dead(self, p: Principal, workflow: str | None = None) -> builtins.list[DeadItem]:
        """Return things that could not become a run, and those whose run failed, newest first, 200 at most."""
        require(p, "view", "see what triggers could not process")
        return [_dead_item(row) for row in self._items.dead(workflow)]

    def retry(self, p: Principal, workflow: str, trigger: str, item: str) -> str:
        """Try again to make a run of a dead thing, with the file as it is now, or resume its failed run.

        Return the id of the run. Raises UnknownName, InvalidInput (it still cannot be), ServiceError, InvalidFile.
        """
        require(p, "run", "try dead items again")
        row = self._dead_row(workflow, trigger, item)
        self._audit.record(p, "triggers.retry", workflow, {"trigger": trigger, "item": item})
        return self._resume(p, row.run_id) if row.run_id is not None else anew(lambda: self._revived(row))

    def dismiss(self, p: Principal, workflow: str, trigger: str, item: str) -> None:
        """Take a thing off the list of those that need somebody. Raises UnknownName."""
        require(p, "run", "dismiss dead items")
        self._items.dismiss(self._dead_row(workflow, trigger, item))
        self._audit.record(p, "triggers.dismiss", workflow, {"trigger": trigger, "item": item})

    def alarms(self, p: Principal) -> builtins.list[Alarm]:
        """Return which triggers need a person, and why."""
        require(p, "view", "see triggers")
        found = [alarm_of(one, self._looks.clock()) for one in self._statuses.in_question()]
        return [one for one in found if one is not None]

    def summary(self) -> dict[str, int]:
        """Return {on, silent, dead}: how many triggers are on, how many of those are silent, and dead things of all."""
        found = self._statuses.in_question()
        awake = [one for one in found if one.is_on and not one.is_resting]
        return {"on": len(awake), "silent": sum(one.is_silent for one in awake), "dead": sum(one.dead for one in found)}

    def _watchable(self, workflow: str, trigger: str) -> Named:
        named = self._finder.named(workflow, trigger)
        if not named.trigger.kind.is_watched:
            raise InvalidInput(
                f"{named.trigger.title}: the trigger {trigger!r} of {workflow!r} has nothing to watch.",
                remedy=f"Start it yourself: `orchestra run {workflow}`.",
            )
        return named

    def _require_known(self, workflow: str, trigger: str | None) -> None:
        if trigger is not None:
            self._finder.named(workflow, trigger)
        else:
            self._finder.plan(workflow)

    def _is_resting(self, row: Any) -> bool:
        try:
            return self._finder.is_resting(row)
        except OrchestraError:  # its file is broken or gone: it is told so when it is looked at
            return False

    def _dead_row(self, workflow: str, trigger: str, item: str) -> Any:
        """Return the row of a thing that needs somebody. Raises UnknownName."""
        row = self._items.find(workflow, trigger, item)
        if row is None or row.state not in ("dead", "started"):
            raise UnknownName("dead item", item, remedy="`orchestra triggers dead` lists what there is.")
        return row

    def _revived(self, row: Any) -> str:
        watched = self._finder.find(row.workflow, row.trigger)
        if watched.key != key_of(row):
            raise InvalidInput("It was seen in another account or place than is watched now.", remedy="Dismiss it.")
        value = None if row.value is None else json.loads(row.value)
        at = None if row.item_at is None else moment_of(row.item_at)
        look = self._looks.made(watched, None, Start())
        prepared = self._looks.prepare(watched, look, Item(row.item, value, row.title, at))
        if prepared.error is not None:
            self._items.still_dead(row, compact_json(dict(prepared.error)), prepared.row(look.now)["value"])
            raise InvalidInput(prepared.error["message"], remedy=prepared.error["remedy"])
        if prepared.entry is None:
            raise InvalidInput(f"No run was started: {prepared.item.skip}.", remedy="Dismiss it.")
        entry = prepared.entry
        stored = self._looks.acceptances.store_within(
            lambda connection: [entry] if item_rows.revive(connection, row, entry.acceptance["run_id"]) else []
        )
        if not stored:
            raise InvalidInput("Somebody else has tried it again just now.")
        self._turns.begin()
        return str(entry.run_id)


def _dead_item(row: Any) -> DeadItem:
    if row.error is not None:
        error = TriggerError(**json.loads(row.error))
    else:
        remedy = f"`orchestra runs show {row.run_id}` says why."
        error = TriggerError("RunFailed", f"Its run {row.run_id} failed.", remedy)
    return DeadItem(row.workflow, row.trigger, row.item, row.title, row.seen_at, error, row.run_id)
