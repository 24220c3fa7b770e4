"""The effect ledger in `state.db`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

from msgspec import structs
from msgspec.structs import replace

from engine.base.clock import moment_of
from engine.base.json_text import compact
from engine.record.types.step import ReceiptRecord
from engine.store.held import HeldWrites
from engine.store.ledger import Claimed, EffectRecord, IntendedWrite, LedgerRow, SimilarWrite
from engine.store.sql.base.database import Cursor, StateDatabase
from engine.store.sql.held import HELD_ROW, UNSURE, WRITES, held_from, held_in
from engine.store.sql.journal import SqlJournal

_SELECT = (
    "SELECT state, run_id, path, arguments_hash, intended_at, done_at, receipt, output, sends, generation, owner"
    " FROM effects WHERE identity = ?"
)

_INTENT = (
    "INSERT INTO effects (identity, account, state, run_id, path, uses, arguments_hash, intended_at, owner, sends)"
    " VALUES (:identity, :account, 'intent', :run_id, :path, :uses, :arguments_hash, :intended_at, :owner, 1)"
    " ON CONFLICT (identity) DO UPDATE SET state = 'intent', run_id = excluded.run_id, path = excluded.path,"
    " uses = excluded.uses, arguments_hash = excluded.arguments_hash, intended_at = excluded.intended_at,"
    " owner = excluded.owner, sends = 1, done_at = NULL, receipt = NULL, output = NULL"
)
_COUNT = (
    "INSERT INTO meta VALUES (?, '1')"
    " ON CONFLICT (key) DO UPDATE SET value = CAST(CAST(meta.value AS INTEGER) + 1 AS TEXT) RETURNING value"
)
_TAKE_OVER = (
    "UPDATE effects SET run_id = ?, path = ?, owner = ?"
    " WHERE identity = ? AND state = 'intent' AND run_id = ? AND path = ? AND coalesce(owner, '') = ?"
)
_SENDING = "UPDATE effects SET sends = sends + 1, state = 'intent', run_id = ?, path = ?, owner = ? WHERE identity = ?"
_SIMILAR = (
    "SELECT receipt, arguments_hash FROM effects WHERE account = ? AND uses = ? AND identity <> ?"
    " AND (done_at >= ? OR (done_at IS NULL AND state <> 'undone'))"
)
# An intent that still has its receipt: what was made is there, and is about to be changed.
_BEGIN_UPDATE = (
    "UPDATE effects SET state = 'intent', arguments_hash = '', run_id = ?, path = ?, owner = ?"
    " WHERE identity = ? AND state = 'done' AND arguments_hash = ? AND run_id = ? AND path = ?"
)
_END_UPDATE = (
    "UPDATE effects SET state = 'done', arguments_hash = ?, run_id = ?, path = ?"
    " WHERE identity = ? AND state = 'intent' AND receipt IS NOT NULL"
)
_RECORD = (
    "UPDATE effects SET state = 'done', done_at = ?, receipt = ?, output = ?, arguments_hash = ?, run_id = ?,"
    " path = ? WHERE identity = ?"
)
_QUESTION = "UPDATE effects SET state = 'unknown', run_id = ?, path = ? WHERE identity = ?"
_QUESTION_DAMAGED = (
    "UPDATE effects SET state = 'unknown', run_id = ?, path = ?, intended_at = ?, done_at = NULL,"
    " receipt = NULL, output = NULL, arguments_hash = ?, sends = 1, generation = CAST(generation AS INTEGER)"
    " WHERE identity = ?"
)
_UNDONE = (
    "UPDATE effects SET state = 'undone', done_at = ?, generation = generation + 1"
    " WHERE identity = ? AND generation = ? AND (state = 'done' OR (state = 'intent' AND receipt IS NOT NULL))"
)
_REDO = "INSERT INTO meta VALUES (?, '') ON CONFLICT (key) DO NOTHING"
_OPEN = "SELECT 1 FROM effects WHERE identity = ? AND state IN ('intent', 'unknown')"
_ONE = "SELECT state, run_id, path, done_at, receipt, output, generation FROM effects WHERE identity = ?"
_STATES = frozenset({"intent", "done", "unknown", "undone"})
_NOBODY_KNOWS = datetime.fromtimestamp(0, UTC)  # when a write was intended whose row is damaged


class SqlEffects:
    """Changes rows of `effects` in the transactions of a journal."""

    def __init__(self, journal: SqlJournal) -> None:
        self._journal, self.owner = journal, journal.owner

    def held(self) -> HeldWrites | None:
        """Return why nothing may be sent, or None."""
        rows = self._journal.read(HELD_ROW)
        return held_from(rows[0]) if rows else None

    def is_open(self, identity: str) -> bool:
        """Return whether the outcome of a write is unknown."""
        return bool(self._journal.read(_OPEN, (identity,)))

    def made(self, identity: str) -> LedgerRow | None:
        """Return the entry of a write that has a receipt, and was not undone."""
        rows = self._journal.read(_SELECT, (identity,))
        found = _entry(rows[0]) if rows else None
        return found if found is not None and found.is_made and found.state in ("done", "intent") else None

    def claim(self, write: IntendedWrite, at: str) -> asyncio.Future[Claimed | HeldWrites]:
        """Record the intent to send a write that was never made, or was undone."""
        return self._journal.change(partial(_claim, write=write, owner=self.owner, now=at))

    def take_over(self, write: IntendedWrite, known: LedgerRow) -> asyncio.Future[int | None]:
        """Take over an open intent of another run or process."""
        mine = (write.run_id, write.path, self.owner, write.identity)
        return self._numbered(_TAKE_OVER, (*mine, known.run_id, known.path, known.owner or ""))

    def sending(self, write: IntendedWrite) -> asyncio.Future[int | None]:
        """Count one more sending."""
        return self._numbered(_SENDING, (write.run_id, write.path, self.owner, write.identity))

    def _numbered(self, statement: str, values: tuple[Any, ...]) -> asyncio.Future[int | None]:
        """Change a row and number the write that may now be sent; None if there is no such row."""

        def change(cursor: Cursor) -> int | None:
            return _counted(cursor) if cursor.execute(statement, values).rowcount == 1 else None

        return self._journal.change(change)

    def still_ours(self) -> asyncio.Future[Any]:
        """Check that no other process has taken over."""
        return self._journal.still_ours()

    def similar(self, write: IntendedWrite, since: str) -> asyncio.Future[list[SimilarWrite]]:
        """Return other writes of that kind to that account that were made since then, or at an unknown time."""
        values = (write.account, write.uses, write.identity, since)
        return self._journal.change(
            lambda cursor: [SimilarWrite(*row) for row in cursor.execute(_SIMILAR, values).fetchall()]
        )

    def begin_update(self, write: IntendedWrite, known: LedgerRow) -> asyncio.Future[bool]:
        """Record that what a write made is about to be changed; False if another was faster."""
        mine = (write.run_id, write.path, self.owner, write.identity)
        return self._is_changed(_BEGIN_UPDATE, (*mine, known.arguments_hash, known.run_id, known.path))

    def end_update(self, write: IntendedWrite, known: LedgerRow, arguments_hash: str) -> asyncio.Future[Any]:
        """Record that an update ended without a new receipt."""
        return self._is_changed(_END_UPDATE, (arguments_hash, known.run_id, known.path, write.identity))

    def record(self, write: IntendedWrite, at: str, receipt: str, output: str) -> asyncio.Future[Any]:
        """Store a receipt and an output."""
        values = (at, receipt, output, write.arguments_hash, write.run_id, write.path, write.identity)
        return self._journal.change(lambda cursor: cursor.execute(_RECORD, values), write.run_id)

    def forget(self, write: IntendedWrite) -> asyncio.Future[Any]:
        """Withdraw an intent whose write certainly did not happen."""
        which = "identity = :identity AND state NOT IN ('done', 'undone') AND receipt IS NULL"
        return self._journal.change(lambda cursor: _withdraw(cursor, which, {"identity": write.identity}))

    def question(self, write: IntendedWrite) -> asyncio.Future[Any]:
        """Record that only a person can tell whether the write happened."""
        return self._is_changed(_QUESTION, (write.run_id, write.path, write.identity))

    def question_damaged(self, write: IntendedWrite, at: str) -> asyncio.Future[Any]:
        """Turn a row that cannot be read into a question."""
        values = (write.run_id, write.path, at, write.arguments_hash, write.identity)
        return self._is_changed(_QUESTION_DAMAGED, values)

    def undone(self, identity: str, generation: int, at: str) -> asyncio.Future[bool]:
        """Record that a write was undone in the service."""
        return self._is_changed(_UNDONE, (at, identity, generation))

    def answer(self, run_id: str, path: str | None, receipt: str | None) -> asyncio.Future[int]:
        """Answer for the writes of a run with unknown outcome."""
        return self._journal.change(lambda cursor: _answer(cursor, run_id, path, receipt))

    def _is_changed(self, statement: str, values: tuple[Any, ...]) -> asyncio.Future[bool]:
        return self._journal.change(lambda cursor: cursor.execute(statement, values).rowcount == 1)


class SqlReceipts:
    """Reads rows of `effects` from any thread."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def get(self, identity: str) -> EffectRecord | None:
        """Return the entry of a write, if any."""
        with self._database.asking() as cursor:
            row = cursor.execute(_ONE, (identity,)).fetchone()
        return None if row is None else EffectRecord(*row)


def _claim(cursor: Cursor, write: IntendedWrite, owner: str, now: str) -> Claimed | HeldWrites:
    row = cursor.execute(_SELECT, (write.identity,)).fetchone()
    known = None if row is None else _entry(row)
    # a write that was made is not sent again, so nothing of it is held
    if known is None or not known.is_made:
        held = held_in(cursor)
        if held is not None:
            return held
    if known is not None and known.state != "undone":
        return Claimed(known)
    unsure_since = _unsure_since(cursor, write)
    cursor.execute(_INTENT, {**structs.asdict(write), "intended_at": unsure_since or now, "owner": owner})
    claimed = _entry(cursor.execute(_SELECT, (write.identity,)).fetchone())
    return Claimed(claimed if unsure_since is not None else replace(claimed, state="new"), _counted(cursor))


def _counted(cursor: Cursor) -> int:
    """Count one more write that may be sent; return its running number."""
    [(number,)] = cursor.execute(_COUNT, (WRITES,)).fetchall()
    return int(number)


def _withdraw(cursor: Cursor, which: str, values: Mapping[str, Any]) -> int:
    """Remove writes that did not happen (a write undone before stays `undone`); return how many."""
    undone = cursor.execute(f"UPDATE effects SET state = 'undone' WHERE {which} AND generation > 0", values)  # noqa: S608
    count = undone.rowcount
    return count + cursor.execute(f"DELETE FROM effects WHERE {which} AND generation = 0", values).rowcount  # noqa: S608


def _unsure_since(cursor: Cursor, write: IntendedWrite) -> str | None:
    """Return since when a write without a receipt may nevertheless have been sent; None if it was not sent.

    This happens if the state file was lost while its run, or an open run that could have made the write, was active.
    """
    _, workflow, _, kind, *_ = json.loads(write.identity)
    row = cursor.execute("SELECT value FROM meta WHERE key = ?", (f"{UNSURE}{workflow}",)).fetchone()
    if row is None or cursor.execute("SELECT 1 FROM meta WHERE key = ?", (_redone(write.identity),)).fetchone():
        return None
    is_open = "SELECT 1 FROM runs WHERE run_id = ? AND ended_at IS NULL"
    since = [
        str(at)
        for run_id, at in json.loads(row[0]).items()
        if run_id == write.run_id or (kind != "run" and cursor.execute(is_open, (run_id,)).fetchone())
    ]
    return min(since, default=None)


def _redone(identity: str) -> str:
    return f"redo.{identity}"


def _entry(row: tuple[Any, ...]) -> LedgerRow:
    state, run_id, path, hashed, intended_at, done_at, receipt, output, sends, generation, owner = row
    try:
        return LedgerRow(
            state=state if state in _STATES else "damaged",
            run_id=run_id,
            path=path,
            arguments_hash=hashed,
            intended_at=moment_of(intended_at),
            done_at=moment_of(done_at) if done_at else None,
            receipt=_receipt(receipt) if receipt else None,
            output=json.loads(output) if output else None,
            sends=sends,
            generation=int(generation),
            owner=owner,
        )
    except (ValueError, TypeError, RecursionError):  # also JSON that is nested too deeply
        return LedgerRow("damaged", str(run_id), str(path), "", _NOBODY_KNOWS, None, None, None, 1, 0, None)


def _receipt(text: str) -> ReceiptRecord:
    """Return a stored receipt. Raises ValueError if it is damaged."""
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError(f"no receipt: {text[:80]}")
    return cast("ReceiptRecord", found)


def _answer(cursor: Cursor, run_id: str, path: str | None, receipt: str | None) -> int:
    """Answer for the writes of a run with unknown outcome (all, or the one at a run path); return how many.

    `receipt` (an id or address, may be empty): the write is done; None: it is not, and may be sent again.
    """
    which = "run_id = :run_id AND state = 'unknown' AND path = coalesce(:path, path)"
    values = {"run_id": run_id, "path": path}
    if receipt is None:
        found = cursor.execute(f"SELECT identity FROM effects WHERE {which}", values).fetchall()  # noqa: S608
        cursor.executemany(_REDO, [(_redone(one),) for (one,) in found])  # or `_unsure_since` would ask again
        return _withdraw(cursor, which, values)
    output = compact({"id": receipt, "url": receipt if "://" in receipt else ""})
    statement = f"UPDATE effects SET state = 'done', receipt = :output, output = :output WHERE {which}"  # noqa: S608
    return cursor.execute(statement, {**values, "output": output}).rowcount
