"""Store accepted runs: runs that several threads start at the same time share one transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from engine.base.errors import InUse
from engine.base.json_text import compact
from engine.base.names import workflow_id_of
from engine.base.statuses import RunStatus
from engine.record.types.kind import kind_of, options_of
from engine.record.types.run import Acceptance
from engine.store.acceptances import IdempotentRequest, Notice, Polled, Renamed, RunEntry
from engine.store.run_limits import limited_connections
from engine.store.runs import environment_name, item_words, priority_of, unhashed
from engine.store.sql.base.database import Cursor, StateDatabase
from engine.store.sql.base.tables import audit, insertion, runs
from engine.store.sql.renames import is_last_rename
from engine.store.sql.settings import add_all, exchanged
from engine.store.sql.triggering import items
from engine.store.sql.triggering.runs import cancel_earlier, is_busy
from engine.store.sql.triggering.triggers import move, require_unmoved, set_alarmed, turn_on
from engine.store.sql.workers.owners import require_unfenced
from engine.store.triggering.triggers import ItemRecord, TriggerKey, TriggerPosition, TriggerRecord, TurnedOn

if TYPE_CHECKING:
    from sqlalchemy import Connection

_ADD_RUN, _RUN = insertion(runs)
_ADD_LINE, _ = insertion(audit)


class SqlAcceptances:
    """Group commit for `store()`: any thread may call it, and the first writes the entries of all that are waiting."""

    def __init__(self, database: StateDatabase, owner: str, *, shared: bool = False, waits: bool = False) -> None:
        self._database, self._owner, self._is_shared, self._waits = database, owner, shared, waits
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._waiting: list[RunEntry] = []

    def store(self, entries: Sequence[RunEntry]) -> None:
        """Store runs; they are on disk when this returns.

        Raises StorageError; Renamed (then none of the `entries` that share a plan is stored); InUse if a request's key
        was used before with something else; Fenced if another process has taken over this one's runs.
        """
        with self._lock:
            self._waiting.extend(entries)
        with self._turn:
            with self._lock:
                group, self._waiting = self._waiting, []
            if group:  # else another thread has stored them
                self._write(group)
        for entry in entries:
            if entry.error is not None:
                raise entry.error

    def polled(self, polled: Polled) -> None:
        """Store the runs and the seen items of a poll, and move the cursor. Raises Moved, Renamed."""
        key = polled.trigger.key

        def chosen(connection: Connection) -> Sequence[RunEntry]:
            if polled.place is None:
                require_unmoved(connection, polled.trigger)
            else:
                move(connection, polled.trigger, polled.place)
            items.take_failing(connection, key, polled.ids)
            new = items.unseen(connection, key, polled.ids)
            choice = polled.choose(new, polled.asks_if_busy and is_busy(connection, key.workflow))
            if choice.cancels_earlier:
                cancel_earlier(connection, key.workflow)
            items.keep(connection, choice.items)
            return choice.entries

        self._store_within(chosen)

    def begin(self, key: TriggerKey, on: TurnedOn, place: TriggerPosition, left_out: Sequence[ItemRecord]) -> None:
        """Turn a trigger on from a place; items that it has not seen yet are stored as left out."""

        def chosen(connection: Connection) -> Sequence[RunEntry]:
            turn_on(connection, key, on, place)
            new = set(items.unseen(connection, key, [one.item for one in left_out]))
            items.keep(connection, [one for one in left_out if one.item in new])
            return []

        self._store_within(chosen)

    def notify(self, trigger: TriggerRecord, at: str | None, notice: Notice) -> bool:
        """Record since when people have known of a problem, with the notice to them; False if they know already."""
        return self._tell(lambda connection: set_alarmed(connection, trigger, at), notice)

    def note(self, key: str, before: str, after: str, notice: Notice) -> bool:
        """Change what people know, with the notice to them; False if it has changed meanwhile."""
        return self._tell(lambda connection: exchanged(connection, key, before, after), notice)

    def _tell(self, marks: Callable[[Connection], bool], notice: Notice) -> bool:
        is_new = False

        def chosen(connection: Connection) -> Sequence[RunEntry]:
            nonlocal is_new
            is_new = marks(connection)
            if is_new:
                add_all(connection, notice.messages)
            return notice.entries if is_new else []

        self._store_within(chosen)
        return is_new

    def revive(self, item: ItemRecord, entry: RunEntry) -> bool:
        """Give a dead item its run; return False if somebody else was faster. Raises Renamed."""
        run_id = entry.acceptance["run_id"]
        return bool(self._store_within(lambda conn: [entry] if items.revive(conn, item, run_id) else []))

    def _store_within(self, chosen: Callable[[Connection], Sequence[RunEntry]]) -> Sequence[RunEntry]:
        """Store the runs that `chosen` returns, in the transaction of its own writes; return their entries.

        Either all of it is on disk when this returns, or none. Raises StorageError, Renamed, Fenced, and whatever
        `chosen` raises.
        """
        self._database.require_in_place()
        with self._database.writing() as connection:
            cursor = self._database.cursor_of(connection)
            require_unfenced(cursor, self._owner)
            entries = chosen(connection)
            is_last = is_last_rename(cursor)
            if not all(is_last(entry.last_rename) for entry in entries):
                raise Renamed
            self._insert(cursor, entries)
        for entry in entries:
            entry.run_id = entry.acceptance["run_id"]
        return entries

    def _write(self, group: Sequence[RunEntry]) -> None:
        try:
            with self._database.inserting() as cursor:
                require_unfenced(cursor, self._owner)
                is_last = is_last_rename(cursor)
                for entry in group:
                    if not is_last(entry.last_rename):
                        entry.error = Renamed()
                    elif entry.request is not None:
                        _answer(cursor, entry, entry.request)
                fresh = [entry for entry in group if entry.run_id is None and entry.error is None]
                self._insert(cursor, fresh)
        except Exception as error:  # noqa: BLE001 - each of those who wait must hear of it
            for entry in group:
                entry.error, entry.run_id = error, None
        else:
            for entry in fresh:
                entry.run_id = entry.acceptance["run_id"]

    def _insert(self, cursor: Cursor, entries: Sequence[RunEntry]) -> None:
        cursor.executemany(_ADD_RUN, [self._row(entry) for entry in entries])
        cursor.executemany(_ADD_LINE, [entry.audit_entry._asdict() for entry in entries])
        if self._is_shared and entries:
            self._database.announce_runs(cursor, len(entries))

    def _row(self, entry: RunEntry) -> dict[str, Any]:
        is_anybodys = self._is_shared and entry.lane is None
        begins = not self._is_shared and not self._waits and entry.lane is None
        owner = None if is_anybodys else self._owner
        return {**_accepted(entry.acceptance, entry.title, owner), "lane": entry.lane, "is_at_work": int(begins)}


def insert_accepted(cursor: Cursor, acceptance: Acceptance, title: str, owner: str) -> None:
    """Store a run that another run has called, in a transaction of the journal."""
    cursor.execute(_ADD_RUN, _accepted(acceptance, title, owner))


def _accepted(acceptance: Acceptance, title: str, owner: str | None) -> dict[str, Any]:
    """Return the row of a run that was just accepted, and is not at work."""
    kind = kind_of(options_of(acceptance))
    return {
        **_RUN,
        "run_id": acceptance["run_id"],
        "workflow": acceptance["workflow"],
        "workflow_id": workflow_id_of(acceptance),
        "title": title,
        "status": RunStatus.QUEUED,
        "demo": int(acceptance["demo"]),
        "started_by": acceptance["started_by"],
        "origin_run_id": acceptance["origin_run_id"],
        "parent_run_id": acceptance["parent_run_id"],
        "queued_at": acceptance["queued_at"],
        "owner": owner,
        "kind": kind,
        "is_test": int(kind.is_test),
        "plan_hash": unhashed(kind),
        "environment": environment_name(acceptance.get("environment")),
        "priority": priority_of(acceptance).rank,
        "connections": limited_connections(acceptance),
        "is_at_work": 0,
        "item": item_words(acceptance.get("trigger")),
        "acceptance": compact(acceptance),
    }


def _answer(cursor: Cursor, entry: RunEntry, request: IdempotentRequest) -> None:
    """Bind the key of a request to its run, or look up the run that it is bound to."""
    try:
        entry.run_id = earlier_run(cursor, request)
    except InUse as error:
        entry.error = error
        return
    if entry.run_id is None:
        remember(cursor, request, entry.acceptance["run_id"])


def earlier_run(cursor: Cursor, request: IdempotentRequest) -> str | None:
    """Return the run that this request started before, if any; raise InUse if the key was used with something else."""
    row = cursor.execute("SELECT content_hash, run_id FROM request_keys WHERE key = ?", (request.key,)).fetchone()
    if row is None:
        return None
    content_hash, run_id = row
    if content_hash != request.content_hash:
        raise InUse(
            "This request key was used before, with another workflow or other inputs; nothing was started.",
            remedy="Send a new key with a new request.",
        )
    return str(run_id)


def remember(cursor: Cursor, request: IdempotentRequest, run_id: str) -> None:
    """Bind the key to the run, in the transaction that accepts it; the binding outlives the run's row and log."""
    values = (request.key, request.content_hash, run_id)
    cursor.execute("INSERT INTO request_keys (key, content_hash, run_id) VALUES (?, ?, ?)", values)
