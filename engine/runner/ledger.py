"""The effect ledger: who a write is, that it is about to be sent, and what the service gave for it. Kept for ever."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from engine.expressions.expressions import compact_json
from engine.names import moment_of, timestamp
from engine.runner.run_files import without_owners
from engine.store.journal import Journal
from engine.store.receipts import UNSURE

_SELECT = (
    "SELECT state, run_id, path, arguments_hash, intended_at, done_at, receipt, output, sends, generation, owner"
    " FROM effects WHERE identity = ?"
)

_CLOCKS_DIFFER = timedelta(hours=1)
"""What a service dates after a moment of ours has a receipt that is no older than this."""


@dataclass(frozen=True)
class Write:
    """A write that a run wants to make."""

    identity: str
    account: str
    run_id: str
    path: str
    uses: str
    arguments_hash: str
    generation: int = 0
    """How often it was undone before; the ledger tells when it is claimed."""

    @property
    def marker(self) -> str:
        """What stands for this write in the service itself."""
        return marker(self.identity, self.generation)


@dataclass(frozen=True)
class Entry:
    """What the ledger knows of a write."""

    state: str
    """`new`: claimed this moment; `intent`: it may have been sent; `done`: it has a receipt; `unknown`: only a person
    can say."""
    run_id: str
    path: str
    arguments_hash: str
    """Empty where it is not known what the thing in the service holds: an update of it was broken off."""
    intended_at: datetime
    done_at: datetime | None
    receipt: Mapping[str, str] | None
    output: Any
    sends: int
    generation: int
    owner: str | None
    """The process that is about to send it, or was."""

    @property
    def is_made(self) -> bool:
        """Tell whether the write was made; an `intent` to update it may be open all the same."""
        return self.state == "done" or self.receipt is not None


@dataclass(frozen=True)
class Others:
    """What other writes of one kind to one account have left beside a write that bears no marker."""

    made: frozenset[str] = frozenset()
    """The ids of their receipts."""
    is_twin_open: bool = False
    """Whether nobody knows of an equal one if it was made."""


def identity(account: str, workflow: str, path: str, scope: Sequence[Any]) -> str:
    """Return the identity of a write as readable JSON text.

    `path`: step ids without loop indexes; `scope`: ("once", text), ("keys", …) or ("run", origin run id, indexes …).
    """
    return compact_json([account, workflow, path, *scope])


def marker(identity: str, generation: int = 0) -> str:
    """Return 32 letters and digits for a write; made again after an undo, it is another thing in the service."""
    text = f"{identity}#{generation}" if generation else identity
    digest = hashlib.sha256(text.encode()).digest()
    return base64.b32encode(digest[:20]).decode("ascii").lower()


def undo_marker(identity: str, generation: int = 0) -> str:
    """Return the marker of what the undo of a write itself writes (a note, a commit), another one than the write's."""
    return marker(f"{identity}#undo", generation)


def account_of(identity: str) -> str:
    """Return the account that an identity begins with."""
    return str(json.loads(identity)[0])


def arguments_hash(arguments: Any) -> str:
    """Return a short hash of the arguments, the same for equal JSON and the same files."""
    text = json.dumps(arguments, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(without_owners(text).encode()).hexdigest()[:32]


class Ledger:
    """Claims, receipts and open questions; every method runs on the engine's loop."""

    def __init__(self, journal: Journal, clock: Callable[[], datetime]) -> None:
        self._journal, self._clock = journal, clock

    async def claim(self, write: Write) -> Entry:
        """Record the intent to send; `new`: it is ours and now on disk. Else what is there already.

        A write that was undone counts as absent: it may be made again.
        """
        now = timestamp(self._clock())
        owner = self._journal.owner
        known: Entry = await self._journal.change(lambda cursor: _claim(cursor, write, owner, now))
        return known

    def take_over(self, write: Write, known: Entry) -> asyncio.Future[Any]:
        """Make an open intent of another run or process ours; the future has False where somebody was faster."""
        statement = (
            "UPDATE effects SET run_id = ?, path = ?, owner = ?"
            " WHERE identity = ? AND state = 'intent' AND run_id = ? AND path = ? AND owner IS ?"
        )
        mine = (write.run_id, write.path, self._journal.owner, write.identity)
        values = (*mine, known.run_id, known.path, known.owner)
        return self._journal.change(lambda cursor: cursor.execute(statement, values).rowcount == 1)

    def sending(self, write: Write) -> asyncio.Future[Any]:
        """Count one more sending; the future ends when that is on disk."""
        statement = (
            "UPDATE effects SET sends = sends + 1, state = 'intent', run_id = ?, path = ?, owner = ? WHERE identity = ?"
        )
        values = (write.run_id, write.path, self._journal.owner, write.identity)
        return self._journal.change(lambda cursor: cursor.execute(statement, values))

    def still_ours(self) -> asyncio.Future[Any]:
        """Make sure that no other process has taken over: the future raises JournalBroken (Fenced) then."""
        return self._journal.change(lambda cursor: None)

    def others(self, write: Write, since: datetime) -> asyncio.Future[Others]:
        """Tell what other writes may have made since then that looks like this one; also of other processes."""
        return self._journal.change(lambda cursor: _others(cursor, write, since - _CLOCKS_DIFFER))

    def begin_update(self, write: Write, known: Entry) -> asyncio.Future[Any]:
        """Say that what a write made is about to be changed; the future has False where somebody was faster.

        From now on, and for ever if this is broken off, it is not known what it holds; its receipt stays.
        """
        statement = (
            "UPDATE effects SET state = 'intent', arguments_hash = '', run_id = ?, path = ?, owner = ?"
            " WHERE identity = ? AND state = 'done' AND arguments_hash = ? AND run_id = ? AND path = ?"
        )
        mine = (write.run_id, write.path, self._journal.owner, write.identity)
        values = (*mine, known.arguments_hash, known.run_id, known.path)
        return self._journal.change(lambda cursor: cursor.execute(statement, values).rowcount == 1)

    def end_update(self, write: Write, known: Entry, arguments_hash: str) -> asyncio.Future[Any]:
        """Say that the update is over without a new receipt; what was made holds these arguments (empty: unknown).

        It is again the write of the run that made it.
        """
        statement = (
            "UPDATE effects SET state = 'done', arguments_hash = ?, run_id = ?, path = ?"
            " WHERE identity = ? AND state = 'intent' AND receipt IS NOT NULL"
        )
        values = (arguments_hash, known.run_id, known.path, write.identity)
        return self._journal.change(lambda cursor: cursor.execute(statement, values))

    def record(self, write: Write, receipt: Mapping[str, str], output: Any) -> asyncio.Future[Any]:
        """Keep the receipt; the next commit makes it last."""
        values = (
            timestamp(self._clock()),
            compact_json(receipt),
            compact_json(output),
            write.arguments_hash,
            write.run_id,
            write.path,
            write.identity,
        )
        statement = (
            "UPDATE effects SET state = 'done', done_at = ?, receipt = ?, output = ?, arguments_hash = ?, run_id = ?,"
            " path = ? WHERE identity = ?"
        )
        return self._journal.change(lambda cursor: cursor.execute(statement, values), write.run_id)

    def forget(self, write: Write) -> asyncio.Future[Any]:
        """Take back an intent whose write certainly did not happen."""
        which = "identity = :identity AND state NOT IN ('done', 'undone') AND receipt IS NULL"
        return self._journal.change(lambda cursor: _take_back(cursor, which, {"identity": write.identity}))

    def question(self, write: Write) -> asyncio.Future[Any]:
        """Say that only a person can tell whether the write happened; the run that asked last gets the answer."""
        statement = "UPDATE effects SET state = 'unknown', run_id = ?, path = ? WHERE identity = ?"
        values = (write.run_id, write.path, write.identity)
        return self._journal.change(lambda cursor: cursor.execute(statement, values))


def _claim(cursor: sqlite3.Cursor, write: Write, owner: str, now: str) -> Entry:
    row = cursor.execute(_SELECT, (write.identity,)).fetchone()
    if row is not None and _entry(row).state != "undone":
        return _entry(row)
    unsure_since = _unsure_since(cursor, write)
    cursor.execute(
        "INSERT INTO effects (identity, account, state, run_id, path, uses, arguments_hash, intended_at, owner, sends)"
        " VALUES (?, ?, 'intent', ?, ?, ?, ?, ?, ?, 1)"
        " ON CONFLICT (identity) DO UPDATE SET state = 'intent', run_id = excluded.run_id, path = excluded.path,"
        " uses = excluded.uses, arguments_hash = excluded.arguments_hash, intended_at = excluded.intended_at,"
        " owner = excluded.owner, sends = 1, done_at = NULL, receipt = NULL, output = NULL",
        (
            write.identity,
            write.account,
            write.run_id,
            write.path,
            write.uses,
            write.arguments_hash,
            unsure_since or now,
            owner,
        ),
    )
    claimed = _entry(cursor.execute(_SELECT, (write.identity,)).fetchone())
    return claimed if unsure_since is not None else replace(claimed, state="new")


def _others(cursor: sqlite3.Cursor, write: Write, since: datetime) -> Others:
    """What a person has answered for has no `done_at`; where it has no id, or an address, any equal thing may be it."""
    statement = (
        "SELECT receipt, arguments_hash FROM effects WHERE account = ? AND uses = ? AND identity <> ?"
        " AND (done_at >= ? OR (done_at IS NULL AND state <> 'undone'))"
    )
    values = (write.account, write.uses, write.identity, timestamp(since))
    rows = cursor.execute(statement, values).fetchall()
    ids = [("" if receipt is None else str(json.loads(receipt)["id"]), equal) for receipt, equal in rows]
    is_twin_open = any(equal == write.arguments_hash and (not one or "://" in one) for one, equal in ids)
    return Others(frozenset(one for one, _ in ids if one), is_twin_open)


def _take_back(cursor: sqlite3.Cursor, which: str, values: Mapping[str, Any]) -> int:
    """Make writes absent that did not happen; one that was undone before stays known as such. Return how many."""
    undone = cursor.execute(f"UPDATE effects SET state = 'undone' WHERE {which} AND generation > 0", values)  # noqa: S608
    count = undone.rowcount
    return count + cursor.execute(f"DELETE FROM effects WHERE {which} AND generation = 0", values).rowcount  # noqa: S608


def undone(cursor: sqlite3.Cursor, identity: str, generation: int, now: datetime) -> bool:
    """Remember that a write was taken back in the service: the next run that wants it makes it anew.

    `generation`: that of the write which was undone. False where the ledger has no receipt of just that one; an
    update of it that was broken off leaves the receipt.
    """
    statement = (
        "UPDATE effects SET state = 'undone', done_at = ?, generation = generation + 1"
        " WHERE identity = ? AND generation = ? AND (state = 'done' OR (state = 'intent' AND receipt IS NOT NULL))"
    )
    return cursor.execute(statement, (timestamp(now), identity, generation)).rowcount == 1


def _unsure_since(cursor: sqlite3.Cursor, write: Write) -> str | None:
    """Return since when a write that no receipt tells of may have been sent all the same; None: it was not.

    So it is where the state file was lost while its run, or an open run that could have made it, was at work.
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


def _entry(row: tuple[Any, ...]) -> Entry:
    state, run_id, path, hashed, intended_at, done_at, receipt, output, sends, generation, owner = row
    return Entry(
        state=state,
        run_id=run_id,
        path=path,
        arguments_hash=hashed,
        intended_at=moment_of(intended_at),
        done_at=moment_of(done_at) if done_at else None,
        receipt=json.loads(receipt) if receipt else None,
        output=json.loads(output) if output else None,
        sends=sends,
        generation=generation,
        owner=owner,
    )


def answer(cursor: sqlite3.Cursor, run_id: str, path: str | None, receipt: str | None) -> int:
    """Answer for the writes of a run whose outcome is unknown (all, or the one at a run path); return how many.

    `receipt` (an id or address, may be empty): it is done; None: it is not, and may be sent again.
    """
    which = "run_id = :run_id AND state = 'unknown' AND (:path IS NULL OR path = :path)"
    values = {"run_id": run_id, "path": path}
    if receipt is None:
        found = cursor.execute(f"SELECT identity FROM effects WHERE {which}", values).fetchall()  # noqa: S608
        cursor.executemany("INSERT OR REPLACE INTO meta VALUES (?, '')", [(_redone(one),) for (one,) in found])
        return _take_back(cursor, which, values)
    output = compact_json({"id": receipt, "url": receipt if "://" in receipt else ""})
    statement = f"UPDATE effects SET state = 'done', receipt = :output, output = :output WHERE {which}"  # noqa: S608
    return cursor.execute(statement, {**values, "output": output}).rowcount
