"""The rows of `trigger_items`: what each trigger has seen, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select

from engine.names import timestamp
from engine.store.database import Database
from engine.store.tables import runs, trigger_items
from engine.triggering.rows import Key, key_of

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Row

_AT_ONCE = 500
"""So many ids in one query: SQLite has a limit."""
_LISTED = 200


class ItemRows:
    """Reads and writes rows of `trigger_items`, from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unseen(self, key: Key, ids: Iterable[str]) -> list[str]:
        """Return those of the ids that the trigger has not seen, in the same order, each once."""
        with self._database.reading() as connection:
            return unseen(connection, key, ids)

    def count(self, key: Key) -> int:
        """Return how many things a trigger has seen."""
        with self._database.reading() as connection:
            statement = select(func.count()).select_from(trigger_items).where(_of(key))
            return int(connection.execute(statement).scalar_one())

    def dead_counts(self) -> dict[Key, int]:
        """Return how many things of each trigger could not become a run, or became one that failed."""
        found = self._counted(select(*_KEY, func.count()).where(trigger_items.c.state == "dead").group_by(*_KEY))
        for key, count in self._counted(_failed(*_KEY, func.count()).group_by(*_KEY)).items():
            found[key] = found.get(key, 0) + count
        return found

    def left_out(self) -> dict[Key, Counter[str]]:
        """Return how many things of each trigger started no run, by why."""
        columns = (*_KEY, trigger_items.c.note)
        statement = select(*columns, func.count()).where(trigger_items.c.state == "skipped").group_by(*columns)
        found: dict[Key, Counter[str]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(statement):
                found.setdefault(key_of(row), Counter())[row.note] = row[-1]
        return found

    def _counted(self, statement: Any) -> dict[Key, int]:
        with self._database.reading() as connection:
            return {key_of(row): row[-1] for row in connection.execute(statement)}

    def dead(self, workflow: str | None, limit: int = _LISTED) -> list[Row[Any]]:
        """Return dead items (`run_id` None) and started ones whose run failed, newest first."""
        dead = trigger_items.select().where(trigger_items.c.state == "dead")
        found = []
        with self._database.reading() as connection:
            for statement in (dead, _failed(*trigger_items.c)):
                chosen = statement if workflow is None else statement.where(trigger_items.c.workflow == workflow)
                newest = chosen.order_by(trigger_items.c.seen_at.desc()).limit(limit)
                found += list(connection.execute(newest))
        return sorted(found, key=lambda row: str(row.seen_at), reverse=True)[:limit]

    def find(self, workflow: str, trigger: str, item: str) -> Row[Any] | None:
        """Return the row of a thing; where several accounts know it, the one that needs somebody, else the newest."""
        statement = trigger_items.select().where(
            (trigger_items.c.workflow == workflow)
            & (trigger_items.c.trigger == trigger)
            & (trigger_items.c.item == item)
        )
        with self._database.reading() as connection:
            rows = list(connection.execute(statement))
        return max(rows, key=lambda row: (row.state == "dead", row.seen_at), default=None)

    def dismiss(self, row: Row[Any]) -> None:
        """Say that nobody needs to look after a thing any more."""
        with self._database.writing() as connection:
            connection.execute(trigger_items.update().where(_is(row)).values(state="dismissed"))

    def still_dead(self, row: Row[Any], error: str, value: str | None) -> None:
        """Keep why another try did not make it a run either."""
        with self._database.writing() as connection:
            dead = _is(row) & (trigger_items.c.state == "dead")
            connection.execute(trigger_items.update().where(dead).values(error=error, value=value))

    def forget(self, trigger: str, workflow: str, before: datetime) -> None:
        """Forget things that were seen before a time: the cursor alone tells them from new ones."""
        old = (
            (trigger_items.c.workflow == workflow)
            & (trigger_items.c.trigger == trigger)
            & (trigger_items.c.seen_at < timestamp(before))
            & trigger_items.c.state.in_(("skipped", "started", "dismissed"))
        )
        with self._database.writing() as connection:
            connection.execute(trigger_items.delete().where(old))


def unseen(connection: Connection, key: Key, ids: Iterable[str]) -> list[str]:
    """Return those of the ids that a trigger has not seen, in the same order, each once."""
    asked = list(dict.fromkeys(ids))
    known: set[str] = set()
    for begin in range(0, len(asked), _AT_ONCE):
        same = _of(key) & trigger_items.c.item.in_(asked[begin : begin + _AT_ONCE])
        known.update(connection.execute(select(trigger_items.c.item).where(same)).scalars())
    return [one for one in asked if one not in known]


def keep(connection: Connection, key: Key, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add things that a look has found, in the transaction that stores their runs."""
    if rows:
        connection.execute(trigger_items.insert(), [{**_NOTHING, **vars(key), **row} for row in rows])


def revive(connection: Connection, row: Row[Any], run_id: str) -> bool:
    """Say that a dead item has a run after all; False where somebody was faster."""
    dead = _is(row) & (trigger_items.c.state == "dead")
    values = {"state": "started", "run_id": run_id, "error": None, "value": None}
    return connection.execute(trigger_items.update().where(dead).values(**values)).rowcount == 1


_KEY = (trigger_items.c.workflow, trigger_items.c.trigger, trigger_items.c.account, trigger_items.c.source)
_NOTHING = {"run_id": None, "title": "", "item_at": None, "note": "", "error": None, "value": None}


def _failed(*columns: Any) -> Any:
    same_run = trigger_items.c.run_id == runs.c.run_id
    is_failed = (runs.c.status == "failed") & runs.c.started_by.startswith("trigger:")
    # Few runs have failed, and nearly all things have started one: this expression keeps its index out of it.
    has_started = trigger_items.c.state.concat("") == "started"
    return select(*columns).select_from(trigger_items.join(runs, same_run)).where(is_failed & has_started)


def _of(key: Key) -> ColumnElement[bool]:
    return and_(*(trigger_items.c[name] == value for name, value in vars(key).items()))


def _is(row: Row[Any]) -> ColumnElement[bool]:
    return and_(_of(key_of(row)), trigger_items.c.item == row.item)
