"""Whether `state.db` knows every write, and how it is rebuilt from the run logs.

A receipt proves that a write was made, so that it is never made twice. If the state file is lost, receipts are restored
from the run logs, in any order. A log may be older than what is known: restoring must never turn a finished write back
into an open one, nor forget that it was undone. `generation` counts the undos of an identity and so tells which of two
records is newer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, func, select

from engine.base.clock import milliseconds_of, moment_of
from engine.base.json_text import compact
from engine.base.statuses import RunStatus
from engine.store.approvals import UNANSWERED
from engine.store.held import HeldWrites, LoggedRun
from engine.store.people.audit import AuditEntry
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.tables import approvals, effects, events, meta, runs
from engine.store.sql.held import UNSURE, WRITES, held_of, put_held
from engine.store.sql.old_runs import left_by
from engine.store.sql.people import audit
from engine.store.sql.runs import replace_events
from engine.store.sql.triggering.carried_over import restore_seen
from engine.store.sql.workers.owners import refuse_strangers
from engine.store.write_list import SentWrite, WriteList

if TYPE_CHECKING:
    from sqlalchemy import Connection

_FOR_RELEASE = compact({"needs_person": True})[1:-1]
"""Part of the event of a step that waits until a person releases held writes; in texts, its quotes are escaped."""


class SqlProof:
    """Reads and restores what proves writes."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def counted_writes(self) -> int | None:
        """Return how many writes were ever started; None if the state has never counted."""
        counted = self._database.fact(WRITES)
        return None if counted is None else int(counted)

    def unread_since(self) -> int | None:
        """Return the number of the last write that the file itself recorded, if the logs must be read; else None."""
        return self._database.unread_since() if self._database.has_unread_logs() else None

    def must_read_logs(self, since: int) -> None:
        """Record that the logs must be read."""
        self._database.unread_logs(since)

    def refuse_strangers(self, owners: Path) -> None:
        """Raise InUse if a living process still works with a state file that was removed."""
        refuse_strangers(self._database, owners)

    def newest_run(self) -> str:
        """Return the highest id of a run that is listed, or ""."""
        with self._database.reading() as connection:
            return str(connection.execute(select(func.max(runs.c.run_id))).scalar() or "")

    def unlisted(self, run_ids: Sequence[str]) -> list[str]:
        """Return which of these runs are neither listed nor have been removed from the list."""
        if not run_ids:
            return []
        listed = select(runs.c.run_id).where(runs.c.run_id >= min(run_ids))  # ids sort by time: no older rows are read
        with self._database.reading() as connection:
            known = {*connection.execute(listed).scalars(), *left_by(connection)}
        return [run_id for run_id in run_ids if run_id not in known]

    def asking(self, limit: int) -> list[str]:
        """Return the runs that wait for the answers to the newest open questions."""
        is_asked = approvals.c.state.in_(UNANSWERED)
        newest = select(approvals.c.run_id).where(is_asked).order_by(approvals.c.asked_at.desc())
        with self._database.reading() as connection:
            return [*dict.fromkeys(connection.execute(newest.limit(limit)).scalars())]

    def is_behind(self, run_id: str, latest_at: str) -> bool:
        """Return whether an open run has gone on, until this time, since this state was copied."""
        with self._database.reading() as connection:
            return is_behind(connection, run_id, latest_at)

    def has_receipts(self) -> bool:
        """Return whether any write is known."""
        with self._database.reading() as connection:
            return connection.execute(select(effects.c.identity).limit(1)).first() is not None

    def counts_of(self, run_id: str) -> str | None:
        """Return the counts of a run as listed, as JSON."""
        with self._database.reading() as connection:
            counts: str | None = connection.execute(select(runs.c.counts).where(runs.c.run_id == run_id)).scalar()
        return counts

    def held(self) -> HeldWrites | None:
        """Return why writes are held, or None if they are not."""
        return held_of(self._database)

    def hold(self, held: HeldWrites) -> None:
        """Hold writes for this reason."""
        with self._database.writing() as connection:
            put_held(connection, held)

    def release(self, now: str, entry: AuditEntry) -> None:
        """Release held writes; runs that wait for this are due at once, and no others."""
        tells = events.c.event.contains(_FOR_RELEASE, autoescape=True)
        for_release = exists().where((events.c.run_id == runs.c.run_id) & tells)
        waits = (runs.c.status == RunStatus.WAITING) & runs.c.due_at.is_(None) & runs.c.ended_at.is_(None)
        with self._database.writing() as connection:
            put_held(connection, None)
            connection.execute(runs.update().where(waits & for_release).values(due_at=now))
            audit.record(connection, entry)

    def logs_are_read(self, counted: int, held: HeldWrites | None, entry: AuditEntry | None) -> None:
        """Record that the logs have been read, and what they have shown."""
        with self._database.writing() as connection:
            self._database.logs_are_read(connection)
            _count_writes(connection, counted)
            put_held(connection, held)
            if entry is not None:
                audit.record(connection, entry)

    def list_anew(self, writes: WriteList) -> None:
        """Add to the lists the runs that only the state knows to have written, and count on from the higher number."""
        with self._database.writing() as connection:
            made = set(connection.execute(select(effects.c.run_id).distinct()).scalars())
            counted = self.counted_writes() or 0

            def whole(sent: list[SentWrite]) -> list[SentWrite]:
                number = max(counted, len(made), *(one.number for one in sent))
                return [*sent, *(SentWrite(number, run_id) for run_id in made - {one.run_id for one in sent})]

            sent = writes.replace(whole)
            _count_writes(connection, max(counted, len(made), *(one.number for one in sent)))

    def restore(self, told: LoggedRun, *, is_lost: bool) -> None:
        """Restore what a log records, without overwriting what is newer.

        An open run that has gone on since this state was copied becomes what its log says.
        """
        with self._database.writing() as connection:
            if is_behind(connection, told.row["run_id"], told.latest_at):
                forget_open(connection, told)
            # what its log leaves open, a state that was not lost knows better
            for effect in told.effects:
                if effect["state"] in ("done", "undone") or is_lost:
                    restore_effect(connection, effect)
            for update in told.updates:
                restore_update(connection, update)
            if told.seen is not None:
                restore_seen(connection, told.seen)
            if told.event_texts is None:
                restore_ended(connection, told.row)
                return
            is_new = restore_open(connection, told.row, told.event_texts)
            if told.unsure_since is not None and (is_new or is_lost):
                remember_unsure(connection, told.row["workflow_id"], told.row["run_id"], told.unsure_since)


def is_behind(connection: Connection, run_id: str, latest_at: str) -> bool:
    """Return whether all stored events of an open run are older; events are stored before the log is written."""
    row = connection.execute(select(runs.c.ended_at, runs.c.queued_at).where(runs.c.run_id == run_id)).first()
    if row is None or row.ended_at is not None:
        return False
    texts = connection.execute(select(events.c.event).where(events.c.run_id == run_id)).scalars()
    known_at: str = max([row.queued_at, *(json.loads(one)["at"] for one in texts)])
    return latest_at > known_at


def forget_open(connection: Connection, told: LoggedRun) -> None:
    """Forget an open run, so that it can be restored from its log, and withdraw questions that it no longer asks."""
    run_id = told.row["run_id"]
    connection.execute(runs.delete().where(runs.c.run_id == run_id))
    connection.execute(events.delete().where(events.c.run_id == run_id))
    is_asked = (approvals.c.run_id == run_id) & approvals.c.state.in_(UNANSWERED)
    answered = is_asked & approvals.c.id.not_in(told.questions)
    connection.execute(approvals.update().where(answered).values(state="withdrawn", answered_at=told.latest_at))


def restore_ended(connection: Connection, row: Mapping[str, Any]) -> None:
    """Restore the row of an ended run, unless it is open now."""
    known = connection.execute(select(runs.c.ended_at).where(runs.c.run_id == row["run_id"])).first()
    if known is None:
        number = milliseconds_of(moment_of(row["ended_at"]))
        connection.execute(runs.insert().values(**row, end_number=number))
    elif known.ended_at is not None:
        connection.execute(runs.update().where(runs.c.run_id == row["run_id"]).values(**row))


def restore_open(connection: Connection, row: Mapping[str, Any], event_texts: Sequence[str]) -> bool:
    """Restore the row and events of an open run, for a process to resume; return False if it is known already."""
    known = connection.execute(select(runs.c.run_id).where(runs.c.run_id == row["run_id"])).first()
    if known is None:
        connection.execute(runs.insert().values(**row))
        replace_events(connection, row["run_id"], event_texts)
    return known is None


def restore_effect(connection: Connection, row: Mapping[str, Any]) -> None:
    """Restore a write from a log: a receipt closes an open write, and is never overwritten by one.

    An undo takes precedence over the receipt of its write; a write that began later is the next generation.
    """
    same = effects.c.identity == row["identity"]
    known = connection.execute(effects.select().where(same)).mappings().first()
    if known is None:
        connection.execute(effects.insert().values(**row))
        return
    merged = _merged(dict(known), row)
    if merged is not None:
        connection.execute(effects.update().where(same).values(**merged))


def restore_update(connection: Connection, row: Mapping[str, Any]) -> None:
    """Restore that a later run updated what a write had made: the receipt then describes the updated object."""
    before = (
        (effects.c.identity == row["identity"])
        & (effects.c.state == "done")
        & (effects.c.generation == row["generation"])
        & (effects.c.done_at < row["done_at"])
        & (effects.c.arguments_hash != "")  # a later update was interrupted: the object's content is unknown
    )
    told = ("run_id", "path", "arguments_hash", "done_at", "receipt", "output")
    connection.execute(effects.update().where(before).values({name: row[name] for name in told}))


def _merged(known: Mapping[str, Any], told: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the new values of the row, or None to keep it."""
    if told["state"] == "undone" and _began_after(known, told):
        return {"generation": max(known["generation"], told["generation"])}
    if known["state"] == "undone" and _began_after(told, known):
        return {**told, "generation": known["generation"]}
    if told["generation"] != known["generation"]:
        return told if told["generation"] > known["generation"] else None
    return told if told["state"] == "done" and known["state"] != "done" else None


def _began_after(write: Mapping[str, Any], undone: Mapping[str, Any]) -> bool:
    """Return whether an open write, whose log lacks its generation, began after this one was undone."""
    return write["state"] in ("intent", "unknown") and write["intended_at"] >= undone["done_at"]


def _count_writes(connection: Connection, number: int) -> None:
    """Store how many writes were ever started."""
    connection.execute(meta.delete().where(meta.c.key == WRITES))
    connection.execute(meta.insert().values(key=WRITES, value=str(number)))


def remember_unsure(connection: Connection, workflow: str, run_id: str, since: str) -> None:
    """Record that a run may have written more since a time than its log says."""
    key = f"{UNSURE}{workflow}"
    known = connection.execute(meta.select().where(meta.c.key == key)).first()
    value = json.dumps({**(json.loads(known.value) if known else {}), run_id: since})
    connection.execute(meta.delete().where(meta.c.key == key))
    connection.execute(meta.insert().values(key=key, value=value))
