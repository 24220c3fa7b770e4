"""Webhooks of triggers for people: their addresses, their keys, and what became of the newest deliveries."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from engine.base.clock import timestamp
from engine.base.errors import InvalidInput, UnknownName
from engine.files.atomic import storage_errors
from engine.forms.inbox import Inbox, Submission, discard
from engine.hooks.deliveries import SHOWN, DeliveryBody, HookDelivery, RefusedDeliveries, body_of, new_id, shown
from engine.hooks.fields import CHECK_IT, UNCHECKED, HookFields
from engine.hooks.inputs import HookInputs, inputs_from
from engine.hooks.signatures import DeliveryRefused
from engine.people.access import Principal, may
from engine.people.audit import Audit
from engine.people.operation import operation
from engine.secrets.vault import StoredSecret
from engine.store.triggering.triggers import ItemRecord
from engine.triggering.addresses import NotOpen
from engine.triggering.hook_door import HookDoor, HookDoorParts, key_name
from engine.triggering.polling.resolver import NamedTrigger

PATH = "/hooks/"
_KEPT = "secret:"
_STATES: dict[str, Literal["started", "left_out", "dead"]] = {
    "started": "started",
    "skipped": "left_out",
    "dismissed": "left_out",
    "dead": "dead",
}
_GONE = "Only the newest are kept: `orchestra triggers deliveries` lists them."
Key = Annotated[str, Meta(min_length=1, max_length=2000, description="The key, or the token.")]


@dataclass(frozen=True)
class HookStatus:
    """The webhook of a trigger, for people of the workspace."""

    workflow: str
    trigger: str
    uses: str
    url: str
    """Its address: with the name under which this server is known, else only its path. Without its secret part for
    those who may not start runs."""
    verify: str
    """How a delivery proves who sent it."""
    key: Literal["", "kept", "given", "missing"]
    """Where the key is: kept here, given by the environment or config.yaml; empty if none is needed."""
    warning: str
    """What a person who turns it on should know."""
    is_open: bool
    """Whether it takes deliveries: its trigger is on, for the accounts in use here."""
    open_elsewhere: Literal["", "demo", "mine"]
    """Where it is on for accounts that are not in use here: a server that uses those takes deliveries."""
    waiting: int
    """Deliveries that no run has yet."""
    last_at: str | None
    """When the newest came that has started a run."""


class HookParts(Struct, frozen=True):
    """What the area is built from."""

    door: HookDoorParts
    audit: Audit
    public_url: Callable[[], str]


class Hooks:
    """The `hooks` area; any thread."""

    def __init__(self, parts: HookParts) -> None:
        self._parts, self._addresses, self._resolver = parts, parts.door.addresses, parts.door.resolver
        self._door = HookDoor(parts.door)

    @operation("hooks.list", "view", "see webhooks", "List webhooks", "GET /api/triggers/hooks", answer="hooks")
    def list(self, p: Principal, workflow: str | None = None) -> builtins.list[HookStatus]:
        """List the webhooks of all workflows that can be read, or of one: their addresses and keys.

        Raises UnknownName, InvalidFile for that one.
        """
        return [self._status(p, one) for one in self._addresses.every(p, workflow)]

    @operation("hooks.get", "view", "see webhooks", "Read a webhook")
    def get(self, p: Principal, workflow: str, trigger: str) -> HookStatus:
        """Return the webhook of a trigger. Raises UnknownName, InvalidFile, InvalidInput (it has none)."""
        return self._status(p, self._addresses.named(workflow, trigger))

    @operation("hooks.rotate", "edit", "change the addresses of webhooks", "Change the address of a webhook")
    def rotate(self, p: Principal, workflow: str, trigger: str) -> HookStatus:
        """Give a webhook another address; the old one stops working. Raises as `get`."""
        named = self._addresses.named(workflow, trigger)
        self._addresses.renew(named)
        self._parts.audit.record(p, "hooks.rotate", workflow, {"trigger": trigger})
        return self._status(p, named)

    @operation(
        "hooks.set_key",
        "edit",
        "set the keys of webhooks",
        "Set the key of a webhook",
        "PUT /api/triggers/{workflow}/{trigger}/key",
    )
    def set_key(self, p: Principal, workflow: str, trigger: str, key: Key) -> HookStatus:
        """Keep the key with which deliveries are signed, or the token that they must have; the old one counts no more.

        Raises as `get`, and InvalidInput if the file says that the key is elsewhere, or none is needed.
        """
        named, name = self._with_key(workflow, trigger)
        kept = StoredSecret(key.strip(), p.id, timestamp(self._parts.door.clock()))
        self._parts.door.vault().keep(name, kept)
        self._parts.audit.record(p, "hooks.set_key", workflow, {"trigger": trigger})
        return self._status(p, named)

    @operation(
        "hooks.key",
        "edit",
        "see the keys of webhooks",
        "Show the key of a webhook",
        "POST /api/triggers/{workflow}/{trigger}/key/show",
        is_secret=True,
        answer="key",
    )
    def key(self, p: Principal, workflow: str, trigger: str) -> str:
        """Return the key that is kept, to enter it at the service; empty if there is none. Raises as `set_key`."""
        _, name = self._with_key(workflow, trigger)
        self._parts.audit.record(p, "hooks.key", workflow, {"trigger": trigger})
        return self._resolver.key(_KEPT + name)

    @operation(
        "hooks.deliveries",
        "run",
        "see deliveries",
        "List the newest deliveries of a webhook",
        "GET /api/triggers/{workflow}/{trigger}/deliveries",
        answer="deliveries",
    )
    def deliveries(self, p: Principal, workflow: str, trigger: str) -> builtins.list[HookDelivery]:
        """List the newest deliveries, also those that were refused, with what became of each. Raises as `get`."""
        named = self._addresses.named(workflow, trigger)
        inbox = self._resolver.inbox(named)
        kept = [found for id_ in inbox.newest(SHOWN) if (found := inbox.kept(id_)) is not None]
        every = [*(self._delivery(named, one) for one in kept), *RefusedDeliveries(inbox).newest()]
        return sorted(every, key=lambda one: one.at, reverse=True)[:SHOWN]

    @operation(
        "hooks.delivery",
        "run",
        "see deliveries",
        "Read a delivery",
        "GET /api/triggers/{workflow}/{trigger}/deliveries/{delivery}",
    )
    def delivery(self, p: Principal, workflow: str, trigger: str, delivery: str) -> DeliveryBody:
        """Return what a delivery said; all of it is text from outside. Raises as `get`, and UnknownName."""
        named = self._addresses.named(workflow, trigger)
        inbox = self._resolver.inbox(named)
        found = inbox.kept(delivery)
        if found is not None:
            return shown(found, self._delivery(named, found))
        refused = RefusedDeliveries(inbox).get(delivery)
        if refused is None:
            raise UnknownName("delivery", delivery, remedy=_GONE)
        return refused

    @operation(
        "hooks.send_again",
        "run",
        "send deliveries again",
        "Send a delivery again",
        "POST /api/triggers/{workflow}/{trigger}/deliveries/{delivery}/again",
    )
    def send_again(self, p: Principal, workflow: str, trigger: str, delivery: str) -> HookDelivery:
        """Start another run with an accepted delivery, as if it had come again under another id.

        Raises as `delivery`, InvalidInput for one that was refused, or while the trigger is off; StorageError.
        """
        named, found = self._accepted(workflow, trigger, delivery)
        status = self._status(p, named)
        if not status.is_open:
            raise InvalidInput("The trigger is off, so that no run would start.", remedy="Turn it on first.")
        again = replace(
            found,
            id=new_id(),
            at=timestamp(self._parts.door.clock()),
            values={**found.values, "again": True},
        )
        self._put_again(self._resolver.inbox(named), found, again)
        self._parts.audit.record(p, "hooks.send_again", workflow, {"trigger": trigger, "delivery": delivery})
        with suppress(NotOpen):  # turned off meanwhile: its run starts when it is on again
            self._door.look_soon(self._addresses.open(self._addresses.of(named))[1])
        return self._delivery(named, again)

    @operation(
        "hooks.inputs",
        "edit",
        "make inputs from deliveries",
        "Make inputs from a delivery",
        "GET /api/triggers/{workflow}/{trigger}/deliveries/{delivery}/inputs",
    )
    def inputs(self, p: Principal, workflow: str, trigger: str, delivery: str) -> HookInputs:
        """Return the inputs that fit what a delivery said, and the operations that put them into the file.

        Raises as `delivery`, InvalidInput for a body without members.
        """
        named, found = self._accepted(workflow, trigger, delivery)
        try:
            body = body_of(found)
        except DeliveryRefused as error:
            raise InvalidInput(error.message) from error
        if not isinstance(body, dict) or not body:
            raise InvalidInput("The body of this delivery has no members.", remedy="Choose one with JSON or a form.")
        return inputs_from(body, named.plan.document, trigger)

    def tidy(self) -> None:
        """Move deliveries that are runs now to those that are only kept. Raises StorageError."""
        self._addresses.tidy()

    def _accepted(self, workflow: str, trigger: str, delivery: str) -> tuple[NamedTrigger, Submission]:
        named = self._addresses.named(workflow, trigger)
        inbox = self._resolver.inbox(named)
        found = inbox.kept(delivery)
        if found is None and RefusedDeliveries(inbox).get(delivery) is not None:
            raise InvalidInput(
                "This delivery was refused: nobody knows who sent it.", remedy="Let the service send it."
            )
        if found is None:
            raise UnknownName("delivery", delivery, remedy=_GONE)
        return named, found

    def _put_again(self, inbox: Inbox, found: Submission, again: Submission) -> None:
        draft = inbox.draft()
        try:
            with storage_errors(draft):
                for file in found.files.values():
                    os.link(_file_of(inbox, found.id, file.stored), draft / file.stored)
            inbox.put(draft, again)
        finally:
            discard(draft)

    def _with_key(self, workflow: str, trigger: str) -> tuple[NamedTrigger, str]:
        """Return a trigger, and the name of the kept secret that is its key."""
        named = self._addresses.named(workflow, trigger)
        fields: HookFields = named.fields
        if not fields.scheme.is_signed:
            raise InvalidInput(f"The trigger {trigger!r} needs no key: nothing is checked.", remedy=CHECK_IT)
        name = key_name(named)
        if not name.startswith(_KEPT):
            remedy = "Change it there, or remove `key` from the trigger."
            raise InvalidInput(f"The file says that the key is {name}.", remedy=remedy)
        return named, name.removeprefix(_KEPT)

    def _delivery(self, named: NamedTrigger, found: Submission) -> HookDelivery:
        item: ItemRecord | None = self._parts.door.items.find(named.plan.id, named.trigger.id, found.id)
        values: Any = found.values
        return HookDelivery(
            id=found.id,
            at=found.at,
            verdict="again" if values["again"] else "accepted",
            message="",
            media_type=values["type"],
            bytes=values["bytes"],
            state="waiting" if item is None else _STATES.get(item.state, "waiting"),
            run_id=None if item is None else item.run_id,
        )

    def _status(self, p: Principal, named: NamedTrigger) -> HookStatus:
        now, fields, address = self._addresses.openness(named), named.fields, self._addresses.of(named)
        if not (may(p, "run") and p.may_run(named.plan.name)):
            address = f"{address.rpartition('/')[0]}/…"  # whoever knows the rest may start runs
        return HookStatus(
            workflow=named.plan.name,
            trigger=named.trigger.id,
            uses=named.trigger.kind.name,
            url=f"{self._parts.public_url()}{PATH}{address}",
            verify=fields.preset,
            key=self._key_state(named),
            warning="" if fields.scheme.is_signed else UNCHECKED,
            is_open=now.is_open,
            open_elsewhere=now.open_elsewhere,
            waiting=now.waiting,
            last_at=now.last_at,
        )

    def _key_state(self, named: NamedTrigger) -> Literal["", "kept", "given", "missing"]:
        if not named.fields.scheme.is_signed:
            return ""
        if not self._resolver.key(key_name(named)):
            return "missing"
        return "given" if named.fields.key else "kept"


def _file_of(inbox: Inbox, id_: str, stored: str) -> Path:
    waiting = inbox.waiting / id_ / stored
    return waiting if waiting.exists() else inbox.taken / id_ / stored
