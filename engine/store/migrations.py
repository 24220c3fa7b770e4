"""Brings a state.db of an earlier release into today's form, inside the transaction that opens it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import text

from engine.store.tables import runs, triggers

if TYPE_CHECKING:
    from sqlalchemy import Connection

SCHEMA_VERSION = "5"
"""The form of state.db that this release writes."""


def _milliseconds(time: str) -> str:
    """Write the milliseconds since 1970 of a time in SQL."""
    return f"CAST(round((julianday({time}) - 2440587.5) * 86400000) AS INTEGER)"


def _from_1(connection: Connection) -> None:
    """Writes know who is about to send them and how often they were undone, owners how long they may be silent."""
    connection.exec_driver_sql("ALTER TABLE effects ADD COLUMN owner TEXT")
    connection.exec_driver_sql("ALTER TABLE owners ADD COLUMN lease_seconds FLOAT NOT NULL DEFAULT 30")
    connection.exec_driver_sql("ALTER TABLE effects ADD COLUMN generation INTEGER NOT NULL DEFAULT 0")


def _from_2(connection: Connection) -> None:
    """The list of runs marks test runs, and finds its newest by any filter without reading the others."""
    connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN is_test INTEGER NOT NULL DEFAULT 0")
    for index in runs.indexes:
        if index.name not in ("runs_by_lane", "runs_by_end_number"):  # their columns come later
            index.create(connection, checkfirst=True)


def _from_3(connection: Connection) -> None:
    """Runs that triggers have queued wait for their turns."""
    connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN lane TEXT")
    _create_index(connection, "runs_by_lane")


_ENDED_AT, _BEGAN_AT = (_milliseconds(f"json_extract(cursor, '$.{name}')") for name in ("ended_at", "began_at"))
_OLD_CURSORS = {
    # An hour of ends was listed again, but for what ended before the trigger began; what has started a run is known.
    "workflow.finished": f"json_object('number', max({_BEGAN_AT}, {_ENDED_AT} - 3600000))",
    "github.release": "json_set(cursor, '$.from', turned_on_at, '$.etag', '')",
    "github.mention": "json_set(cursor, '$.reached', '')",
    "github.review_request": "json_set(cursor, '$.reached', '')",
}


def _from_4(connection: Connection) -> None:
    """Ends of runs are numbered as they are stored, earlier ones by their times; some cursors know more."""
    connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN end_number INTEGER")
    connection.execute(runs.update().values(end_number=text(_milliseconds("ended_at"))))
    _create_index(connection, "runs_by_end_number")
    for uses, cursor in _OLD_CURSORS.items():
        known = (triggers.c.uses == uses) & triggers.c.cursor.is_not(None)
        connection.execute(triggers.update().where(known).values(cursor=text(cursor)))


def _create_index(connection: Connection, name: str) -> None:
    next(index for index in runs.indexes if index.name == name).create(connection, checkfirst=True)


_STEPS: dict[str, tuple[Callable[[Connection], None], str]] = {
    "1": (_from_1, "2"),
    "2": (_from_2, "3"),
    "3": (_from_3, "4"),
    "4": (_from_4, "5"),
}


def migrated(connection: Connection, found: str) -> str:
    """Bring the tables from the form `found` on as far as we know the way; return the form that they have then."""
    while found in _STEPS:
        change, found = _STEPS[found]
        change(connection)
    return found
