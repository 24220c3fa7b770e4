"""Runs that have ended, for triggers that watch the workspace itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from engine.names import RUN_ID
from engine.store.database import Database
from engine.store.run_rows import is_on_its_own
from engine.store.tables import runs, trigger_items

if TYPE_CHECKING:
    from sqlalchemy import Connection

_COLUMNS = (
    runs.c.run_id, runs.c.workflow, runs.c.title, runs.c.status, runs.c.sentence, runs.c.started_by, runs.c.ended_at,
    runs.c.demo, runs.c.end_number,
)  # fmt: skip
_DEEPEST = 32
_AT_ONCE = 500
"""So many ids in one query: SQLite has a limit."""


class EndedRuns:
    """Reads the list of runs; any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def since(self, number: int, limit: int, *, demo: bool) -> list[dict[str, Any]]:
        """Return runs whose end has this number or a later one, in the order of these numbers; tests left out.

        More than `limit` only where ends share the last number: those that an earlier release stored, or a log told
        of, are numbered by their times. Runs that others called are left out, too: they are a part of those. `chain`:
        the workflows of the runs that stand in a row before it, each started by the end of the one before; the
        nearest first.
        """
        statement = ended_since(number, demo=demo)
        with self._database.reading() as connection:
            rows = list(connection.execute(statement.limit(limit)).mappings())
            if len(rows) == limit:
                last = rows[-1]
                same = (runs.c.end_number == last["end_number"]) & (runs.c.run_id > last["run_id"])
                rows += connection.execute(statement.where(same)).mappings()
            reasons = _reasons(connection, [row["run_id"] for row in rows])
            return [
                {**row, "demo": bool(row["demo"]), "chain": _chain(connection, reasons.get(row["run_id"]))}
                for row in rows
            ]

    def last(self) -> int:
        """Return the highest end number of any run, 0 where none has ended."""
        highest = select(func.max(runs.c.end_number)).where(runs.c.end_number.is_not(None))
        with self._database.reading() as connection:
            return connection.execute(highest).scalar() or 0


def ended_since(number: int, *, demo: bool) -> Any:
    """Return the statement that lists those runs; it reads off the index by number, as no other fits all conditions."""
    has_ended = (runs.c.end_number >= number) & (runs.c.ended_at + "" != "")
    wanted = has_ended & (runs.c.is_test == 0) & (runs.c.demo + 0 == int(demo)) & is_on_its_own()
    return select(*_COLUMNS).where(wanted).order_by(runs.c.end_number, runs.c.run_id)


def _reasons(connection: Connection, run_ids: Sequence[str]) -> dict[str, str]:
    """Return {run: the item that it was started for}, of all in a few queries: most runs were started by no end."""
    columns, found = select(trigger_items.c.run_id, trigger_items.c.item), {}
    for begin in range(0, len(run_ids), _AT_ONCE):
        some = trigger_items.c.run_id.in_(run_ids[begin : begin + _AT_ONCE])
        found.update({row.run_id: row.item for row in connection.execute(columns.where(some))})
    return found


def _chain(connection: Connection, item: str | None) -> list[str]:
    """Return the workflows of the runs whose ends led to this item. One that is a run's end begins with its id."""
    found: list[str] = []
    while len(found) < _DEEPEST:
        run_id = str(item).partition("@")[0]
        if item is None or not RUN_ID.match(run_id):
            break
        found.append(connection.execute(select(runs.c.workflow).where(runs.c.run_id == run_id)).scalar() or "")
        item = _reasons(connection, [run_id]).get(run_id)
    return found
