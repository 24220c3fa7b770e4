"""The release after this one: `orchestra` whose state has one form more, with what forms have added so far.

While it brings a state into its form, it waits for a moment with all locks held, as if an index of many rows were
made.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import cli
from engine.store.postgres import database
from engine.store.sql.base import migrations
from engine.store.sql.base.tables import SCHEMA_VERSION

if TYPE_CHECKING:
    from sqlalchemy import Connection

NEXT = str(int(SCHEMA_VERSION) + 1)
SECONDS = 2.0
TABLES = ("runs", "events", "effects", "owners", "audit", "journal_marks")
"""Those that every worker reads and writes."""


def _step(connection: Connection) -> None:
    """Add a column to each table, an index, and a table."""
    for table in TABLES:
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN later BIGINT NOT NULL DEFAULT 1")
    connection.exec_driver_sql("CREATE INDEX runs_by_later ON runs (later, run_id) WHERE owner IS NULL")
    connection.exec_driver_sql("CREATE TABLE later (run_id TEXT PRIMARY KEY)")
    connection.exec_driver_sql(f"SELECT pg_sleep({SECONDS})")


def main() -> None:
    """Run a command of that release."""
    migrations.STEPS[SCHEMA_VERSION] = (_step, NEXT)
    for module in (database, migrations):
        vars(module)["SCHEMA_VERSION"] = NEXT
    sys.exit(cli.main(sys.argv[1:]))


if __name__ == "__main__":
    main()
