"""Secret addresses of triggers: who has one may send something to this server, without signing in."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from msgspec import Struct

from engine.base.errors import InvalidInput, OrchestraError
from engine.forms.inbox import Inbox
from engine.people.access import Principal
from engine.store.settings import Settings
from engine.store.triggering.triggers import SeenItems, TriggerRecord, TriggerStore
from engine.triggering.polling.resolver import NamedTrigger, TriggerResolver

_TAKEN = frozenset({"started", "skipped", "dismissed"})
"""States of items whose submissions are needed no more; a dead one may be tried again."""


_LISTED = {
    "forms": "`orchestra triggers forms` lists those that have one.",
    "hooks": "`orchestra triggers hooks` lists those that have one.",
}


class NotOpen(Exception):
    """Nothing has this address, or its trigger is off."""


class Openness(Struct, frozen=True):
    """Whether strangers may use an address now, and what waits."""

    is_open: bool
    open_elsewhere: Literal["", "demo", "mine"]
    waiting: int
    last_at: str | None


class TriggerAddresses(Struct, frozen=True):
    """The addresses of all triggers of one kind; any thread."""

    kind: Literal["forms", "hooks"]
    prefix: str
    """Of the settings that hold the addresses."""
    thing: str
    """What a trigger of this kind has, for errors."""
    begins: Callable[[NamedTrigger], str]
    """Returns what stands before the secret part of a new address."""
    rows: TriggerStore
    items: SeenItems
    resolver: TriggerResolver
    settings: Settings
    workflows: Callable[[], list[str]]

    def every(self, p: Principal, workflow: str | None) -> Iterator[NamedTrigger]:
        """Yield the triggers of this kind, of one workflow or of all that can be read and seen.

        Raises UnknownName, InvalidFile for that one.
        """
        for name in [workflow] if workflow is not None else filter(p.sees, self.workflows()):
            try:
                plan = self.resolver.plan(name)
            except OrchestraError:
                if workflow is not None:
                    raise
                continue
            yield from (self.resolver.of_plan(plan, one.id) for one in plan.triggers if one.kind.inbox == self.kind)

    def named(self, workflow: str, trigger: str) -> NamedTrigger:
        """Return a trigger of this kind. Raises UnknownName, InvalidFile, InvalidInput for another kind."""
        named = self.resolver.named(workflow, trigger)
        if named.trigger.kind.inbox != self.kind:
            raise InvalidInput(
                f"The trigger {trigger!r} of {workflow!r} has no {self.thing}: it is {named.trigger.kind.name}.",
                remedy=_LISTED[self.kind],
            )
        return named

    def of(self, named: NamedTrigger) -> str:
        """Return the address of a trigger behind the path, which is made when somebody first asks for it."""
        key = self._key(named)
        if not (found := self.settings.get(key)):
            self.settings.change(key, lambda before: before or self._new(named))
            found = self.settings.get(key)  # another process may have made one first
        return found

    def renew(self, named: NamedTrigger) -> None:
        """Give a trigger another address; the old one stops working."""
        self.settings.put(self._key(named), self._new(named))

    def open(self, address: str) -> tuple[NamedTrigger, TriggerRecord]:
        """Return the trigger of an address, and its row. Raises NotOpen, also if it is off or cannot start runs."""
        place = self._place(address)
        row = None if place is None else self._row(*place)
        if row is None:
            raise NotOpen
        try:
            named = self.resolver.of_row(row)
            account = self.resolver.known_account(named)
            is_open = not self.resolver.is_resting(row) and account == row.account
            if named.trigger.kind.inbox != self.kind or not is_open or self.resolver.disagreement(named) is not None:
                raise NotOpen
        except OrchestraError as error:
            raise NotOpen from error
        return named, row

    def openness(self, named: NamedTrigger) -> Openness:
        """Return whether an address is open, and what waits. Raises StorageError."""
        row = self._row(named.plan.id, named.trigger.id)
        try:
            is_open = bool(self.open(self.of(named)))
        except NotOpen:
            is_open = False
        rests = row is not None and self._is_resting(row)
        elsewhere: Literal["", "demo", "mine"] = "" if row is None or not rests else "demo" if row.demo else "mine"
        waiting = self._unseen(row, self.resolver.inbox(named))
        return Openness(is_open, elsewhere, len(waiting), None if row is None else row.item_at)

    def tidy(self) -> None:
        """Delete what runs have, of all triggers of this kind. Raises StorageError."""
        for row in self.rows.all():
            inbox = self.resolver.inbox_of(row) if self.resolver.inbox_kind(row) == self.kind else None
            if inbox is not None:
                for id_ in self._seen(row, inbox):
                    item = self.items.find(row.workflow, row.trigger, id_)
                    if item is not None and item.state in _TAKEN:
                        inbox.take(id_)
                inbox.forget()

    def _seen(self, row: TriggerRecord, inbox: Inbox) -> Sequence[str]:
        ids = inbox.ids()
        unseen = set(self.items.unseen(row.key, ids))
        return [id_ for id_ in ids if id_ not in unseen]

    def _unseen(self, row: TriggerRecord | None, inbox: Inbox) -> Sequence[str]:
        ids = inbox.ids()
        return ids if row is None else self.items.unseen(row.key, ids)

    def _new(self, named: NamedTrigger) -> str:
        return f"{self.begins(named)}{secrets.token_urlsafe(24)}"

    def _key(self, named: NamedTrigger) -> str:
        return self.prefix + json.dumps([named.plan.id, named.trigger.id])

    def _place(self, address: str) -> tuple[str, str] | None:
        """Return (id of the workflow, trigger) of an address."""
        found = None
        # All are compared, each in constant time, so that the time taken gives no address away.
        for key, known in self.settings.with_prefix(self.prefix).items():
            if hmac.compare_digest(known.encode(), address.encode("utf-8", "replace")):
                found = key
        if found is None:
            return None
        workflow_id, trigger = json.loads(found.removeprefix(self.prefix))
        return workflow_id, trigger

    def _row(self, workflow_id: str, trigger: str) -> TriggerRecord | None:
        """Return the row of a trigger that is on for the accounts in use, else any that is on."""
        rows = [row for row in self.rows.on() if (row.workflow, row.trigger) == (workflow_id, trigger)]
        awake = [row for row in rows if not self._is_resting(row)]
        return next(iter([*awake, *rows]), None)

    def _is_resting(self, row: TriggerRecord) -> bool:
        try:
            return self.resolver.is_resting(row)
        except OrchestraError:
            return True
