"""Takes deliveries of webhooks from strangers: which trigger has the address, whether it is genuine, and its run."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable

from msgspec import Struct

from engine.base.clock import Clock, moment_of, timestamp
from engine.base.errors import UnknownName
from engine.forms.inbox import Inbox, discard
from engine.hooks.bodies import read
from engine.hooks.challenges import first_key, hub_challenge, url_verification
from engine.hooks.deliveries import RefusedDeliveries, headers_of, id_of, new_id, submission
from engine.hooks.fields import HookFields
from engine.hooks.signatures import DeliveryRefused, Received, Verdict
from engine.secrets.vault import StoredSecret, Vault
from engine.store.triggering.triggers import ItemRecord, SeenItems, TriggerRecord, TriggerStore
from engine.triggering.addresses import NotOpen, TriggerAddresses
from engine.triggering.polling.resolver import NamedTrigger, TriggerResolver

MOST_WAITING = 20_000
"""Deliveries of one trigger that wait for their runs; no more are taken then."""
_NO_KEY = "The trigger has no key yet, so nothing can be proven."
_FIRST_KEY = "The service has sent its token, which is the key now: show the key, and enter it there."
_SECOND_KEY = "The service has sent a token, but the trigger has a key already."
_ELSEWHERE = "The service has sent a token, which is kept only if `key` is empty or names a secret:."


class NoHook(UnknownName):
    """No webhook has this address, or it is switched off: strangers do not learn which."""

    def __init__(self) -> None:
        super().__init__("webhook", "of this address")


class OpenHook(Struct, frozen=True):
    """A webhook that takes deliveries now."""

    address: str
    """Its name and its secret part."""
    named: NamedTrigger
    row: TriggerRecord
    inbox: Inbox

    @property
    def fields(self) -> HookFields:
        """The fields of its trigger."""
        found: HookFields = self.named.fields
        return found


class TakenDelivery(Struct, frozen=True):
    """What became of a delivery that was not refused."""

    verdict: Verdict
    id: str = ""
    """Of its item; empty where none was made."""
    answer: str | None = None
    """The text that a challenge asks for."""


class HookDoorParts(Struct, frozen=True):
    """What the door is built from."""

    addresses: TriggerAddresses
    rows: TriggerStore
    items: SeenItems
    resolver: TriggerResolver
    clock: Clock
    vault: Callable[[], Vault]
    wake: Callable[[], None]
    """Has the trigger look at once, in a process that serves."""


class HookDoor:
    """What strangers may do with webhooks; any thread. It takes no Principal, but the address."""

    def __init__(self, parts: HookDoorParts) -> None:
        self._parts = parts

    def open(self, name: str, token: str) -> OpenHook:
        """Return the webhook at an address. Raises NoHook, also if its trigger is off or cannot start runs."""
        address = f"{name}/{token}"
        try:
            named, row = self._parts.addresses.open(address)
        except NotOpen as error:
            raise NoHook from error
        return OpenHook(address, named, row, self._parts.resolver.inbox(named))

    def challenge(self, hook: OpenHook, received: Received) -> str:
        """Return what a service asks for, to see that the address is ours. Raises NoHook for anything else."""
        answer = hub_challenge(hook.fields.preset, received, hook.address.rpartition("/")[2])
        if answer is None:
            raise NoHook
        self._remember(hook, "challenge", "The service has checked the address.", None, 0)
        return answer

    def is_full(self, hook: OpenHook) -> bool:
        """Return whether too much waits for its runs. Raises StorageError."""
        return hook.inbox.size() >= MOST_WAITING

    def receive(self, hook: OpenHook, received: Received) -> TakenDelivery:
        """Keep a delivery; it is on disk when this returns. The same one again changes nothing.

        Its run starts when the trigger has looked, at once if this process serves. Raises DeliveryRefused and
        StorageError.
        """
        try:
            return self._received(hook, received)
        except DeliveryRefused as error:
            self.refuse(hook, error, received, len(received.body))
            raise

    def refuse(self, hook: OpenHook, error: DeliveryRefused, received: Received | None, size: int) -> None:
        """Remember for people that a delivery was refused, and why; `received`: as far as it was read."""
        self._remember(hook, error.verdict, error.message, received, size)

    def item_of(self, hook: OpenHook, id_: str) -> ItemRecord | None:
        """Return what became of a delivery; None if no look has found it yet."""
        return self._parts.items.find(hook.row.workflow, hook.row.trigger, id_)

    def _received(self, hook: OpenHook, received: Received) -> TakenDelivery:
        parts, fields = self._parts, hook.fields
        scheme = fields.scheme
        if (token := first_key(fields.preset, scheme, received)) is not None:
            return self._keep_first_key(hook, token)
        key = parts.resolver.key(key_name(hook.named)) if scheme.is_signed else ""
        if scheme.is_signed and not key:
            raise DeliveryRefused("no_key", _NO_KEY)
        scheme.check(received, key, parts.clock())
        if (asked := url_verification(fields.preset, received)) is not None:
            self._remember(hook, "challenge", "The service has checked the address.", None, 0)
            return TakenDelivery("challenge", answer=asked)
        if why := fields.left_out(received):
            self._remember(hook, "left_out", why, received, len(received.body))
            return TakenDelivery("left_out")
        id_ = self._id(hook, received)
        if hook.inbox.has(id_):
            return TakenDelivery("duplicate", id_)
        return self._put(hook, id_, received)

    def _put(self, hook: OpenHook, id_: str, received: Received) -> TakenDelivery:
        draft = hook.inbox.draft()
        try:
            content = read(received, draft)
            headers = headers_of(received, hook.fields.kept_headers)
            found = submission(id_, timestamp(self._parts.clock()), received, headers, content)
            put = hook.inbox.put(draft, found)
        finally:
            discard(draft)
        if put != "new":
            return TakenDelivery("duplicate", id_)
        self.look_soon(hook.row)
        return TakenDelivery("accepted", id_)

    def look_soon(self, row: TriggerRecord) -> None:
        """Have a trigger look, unless it is about to: many deliveries come at once. Raises StorageError."""
        now, known = timestamp(self._parts.clock()), self._parts.rows.get(row.key)
        if known is not None and known.look_again_at is not None and known.look_again_at > now:
            self._parts.rows.ask(row.key, now)
        self._parts.wake()

    def _id(self, hook: OpenHook, received: Received) -> str:
        told = hook.fields.scheme.delivery_id(received)
        if told:
            return id_of(told)
        seconds = hook.fields.same_body_seconds
        return new_id() if not seconds else self._id_of_body(hook, received.body, seconds)

    def _id_of_body(self, hook: OpenHook, body: bytes, seconds: int) -> str:
        """Return the id of an equal body that came less than some seconds ago, else a new one for this time."""
        now = self._parts.clock()
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")
        number = int(now.timestamp() // seconds)
        before = id_of(f"{digest} {number - 1}")
        found = hook.inbox.kept(before)
        if found is not None and (now - moment_of(found.at)).total_seconds() < seconds:
            return before
        return id_of(f"{digest} {number}")

    def _keep_first_key(self, hook: OpenHook, token: str) -> TakenDelivery:
        """Keep the token that a service sends to a new address as its key, unless there is one already."""
        reference, parts = key_name(hook.named), self._parts
        if not reference.startswith("secret:"):
            raise DeliveryRefused("no_key", _ELSEWHERE)
        if parts.resolver.key(reference):
            raise DeliveryRefused("signature", _SECOND_KEY)
        name, at = reference.removeprefix("secret:"), timestamp(parts.clock())
        kept = parts.vault().keep_first(name, lambda: StoredSecret(token, f"trigger:{hook.row.trigger}", at))
        if not hmac.compare_digest(kept.value.encode(), token.encode()):
            raise DeliveryRefused("signature", _SECOND_KEY)
        self._remember(hook, "challenge", _FIRST_KEY, None, 0)
        return TakenDelivery("challenge", answer="")

    def _remember(self, hook: OpenHook, verdict: Verdict, message: str, received: Received | None, size: int) -> None:
        at = timestamp(self._parts.clock())
        RefusedDeliveries(hook.inbox).add(at, verdict, message, received, size)


def key_name(named: NamedTrigger) -> str:
    """Return where the key of a trigger is, as its file says, or where it is kept by itself."""
    fields: HookFields = named.fields
    digest = hashlib.sha256(json.dumps([named.plan.id, named.trigger.id]).encode()).hexdigest()
    return fields.key or f"secret:Hook.{digest[:32]}"  # no connection has a name with a capital letter
