"""The effect ledger as runs use it: claims, receipts and open questions, with the lists of writes outside the state.

It decides nothing about sending: claim.py and delivery.py do.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from engine.base.clock import timestamp
from engine.base.errors import StorageError
from engine.expressions.json_values import compact_json
from engine.record.run_files import without_owners
from engine.record.types.step import ReceiptRecord
from engine.store.held import HeldWrites, refusal
from engine.store.journal import JournalBroken
from engine.store.ledger import Effects, IntendedWrite, LedgerRow, SimilarWrite
from engine.store.write_list import SentWrite, WriteList

if TYPE_CHECKING:
    from engine.runner.effects.job import Job

_CLOCKS_DIFFER = timedelta(hours=1)
"""How far a service's clock may be from ours: what it dates after our time T has a receipt from T minus this on."""


class OtherWrites(Struct, frozen=True):
    """Other writes of the same kind to the same account, compared with a write that carries no marker."""

    made: frozenset[str] = frozenset()
    """The ids of their receipts."""
    is_twin_open: bool = False
    """Whether the outcome of an equal write is unknown."""


def arguments_hash(arguments: Any) -> str:
    """Return a short hash of the arguments, equal for equal JSON and equal files."""
    text = json.dumps(arguments, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    # JSON may hold half a surrogate pair (RFC 8259, 8.2), which UTF-8 refuses.
    return hashlib.sha256(without_owners(text).encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Ledger:
    """Claims, receipts and open questions. Every method runs on the engine's loop."""

    def __init__(self, effects: Effects, clock: Callable[[], datetime], sent: WriteList) -> None:
        self.effects = effects
        """The store, for what needs nothing else."""
        self._clock, self._sent = clock, sent

    async def claim(self, write: IntendedWrite) -> LedgerRow:
        """Record the intent to send and return the entry: `new` if it is ours and on disk, else the existing entry.

        A write that was undone counts as absent and may be made again. Raises JournalBroken, and WritesHeld if the
        write would have to be sent.
        """
        claimed = await self.effects.claim(write, timestamp(self._clock()))
        if isinstance(claimed, HeldWrites):
            raise refusal(claimed)
        if claimed.number is not None:
            try:
                self._list(write, claimed.number)
            except JournalBroken:
                if claimed.entry.state == "new":  # nothing was sent, so the intent must not stay as a doubt
                    self.effects.forget(replace(write, generation=claimed.entry.generation))
                raise
        return claimed.entry

    def needs_no_sending(self, job: Job) -> bool:
        """Return whether a write has a receipt that will be used, so that nothing is sent."""
        assert job.write is not None
        known = self.effects.made(job.write.identity)
        if known is None or job.receipts != "update" or not job.step_type.updates:
            return known is not None
        return known.arguments_hash == job.write.arguments_hash and not job.step_type.updates_always

    def _list(self, write: IntendedWrite, number: int | None) -> None:
        """Add a write to the list of writes that may be sent. Raises JournalBroken if it cannot be listed."""
        if number is None:
            return
        try:
            self._sent.add(SentWrite(number, write.run_id))
        except StorageError as error:
            raise JournalBroken(error) from error

    def require_not_held(self) -> None:
        """Raise WritesHeld while nothing may be sent."""
        held = self.effects.held()
        if held is not None:
            raise refusal(held)

    async def take_over(self, write: IntendedWrite, known: LedgerRow) -> bool:
        """Take over an open intent of another run or process; False if another was faster. Raises JournalBroken."""
        number = await self.effects.take_over(write, known)
        self._list(write, number)  # its claimer may have died before listing it
        return number is not None

    async def sending(self, write: IntendedWrite) -> None:
        """Count one more sending and commit it. Raises JournalBroken."""
        self._list(write, await self.effects.sending(write))

    async def others(self, write: IntendedWrite, since: datetime) -> OtherWrites:
        """Return similar writes that may have been made since then, by this or any other process."""
        return _others(await self.effects.similar(write, timestamp(since - _CLOCKS_DIFFER)), write)

    def record(self, write: IntendedWrite, receipt: ReceiptRecord, output: Any) -> asyncio.Future[Any]:
        """Store the receipt; the next commit puts it on disk."""
        at = timestamp(self._clock())
        return self.effects.record(write, at, compact_json(receipt), compact_json(output))

    def question_damaged(self, write: IntendedWrite) -> asyncio.Future[Any]:
        """Turn an unreadable row into a question, answered by a person or by the log of the run that made it."""
        return self.effects.question_damaged(write, timestamp(self._clock()))


def _others(similar: Sequence[SimilarWrite], write: IntendedWrite) -> OtherWrites:
    """Compare a write with similar ones.

    A write answered by a person has no time; without an id, or with an address only, it may be any equal item.
    """
    ids = [(_id_in(one.receipt), one.arguments_hash) for one in similar]
    is_twin_open = any(equal == write.arguments_hash and (not one or "://" in one) for one, equal in ids)
    return OtherWrites(frozenset(one for one, _ in ids if one), is_twin_open)


def _id_in(receipt: str | None) -> str:
    """Return the id in a receipt; empty if the receipt cannot be read."""
    try:
        return "" if receipt is None else str(json.loads(receipt)["id"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
