"""The index row of each run: enough to list, find and own runs without opening their logs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, or_, select

from engine.errors import InUse, UnknownName
from engine.names import milliseconds_of, moment_of
from engine.runs.request_keys import Request, earlier_run
from engine.store.database import Database, cursor_of
from engine.store.tables import effects, events, owners, runs

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Row

OPEN = ("queued", "running", "waiting", "interrupted")
_TEST = frozenset({"only", "pins"})


def is_test(options: Mapping[str, Any]) -> bool:
    """Tell whether a run with these options is a test run: not all of its workflow really runs."""
    return not _TEST.isdisjoint(options)


@dataclass(frozen=True)
class RunFilter:
    """Which runs to list; None and () mean any. `since` and `until` (not included) are RFC 3339 texts in UTC."""

    statuses: tuple[str, ...] = ()
    workflow: str | None = None
    started_by: str | None = None
    parent: str | None = None
    """The run that called them."""
    text: str | None = None
    since: str | None = None
    until: str | None = None
    demo: bool | None = None


@dataclass(frozen=True)
class InFlight:
    """A write that may be on its way to a service just now."""

    run_id: str
    path: str
    uses: str


_SEARCHED = (runs.c.sentence, runs.c.run_id, runs.c.title, runs.c.workflow)
_LISTED = [column for column in runs.c if column.name not in ("acceptance", "log")]
"""All but the long texts: what a run was accepted with is not read for a line of the list."""


_ACCEPTED = (
    "INSERT INTO runs (run_id, workflow, title, status, demo, started_by, origin_run_id, parent_run_id, queued_at,"
    " sentence, counts, owner, cancel_requested, is_test, acceptance)"
    " VALUES (?, ?, ?, 'queued', ?, ?, ?, ?, ?, '', '{}', ?, 0, ?, ?)"
)


_LIST = "`orchestra runs list` shows what there is."
_REMOVED = (
    "It was removed, as `retention` says or by hand. What it wrote is remembered, so that nothing is written twice, and"
    " can only be undone in the services themselves."
)


def insert_accepted(cursor: sqlite3.Cursor, acceptance: Mapping[str, Any], title: str, owner: str) -> None:
    """Store an accepted run in a transaction of the journal."""
    first = ("run_id", "workflow")
    then = ("started_by", "origin_run_id", "parent_run_id", "queued_at")
    values = (
        *(acceptance[name] for name in first),
        title,
        int(acceptance["demo"]),
        *(acceptance[name] for name in then),
        owner,
        int(is_test(acceptance["options"])),
        json.dumps(acceptance, ensure_ascii=False),
    )
    cursor.execute(_ACCEPTED, values)


def is_on_its_own() -> ColumnElement[bool]:
    """Choose runs that no other run called. No index is meant to serve this: nearly all runs are such."""
    return func.coalesce(runs.c.parent_run_id, "") == ""


class RunRows:
    """Reads and writes rows of `runs`, from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_request(self, request: Request) -> str | None:
        """Return the run that this request started before. Raises InUse where its key came with something else."""
        with self._database.reading() as connection:
            return earlier_run(cursor_of(connection), request)

    def get(self, run_id: str) -> Row[Any] | None:
        """Return the row of a run."""
        with self._database.reading() as connection:
            return connection.execute(runs.select().where(runs.c.run_id == run_id)).first()

    def unknown(self, run_id: str) -> UnknownName:
        """Return what to raise for a run that is not there: where it has written, it was there and was removed."""
        wrote = select(effects.c.identity).where(effects.c.run_id == run_id).limit(1)
        with self._database.reading() as connection:
            is_removed = connection.execute(wrote).first() is not None
        return UnknownName(
            "run", run_id, remedy=_REMOVED if is_removed else "`orchestra runs list` shows what there is."
        )

    def caller(self, run_id: str) -> Row[Any] | None:
        """Return the row of the run that called this one, None where none did."""
        called = select(runs.c.parent_run_id).where(runs.c.run_id == run_id).scalar_subquery()
        with self._database.reading() as connection:
            return connection.execute(runs.select().where(runs.c.run_id == called)).first()

    def with_events(self, run_id: str) -> tuple[Row[Any] | None, list[dict[str, Any]]]:
        """Return the row of a run and its events in order (none once it has ended), both of one moment."""
        statement = events.select().where(events.c.run_id == run_id).order_by(events.c.number)
        with self._database.reading() as connection:
            connection.exec_driver_sql("BEGIN")
            row = connection.execute(runs.select().where(runs.c.run_id == run_id)).first()
            texts = [one.event for one in connection.execute(statement)]
            connection.exec_driver_sql("COMMIT")  # where it does not come to this, the pool takes the BEGIN back
        return row, [json.loads(text) for text in texts]

    def page(self, wanted: RunFilter, before: str | None, limit: int) -> list[Row[Any]]:
        """Return at most `limit` rows without their acceptance, newest first, older than run id `before`."""
        statement = select(*_LISTED).order_by(runs.c.run_id.desc()).limit(limit)
        for condition in _conditions(wanted, before):
            statement = statement.where(condition)
        # One look for each status: only so the newest of several are read off the end of the index.
        ways = [statement.where(runs.c.status == status) for status in wanted.statuses] or [statement]
        with self._database.reading() as connection:
            found = [connection.execute(way).all() for way in ways]
        return list(islice(merge(*found, key=lambda row: str(row.run_id), reverse=True), limit))

    def reopen(
        self, acceptance: Mapping[str, Any], event_texts: list[str], owner: str, title: str | None = None
    ) -> bool:
        """Make an ended run open again, with these events as what it has done; False where it has not ended.

        `title`: of its workflow, where that is another one now.
        """
        run_id = acceptance["run_id"]
        with self._database.writing() as connection:
            ended = (runs.c.run_id == run_id) & runs.c.ended_at.is_not(None)
            values = {"status": "queued", "ended_at": None, "owner": owner, "cancel_requested": 0, "due_at": None}
            if title is not None:
                values["title"] = title
            text = json.dumps(acceptance, ensure_ascii=False)
            if connection.execute(runs.update().where(ended).values(**values, acceptance=text)).rowcount == 0:
                return False
            _replace_events(connection, run_id, event_texts)
            return True

    def redefine(self, acceptance: Mapping[str, Any], title: str, owner: str, event_text: str) -> None:
        """Give an open run of an owner another definition, and write that down among its events. Raises InUse."""
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
        """Leave an open run of an owner for somebody to resume."""
        with self._database.writing() as connection:
            mine = (runs.c.run_id == run_id) & (runs.c.owner == owner) & runs.c.ended_at.is_(None)
            connection.execute(runs.update().where(mine).values(status="interrupted", owner=None))

    def ask_to_cancel(self, run_id: str) -> None:
        """Ask the owner of a run to cancel it."""
        with self._database.writing() as connection:
            connection.execute(runs.update().where(runs.c.run_id == run_id).values(cancel_requested=1))

    def in_flight(self, run_id: str) -> list[InFlight]:
        """Return the writes of a run, and of the open runs that it called, whose intent has no receipt yet."""
        with self._database.reading() as connection:
            found = reached = [run_id]
            while reached:
                called = runs.c.parent_run_id.in_(reached) & runs.c.ended_at.is_(None)
                reached = list(connection.execute(select(runs.c.run_id).where(called)).scalars())
                found = [*found, *reached]
            intended = effects.c.run_id.in_(found) & (effects.c.state == "intent")
            rows = connection.execute(select(effects.c.run_id, effects.c.path, effects.c.uses).where(intended)).all()
        return [InFlight(*row) for row in rows]

    def owner(self, owner: str) -> Row[Any] | None:
        """Return the row of an owner; None once its runs were taken over."""
        with self._database.reading() as connection:
            return connection.execute(owners.select().where(owners.c.owner == owner)).first()

    def last_event(self, run_id: str) -> int:
        """Return the number of the newest event of a run, 0 where there is none."""
        with self._database.reading() as connection:
            statement = select(func.max(events.c.number)).where(events.c.run_id == run_id)
            return connection.execute(statement).scalar() or 0

    def ended_ids(self) -> set[str]:
        """Return the ids of all runs that have ended."""
        with self._database.reading() as connection:
            return set(connection.execute(select(runs.c.run_id).where(runs.c.ended_at.is_not(None))).scalars())

    def drop_ended(self, run_ids: Iterable[str]) -> None:
        """Take these runs off the list where they have ended."""
        with self._database.writing() as connection:
            for run_id in run_ids:
                connection.execute(runs.delete().where((runs.c.run_id == run_id) & runs.c.ended_at.is_not(None)))


def restore_ended(connection: Connection, row: Mapping[str, Any]) -> None:
    """List an ended run; one that is open meanwhile stays as it is."""
    known = connection.execute(select(runs.c.ended_at).where(runs.c.run_id == row["run_id"])).first()
    if known is None:
        number = milliseconds_of(moment_of(row["ended_at"]))
        connection.execute(runs.insert().values(**row, end_number=number))
    elif known.ended_at is not None:
        connection.execute(runs.update().where(runs.c.run_id == row["run_id"]).values(**row))


def restore_open(connection: Connection, row: Mapping[str, Any], event_texts: Sequence[str]) -> bool:
    """List a run that has not ended, with what it has done, for somebody to resume; False where it is known."""
    known = connection.execute(select(runs.c.run_id).where(runs.c.run_id == row["run_id"])).first()
    if known is None:
        connection.execute(runs.insert().values(**row))
        _replace_events(connection, row["run_id"], event_texts)
    return known is None


def _replace_events(connection: Connection, run_id: str, event_texts: Sequence[str]) -> None:
    connection.execute(events.delete().where(events.c.run_id == run_id))
    rows = [{"run_id": run_id, "number": n, "event": text} for n, text in enumerate(event_texts, start=1)]
    if rows:
        connection.execute(events.insert(), rows)


def _conditions(wanted: RunFilter, before: str | None) -> list[Any]:
    exactly = {
        runs.c.workflow: wanted.workflow,
        runs.c.started_by: wanted.started_by,
        runs.c.parent_run_id: wanted.parent,
        runs.c.demo: None if wanted.demo is None else int(wanted.demo),
    }
    found: list[Any] = [column == value for column, value in exactly.items() if value is not None]
    if before is not None:
        found.append(runs.c.run_id < before)
    if wanted.since is not None:  # the id begins with the time, and is what the rows are sorted by
        found += [runs.c.run_id >= _second_of(wanted.since), runs.c.queued_at >= wanted.since]
    if wanted.until is not None:
        found += [runs.c.run_id < f"{_second_of(wanted.until)}.", runs.c.queued_at < wanted.until]
    if wanted.text:  # SQLite's LIKE takes no notice of case by itself
        found.append(or_(*(column.contains(wanted.text, autoescape=True) for column in _SEARCHED)))
    return found


def _second_of(time: str) -> str:
    """Return what the ids of the runs of a second begin with; "." sorts after the "-" that follows it there."""
    return f"{time[:19].replace('-', '').replace(':', '')}Z"
