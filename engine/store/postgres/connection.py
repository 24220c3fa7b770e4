"""The server of a state: its transactions that write, and how statements name parameters."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Self

import psycopg
from msgspec import Struct

from engine.store.postgres.server.address import ServerAddress
from engine.store.sql.base.database import Parameters, Question

_LOCK = "SELECT pg_advisory_xact_lock({key}, 0)"  # 0 is the lock for writing; others have the `key_of` their name here
_MARK = (
    "INSERT INTO journal_marks VALUES (%s, %s)"
    " ON CONFLICT (writer) DO UPDATE SET number = excluded.number, marked_at = now()"
)
_REQUIRE = "SELECT 1 / count(*) FROM ({question}) AS found"
"""An error of the server, which ends the transaction, if the question finds no row."""
NOTHING_FOUND = "22012"
"""Its SQLSTATE, division by zero: https://www.postgresql.org/docs/current/errcodes-appendix.html."""
_PARAMETER = re.compile(r"'[^']*'|\?|(?<!:):([a-z_]+)|%")  # (?<!:) because of casts such as ::text


class CommitMark(Struct, frozen=True):
    """The number of a transaction of a journal, and the name of the journal (letters and digits)."""

    writer: str
    number: int


class Server(Struct, frozen=True):
    """A server, and the number of the advisory locks of a workspace on it."""

    address: ServerAddress
    key: int

    def begin(self, connection: psycopg.Connection[Any]) -> None:
        """Begin a transaction that writes, once no other one does."""
        connection.execute(f"BEGIN; {_LOCK.format(key=self.key)}")

    def begin_unheard(self, connection: psycopg.Connection[Any]) -> None:
        """Do the same in a pipeline, without waiting for an answer."""
        connection.execute("BEGIN")
        connection.execute(_LOCK.format(key=self.key))

    def begin_if(self, connection: psycopg.Connection[Any], condition: Question, mark: CommitMark) -> None:
        """Do the same; the mark proves later that the transaction was made.

        If the question `condition` finds no row, what follows fails with NOTHING_FOUND.
        """
        question, values = condition
        self.begin_unheard(connection)
        connection.execute(_MARK, (mark.writer, mark.number))
        connection.execute(_REQUIRE.format(question=translated(question)), values)


class PostgresCursor:
    """A driver cursor that takes statements with `?` or `:name` (https://peps.python.org/pep-0249/#paramstyle)."""

    def __init__(self, connection: psycopg.Connection[Any], pipeline: psycopg.Pipeline | None = None) -> None:
        self._cursor, self._pipeline = connection.cursor(), pipeline

    @property
    def rowcount(self) -> int:
        """How many rows the last statement changed."""
        self._arrive()
        return self._cursor.rowcount

    def execute(self, statement: str, parameters: Parameters = (), /) -> Self:
        """Run a statement."""
        self._cursor.execute(translated(statement), parameters)
        return self

    def executemany(self, statement: str, parameters: Iterable[Parameters], /) -> Self:
        """Run a statement once for each of the parameters."""
        self._cursor.executemany(translated(statement), parameters)
        return self

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        self._arrive()
        return self._cursor.fetchone() if self._cursor.description else None

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        self._arrive()
        return self._cursor.fetchall()

    def __iter__(self) -> Iterator[Any]:
        """Yield the rows that are left."""
        self._arrive()
        return iter(self._cursor)

    def _arrive(self) -> None:
        """Wait for the answers to what was sent so far; without a pipeline they are there already."""
        if self._pipeline is not None:
            self._pipeline.sync()


@lru_cache(maxsize=1000)
def translated(statement: str) -> str:
    """Return a statement with the driver's placeholders, `%s` and `%(name)s`; texts in quotes stay as they are."""

    def placeholder(found: re.Match[str]) -> str:
        if found[0] == "?":
            return "%s"
        return f"%({found[1]})s" if found[1] else found[0].replace("%", "%%")

    return _PARAMETER.sub(placeholder, statement)


def key_of(text: str) -> int:
    """Return a 32-bit number for an advisory lock (https://www.postgresql.org/docs/current/explicit-locking.html)."""
    return zlib.crc32(text.encode()) - 2**31  # integers of PostgreSQL have a sign
