"""Deliberately wrong versions of the engine, by name: a harness that finds nothing wrong with them proves nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import BytesIO
from itertools import count
from typing import Any
from uuid import uuid4

from msgspec.structs import replace

from clients.datastore.client import StoreClient
from clients.discord.client import DiscordClient
from clients.file.client import FileClient
from clients.google_calendar.client import GoogleCalendarClient
from clients.rag.client import RagClient
from clients.sql.client import SqlClient
from engine.base.clock import elapsed_seconds, utc_now
from engine.base.errors import Fenced
from engine.record.events import RunEnded, RunStarted
from engine.runner.effects.delivery import Delivery
from engine.runner.effects.fault_points import reached
from engine.runner.effects.ledger import Ledger
from engine.runner.execution.recording import Recording
from engine.runner.suspension.questions import QuestionOutcome
from engine.runner.worker.claim_queue import ClaimQueue
from engine.runner.worker.poller import Poller
from engine.steps import drive
from engine.store.acceptances import Notice
from engine.store.approvals import ApprovalRecord
from engine.store.claims import TakenRun
from engine.store.ledger import IntendedWrite, LedgerRow
from engine.store.sql import journal
from engine.store.sql.acceptances import SqlAcceptances
from engine.store.sql.approvals import SqlApprovals
from engine.store.sql.journal import SqlJournal
from engine.store.sql.settings import add_all
from engine.store.sql.triggering import items
from engine.store.sql.workers.owners import SqlOwner


def no_intents() -> None:
    """Nothing is written down before a write is sent."""

    async def claim(_self: Ledger, write: IntendedWrite) -> LedgerRow:
        return LedgerRow("new", write.run_id, write.path, write.arguments_hash, utc_now(), None, None, None, 1, 0, None)

    Ledger.claim = claim  # type: ignore[assignment, method-assign]


def no_look_up() -> None:
    """A write that may have arrived is not looked for."""

    async def looked_up(_self: Delivery, *_: Any) -> None:
        return None

    Delivery.looked_up = looked_up  # type: ignore[assignment, method-assign]


def late_events() -> None:
    """What a run has done is kept in memory until it ends."""
    held: dict[int, list[tuple[Any, dict[str, Any]]]] = {}
    emit = Recording.emit

    def hold(self: Recording, kind: Any, **details: Any) -> None:
        mine = held.setdefault(id(self), [])
        if kind is RunStarted:
            emit(self, kind, **details)
            return
        mine.append((kind, details))
        if kind is not RunEnded:
            self._take(kind(self.now(), **details))
            return
        for one, more in mine:
            emit(self, one, **more)
        mine.clear()

    Recording.emit = hold  # type: ignore[assignment, method-assign]


def receipts_without_commit() -> None:
    """A receipt is on disk only with some later transaction, never before the run goes on."""

    def record(self: Ledger, _write: IntendedWrite, _receipt: Any, _output: Any) -> asyncio.Future[Any]:
        return self.effects.still_ours()

    Ledger.record = record  # type: ignore[assignment, method-assign]


def runs_apart() -> None:
    """What a trigger has seen, and its cursor, are stored in a transaction before that of the runs."""
    store = SqlAcceptances._store_within

    def first_what_was_seen(self: SqlAcceptances, chosen: Any) -> Any:
        with self._database.writing() as connection:
            entries = chosen(connection)
        if entries:
            reached("between")  # type: ignore[arg-type]  # a point of this engine only
        return store(self, lambda _connection: entries)

    SqlAcceptances._store_within = first_what_was_seen  # type: ignore[method-assign]


def notices_apart() -> None:
    """What people know is stored in a transaction before that of what tells them."""

    def first_the_mark(self: SqlAcceptances, marks: Callable[[Any], bool], notice: Notice) -> bool:
        with self._database.writing() as connection:
            is_new = marks(connection)
        reached("between")  # type: ignore[arg-type]  # a point of this engine only

        def told(connection: Any) -> Any:
            add_all(connection, notice.messages)
            return notice.entries

        self._store_within(told)
        return is_new

    SqlAcceptances._tell = first_the_mark  # type: ignore[method-assign]


def no_marker_in_the_database() -> None:
    """A statement is executed with a marker of its own each time, and is not looked for."""
    execute = SqlClient.execute
    SqlClient.execute = lambda self, write: execute(self, replace(write, marker=uuid4().hex))  # type: ignore[method-assign]
    SqlClient.found = lambda *_: None  # type: ignore[method-assign]


def files_grow() -> None:
    """A file is added to, where it should be replaced."""
    write = FileClient.write

    def grow(self: FileClient, path: str, content: Any, **more: Any) -> Any:
        place = self.folder.joinpath(*self.place(path))
        before = place.read_bytes() if place.exists() else b""
        return write(self, path, BytesIO(before + content.read()), **more)

    FileClient.write = grow  # type: ignore[method-assign]


def no_nonce() -> None:
    """A message to Discord has a nonce of its own each time it is sent."""
    send = DiscordClient.send

    def sent(self: DiscordClient, channel: str, text: str, reply_to: str, _: str, *more: Any) -> Any:
        return send(self, channel, text, reply_to, uuid4().hex, *more)

    DiscordClient.send = sent  # type: ignore[assignment, method-assign]


def rows_have_new_keys() -> None:
    """A row is added each time, where the one with its key should be replaced."""
    save = StoreClient.save
    StoreClient.save = lambda self, table, key, *rest, **more: save(  # type: ignore[method-assign]
        self, table, f"{uuid4().hex} {key}", *rest, **more
    )


def documents_have_new_ids() -> None:
    """A document is added each time, where the one with its id should be replaced."""
    index = RagClient.index
    RagClient.index = lambda self, collection, documents: index(  # type: ignore[method-assign]
        self, collection, [replace(one, id=f"{uuid4().hex} {one.id}") for one in documents]
    )


def events_have_new_ids() -> None:
    """An event is created with an id of its own each time, by which nobody finds it again."""
    create = GoogleCalendarClient.create
    GoogleCalendarClient.create = lambda self, calendar, draft, invitations, marker: create(  # type: ignore[method-assign]
        self, calendar, draft, invitations, f"{uuid4().hex}{marker}"
    )


def uploads_have_new_names() -> None:
    """A file is uploaded under a name of its own each time."""
    drive._name = lambda it: f"{uuid4().hex} {it.name}"


def no_fence() -> None:
    """A process does not hear that another one has taken over its runs."""
    beat = SqlOwner.beat

    def beats(self: SqlOwner) -> None:
        with suppress(Fenced):
            beat(self)
        self._beaten_at = elapsed_seconds()

    journal.OWNER_ROW = "SELECT CAST(? AS TEXT)"  # type: ignore[attr-defined]
    SqlJournal.is_ours = lambda self: True  # type: ignore[method-assign]
    SqlOwner.beat = beats  # type: ignore[method-assign]


def claims_without_work() -> None:
    """Something fails between taking runs and working on them, every second time."""
    deliver, times = ClaimQueue._delivered, count()

    def broken(self: ClaimQueue, taken: Sequence[TakenRun]) -> list[str]:
        if next(times) % 2 == 0:
            raise RuntimeError("the runs were taken, and then this happened")
        return deliver(self, taken)

    ClaimQueue._delivered = broken  # type: ignore[method-assign]


async def nobody_looks(_self: Poller) -> None:
    """Look for nothing, in place of one of the polls."""


def forgets_what_it_took() -> None:
    """The same, and nobody looks for runs that were taken and that nobody works on."""
    claims_without_work()
    Poller._look_for_forgotten = nobody_looks  # type: ignore[assignment, method-assign]


def nobody_adopts() -> None:
    """A process does not look for the runs of those that have died."""
    Poller._look_for_dead = nobody_looks  # type: ignore[assignment, method-assign]


def no_seen_set() -> None:
    """Nothing that a trigger lists is known from before."""
    items.unseen = lambda connection, key, ids: list(dict.fromkeys(ids))
    items.keep = lambda *_: None


def stops_are_not_looked_at() -> None:
    """A mail goes out at its time, whatever was answered."""
    QuestionOutcome.is_released = property(lambda self: self.is_scheduled)  # type: ignore[method-assign, assignment]


def stops_are_not_stored() -> None:
    """A stop is acknowledged before it is on disk."""

    def answer(self: SqlApprovals, answered: ApprovalRecord) -> bool:
        del self, answered
        return True

    SqlApprovals.answer = answer  # type: ignore[method-assign]


WRONG: dict[str, Callable[[], None]] = {
    "no intents": no_intents,
    "no look-up": no_look_up,
    "late events": late_events,
    "no receipts": receipts_without_commit,
    "runs apart": runs_apart,
    "notices apart": notices_apart,
    "no seen set": no_seen_set,
    "no fence": no_fence,
    "claims without work": claims_without_work,
    "forgets what it took": forgets_what_it_took,
    "nobody adopts": nobody_adopts,
    "no marker in the database": no_marker_in_the_database,
    "files grow": files_grow,
    "no nonce": no_nonce,
    "rows have new keys": rows_have_new_keys,
    "documents have new ids": documents_have_new_ids,
    "events have new ids": events_have_new_ids,
    "uploads have new names": uploads_have_new_names,
    "stops are not looked at": stops_are_not_looked_at,
    "stops are not stored": stops_are_not_stored,
}
