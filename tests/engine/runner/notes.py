"""A service in memory that keeps notes, the steps that write to it, and calls on a real ledger."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from clients.errors import ServiceError, Unavailable
from engine.base.clock import utc_now
from engine.base.statuses import AccountMode
from engine.base.threads import WorkerThreads
from engine.compiler.definition.plan import Retry
from engine.connections.accounts import Account
from engine.plugins.step import Call, Effect, Fields, JsonValue, Repeat, StepType, Written
from engine.record.run_files import RunFiles, RunFolder
from engine.runner.effects.claim import WriteClaims
from engine.runner.effects.job import Attempt, Done, Job
from engine.runner.effects.ledger import Ledger, arguments_hash
from engine.runner.effects.ownership import Sender
from engine.runner.effects.reading import AccountReads
from engine.store.blobs.disk import DiskBlobs
from engine.store.ledger import IntendedWrite, LedgerRow, identity
from engine.store.sql.journal import SqlJournal
from engine.store.sql.ledger import SqlEffects
from engine.store.sqlite.database import SqliteStateDatabase
from engine.store.write_list import WriteList
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from clients.client import Client

QUICK = Retry(attempts=3, backoff_seconds=0.0)
BEFORE, AFTER = "before the effect", "after the effect"


def gone() -> Unavailable:
    """An error that says nothing of the effect; a new one each time, since the engine writes its outcome into it."""
    return Unavailable("503", outcome="unknown")


@dataclass
class World:
    """A service that keeps notes; each call takes the next of `faults`: (error, BEFORE or AFTER) or None."""

    notes: list[tuple[str, Any]] = field(default_factory=list)
    faults: list[tuple[Exception, str] | None] = field(default_factory=list)
    look_faults: list[ServiceError] = field(default_factory=list)
    sent: int = 0
    again: list[bool] = field(default_factory=list)
    """Whether each sending knew that there may have been one before."""
    looked: int = 0
    gate: threading.Event | None = None
    answer: dict[str, Any] = field(default_factory=dict)
    updates: list[tuple[Written, str]] = field(default_factory=list)
    entered: threading.Event = field(default_factory=threading.Event)

    def put(self, marker: str, text: str) -> JsonValue:
        """Keep a note, with the next fault."""
        self.sent += 1
        self.entered.set()
        fault = self.faults.pop(0) if self.faults else None
        if fault and fault[1] == BEFORE:
            raise fault[0]
        self.notes.append((marker, text))
        if self.gate is not None:
            assert self.gate.wait(PATIENCE_SECONDS)
        if fault:
            raise fault[0]
        return {"id": str(len(self.notes)), "url": f"notes/{len(self.notes)}", **self.answer}

    def write_over(self, written: Written, marker: str, text: str) -> JsonValue:
        """Change a note, with the next fault."""
        self.updates.append((written, marker))
        self.entered.set()
        fault = self.faults.pop(0) if self.faults else None
        if fault and fault[1] == BEFORE:
            raise fault[0]
        self.notes[int(written.receipt.id) - 1] = (marker, text)
        if self.gate is not None:
            assert self.gate.wait(PATIENCE_SECONDS)
        if fault:
            raise fault[0]
        return {"id": written.receipt.id, "url": f"notes/{written.receipt.id}", "text": text}

    def look(self, marker: str) -> JsonValue | None:
        """Find a note."""
        self.looked += 1
        if self.look_faults:
            raise self.look_faults.pop(0)
        found = [number for number, note in enumerate(self.notes, start=1) if note[0] == marker]
        return {"id": str(found[0]), "url": f"notes/{found[0]}"} if found else None


class NoteFields(Fields):
    """What the step takes."""

    text: str = ""


class Note(StepType):
    """Keep a note."""

    name = "test.note"
    title = "Keep a note"
    service = "test"
    effect = Effect.WRITES
    fields = NoteFields
    lag_seconds: ClassVar[float] = 0.05

    def call(self, call: Call) -> JsonValue:
        """Keep it."""
        call.client.again.append(call.is_again)
        return call.client.put(call.marker, call.fields.text)

    def find(self, call: Call) -> JsonValue | None:
        """Look for it."""
        return call.client.look(call.marker)

    def target(self, fields: Any) -> str:
        """Notes of one text go one at a time."""
        return str(fields.text)


class Board(Note):
    """Keep a note that can be changed."""

    name = "test.board"
    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Write over it."""
        return call.client.write_over(written, call.marker, call.fields.text)


@dataclass
class Bench:
    """Calls on a real ledger, for one process."""

    ledger: Ledger
    world: World
    account: Account
    senders: dict[str, Sender] = field(default_factory=dict)
    """What is known of the process that was about to send for a run; nothing: it is through."""
    told: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """The arguments of the writes that runs made, by run id and path."""
    attempts: list[Attempt] = field(default_factory=list)
    writes: WriteClaims = field(init=False)
    reads: AccountReads = field(init=False)

    def job(self, run_id: str = "run-1", *, text: str = "hello", thing: str = "a", **more: Any) -> Job:
        """A write of a note about a thing."""
        write = IntendedWrite(
            identity("test:me", "work", "note", ["keys", thing]), "test:me", run_id, "note", "test.note",
            arguments_hash({"text": text}),
        )  # fmt: skip
        given: dict[str, Any] = {"repeat": Repeat.FINDABLE, "retry": QUICK, "timeout_seconds": 5.0, **more}
        given = {"step_type": Note(), **given}
        return Job(
            make_fields=lambda: NoteFields(text=text),
            account=self.account,
            prompts={},
            render=lambda _prompt, _variables: [],
            on_attempt=self.attempts.append,
            files=RunFiles(RunFolder(DiskBlobs(Path()), run_id)),
            write=write,
            **given,
        )

    async def make(self, job: Job) -> Done:
        """Make the write."""
        return await self.writes.write(job).make()

    async def entry(self, job: Job) -> LedgerRow:
        """What the ledger has; asking claims a write that it does not know, so only ask for known ones."""
        assert job.write is not None
        return await self.ledger.claim(job.write)


Try = Callable[[Callable[[Bench], Coroutine[Any, Any, None]]], None]
"""Runs a test on a loop of its own."""


def bench(database: SqliteStateDatabase, world: World, journal: SqlJournal) -> Bench:
    ledger = Ledger(SqlEffects(journal), utc_now, WriteList(database.path.parent, database.path.parent))
    account = Account("notes", "test", AccountMode.MINE, cast("Client", world), WorkerThreads("test", 8), "test:me")
    made = Bench(ledger, world, account)
    made.writes = WriteClaims(
        ledger,
        utc_now,
        lambda entry: made.senders.get(entry.run_id, "through"),
        lambda *where: made.told.get(where, {}),
    )
    made.reads = AccountReads(utc_now)
    return made
