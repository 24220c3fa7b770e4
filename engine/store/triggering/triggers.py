"""The ports of triggers: which are on and how far each has read, and the items that they have seen.

A cursor says how far a trigger has read, in the terms of its service (a history id, a number, a time). It belongs to an
account and a source, not just to the trigger: after switching to another mailbox and back, the trigger continues where
it left off. Every change that moves a cursor first checks that it is still the one the poll began with (`Moved`). So of
two polls at the same time, in any two processes, only one counts. Times are RFC 3339 texts in UTC.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple, Protocol

from msgspec import Struct

from engine.base.errors import OrchestraError


class TriggerKey(Struct, frozen=True):
    """What has its own cursor and its own set of seen items."""

    workflow: str
    """The id of a workflow, here and in all records of triggers."""
    trigger: str
    account: str
    """The account as in identities of writes: `gmail:me@example.com`, `demo-3`."""
    source: str
    """The watched part of the account: a folder, a database."""


class TriggerRecord(NamedTuple):
    """A trigger that is or was on, in one account and source, with the result of its last poll."""

    workflow: str
    trigger: str
    account: str
    source: str
    uses: str
    is_on: bool
    demo: bool
    start: str
    """Where to start, as a person chose it, as JSON."""
    cursor: str | None
    """JSON; None: not polled yet."""
    turned_on_at: str
    turned_on_by: str
    looked_at: str | None
    """The last poll, good or bad."""
    succeeded_at: str | None
    """The last good poll."""
    look_again_at: str | None
    item_at: str | None
    """When the newest item seen arrived, according to its service."""
    failures: int
    """Failed polls in a row."""
    error: str | None
    note: str
    alarmed_at: str | None

    @property
    def key(self) -> TriggerKey:
        """What identifies it."""
        return TriggerKey(self.workflow, self.trigger, self.account, self.source)


class ItemRecord(NamedTuple):
    """An item that a trigger has seen, kept for ever: each starts at most one run."""

    workflow: str
    trigger: str
    account: str
    source: str
    item: str
    state: str
    """`started`, `skipped`, `failing`, `dead` or `dismissed`."""
    run_id: str | None
    title: str
    seen_at: str
    item_at: str | None
    note: str = ""
    """Why it was left out."""
    error: str | None = None
    """JSON; set for a dead item, or one held back by failing reads."""
    attempts: int = 0
    """Polls in which it could not be read."""
    value: str | None = None
    """The value of a dead item as JSON, if it could be read."""

    @property
    def key(self) -> TriggerKey:
        """The trigger that has seen it."""
        return TriggerKey(self.workflow, self.trigger, self.account, self.source)


class DeadRecord(NamedTuple):
    """An item that needs attention; `sentence`: the last sentence of its run, if that failed."""

    item: ItemRecord
    sentence: str | None = None


class TurnedOn(Struct, frozen=True):
    """How a trigger was turned on."""

    start: str
    uses: str
    demo: bool
    by: str
    at: str


class TriggerPosition(NamedTuple):
    """How far a trigger has come with a successful poll."""

    cursor: str
    looked_at: str
    succeeded_at: str
    look_again_at: str
    item_at: str | None
    note: str
    failures: int = 0
    error: str | None = None


class Moved(OrchestraError):
    """Another poll has moved the cursor, or the trigger was turned off: nothing of this poll counts."""

    def __init__(self, key: TriggerKey) -> None:
        super().__init__(f"The trigger {key.trigger!r} of {key.workflow!r} was polled or turned off meanwhile.")


class TriggerStore(Protocol):
    """Keeps triggers; any thread. What a poll finds is stored with the runs for it (`Acceptances`)."""

    def all(self) -> list[TriggerRecord]:
        """Return every trigger, ordered by workflow and trigger."""

    def on(self) -> list[TriggerRecord]:
        """Return the triggers that are on, ordered by when they are due."""

    def get(self, key: TriggerKey) -> TriggerRecord | None:
        """Return the record of a trigger; None if it was never on."""

    def go_on(self, key: TriggerKey, on: TurnedOn) -> None:
        """Turn a trigger on again, from where it left off; what it watched before in such accounts is turned off."""

    def turn_off(self, workflow: str, trigger: str, *, demo: bool) -> int:
        """Turn a trigger off for the demo, or for real accounts; return how many changed."""

    def ask(self, key: TriggerKey, at: str) -> None:
        """Request a poll from whichever process watches."""

    def postpone(self, trigger: TriggerRecord, until: str, note: str | None = None) -> None:
        """Set the time of the next poll, unless somebody has requested one since `trigger` was read."""

    def failed(self, trigger: TriggerRecord, error: str, at: str, until: str, failures: int) -> None:
        """Record a failed poll, and postpone the next; the cursor does not move."""


class SeenItems(Protocol):
    """Keeps seen items; any thread."""

    def unseen(self, key: TriggerKey, ids: Iterable[str]) -> list[str]:
        """Return the ids that the trigger has not seen, in the same order, without duplicates."""

    def failing(self, key: TriggerKey, limit: int) -> list[ItemRecord]:
        """Return items that could not be read yet, the oldest first."""

    def count(self, key: TriggerKey) -> int:
        """Return how many items a trigger has seen."""

    def dead_counts(self) -> dict[TriggerKey, int]:
        """Return, for each trigger, how many items could not become a run or became a failed one."""

    def left_out(self) -> dict[TriggerKey, Counter[str]]:
        """Return, for each trigger, how many items started no run, by reason."""

    def dead(self, workflow: str | None, limit: int, without: frozenset[str] = frozenset()) -> list[DeadRecord]:
        """Return dead items and items whose run failed, newest first; `without`: ids of workflows that are left out."""

    def find(self, workflow: str, trigger: str, item: str) -> ItemRecord | None:
        """Return an item. If several accounts have it, prefer one that needs attention, then the newest."""

    def seen_since(self, key: TriggerKey, at: str) -> list[ItemRecord]:
        """Return what a trigger has seen since a time, ordered by run."""

    def dismiss(self, item: ItemRecord) -> None:
        """Mark an item as no longer needing attention."""

    def still_dead(self, item: ItemRecord, error: str, value: str | None) -> None:
        """Record why another attempt to make a run failed."""

    def forget(self, trigger: str, workflow: str, before: datetime) -> None:
        """Delete items seen before a time: the cursor alone tells them from new ones."""
