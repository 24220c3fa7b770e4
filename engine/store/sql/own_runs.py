"""What a process records of its runs in `state.db`, in the transactions of its journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from engine.record.types.run import Acceptance
from engine.store.journal import CalledState, RunEnd, RunSignal
from engine.store.runs import Deaths
from engine.store.sql.acceptances import insert_accepted
from engine.store.sql.base.database import Cursor
from engine.store.sql.base.places import padded, places
from engine.store.sql.journal import SqlJournal
from engine.store.sql.triggering.carried_over import made_good
from engine.store.sql.workers.deaths import IS_SUSPECT

_EVENTS = "SELECT event FROM events WHERE run_id = ? ORDER BY number"
_DEATHS = "SELECT in_a_row, in_all FROM run_deaths WHERE run_id = ?"
_FORGIVE = "UPDATE run_deaths SET in_a_row = 0 WHERE run_id = ?"
_STARTED = (
    "UPDATE runs SET status = 'running', started_at = ?, due_at = NULL, lane = NULL, is_at_work = 1 WHERE run_id = ?"
)
_PARKED = "UPDATE runs SET status = 'waiting', due_at = ?, is_at_work = 0 WHERE run_id = ?"
_INTERRUPTED = "UPDATE runs SET status = 'interrupted', is_at_work = 0 WHERE run_id = ?"
_AT_ONCE = "0001-01-01T00:00:00.000Z"
"""The due time of a run that is being put away: before any time at which it can be woken."""
_PUT_AWAY = (
    "UPDATE runs SET sentence = ?, counts = ?, owner = CASE status WHEN 'interrupted' THEN NULL ELSE owner END,"  # noqa: S608
    f" due_at = CASE due_at WHEN '{_AT_ONCE}' THEN ? ELSE due_at END"
    " WHERE run_id = ? AND status IN ('waiting', 'interrupted')"
)
# The number of an end: its milliseconds, or one more than the last, so that numbers rise whatever clocks say. The index
# of numbers serves the search for the last one only with `IS NOT NULL`.
_ENDED = (
    "UPDATE runs SET status = ?, ended_at = ?, duration_seconds = ?, sentence = ?, counts = ?,"
    " end_number = (SELECT CASE WHEN max(end_number) >= ? THEN max(end_number) + 1 ELSE ? END"
    " FROM runs WHERE end_number IS NOT NULL),"
    " owner = NULL, due_at = NULL, acceptance = NULL, is_at_work = 0, plan_hash = ? WHERE run_id = ?"
)
_FORGET_EVENTS = "DELETE FROM events WHERE run_id IN ({places})"
_WITHDRAW = (
    "UPDATE approvals SET state = 'withdrawn',"
    " answered_at = (SELECT ended_at FROM runs WHERE runs.run_id = approvals.run_id)"
    " WHERE run_id IN ({places}) AND state IN ('open', 'scheduled')"
)
_FORGET_DEBUGGING = "DELETE FROM debugging WHERE run_id IN ({places})"
_FORGET_MAIL_WAITS = "DELETE FROM mail_waits WHERE run_id IN ({places})"
_WAKE = "UPDATE runs SET due_at = ? WHERE run_id = ? AND status = 'waiting'"
_MOST_TOGETHER = 500
"""How many run ids one statement names."""
_CANCEL_CALLED = "UPDATE runs SET cancel_requested = 1 WHERE parent_run_id IN ({places}) AND ended_at IS NULL"

_STATE = "SELECT status, ended_at FROM runs WHERE run_id = ?"
_OF_NOBODY = "SELECT run_id FROM runs WHERE parent_run_id = ? AND ended_at IS NULL AND owner IS NULL"
_CANCEL = "UPDATE runs SET cancel_requested = 1 WHERE run_id = ? AND ended_at IS NULL"

_TO_DO = (
    "SELECT run_id, cancel_requested, status FROM runs"
    " WHERE owner = ? AND ended_at IS NULL AND (cancel_requested = 1 OR due_at <= ?)"
)
_NEXT_DUE = "SELECT min(due_at) FROM runs WHERE owner = ? AND ended_at IS NULL"
_NOT_DUE = (
    "SELECT run_id FROM runs WHERE owner = ? AND ended_at IS NULL AND cancel_requested = 0"
    " AND (lane IS NOT NULL OR (status = 'waiting' AND (due_at IS NULL OR due_at > ?)))"
)
_DUE_AMONG = (
    "SELECT run_id FROM runs WHERE run_id IN ({places}) AND owner = ? AND status = 'waiting'"
    " AND (due_at <= ? OR cancel_requested = 1)"
)
_MINE = (
    "SELECT run_id FROM runs WHERE owner = ? AND ended_at IS NULL AND lane IS NULL AND status IN ('queued', 'running')"
)
_MINE_AT_WORK = f"{_MINE} AND is_at_work = 1"
_SUSPECTS = f"{_MINE} AND {IS_SUSPECT} ORDER BY run_id"
_ANY_IN_LINE = "SELECT 1 FROM runs WHERE owner = ? AND lane IS NOT NULL AND ended_at IS NULL LIMIT 1"
# `<` and `>`, which indexes serve; `<>` would make SQLite read all owners of runs.
_OTHERS = (
    "SELECT EXISTS (SELECT 1 FROM owners WHERE owner <> ?)"
    " OR EXISTS (SELECT 1 FROM runs WHERE owner < ?) OR EXISTS (SELECT 1 FROM runs WHERE owner > ?)"
)


class SqlOwnRuns:
    """Changes rows of the runs that this process works on."""

    def __init__(self, journal: SqlJournal, announce: Callable[[Cursor], None] | None = None) -> None:
        self._journal, self._announce = journal, announce

    def events(self, run_id: str) -> Sequence[str]:
        """Return the JSON texts of the committed events of a run."""
        return [text for (text,) in self._journal.read(_EVENTS, (run_id,))]

    def deaths(self, run_id: str) -> Deaths | None:
        """Return how often the process of a run died, if it ever did."""
        rows = self._journal.read(_DEATHS, (run_id,))
        return Deaths(*rows[0]) if rows else None

    def forgive(self, run_id: str) -> None:
        """Forget the deaths in a row."""
        self._note(run_id, _FORGIVE, (run_id,))

    def started(self, run_id: str, started_at: str | None) -> None:
        """Record that work on a run begins, or goes on."""
        self._note(run_id, _STARTED, (started_at, run_id))

    def parked(self, run_id: str) -> None:
        """Record that a run waits."""

        def park(cursor: Cursor) -> None:
            cursor.execute(_PARKED, (_AT_ONCE, run_id))
            self._tell(cursor)

        self._journal.change(park)

    def interrupted(self, run_id: str) -> None:
        """Record that a run is interrupted."""
        self._note(run_id, _INTERRUPTED, (run_id,))

    def disowned(self, run_id: str) -> None:
        """Give an interrupted run up without putting it away."""
        self._note(run_id, "UPDATE runs SET owner = NULL WHERE run_id = ?", (run_id,))

    def put_away(self, run_id: str, sentence: str, counts: str, due_at: str | None) -> None:
        """Record how far a waiting or interrupted run has come, and when it is due."""
        self._note(run_id, _PUT_AWAY, (sentence, counts, due_at, run_id))

    def ended(self, end: RunEnd) -> asyncio.Future[Any]:
        """Record the end of a run, and all that ends with it."""
        return self._journal.gather(self._end, end)

    def _end(self, cursor: Cursor, ends: Sequence[RunEnd]) -> None:
        for first in range(0, len(ends), _MOST_TOGETHER):
            _end(cursor, ends[first : first + _MOST_TOGETHER])
        self._tell(cursor)

    def change_sentence(self, run_id: str, sentence: str) -> asyncio.Future[Any]:
        """Change the sentence of an ended run."""
        statement = "UPDATE runs SET sentence = ? WHERE run_id = ? AND ended_at IS NOT NULL"
        return self._journal.change(lambda cursor: cursor.execute(statement, (sentence, run_id)))

    def _tell(self, cursor: Cursor) -> None:
        """Announce to the processes that wait for a limit that a run is no longer at work."""
        if self._announce is not None:
            self._announce(cursor)

    def _note(self, run_id: str, statement: str, values: tuple[Any, ...]) -> None:
        """Change the run's row with the next commit."""
        self._journal.note(lambda cursor: cursor.execute(statement, values), run_id)


def _end(cursor: Cursor, ends: Sequence[RunEnd]) -> None:
    cursor.executemany(_ENDED, [_columns(one) for one in ends])
    run_ids = padded([one.run_id for one in ends])
    for statement in (_FORGET_EVENTS, _WITHDRAW, _FORGET_DEBUGGING, _FORGET_MAIL_WAITS, _CANCEL_CALLED):
        cursor.execute(statement.format(places=places(run_ids)), run_ids)
    for one in ends:
        if one.parent_run_id is not None:
            cursor.execute(_WAKE, (one.ended_at, one.parent_run_id))
        made_good(cursor, one)


def _columns(end: RunEnd) -> tuple[Any, ...]:
    """Return the parameters of `_ENDED`."""
    told = (end.status, end.ended_at, end.duration_seconds, end.sentence, end.counts)
    return (*told, end.at_milliseconds, end.at_milliseconds, end.plan_hash, end.run_id)


class SqlCalledRuns:
    """Accepts and watches runs that runs of this process call."""

    def __init__(self, journal: SqlJournal) -> None:
        self._journal = journal

    def accept(self, acceptance: Acceptance, title: str) -> asyncio.Future[Any]:
        """Accept a called run, in the transaction of this turn's events."""
        owner = self._journal.owner
        return self._journal.change(lambda cursor: insert_accepted(cursor, acceptance, title, owner))

    def state(self, run_id: str) -> CalledState | None:
        """Return the state of a called run; None if it is no longer known."""
        found = self._journal.read(_STATE, (run_id,))
        return CalledState(*found[0]) if found else None

    def ask_to_cancel(self, run_id: str) -> asyncio.Future[Any]:
        """Ask the owner of an open called run to cancel it."""
        return self._journal.change(lambda cursor: cursor.execute(_CANCEL, (run_id,)))

    def of_nobody(self, parent_run_id: str) -> list[str]:
        """Return the open runs that a run has called and that no process owns."""
        return [run_id for (run_id,) in self._journal.read(_OF_NOBODY, (parent_run_id,))]


class SqlDueRuns:
    """Reads on the connection of the loop what this process has to do."""

    def __init__(self, journal: SqlJournal) -> None:
        self._journal = journal

    def requests(self, now: str) -> list[RunSignal]:
        """Return the runs of this process that are to be cancelled, or are due."""
        rows = self._journal.read(_TO_DO, (self._journal.owner, now))
        return [RunSignal(run_id, bool(is_to_cancel), status) for run_id, is_to_cancel, status in rows]

    def next_due(self) -> str | None:
        """Return when the next run of this process is due, if any is."""
        [(due_at,)] = self._journal.read(_NEXT_DUE, (self._journal.owner,))
        return None if due_at is None else str(due_at)

    def not_due(self, now: str) -> set[str]:
        """Return the runs of this process that wait for a later time, an answer or their turn."""
        return {run_id for (run_id,) in self._journal.read(_NOT_DUE, (self._journal.owner, now))}

    def due_among(self, run_ids: Sequence[str], now: str) -> list[str]:
        """Return which of these runs are ours and waiting, and are due or to be cancelled."""
        due = _DUE_AMONG.format(places=places(run_ids))
        return [run_id for (run_id,) in self._journal.read(due, (*run_ids, self._journal.owner, now))]

    def at_work(self) -> list[str]:
        """Return the runs of this process that should be at work, or about to be."""
        return [run_id for (run_id,) in self._journal.read(_MINE_AT_WORK, (self._journal.owner,))]

    def suspects(self) -> list[str]:
        """Return the runs `at_work` whose process has died again and again: it works on one of them at a time."""
        return [run_id for (run_id,) in self._journal.read(_SUSPECTS, (self._journal.owner,))]

    def has_line(self) -> bool:
        """Return whether runs of this process wait for their turn."""
        return bool(self._journal.read(_ANY_IN_LINE, (self._journal.owner,)))

    def has_others(self) -> bool:
        """Return whether there is, or was, any other process."""
        [(has_others,)] = self._journal.read(_OTHERS, (self._journal.owner,) * 3)
        return bool(has_others)
