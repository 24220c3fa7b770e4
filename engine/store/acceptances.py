"""The port that accepts runs, each with its line in the audit trail and the item or request that it is started for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from msgspec import Struct

from engine.base.errors import InUse
from engine.base.json_text import JsonObject
from engine.record.types.run import Acceptance
from engine.store.people.audit import AuditEntry
from engine.store.triggering.triggers import ItemRecord, TriggerKey, TriggerPosition, TriggerRecord, TurnedOn


class IdempotentRequest(Struct, frozen=True):
    """An idempotency key, and a hash of the request it was sent with."""

    key: str
    content_hash: str

    @classmethod
    def of(cls, key: str, workflow: str, inputs: JsonObject) -> IdempotentRequest:
        """Return the request as sent: later changes of defaults do not make it a different one."""
        content = json.dumps([workflow, inputs], sort_keys=True, separators=(",", ":"))
        return cls(key, hashlib.sha256(content.encode()).hexdigest())

    @classmethod
    def if_keyed(cls, key: str | None, workflow: str, inputs: JsonObject) -> IdempotentRequest | None:
        """Return the same as `of`; None without a key: each such request starts a run."""
        return None if key is None else cls.of(key, workflow, inputs)


class Renamed(InUse):
    """A workflow or step was renamed or deleted after the files were read: its receipts may have moved."""

    default_remedy = "Try again."

    def __init__(self) -> None:
        super().__init__("A workflow or a step was renamed or deleted just now.")


@dataclass
class RunEntry:
    """A run to store, with its line in the audit trail."""

    acceptance: Acceptance
    title: str
    audit_entry: AuditEntry
    request: IdempotentRequest | None = None
    lane: str | None = None
    """The queue it waits in (a workflow's name); None: it starts at once."""
    last_rename: str = ""
    """The last rename that the run's plan was made with; if there has been another since, the run is not stored."""
    run_id: str | None = field(default=None, init=False)
    """Set once stored: the id of the run, or of the run that an earlier copy of the request started."""
    error: Exception | None = field(default=None, init=False)

    @property
    def is_new(self) -> bool:
        """Return whether this entry created the run."""
        return bool(self.run_id == self.acceptance["run_id"])

    def started(self) -> str:
        """Return `run_id` once it is set. Raises `error`."""
        if self.error is not None:
            raise self.error
        return str(self.run_id)


class Notice(Struct, frozen=True):
    """How people are informed: by a run of a workflow, or by a message that waits to be sent."""

    entries: Sequence[RunEntry] = ()
    messages: Mapping[str, str] = {}
    """Small switches (`Settings`) with their values."""


class PollSelection(Struct, frozen=True):
    """The part of a poll that is stored: items, and the runs for them."""

    items: Sequence[ItemRecord]
    entries: Sequence[RunEntry]
    cancels_earlier: bool = False
    """Whether the open runs of the workflow that triggers started are asked to end."""


class Polled(Struct, frozen=True):
    """What a poll has found, to be stored at once."""

    trigger: TriggerRecord
    """The trigger as it was before the poll; if its cursor has moved since, the whole poll is discarded."""
    place: TriggerPosition | None
    """Where the trigger is now; None if it stays for the moment."""
    ids: Sequence[str]
    """The items, whether seen or not."""
    choose: Callable[[Sequence[str], bool], PollSelection]
    """Decides from the ids that nobody has seen, and from whether the workflow is busy."""
    asks_if_busy: bool = False
    """Whether the choice depends on other runs of the workflow being at work or queued."""


class Acceptances(Protocol):
    """Stores runs for one process; any thread. Each verb is one transaction, on disk when it returns.

    All raise StorageError, and Fenced if another process has taken over the runs of this one.
    """

    def store(self, entries: Sequence[RunEntry]) -> None:
        """Store runs.

        Raises Renamed (then none of the `entries` that share a plan is stored), and InUse if a request's key was used
        before with something else.
        """

    def polled(self, polled: Polled) -> None:
        """Store the runs and the seen items of a poll, and move the cursor. Raises Moved, Renamed."""

    def begin(self, key: TriggerKey, on: TurnedOn, place: TriggerPosition, left_out: Sequence[ItemRecord]) -> None:
        """Turn a trigger on from a place; items that it has not seen yet are stored as left out."""

    def notify(self, trigger: TriggerRecord, at: str | None, notice: Notice) -> bool:
        """Record since when people have known of a problem (None: it is over), with the notice to them. Raises Renamed.

        Return False, and store nothing, if another process has notified them since `trigger` was read.
        """

    def note(self, key: str, before: str, after: str, notice: Notice) -> bool:
        """Change a small switch (`Settings`) that says what people know, with the notice to them. Raises Renamed.

        Return False, and store nothing, if its value is no longer `before` (empty: no value).
        """

    def revive(self, item: ItemRecord, entry: RunEntry) -> bool:
        """Give a dead item its run; return False if somebody else was faster. Raises Renamed."""
