"""A database on the PostgreSQL server that tests use one after the other: its tables are made once, and emptied."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cache

from engine.store.postgres.database import PostgresStateDatabase
from engine.store.sql.base.tables import meta, metadata
from tests import postgres


@contextmanager
def emptied() -> Iterator[PostgresStateDatabase]:
    """Open the database of this process, with nothing in it."""
    with closing(PostgresStateDatabase(_address())) as database:
        with database.writing() as connection:
            known = [row._asdict() for row in connection.execute(meta.select())]
        yield database
    with closing(PostgresStateDatabase(_address())) as database, database.writing() as connection:
        there = connection.exec_driver_sql("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        others = [name for (name,) in there if name not in metadata.tables]
        for name in [*(table.name for table in reversed(metadata.sorted_tables)), *others]:
            connection.exec_driver_sql(f'DELETE FROM "{name}"')
        connection.execute(meta.insert(), known)


@cache
def _address() -> str:
    """Make the schema of this process, which is dropped when it ends."""
    opening = ExitStack()
    atexit.register(opening.close)
    return opening.enter_context(postgres.schema())
