"""The port of the effect ledger: one entry per write with its identity, its intent and its receipt, kept for ever.

Before a write is sent, its entry is committed as an `intent`; after the service has answered, the receipt turns it
into `done`. After a crash the entry therefore shows which writes are complete and which may have been sent. The
identity (account, workflow, step, key) is the primary key, so two runs that want the same write share one entry and
only one of them sends it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from engine.base.json_text import compact
from engine.record.types.step import ReceiptRecord
from engine.store.held import HeldWrites


class IntendedWrite(Struct, frozen=True):
    """A write that a run wants to make."""

    identity: str
    account: str
    run_id: str
    path: str
    uses: str
    arguments_hash: str
    generation: int = 0
    """How often the write has been undone; the ledger fills it in when the write is claimed."""

    @property
    def marker(self) -> str:
        """The text that marks this write in the service itself."""
        return marker(self.identity, self.generation)


class LedgerRow(Struct, frozen=True):
    """The ledger's row for a write."""

    state: str
    """`new`: claimed just now; `intent`: it may have been sent; `done`: it has a receipt; `unknown`: only a person
    can answer; `damaged`: the row cannot be read.
    """
    run_id: str
    path: str
    arguments_hash: str
    """Empty if the current content in the service is unknown, because an update was interrupted."""
    intended_at: datetime
    done_at: datetime | None
    receipt: ReceiptRecord | None
    output: Any
    sends: int
    generation: int
    owner: str | None
    """The process that is, or was, about to send it."""

    @property
    def is_made(self) -> bool:
        """Return whether the write was made; an `intent` to update it may still be open."""
        return self.state == "done" or self.receipt is not None


def identity(account: str, workflow: str, path: str, scope: Sequence[Any]) -> str:
    """Return the identity of a write as readable JSON text.

    `path`: step ids without loop indexes; `scope`: ("once", text), ("keys", …) or ("run", origin run id, indexes …).
    """
    return compact([account, workflow, path, *scope])


def marker(identity: str, generation: int = 0) -> str:
    """Return 32 letters and digits for a write; after an undo (a new generation) the marker differs."""
    text = f"{identity}#{generation}" if generation else identity
    digest = hashlib.sha256(text.encode()).digest()
    return base64.b32encode(digest[:20]).decode("ascii").lower()  # 20 bytes: 32 characters, without padding


def undo_marker(identity: str, generation: int = 0) -> str:
    """Return the marker for what the undo of a write leaves (a note, a commit); it differs from the write's own."""
    return marker(f"{identity}#undo", generation)


def account_of(identity: str) -> str:
    """Return the account at the start of an identity."""
    return str(json.loads(identity)[0])


class Claimed(Struct, frozen=True):
    """The result of a claim; `number`: the running number of a write that may now be sent."""

    entry: LedgerRow
    number: int | None = None


class SimilarWrite(NamedTuple):
    """A write of the same kind to the same account as another one."""

    receipt: str | None
    """JSON."""
    arguments_hash: str


class Effects(Protocol):
    """Keeps the ledger for one process, through its journal; on the engine's loop.

    Each verb returns a future of the transaction that contains it; it raises JournalBroken if that cannot be stored.
    """

    owner: str
    """The process."""

    def held(self) -> HeldWrites | None:
        """Return why nothing may be sent, or None."""

    def is_open(self, identity: str) -> bool:
        """Return whether the outcome of a write is unknown."""

    def made(self, identity: str) -> LedgerRow | None:
        """Return the entry of a write that has a receipt, and was not undone."""

    def claim(self, write: IntendedWrite, at: str) -> asyncio.Future[Claimed | HeldWrites]:
        """Record the intent to send a write that was never made, or was undone.

        The entry is `new` if the write may be sent; an `intent` if it may have been sent although there is no receipt,
        because the state was lost while it was; otherwise it is as it was, without a number. Held: it would have to be
        sent, and must not.
        """

    def take_over(self, write: IntendedWrite, known: LedgerRow) -> asyncio.Future[int | None]:
        """Take over an open intent of another run or process; the number of the write, None if another was faster."""

    def sending(self, write: IntendedWrite) -> asyncio.Future[int | None]:
        """Count one more sending; the number of the write."""

    def still_ours(self) -> asyncio.Future[Any]:
        """Check that no other process has taken over."""

    def similar(self, write: IntendedWrite, since: str) -> asyncio.Future[list[SimilarWrite]]:
        """Return other writes of that kind to that account that were made since then, or at an unknown time."""

    def begin_update(self, write: IntendedWrite, known: LedgerRow) -> asyncio.Future[bool]:
        """Record that what a write made is about to be changed; False if another was faster. The receipt is kept.

        From now until the update ends, its content is unknown; it stays unknown if the update is interrupted.
        """

    def end_update(self, write: IntendedWrite, known: LedgerRow, arguments_hash: str) -> asyncio.Future[Any]:
        """Record that an update ended without a new receipt; the content has these arguments (empty: unknown).

        The write belongs again to the run that made it.
        """

    def record(self, write: IntendedWrite, at: str, receipt: str, output: str) -> asyncio.Future[Any]:
        """Store a receipt and an output (JSON)."""

    def forget(self, write: IntendedWrite) -> asyncio.Future[Any]:
        """Withdraw an intent whose write certainly did not happen; one undone before stays `undone`."""

    def question(self, write: IntendedWrite) -> asyncio.Future[Any]:
        """Record that only a person can tell whether the write happened; the last run to ask gets the answer."""

    def question_damaged(self, write: IntendedWrite, at: str) -> asyncio.Future[Any]:
        """Turn an entry that cannot be read into a question."""

    def undone(self, identity: str, generation: int, at: str) -> asyncio.Future[bool]:
        """Record that a write was undone in the service: the next run that wants it makes it again.

        `generation`: the generation that was undone. False if the ledger has no receipt for exactly this one; an
        interrupted update does not remove the receipt.
        """

    def answer(self, run_id: str, path: str | None, receipt: str | None) -> asyncio.Future[int]:
        """Answer for the writes of a run with unknown outcome (all, or the one at a run path); how many there were.

        `receipt` (an id or address, may be empty): the write is done; None: it is not, and may be sent again.
        """


class EffectRecord(NamedTuple):
    """An entry as anybody may read it; `receipt` and `output` are JSON, times RFC 3339 texts in UTC."""

    state: str
    run_id: str
    path: str
    done_at: str | None
    receipt: str | None
    output: str | None
    generation: int


class Receipts(Protocol):
    """Reads the ledger; any thread."""

    def get(self, identity: str) -> EffectRecord | None:
        """Return the entry of a write, if any."""
