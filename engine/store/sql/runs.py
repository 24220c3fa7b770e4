"""Runs in `state.db`: a row for each, enough to list, find and own runs without opening their logs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import func, select

from engine.base.errors import InUse, UnknownName
from engine.base.statuses import ListedStatus, RunStatus
from engine.record.types.run import Acceptance
from engine.store.acceptances import IdempotentRequest
from engine.store.runs import (
    Backlog,
    InFlight,
    RunFilter,
    RunRecord,
    RunsAlike,
    RunStanding,
)
from engine.store.sql.acceptances import earlier_run
from engine.store.sql.base.database import Cursor, StateDatabase
from engine.store.sql.base.hidden_runs import hidden_condition
from engine.store.sql.base.places import places
from engine.store.sql.base.tables import effects, events, runs
from engine.store.sql.workers import deaths

if TYPE_CHECKING:
    from sqlalchemy import Connection

_LIKE_SIGNS = re.compile("[/%_]")
_Condition: TypeAlias = tuple[str, Sequence[Any]]
"""An SQL condition, and its parameters."""


_COLUMNS = ", ".join(RunRecord._fields)
_LISTED = ", ".join(name for name in RunRecord._fields if name != "acceptance")
_ONE = f"SELECT {_COLUMNS} FROM runs WHERE run_id = ?"  # noqa: S608 - columns of ours
_THESE = f"SELECT {_LISTED} FROM runs WHERE run_id IN ({{places}})"  # noqa: S608 - columns of ours
_WORKFLOW = "SELECT workflow, workflow_id, parent_run_id FROM runs WHERE run_id = ?"
_STANDINGS = "SELECT run_id, status, owner FROM runs WHERE run_id IN ({places}) AND ended_at IS NULL"
_OVERTAKEN = (
    "SELECT run_id FROM runs AS earlier WHERE run_id IN ({places}) AND EXISTS (SELECT 1 FROM runs AS later"
    " WHERE later.workflow_id = earlier.workflow_id AND later.run_id > earlier.run_id"
    " AND later.demo = earlier.demo AND later.status = 'succeeded' AND later.plan_hash IS NULL)"
)
_TALLY = (
    "SELECT status, count(*) FROM runs WHERE run_id >= ? AND run_id < ?"
    " AND plan_hash IS NULL AND parent_run_id IS NULL AND {condition} GROUP BY status"
)
_ALIKE = (
    "SELECT workflow_id, demo, status, counts, count(*), max(workflow), max(title), max(run_id), max(sentence)"
    " FROM runs WHERE {which} AND plan_hash IS NULL AND parent_run_id IS NULL AND is_test = 0 AND {condition}"
    " GROUP BY workflow_id, demo, status, counts"
)
_BACKLOG = (
    "SELECT (SELECT count(*) FROM runs WHERE status = 'queued' AND lane IS NULL AND ended_at IS NULL),"
    " (SELECT count(*) FROM runs WHERE ended_at >= ?)"
)
_EVENTS = "SELECT number, event FROM events WHERE run_id = ? AND number >= ? ORDER BY number"
_SEARCHED = "(sentence || '\n' || run_id || '\n' || title || '\n' || workflow)"
"""As one text: to lower and compare this takes less time than to do so for each column."""
_LIST = "`orchestra runs list` shows what there is."
_REMOVED = (
    "It was removed, as `retention` says or by hand. What it wrote is remembered, so that nothing is written twice, and"
    " can only be undone in the services themselves."
)
_NO_LOG = (
    "The state lists it, but its log is not where this process looks: servers and workers with one state share `logs`,"
    " a folder or a database. If `logs` was changed, `orchestra state copy-logs --to PLACE` (with the old `logs` set)"
    " copies them. If the log was removed by hand, `orchestra reindex` takes the run off the list."
)


class SqlRuns:
    """Reads and writes rows of `runs`, from any thread."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def of_request(self, request: IdempotentRequest) -> str | None:
        """Return the run that this request started before, if any. Raises InUse if its key came with another one."""
        with self._database.reading() as connection:
            return earlier_run(self._database.cursor_of(connection), request)

    def get(self, run_id: str) -> RunRecord | None:
        """Return the row of a run, if any."""
        with self._database.asking() as cursor:
            return _record(cursor, run_id)

    def workflows_of(self, run_id: str) -> list[tuple[str, str]]:
        """Return (name, id) of the workflow of a run, then of the ones that called it; [] if the run is not known."""
        found: list[tuple[str, str]] = []
        above: str | None = run_id
        with self._database.asking() as cursor:
            while above is not None and (row := cursor.execute(_WORKFLOW, (above,)).fetchone()) is not None:
                found.append((row[0], row[1]))
                above = row[2]
        return found

    def standings(self, run_ids: Sequence[str]) -> dict[str, RunStanding]:
        """Return how these runs stand, without those that have ended."""
        statement = _STANDINGS.format(places=places(run_ids))
        with self._database.asking() as cursor:
            found = cursor.execute(statement, run_ids).fetchall()
        return {run_id: RunStanding(status, owner) for run_id, status, owner in found}

    def unknown(self, run_id: str) -> UnknownName:
        """Return the error for a run without a row or a log; it says which, and whether receipts mention the run."""
        if self.get(run_id) is not None:
            return UnknownName("run", run_id, remedy=_NO_LOG)
        wrote = select(effects.c.identity).where(effects.c.run_id == run_id).limit(1)
        with self._database.reading() as connection:
            is_removed = connection.execute(wrote).first() is not None
        return UnknownName("run", run_id, remedy=_REMOVED if is_removed else _LIST)

    def caller(self, run_id: str) -> RunRecord | None:
        """Return the row of the run that called this one, if any."""
        with self._database.asking() as cursor:
            called = cursor.execute("SELECT parent_run_id FROM runs WHERE run_id = ?", (run_id,)).fetchone()
            return None if called is None or called[0] is None else _record(cursor, called[0])

    def with_events(self, run_id: str) -> tuple[RunRecord | None, list[str]]:
        """Return the row of a run and its events in order (none once it has ended), from one snapshot."""
        row, texts = self.with_events_from(run_id, 0)
        return row, [text for _, text in texts]

    def with_events_from(self, run_id: str, number: int) -> tuple[RunRecord | None, list[tuple[int, str]]]:
        """Return the row of a run and (number, text) of its events from a number on, from one snapshot."""
        with self._database.snapshot() as cursor:
            row = _record(cursor, run_id)
            return row, cursor.execute(_EVENTS, (run_id, number)).fetchall()

    def page(self, wanted: RunFilter, before: str | None, limit: int) -> list[RunRecord]:
        """Return at most `limit` rows without their acceptance, newest first, older than run id `before`."""
        with self._database.asking() as cursor:
            special: dict[str, _Condition] = {ListedStatus.PARTS_FAILED: (self._database.parts_failed, ())}
            if ListedStatus.SET_ASIDE in wanted.statuses:
                special[ListedStatus.SET_ASIDE] = deaths.set_aside(cursor)
            statements = page_statements(wanted, before, limit, special, self._database.letters)
            found = [cursor.execute(*one).fetchall() for one in statements]
        newest_first = merge(*found, key=itemgetter(0), reverse=True)
        # A run may be listed under two statuses, such as "succeeded" and "parts_failed".
        each_once = (next(same) for _, same in groupby(newest_first, key=itemgetter(0)))
        return [RunRecord(*row) for row in islice(each_once, limit)]

    def listed(self, run_ids: Sequence[str]) -> list[RunRecord]:
        """Return the rows of these runs without their acceptance."""
        with self._database.asking() as cursor:
            found = cursor.execute(_THESE.format(places=places(run_ids)), run_ids).fetchall()
        return [RunRecord(*row) for row in found]

    def overtaken(self, run_ids: Sequence[str]) -> set[str]:
        """Return which of these runs were followed by a successful run of the same workflow."""
        if not run_ids:
            return set()
        with self._database.asking() as cursor:
            found = cursor.execute(_OVERTAKEN.format(places=places(run_ids)), run_ids).fetchall()
        return {run_id for (run_id,) in found}

    def tally(self, since: str, until: str, without: frozenset[str] = frozenset()) -> dict[str, int]:
        """Return how many runs were accepted in a time, by status, without called ones and plans.

        `since` and `until` (exclusive) are RFC 3339 texts in UTC. `without`: as in RunFilter.
        """
        bounds = [re.sub("[-:]", "", one) for one in (since, until)]  # run ids begin with their time
        condition, values = hidden_condition(without) if without else ("1 = 1", ())
        with self._database.asking() as cursor:
            return dict(cursor.execute(_TALLY.format(condition=condition), [*bounds, *values]).fetchall())

    def alike(self, since: str, without: frozenset[str] = frozenset()) -> list[RunsAlike]:
        """Return the runs that have ended since a time (RFC 3339, UTC), or were accepted since and wait.

        Called ones, plans and tests are left out. `without`: as in RunFilter.
        """
        condition, values = hidden_condition(without) if without else ("1 = 1", ())
        ended = _ALIKE.format(which="ended_at >= ?", condition=condition)
        waiting = _ALIKE.format(which="status = 'waiting' AND run_id >= ?", condition=condition)
        with self._database.asking() as cursor:
            rows = cursor.execute(ended, [since, *values]).fetchall()
            rows += cursor.execute(waiting, [_second_of(since), *values]).fetchall()
        return [RunsAlike(*row) for row in rows]

    def backlog(self, since: str) -> Backlog:
        """Return how many runs wait to begin, and how many have ended since a time (RFC 3339, UTC)."""
        with self._database.asking() as cursor:
            return Backlog(*cursor.execute(_BACKLOG, (since,)).fetchone())

    def reopen(self, acceptance: Acceptance, event_texts: list[str], owner: str, title: str | None = None) -> bool:
        """Reopen an ended run with these events as its history; return False if it has not ended.

        `title` is the workflow's title, if it has changed.
        """
        run_id = acceptance["run_id"]
        with self._database.writing() as connection:
            ended = (runs.c.run_id == run_id) & runs.c.ended_at.is_not(None)
            changed = {"ended_at": None, "owner": owner, "cancel_requested": 0, "due_at": None, "is_at_work": 0}
            values = {"status": RunStatus.QUEUED, **changed}
            if title is not None:
                values["title"] = title
            text = json.dumps(acceptance, ensure_ascii=False)
            if connection.execute(runs.update().where(ended).values(**values, acceptance=text)).rowcount == 0:
                return False
            replace_events(connection, run_id, event_texts)
            deaths.forget(connection, run_id)
            return True

    def redefine(self, acceptance: Acceptance, title: str, owner: str, event_text: str) -> None:
        """Give an open run of an owner a new definition, and record that as an event. Raises InUse."""
        run_id = acceptance["run_id"]
        text = json.dumps(acceptance, ensure_ascii=False)
        with self._database.writing() as connection:
            mine = (runs.c.run_id == run_id) & (runs.c.owner == owner) & runs.c.ended_at.is_(None)
            if connection.execute(runs.update().where(mine).values(title=title, acceptance=text)).rowcount == 0:
                raise InUse(f"Run {run_id} was taken over by another process just now.")
            last = select(func.coalesce(func.max(events.c.number), 0)).where(events.c.run_id == run_id)
            number = connection.execute(last).scalar_one() + 1
            connection.execute(events.insert().values(run_id=run_id, number=number, event=event_text))

    def put_down(self, run_id: str, owner: str) -> None:
        """Release an open run of an owner, for another process to resume."""
        with self._database.writing() as connection:
            mine = (runs.c.run_id == run_id) & (runs.c.owner == owner) & runs.c.ended_at.is_(None)
            connection.execute(runs.update().where(mine).values(status=RunStatus.INTERRUPTED, owner=None, is_at_work=0))

    def ask_to_cancel(self, run_id: str) -> None:
        """Ask the owner of a run to cancel it."""
        with self._database.writing() as connection:
            connection.execute(runs.update().where(runs.c.run_id == run_id).values(cancel_requested=1))

    def in_flight(self, run_id: str) -> list[InFlight]:
        """Return the writes of a run, and of the open runs it called, that have an intent and no receipt yet."""
        with self._database.reading() as connection:
            found = reached = [run_id]
            while reached:
                called = runs.c.parent_run_id.in_(reached) & runs.c.ended_at.is_(None)
                reached = list(connection.execute(select(runs.c.run_id).where(called)).scalars())
                found = [*found, *reached]
            intended = effects.c.run_id.in_(found) & (effects.c.state == "intent")
            rows = connection.execute(select(effects.c.run_id, effects.c.path, effects.c.uses).where(intended)).all()
        return [InFlight(*row) for row in rows]

    def last_event(self, run_id: str) -> int:
        """Return the number of the newest event of a run, 0 without events."""
        with self._database.reading() as connection:
            statement = select(func.max(events.c.number)).where(events.c.run_id == run_id)
            return connection.execute(statement).scalar() or 0

    def spoil_plan(self, run_id: str, drift: str) -> None:
        """Record that a plan no longer fits the world, and why (JSON); the first time counts."""
        with self._database.writing() as connection:
            fits = (runs.c.run_id == run_id) & runs.c.is_drifted.is_(None)
            connection.execute(runs.update().where(fits).values(is_drifted=1, drift=drift))

    def ended_ids(self) -> set[str]:
        """Return the ids of all runs that have ended."""
        with self._database.reading() as connection:
            return set(connection.execute(select(runs.c.run_id).where(runs.c.ended_at.is_not(None))).scalars())

    def drop_ended(self, run_ids: Iterable[str]) -> None:
        """Delete the rows of these runs, as far as they have ended."""
        with self._database.writing() as connection:
            for run_id in run_ids:
                connection.execute(runs.delete().where((runs.c.run_id == run_id) & runs.c.ended_at.is_not(None)))


def replace_events(connection: Connection, run_id: str, event_texts: Sequence[str]) -> None:
    """Replace the events of a run, in the caller's transaction."""
    connection.execute(events.delete().where(events.c.run_id == run_id))
    rows = [{"run_id": run_id, "number": n, "event": text} for n, text in enumerate(event_texts, start=1)]
    if rows:
        connection.execute(events.insert(), rows)


def _record(cursor: Cursor, run_id: str) -> RunRecord | None:
    row = cursor.execute(_ONE, (run_id,)).fetchone()
    return None if row is None else RunRecord(*row)


def page_statements(
    wanted: RunFilter, before: str | None, limit: int, special: Mapping[str, _Condition], letters: str = ""
) -> list[tuple[str, list[Any]]]:
    """Return the statements, with their parameters, whose rows together contain a page of the list.

    There is one per status: only then are the newest of several statuses read from the end of the index. `special` has
    the conditions of what is listed as a status without being one; `letters` is the database's.
    """
    conditions = _conditions(wanted, before, letters)
    ways = [[*conditions, _has_status(status, special)] for status in wanted.statuses] or [conditions]
    return [_selection(way, limit) for way in ways]


def _has_status(status: str, special: Mapping[str, _Condition]) -> _Condition:
    return special.get(status) or ("status = ?", (status,))


def _selection(conditions: Sequence[_Condition], limit: int) -> tuple[str, list[Any]]:
    where = f" WHERE {' AND '.join(text for text, _ in conditions)}" if conditions else ""
    values = [value for _, some in conditions for value in some]
    return f"SELECT {_LISTED} FROM runs{where} ORDER BY run_id DESC LIMIT ?", [*values, limit]  # noqa: S608


def _conditions(wanted: RunFilter, before: str | None, letters: str) -> list[_Condition]:
    exactly = {
        "workflow": wanted.workflow,
        "workflow_id": wanted.workflow_id,
        "started_by": wanted.started_by,
        "parent_run_id": wanted.parent,
        "demo": None if wanted.demo is None else int(wanted.demo),
        "environment": wanted.environment,
    }
    found: list[_Condition] = [(f"{name} = ?", (value,)) for name, value in exactly.items() if value is not None]
    if wanted.plans:
        found.append(("plan_hash IS NOT NULL AND origin_run_id IS NULL AND parent_run_id IS NULL", ()))
    elif wanted.parent is None:
        found.append(("plan_hash IS NULL", ()))
    if wanted.without:
        found.append(hidden_condition(wanted.without))
    if before is not None:
        found.append(("run_id < ?", (before,)))
    if wanted.since is not None:  # the id begins with the time, and the rows are sorted by it
        found.append(("run_id >= ? AND queued_at >= ?", (_second_of(wanted.since), wanted.since)))
    if wanted.until is not None:
        found.append(("run_id < ? AND queued_at < ?", (f"{_second_of(wanted.until)}.", wanted.until)))
    if wanted.text:
        pattern = f"%{_LIKE_SIGNS.sub(_escaped, wanted.text.lower())}%"
        anywhere = f"(lower({_SEARCHED}{letters}) LIKE ? ESCAPE '/' OR item LIKE ? ESCAPE '/')"
        found.append((anywhere, (pattern, pattern)))
    return found


def _escaped(sign: re.Match[str]) -> str:
    return f"/{sign[0]}"


def _second_of(time: str) -> str:
    """Return the prefix shared by the ids of all runs of a second; "." sorts after the "-" that follows it."""
    return f"{time[:19].replace('-', '').replace(':', '')}Z"
