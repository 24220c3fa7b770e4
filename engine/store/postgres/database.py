"""The state on a server: one transaction writes at a time, as in a file, so that both keep the same promises."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from engine.base.errors import StorageError
from engine.store.postgres.announcements import NotifiedAnnouncements
from engine.store.postgres.broadcast import PostgresBroadcast
from engine.store.postgres.connection import PostgresCursor, Server, key_of
from engine.store.postgres.journal import PostgresJournalConnection
from engine.store.postgres.locks import PostgresLocks
from engine.store.postgres.reports import create_log_views, create_views
from engine.store.postgres.server.address import ReadOnly, ServerAddress, storage_errors
from engine.store.postgres.server.pool import PostgresPool, roll_back
from engine.store.postgres.texts import TABLE, PostgresTexts
from engine.store.sql.base.announcements import Announcements
from engine.store.sql.base.database import Cursor
from engine.store.sql.base.facts import ANNOUNCEMENTS, UNREAD_LOGS, SharedFacts, put_fact
from engine.store.sql.base.migrations import migrated, require_our_form
from engine.store.sql.base.tables import (
    PARTS_FAILED_POSTGRES,
    SCHEMA_VERSION,
    meta,
    metadata,
    set_postgres_conditions,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_MOST_ASKERS = 3
_OWN_NAME = meta.select().where(meta.c.key == ANNOUNCEMENTS)
_FORM = meta.select().where(meta.c.key == "schema_version")
_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_MARKS = (
    "CREATE TABLE IF NOT EXISTS journal_marks (writer text PRIMARY KEY, number bigint NOT NULL,"
    " marked_at timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 50)"
)
"""The last transaction of each journal. Meaningful on this server alone, so not among the tables that are copied.

Each commit of a journal updates its row; pages that are half empty keep such updates cheap (HOT).
"""
_OLD_MARKS = "DELETE FROM journal_marks WHERE marked_at < now() - interval '1 day'"
_LETTERS = (
    """SELECT ' COLLATE "' || coalesce((SELECT collname FROM pg_collation WHERE collname = 'und-x-icu'"""
    """ AND getdatabaseencoding() = 'UTF8'), 'default') || '"'"""
)
"""Finds the value of `StateDatabase.letters` on a server.

With "C", the collation of our columns, `lower` knows only the letters of ASCII; with the collation of the database, the
letters of its locale, which may be "C", too. ICU's knows all; a server that was built without ICU does not have it.
"""


class PostgresStateDatabase(SharedFacts):
    """The tables of a workspace in the first schema of the connection's `search_path`."""

    parts_failed = PARTS_FAILED_POSTGRES
    size_bytes = "pg_database_size(current_database())"
    is_far = True

    def __init__(self, url: str, read_only: ReadOnly | None = None) -> None:
        """`read_only`: why nothing may be written; then no tables are made, and the server refuses our writes."""
        self.is_read_only = read_only is not None
        self.address = ServerAddress.parsed(url, read_only)
        self._pool = PostgresPool(self.address, _MOST_ASKERS)
        self._is_closed = False
        self._listening = threading.Lock()
        self._snapshot, self._number = "", 0
        with storage_errors(self.address):
            with self.address.connect() as connection:
                [schema] = connection.execute("SELECT current_schema()").fetchone() or (None,)
                [letters] = connection.execute(_LETTERS).fetchone() or ("",)
                self.letters = str(letters)
            if schema is None:
                raise StorageError(
                    f"The state at {self.address.shown} has no schema to work in.",
                    remedy="Create it (`CREATE SCHEMA name`), or name another one in `options` of the address.",
                )
            self.server = Server(self.address, key_of(f"ai-orchestra {schema}"))
            self.announcements: Announcements = NotifiedAnnouncements(self.server)
            self._engine = _engine(self.address)
            try:
                self._require_tables() if self.is_read_only else self._create()
            except BaseException:
                self._engine.dispose()
                raise

    def require_in_place(self) -> None:
        """Raise StorageError if the server does not answer."""
        self.fact("schema_version")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection for one short read."""
        with storage_errors(self.address), self._pooled() as connection:
            yield connection

    @contextmanager
    def asking(self) -> Iterator[PostgresCursor]:
        """Open a driver cursor for one short read that is made often."""
        with storage_errors(self.address), self._pool.connection() as connection:
            yield PostgresCursor(connection)

    @contextmanager
    def snapshot(self) -> Iterator[PostgresCursor]:
        """Open a driver cursor for several short reads that agree with each other."""
        with storage_errors(self.address), self._pool.connection() as connection:
            connection.execute(_SNAPSHOT)
            yield PostgresCursor(connection)
            connection.execute("COMMIT")

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction: on disk when its block ends, else rolled back."""
        with storage_errors(self.address), self._pooled() as connection:
            driver: Any = connection.connection.driver_connection
            self.server.begin(driver)
            try:
                yield connection
                connection.exec_driver_sql("COMMIT")
            except BaseException:
                roll_back(driver)
                raise
        self.announcements.committed()

    @contextmanager
    def inserting(self) -> Iterator[PostgresCursor]:
        """Open a transaction as `writing` does, for a driver cursor."""
        with storage_errors(self.address), self._pool.connection() as connection:
            try:
                with connection.pipeline() as pipeline:  # others wait meanwhile: fewer round trips to the server
                    self.server.begin_unheard(connection)
                    yield PostgresCursor(connection, pipeline)
                    connection.execute("COMMIT")
            except psycopg.Error:
                connection.close()  # the driver may take statements for prepared that the server has skipped
                raise
            except BaseException:
                roll_back(connection)
                raise
        self.announcements.committed()

    def cursor_of(self, connection: Connection) -> PostgresCursor:
        """Return a driver cursor in the transaction of a connection."""
        driver: Any = connection.connection.driver_connection
        return PostgresCursor(driver)

    def journal(self) -> PostgresJournalConnection:
        """Return a connection for a journal."""
        return PostgresJournalConnection(self.server, self.announcements.committed)

    def locks(self, folder: Path) -> PostgresLocks:
        """Return the locks of the processes that share the server."""
        return PostgresLocks(self.server, self.asking)

    def texts(self, folder: Path) -> PostgresTexts:
        """Return the named texts, which are rows."""
        del folder
        return PostgresTexts(self.server, self.asking)

    def broadcast(self) -> PostgresBroadcast:
        """Return the channel that reaches all processes."""
        return PostgresBroadcast(self.server, self.asking)

    def announce_runs(self, cursor: Cursor, count: int = 1) -> None:
        """Announce `count` runs once the transaction of the cursor is on disk."""
        self.announcements.announce(cursor, count)

    def wait_for_runs(self, seconds: float, *, takes: bool = True) -> bool:
        """Wait for an announcement, at most `seconds`. Return whether there was one, or may have been."""
        return self.announcements.wait(seconds, takes=takes)

    def announce_through(self, broker: str) -> None:
        """Announce runs through the broker at an address from now on. Raises InvalidInput, StorageError."""
        from engine.store.taskiq.announcements import BrokerAnnouncements

        self.announcements = BrokerAnnouncements(broker, f"ai-orchestra-{self._own_name()}")

    def _own_name(self) -> str:
        """Return a name that differs from the names of other states whose messages the same broker has."""
        if (known := self.fact(ANNOUNCEMENTS)) is not None:
            return known
        with self.writing() as connection:
            found = connection.execute(_OWN_NAME).one_or_none()
            name = secrets.token_hex(8) if found is None else str(found.value)
            put_fact(connection, ANNOUNCEMENTS, name)
        return name

    def number_on(self, connection: Connection) -> None:
        """Let the sequences go on after the highest number of each table: copied rows have not advanced them."""
        for table in metadata.sorted_tables:
            number = table.autoincrement_column
            if number is not None:
                highest = f"(SELECT coalesce(max({number.name}), 0) + 1 FROM {table.name})"  # noqa: S608 - our own names
                where = f"pg_get_serial_sequence('{table.name}', '{number.name}')"
                connection.exec_driver_sql(f"SELECT setval({where}, {highest}, false)")

    def lengthen(self) -> None:
        """Do nothing: the server looks after its log."""

    def shrink(self) -> bool:
        """Do nothing: the server reclaims space itself."""
        return True

    def version(self) -> int:
        """Return a number that changes whenever a transaction that writes has begun or ended on the server."""
        with self.asking() as cursor:
            [seen] = cursor.execute("SELECT pg_current_snapshot()::text").fetchone()
        with self._listening:
            if seen != self._snapshot:
                self._snapshot, self._number = seen, self._number + 1
            return self._number

    def fact(self, key: str) -> str | None:
        """Return the value of a key in `meta`, if any."""
        with self.asking() as cursor:
            row = cursor.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def close(self) -> None:
        """Close every connection."""
        self._is_closed = True
        try:
            self.announcements.close()
        finally:
            self._pool.close()
            self._engine.dispose()

    def _pooled(self) -> Connection:
        if self._is_closed:  # SQLAlchemy would open connections again, even after `dispose`
            raise StorageError(f"The state at {self.address.shown} is closed.")
        return self._engine.connect()

    def _create(self) -> None:
        set_postgres_conditions()
        with self.writing() as connection:
            metadata.create_all(connection)
            connection.exec_driver_sql(TABLE)
            connection.exec_driver_sql(_MARKS)
            connection.exec_driver_sql(_OLD_MARKS)
            found = connection.execute(_FORM).one_or_none()
            if found is None:
                put_fact(connection, "schema_version", SCHEMA_VERSION)
                put_fact(connection, UNREAD_LOGS, "")
                create_views(connection)
            elif (form := migrated(connection, found.value)) != found.value:
                put_fact(connection, "schema_version", form)
                create_views(connection)
            self._require_our_form(connection)
            create_log_views(connection)

    def _require_tables(self) -> None:
        with self.reading() as connection:
            is_there = connection.exec_driver_sql("SELECT to_regclass('meta'), to_regclass('kept_texts')").one()
            if None in is_there:
                raise StorageError(
                    f"The state at {self.address.shown} is empty, and this process cannot prepare it.",
                    remedy="Open the workspace once where its folder can be written.",
                )
            self._require_our_form(connection)

    def _require_our_form(self, connection: Connection) -> None:
        found = connection.execute(_FORM).one_or_none()
        require_our_form("unknown" if found is None else found.value, f"The state at {self.address.shown}")


def _engine(address: ServerAddress) -> Engine:
    from sqlalchemy import create_engine

    return create_engine(
        "postgresql+psycopg://",
        creator=address.connect,
        isolation_level="AUTOCOMMIT",  # transactions are begun explicitly
        pool_size=2,
        max_overflow=14,
        pool_pre_ping=True,
    )
