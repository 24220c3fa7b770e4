"""The rows of `trigger_items`: the items that each trigger has seen, and the outcome of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import structs
from sqlalchemy import and_, func, select

from engine.base.clock import timestamp
from engine.base.statuses import RunStatus
from engine.store.sql.base.database import StateDatabase
from engine.store.sql.base.tables import runs, trigger_items
from engine.store.triggering.triggers import DeadRecord, ItemRecord, TriggerKey

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

_AT_ONCE = 500
"""Ids per query: SQLite before 3.32 allows 999 parameters (https://www.sqlite.org/limits.html)."""


class SqlItems:
    """Reads and writes rows of `trigger_items`, from any thread."""

    def __init__(self, database: StateDatabase) -> None:
        self._database = database

    def unseen(self, key: TriggerKey, ids: Iterable[str]) -> list[str]:
        """Return the ids that the trigger has not seen, in the same order, without duplicates."""
        with self._database.reading() as connection:
            return unseen(connection, key, ids)

    def failing(self, key: TriggerKey, limit: int) -> list[ItemRecord]:
        """Return items that could not be read yet, the oldest first."""
        failing = _of(key) & (trigger_items.c.state == "failing")
        statement = trigger_items.select().where(failing).order_by(trigger_items.c.seen_at).limit(limit)
        with self._database.reading() as connection:
            return [ItemRecord(*row) for row in connection.execute(statement)]

    def count(self, key: TriggerKey) -> int:
        """Return how many items a trigger has seen."""
        with self._database.reading() as connection:
            statement = select(func.count()).select_from(trigger_items).where(_of(key))
            return int(connection.execute(statement).scalar_one())

    def dead_counts(self) -> dict[TriggerKey, int]:
        """Return, for each trigger, how many items could not become a run or became a failed one."""
        found = self._counted(select(*_KEY, func.count()).where(trigger_items.c.state == "dead").group_by(*_KEY))
        for key, count in self._counted(_failed(*_KEY, func.count()).group_by(*_KEY)).items():
            found[key] = found.get(key, 0) + count
        return found

    def left_out(self) -> dict[TriggerKey, Counter[str]]:
        """Return, for each trigger, how many items started no run, by reason."""
        columns = (*_KEY, trigger_items.c.note)
        statement = select(*columns, func.count()).where(trigger_items.c.state == "skipped").group_by(*columns)
        found: dict[TriggerKey, Counter[str]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(statement):
                found.setdefault(TriggerKey(*row[:4]), Counter())[row.note] = row[-1]
        return found

    def _counted(self, statement: Any) -> dict[TriggerKey, int]:
        with self._database.reading() as connection:
            return {TriggerKey(*row[:4]): row[-1] for row in connection.execute(statement)}

    def dead(self, workflow: str | None, limit: int, without: frozenset[str] = frozenset()) -> list[DeadRecord]:
        """Return dead items and items whose run failed, newest first; `without`: ids of workflows that are left out."""
        dead = trigger_items.select().where(trigger_items.c.state == "dead")
        found: list[DeadRecord] = []
        with self._database.reading() as connection:
            for statement in (dead, _failed(*trigger_items.c, runs.c.sentence)):
                chosen = statement if workflow is None else statement.where(trigger_items.c.workflow == workflow)
                shown = chosen.where(trigger_items.c.workflow.not_in(without)) if without else chosen
                newest = shown.order_by(trigger_items.c.seen_at.desc()).limit(limit)
                found += [_dead(row) for row in connection.execute(newest)]
        return sorted(found, key=lambda one: one.item.seen_at, reverse=True)[:limit]

    def find(self, workflow: str, trigger: str, item: str) -> ItemRecord | None:
        """Return an item. If several accounts have it, prefer one that needs attention, then the newest."""
        statement = trigger_items.select().where(
            (trigger_items.c.workflow == workflow)
            & (trigger_items.c.trigger == trigger)
            & (trigger_items.c.item == item)
        )
        with self._database.reading() as connection:
            found = [ItemRecord(*row) for row in connection.execute(statement)]
        return max(found, key=lambda one: (one.state == "dead", one.seen_at), default=None)

    def seen_since(self, key: TriggerKey, at: str) -> list[ItemRecord]:
        """Return what a trigger has seen since a time, ordered by run."""
        since = _of(key) & (trigger_items.c.seen_at >= at)
        with self._database.reading() as connection:
            rows = connection.execute(trigger_items.select().where(since).order_by(trigger_items.c.run_id))
            return [ItemRecord(*row) for row in rows]

    def dismiss(self, item: ItemRecord) -> None:
        """Mark an item as no longer needing attention."""
        with self._database.writing() as connection:
            connection.execute(trigger_items.update().where(_is(item)).values(state="dismissed"))

    def still_dead(self, item: ItemRecord, error: str, value: str | None) -> None:
        """Record why another attempt to make a run failed."""
        with self._database.writing() as connection:
            dead = _is(item) & (trigger_items.c.state == "dead")
            connection.execute(trigger_items.update().where(dead).values(error=error, value=value))

    def forget(self, trigger: str, workflow: str, before: datetime) -> None:
        """Delete items seen before a time: the cursor alone tells them from new ones."""
        old = (
            (trigger_items.c.workflow == workflow)
            & (trigger_items.c.trigger == trigger)
            & (trigger_items.c.seen_at < timestamp(before))
            & trigger_items.c.state.in_(("skipped", "started", "dismissed"))
        )
        with self._database.writing() as connection:
            connection.execute(trigger_items.delete().where(old))


def unseen(connection: Connection, key: TriggerKey, ids: Iterable[str]) -> list[str]:
    """Return the ids that a trigger has not seen, in the same order, without duplicates."""
    asked = list(dict.fromkeys(ids))
    known: set[str] = set()
    for begin in range(0, len(asked), _AT_ONCE):
        same = _of(key) & trigger_items.c.item.in_(asked[begin : begin + _AT_ONCE])
        known.update(connection.execute(select(trigger_items.c.item).where(same)).scalars())
    return [one for one in asked if one not in known]


def take_failing(connection: Connection, key: TriggerKey, ids: Sequence[str]) -> None:
    """Delete failing items, in the transaction that stores their outcome."""
    for begin in range(0, len(ids), _AT_ONCE):
        some = trigger_items.c.item.in_(ids[begin : begin + _AT_ONCE])
        connection.execute(trigger_items.delete().where(_of(key) & some & (trigger_items.c.state == "failing")))


def keep(connection: Connection, items: Sequence[ItemRecord]) -> None:
    """Add the items of a poll, in the transaction that stores their runs."""
    if items:
        connection.execute(trigger_items.insert(), [one._asdict() for one in items])


def revive(connection: Connection, item: ItemRecord, run_id: str) -> bool:
    """Give a dead item its run; return False if somebody else was faster."""
    dead = _is(item) & (trigger_items.c.state == "dead")
    values = {"state": "started", "run_id": run_id, "error": None, "value": None}
    return connection.execute(trigger_items.update().where(dead).values(**values)).rowcount == 1


_KEY = (trigger_items.c.workflow, trigger_items.c.trigger, trigger_items.c.account, trigger_items.c.source)


def _failed(*columns: Any) -> Any:
    same_run = trigger_items.c.run_id == runs.c.run_id
    is_failed = (runs.c.status == RunStatus.FAILED) & runs.c.started_by.startswith("trigger:")
    # Few runs have failed, and nearly all items have started one: this expression keeps SQLite from using that index.
    has_started = trigger_items.c.state.concat("") == "started"
    # What a person has rejected needs nobody. A key of `Counts`: inside a text, its quotes would be escaped.
    is_rejected = runs.c.counts.like('%"rejected":%')
    return (
        select(*columns).select_from(trigger_items.join(runs, same_run)).where(is_failed & has_started & ~is_rejected)
    )


def _of(key: TriggerKey) -> ColumnElement[bool]:
    return and_(*(trigger_items.c[name] == value for name, value in structs.asdict(key).items()))


def _is(item: ItemRecord) -> ColumnElement[bool]:
    return and_(_of(item.key), trigger_items.c.item == item.item)


def _dead(row: Any) -> DeadRecord:
    *columns, sentence = (*row, None) if len(row) == len(ItemRecord._fields) else row
    return DeadRecord(ItemRecord(*columns), sentence)
