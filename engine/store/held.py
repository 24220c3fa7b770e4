"""The port of proof: whether the state knows every write, and writes that are held while it does not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from engine.base.errors import WritesHeld
from engine.record.types.run import TriggerItem
from engine.store.people.audit import AuditEntry
from engine.store.write_list import WriteList

_REMEDY = (
    "Put the logs back from a backup and say `orchestra reindex`; or look at your services yourself, and then say "
    "`orchestra state accept` (or press Resume writing, on the page Home): what is not known would be written again."
)
_NAMED = 3


@dataclass(frozen=True)
class HeldWrites:
    """Why writes are held: runs that wrote something, but whose logs are missing or unreadable."""

    since: str
    missing: Sequence[str] = ()
    """Ids of runs without a log."""
    unreadable: Sequence[str] = ()
    """Ids of runs whose log cannot be read."""

    @property
    def message(self) -> str:
        """Return the reason, in one or two sentences."""
        parts = [
            _counted(self.missing, "has no log", "have no log"),
            _counted(self.unreadable, "has a log that cannot be read", "have logs that cannot be read"),
        ]
        which = " and ".join(part for part in parts if part)
        return f"Writes are held since {self.since}: the state file was lost or is an old one, and {which}."

    @property
    def remedy(self) -> str:
        """Return what to do about it."""
        return _REMEDY

    def without(self, found: set[str]) -> HeldWrites | None:
        """Return what remains once the logs of these runs have been read, or None if nothing does."""
        missing = [one for one in self.missing if one not in found]
        unreadable = [one for one in self.unreadable if one not in found]
        return HeldWrites(self.since, missing, unreadable) if missing or unreadable else None

    def as_json(self) -> str:
        """Return the JSON text that is stored."""
        return json.dumps(asdict(self))


def refusal(held: HeldWrites) -> WritesHeld:
    """Return the error for a write that is held."""
    return WritesHeld(held.message, remedy=held.remedy)


def _counted(run_ids: Sequence[str], one: str, many: str) -> str:
    if not run_ids:
        return ""
    named = ", ".join(run_ids[:_NAMED]) + (", …" if len(run_ids) > _NAMED else "")
    return f"1 run {one} ({named})" if len(run_ids) == 1 else f"{len(run_ids)} runs {many} ({named})"


class SeenItem(Struct, frozen=True):
    """What the log of a run says about the item that a trigger started it for."""

    workflow: str
    """The id of its workflow."""
    run_id: str
    queued_at: str
    demo: bool
    trigger: TriggerItem
    uses: str
    """The type of the trigger."""


class LoggedRun(Struct, frozen=True):
    """The contents of a log, as they are stored. `event_texts`: only for a run that can be resumed, else None."""

    row: dict[str, Any]
    effects: list[dict[str, Any]]
    updates: list[dict[str, Any]]
    """The members of `effects` that updated what another run had made."""
    event_texts: list[str] | None
    unsure_since: str | None
    """Since when it may have written more than its log says."""
    latest_at: str
    """When the last thing that the log records happened; a state that is not behind knows the run up to then."""
    questions: frozenset[str]
    """The ids of the questions whose answers it waits for."""
    seen: SeenItem | None = None
    """For a run that a trigger started."""


class StateProof(Protocol):
    """Compares the state with what is known outside of it, and brings it up to date; any thread."""

    def counted_writes(self) -> int | None:
        """Return how many writes were ever started; None if the state has never counted."""

    def unread_since(self) -> int | None:
        """Return the number of the last write that the state itself recorded, if the logs must be read; else None."""

    def must_read_logs(self, since: int) -> None:
        """Record that the logs must be read: the state lacks everything after the write `since`."""

    def refuse_strangers(self, owners: Path) -> None:
        """Raise InUse if a living process still works with a state that was removed."""

    def newest_run(self) -> str:
        """Return the highest id of a run that is listed, or ""."""

    def unlisted(self, run_ids: Sequence[str]) -> list[str]:
        """Return which of these runs are neither listed nor have been removed from the list."""

    def asking(self, limit: int) -> list[str]:
        """Return the runs that wait for the answers to the newest open questions."""

    def is_behind(self, run_id: str, latest_at: str) -> bool:
        """Return whether an open run has gone on, until this time, since this state was copied."""

    def has_receipts(self) -> bool:
        """Return whether any write is known."""

    def counts_of(self, run_id: str) -> str | None:
        """Return the counts of a run as listed, as JSON."""

    def held(self) -> HeldWrites | None:
        """Return why writes are held, or None if they are not."""

    def hold(self, held: HeldWrites) -> None:
        """Hold writes for this reason."""

    def release(self, now: str, entry: AuditEntry) -> None:
        """Release held writes; runs that wait for this are due at once."""

    def logs_are_read(self, counted: int, held: HeldWrites | None, entry: AuditEntry | None) -> None:
        """Record that the logs have been read, and what they have shown; an `entry` of the audit trail with it."""

    def list_anew(self, writes: WriteList) -> None:
        """Add to the lists the runs that only the state knows to have written, and count on from the higher number."""

    def restore(self, told: LoggedRun, *, is_lost: bool) -> None:
        """Restore what a log records, without overwriting what is newer: an open run that has gone on since this state
        was copied becomes what its log says, and its questions that were answered since are withdrawn.

        `is_lost`: the state lacks something. Then writes that a log leaves open count as well; otherwise the ledger
        knows more.
        """
