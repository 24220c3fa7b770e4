"""The transactions of a journal on a server: repeated after a lost connection, but never made twice."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import psycopg

from engine.base.errors import StorageError
from engine.store.postgres.connection import NOTHING_FOUND, CommitMark, PostgresCursor, Server, translated
from engine.store.postgres.server.address import storage_errors
from engine.store.sql.base.database import Cursor, EventRow, NothingFound, Question, Result

_PATIENCE_SECONDS = 60.0
"""How long a transaction is tried again; after that, its runs stop, and are tried again from time to time."""
_LAST_SECONDS = 3.0
"""The same for a process that is about to end: what it has not stored then, others do again, as after a crash."""
_AGAIN_SECONDS = 0.2
_SILENT_SECONDS = 1.0
"""A question that fails only after this time met a server that is silent, not one that refuses."""
_LEFT_ALONE_SECONDS = 3.0
_REPEATED = ("40001", "40P01", "25P03", "57P01")
"""Serialization failure, deadlock, idle too long in a transaction, ended by an administrator."""
_ADD_EVENTS = "INSERT INTO events (run_id, number, event) SELECT * FROM unnest(?::text[], ?::integer[], ?::text[])"
_LAST_MADE = "SELECT number FROM journal_marks WHERE writer = %s"


class _NotMadeError(Exception):
    """A transaction did not take place, and may be tried again."""


class PostgresJournalConnection:
    """Reads on the loop, and commits in one other thread; each has a connection of its own."""

    def __init__(self, server: Server, committed: Callable[[], None]) -> None:
        """Call `committed` after each transaction, on its thread."""
        self._server, self._committed = server, committed
        self._reader: psycopg.Connection[Any] | None = None
        self._writer: psycopg.Connection[Any] | None = None
        self._name, self._number = secrets.token_hex(8), 0
        self._is_closed = False
        self._gives_up_at = math.inf
        self._silence: psycopg.OperationalError | None = None
        """Why the last question that found the server silent failed."""
        self._silent_until = -math.inf
        """By the monotonic clock."""

    def read(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run one short query; a lost connection is opened anew once. Raises StorageError.

        A server that gave no answer is left alone for some seconds, and the query fails at once: several wait on the
        loop, and would stop it one after the other for as long as the way to the server is cut.
        """
        began = time.monotonic()
        with storage_errors(self._server.address):
            if began < self._silent_until and self._silence is not None:
                raise self._silence.with_traceback(None)  # it is raised again and again, and must not grow
            try:
                return self._read(statement, parameters)
            except psycopg.OperationalError as error:
                is_lost = self._reader is None or self._reader.closed
                if is_lost and time.monotonic() - began > _SILENT_SECONDS:
                    self._silence, self._silent_until = error, time.monotonic() + _LEFT_ALONE_SECONDS
                raise

    def _read(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        for _ in range(2):
            self._require_open()
            if self._reader is None or self._reader.closed:
                self._reader = self._server.address.connect()
            try:
                return self._reader.execute(translated(statement), parameters).fetchall()
            except psycopg.OperationalError:
                if not self._reader.broken:
                    raise
                self._reader.close()
        raise StorageError(f"The state at {self._server.address.shown} closes connections.")

    def commit(self, condition: Question, work: Callable[[Cursor], Result]) -> Result:
        """Run `work` in a transaction, which is on disk when this returns; raise what it raises, and StorageError.

        Raises NothingFound if the condition finds no row.
        """
        ends_at = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                result = self._tried(condition, work, ends_at)
            except _NotMadeError as error:
                if not self._is_patient(ends_at):
                    with storage_errors(self._server.address):
                        raise error.args[0] from None
                time.sleep(_AGAIN_SECONDS)
            else:
                self._committed()
                return result

    def add_events(self, cursor: Cursor, events: Sequence[EventRow]) -> None:
        """Insert events in the transaction of a cursor, as one statement: this costs half of a statement for each."""
        cursor.execute(_ADD_EVENTS, tuple(map(list, zip(*events, strict=True))))

    def _tried(self, condition: Question, work: Callable[[Cursor], Result], ends_at: float) -> Result:
        """Make the transaction. Raises NothingFound, and _NotMadeError if it certainly did not take place.

        Everything is sent at once, with the commit, and answered at once: all others wait from the lock to the commit,
        and must not wait for a network or for this process to be given a processor.
        """
        is_committing, is_gone = False, True
        self._number += 1
        try:
            connection = self._connected()
            try:
                with connection.pipeline() as pipeline:
                    self._server.begin_if(connection, condition, CommitMark(self._name, self._number))
                    result = work(PostgresCursor(connection, pipeline))
                    is_committing = True
                    connection.execute("COMMIT")  # left out by the server if what is before it failed
            except BaseException as error:
                is_gone = connection.closed
                if isinstance(error, psycopg.Error):
                    connection.close()  # the driver may take statements for prepared that the server has skipped
                elif not is_gone:
                    with suppress(psycopg.Error):
                        connection.execute("ROLLBACK")
                raise
        except psycopg.Error as error:
            if error.sqlstate == NOTHING_FOUND:
                raise NothingFound from None
            is_lost = is_gone or error.sqlstate in _REPEATED
            if is_committing and is_gone and self._was_made(ends_at):
                return result
            if is_lost:
                raise _NotMadeError(error) from error
            with storage_errors(self._server.address):
                raise error from None
        return result

    def _require_open(self) -> None:
        if self._is_closed:
            raise StorageError(f"The state at {self._server.address.shown} is closed.")

    def _connected(self) -> psycopg.Connection[Any]:
        self._require_open()
        if self._writer is None or self._writer.closed:
            self._writer = None
            self._writer = self._server.address.connect()
        return self._writer

    def _was_made(self, ends_at: float) -> bool:
        """Return whether the last transaction, whose outcome is unknown, has left its mark. Raises StorageError.

        Beginning another one waits until the first is over, at most until the server notices that its connection is
        gone. The server's own number of the transaction would not do: after a crash it may use the number again.
        """
        while self._is_patient(ends_at):
            with suppress(psycopg.Error):
                connection = self._connected()
                self._server.begin(connection)
                [last] = connection.execute(_LAST_MADE, (self._name,)).fetchone() or (0,)
                connection.execute("ROLLBACK")
                return bool(last == self._number)
            if self._writer is not None:
                self._writer.close()
            time.sleep(_AGAIN_SECONDS)
        raise StorageError(f"The state at {self._server.address.shown} did not say whether it has stored something.")

    def _is_patient(self, ends_at: float) -> bool:
        return not self._is_closed and time.monotonic() < min(ends_at, self._gives_up_at)

    def hurry(self) -> None:
        """Repeat transactions for a few seconds at most from now on."""
        self._gives_up_at = time.monotonic() + _LAST_SECONDS

    def close(self) -> None:
        """Close the connections."""
        self._is_closed = True
        for one in (self._reader, self._writer):
            if one is not None:
                one.close()
