"""A transaction of a journal on PostgreSQL whose connection is lost at its end is made exactly once."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from engine.base.clock import utc_now
from engine.base.errors import StorageError
from engine.store.journal import JournalBroken
from engine.store.postgres.connection import Server
from engine.store.postgres.database import PostgresStateDatabase
from engine.store.postgres.journal import PostgresJournalConnection
from engine.store.postgres.server import address
from engine.store.sql.base.database import Cursor
from engine.store.sql.journal import SqlJournal
from engine.store.sql.workers.owners import SqlOwner
from tests import postgres
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.service


@pytest.fixture
def database() -> Iterator[PostgresStateDatabase]:
    with postgres.schema() as url, closing(PostgresStateDatabase(url)) as opened:
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
    database: PostgresStateDatabase, *, is_heard: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = database.journal()
    connected, cut = PostgresJournalConnection._connected, iter([True])

    def breaking(self: PostgresJournalConnection) -> Any:
        found = connected(self)
        return _Cut(found, is_heard=is_heard) if next(cut, False) else found

    monkeypatch.setattr(PostgresJournalConnection, "_connected", breaking)
    calls = 0

    def work(cursor: Cursor) -> int:
        nonlocal calls
        calls += 1
        cursor.execute("INSERT INTO settings VALUES (?, '1')", (f"key {calls}",))
        return calls

    made = connection.commit(("SELECT 1", ()), work)
    with database.asking() as cursor:
        assert cursor.execute("SELECT key FROM settings").fetchall() == [(f"key {made}",)]
    assert calls == (1 if is_heard else 2)
    connection.close()


def test_a_server_that_is_silent_is_not_waited_for_by_every_question() -> None:
    """They come one after the other on the loop, which would stand still for the sum of their waits."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        url = f"postgresql://me@127.0.0.1:{port}/it?connect_timeout=2&sslmode=disable"
        journal = PostgresJournalConnection(Server(address.ServerAddress(url), 1), lambda: None)
        for _ in range(3):
            with pytest.raises(StorageError, match="timeout expired"):
                journal.read("SELECT 1", ())
        journal.close()
        asked = 0
        silent.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                silent.accept()[0].close()
                asked += 1
    assert asked == 1


def test_what_was_added_behind_a_batch_that_is_lost_leaves_no_gap(
    database: PostgresStateDatabase, tmp_path: Path
) -> None:
    owner = SqlOwner(database, tmp_path, "test", utc_now)
    begun, may_fail = threading.Event(), threading.Event()

    def fails(_cursor: Cursor) -> None:
        begun.set()
        may_fail.wait(PATIENCE_SECONDS)
        raise StorageError("The server is away.")

    async def work(*, closes: bool) -> None:
        journal = SqlJournal(database, owner.id)
        journal.append("run", 1, "{}")
        journal.change(fails)
        await asyncio.to_thread(begun.wait, PATIENCE_SECONDS)
        journal.append("run", 2, "{}")  # while the thread is at the first
        may_fail.set()
        if not closes:
            with pytest.raises(JournalBroken):
                await journal.committed("run")
        journal.close()

    for closes in (False, True):
        begun.clear()
        may_fail.clear()
        asyncio.run(work(closes=closes))
        with database.asking() as cursor:
            assert cursor.execute("SELECT number FROM events").fetchall() == []
    owner.release()


def test_a_process_that_is_about_to_end_repeats_nothing_for_long(database: PostgresStateDatabase) -> None:
    connection = database.journal()
    calls: list[float] = []

    def work(_cursor: Cursor) -> None:
        calls.append(time.monotonic())
        raise psycopg.errors.AdminShutdown("ended by an administrator")

    threading.Timer(0.5, connection.hurry).start()
    with pytest.raises(StorageError):
        connection.commit(("SELECT 1", ()), work)
    assert len(calls) > 2
    assert calls[-1] - calls[0] < 5
    connection.close()


def test_what_the_server_has_refused_again_and_again_can_be_committed_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver prepares what it often sends, and takes it for prepared even if the server has left that out."""
    monkeypatch.setattr(address, "_SETTINGS", f"{address._SETTINGS}; SET lock_timeout = '50ms'")
    with postgres.schema() as url, closing(PostgresStateDatabase(url)) as database:
        connection = database.journal()

        def work(cursor: Cursor) -> None:
            cursor.execute("INSERT INTO settings VALUES (?, '1') ON CONFLICT (key) DO NOTHING", ("a key",))

        def insert() -> None:
            with database.inserting() as cursor:
                work(cursor)

        def commit() -> None:
            connection.commit(("SELECT 1", ()), work)

        for committed in (commit, insert):
            committed()  # what was never accepted is not prepared
            with database.address.connect() as other:
                database.server.begin(other)
                for _ in range(8):
                    with pytest.raises(StorageError, match="lock timeout"):
                        committed()
                other.execute("ROLLBACK")
            for _ in range(8):
                committed()
        with database.asking() as cursor:
            assert cursor.execute("SELECT key FROM settings").fetchall() == [("a key",)]
        connection.close()
