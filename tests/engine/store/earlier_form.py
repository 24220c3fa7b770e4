"""A release before this one, made up: the state that it leaves, and the step that brings it into today's form.

It lacks the kinds of runs and the index of calls by their type, as 0.1.0 does, and besides a column, an index and a
table. Each process that opens such a state imports this module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.store.sql.base import migrations
from engine.store.sql.base.tables import SCHEMA_VERSION, runs

if TYPE_CHECKING:
    from sqlalchemy import Connection

EARLIER = str(int(SCHEMA_VERSION) - 1)
_OF_02, _ = migrations.STEPS[EARLIER]
_LACKING = (
    "ALTER TABLE runs DROP COLUMN kind",
    "DROP INDEX effects_by_uses",
    "ALTER TABLE owners DROP COLUMN slots",
    "DROP INDEX runs_by_turn",
    "DROP TABLE debugging",
    f"UPDATE meta SET value = '{EARLIER}' WHERE key = 'schema_version'",
)


def make_earlier(execute: Callable[[str], object]) -> None:
    """Bring a database, of either kind, into the form of that release."""
    for statement in _LACKING:
        execute(statement)


def _step(connection: Connection) -> None:
    """Add the columns and the index; a table that is missing has been made before."""
    _OF_02(connection)
    connection.exec_driver_sql("ALTER TABLE owners ADD COLUMN slots BIGINT NOT NULL DEFAULT 0")
    next(index for index in runs.indexes if index.name == "runs_by_turn").create(connection, checkfirst=True)


migrations.STEPS[EARLIER] = (_step, SCHEMA_VERSION)
