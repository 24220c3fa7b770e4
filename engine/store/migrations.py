"""Brings a state.db of an earlier release into today's form, inside the transaction that opens it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.store.tables import runs

if TYPE_CHECKING:
    from sqlalchemy import Connection

SCHEMA_VERSION = "4"
"""The form of state.db that this release writes."""


def _from_1(connection: Connection) -> None:
    """Writes know who is about to send them and how often they were undone, owners how long they may be silent."""
    connection.exec_driver_sql("ALTER TABLE effects ADD COLUMN owner TEXT")
    connection.exec_driver_sql("ALTER TABLE owners ADD COLUMN lease_seconds FLOAT NOT NULL DEFAULT 30")
    connection.exec_driver_sql("ALTER TABLE effects ADD COLUMN generation INTEGER NOT NULL DEFAULT 0")


def _from_2(connection: Connection) -> None:
    """The list of runs marks test runs, and finds its newest by any filter without reading the others."""
    connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN is_test INTEGER NOT NULL DEFAULT 0")
    for index in runs.indexes:
        if index.name != "runs_by_lane":  # its column comes later
            index.create(connection, checkfirst=True)


def _from_3(connection: Connection) -> None:
    """Runs that triggers have queued wait for their turns."""
    connection.exec_driver_sql("ALTER TABLE runs ADD COLUMN lane TEXT")
    for index in runs.indexes:
        index.create(connection, checkfirst=True)


_STEPS: dict[str, tuple[Callable[[Connection], None], str]] = {
    "1": (_from_1, "2"),
    "2": (_from_2, "3"),
    "3": (_from_3, "4"),
}


def migrated(connection: Connection, found: str) -> str:
    """Bring the tables from the form `found` on as far as we know the way; return the form that they have then."""
    while found in _STEPS:
        change, found = _STEPS[found]
        change(connection)
    return found
