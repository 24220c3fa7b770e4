"""A transaction of a journal on PostgreSQL whose connection is lost at its end is made exactly once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from engine.store.postgres.database import PostgresDatabase
from engine.store.postgres.journal import PostgresJournalConnection
from engine.store.sql.base.database import Cursor
from tests import postgres

pytestmark = pytest.mark.service


@pytest.fixture
def database() -> Iterator[PostgresDatabase]:
    with postgres.schema() as url, closing(PostgresDatabase(url)) as opened:
        yield opened


class _Cut:
    """A connection that is lost before or after the server has heard the first COMMIT."""

    def __init__(self, connection: psycopg.Connection[Any], *, is_heard: bool) -> None:
        self._connection, self._is_heard = connection, is_heard

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, statement: str, *more: Any) -> Any:
        if statement == "COMMIT":
            if self._is_heard:
                with self._connection.pipeline():  # its end waits for the answer
                    self._connection.execute(statement)
            self._connection.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return self._connection.execute(statement, *more)


@pytest.mark.parametrize("is_heard", [True, False])
def test_what_was_committed_without_an_answer_is_not_committed_again(
    database: PostgresDatabase, *, is_heard: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = database.journal()
    connected, cut = PostgresJournalConnection._connected, iter([True])

    def breaking(self: PostgresJournalConnection) -> Any:
        found = connected(self)
        return _Cut(found, is_heard=is_heard) if next(cut, False) else found

    monkeypatch.setattr(PostgresJournalConnection, "_connected", breaking)
    calls = 0

    def work(cursor: Cursor, _row: object) -> int:
        nonlocal calls
        calls += 1
        cursor.execute("INSERT INTO settings VALUES (?, '1')", (f"key {calls}",))
        return calls

    made = connection.commit(("SELECT 1", ()), work)
    with database.asking() as cursor:
        assert cursor.execute("SELECT key FROM settings").fetchall() == [(f"key {made}",)]
    assert calls == (1 if is_heard else 2)
    connection.close()
