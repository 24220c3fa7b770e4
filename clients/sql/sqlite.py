"""SQLite files: opened for reading only, with an authorizer that refuses anything else."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from clients.check_line import CheckLine
from clients.errors import InvalidRequest, NotFound, ServiceError, Unavailable
from clients.in_workspace.own_files import STATE, holds_state
from clients.reads_only import is_active, refused
from clients.sql import guard
from clients.sql.changes import require_change
from clients.sql.database import (
    ONCE,
    TRANSIENT_SECONDS,
    Column,
    Database,
    Result,
    SqlTable,
    TableColumn,
    WriteResult,
    WriteStatement,
)
from clients.sql.gate import stopped
from clients.sql.parameters import names_in, require_all, sendable
from clients.sql.proven_statements import ProvenStatement
from clients.sql.service import NAME
from clients.sql.values import record, unique

_CREATE = (
    "CREATE TABLE IF NOT EXISTS orchestra_once (marker TEXT PRIMARY KEY, done_at TEXT NOT NULL, result TEXT NOT NULL)"
)
_INSERT = "INSERT INTO orchestra_once VALUES (?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), '') ON CONFLICT DO NOTHING"
_UPDATE = "UPDATE orchestra_once SET result = ? WHERE marker = ?"
_FIND = "SELECT result FROM orchestra_once WHERE marker = ?"
_TABLES = (
    "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') AND name <> 'orchestra_once' ORDER BY name"
)
# 1 is a hidden column of a virtual table; 2 and 3 are generated columns (sqlite.org/pragma.html, table_xinfo).
_COLUMNS = 'SELECT name, type, "notnull", pk FROM pragma_table_xinfo(?) WHERE hidden <> 1'
_REFERENCES = 'SELECT "from", "table", "to" FROM pragma_foreign_key_list(?)'
_MOST_RETURNED = 1_000


class SqliteDatabase(Database):
    """One SQLite file."""

    dialect = "sqlite"

    def __init__(self, path: Path, shown: str) -> None:
        self._path, self._shown = path, shown

    @contextmanager
    def read(self, reading: ProvenStatement, parameters: Mapping[str, Any], limit: int) -> Iterator[Result]:
        """Run a query: the file is opened for reading, and the authorizer allows nothing else."""
        require_all(reading.names, parameters)
        given = {name: sendable(value) for name, value in parameters.items()}
        with self._errors(), closing(self._opened("ro")) as connection:
            connection.execute("PRAGMA query_only=1")
            connection.set_authorizer(guard.reads)
            found = connection.execute(reading.statement, given)
            names = unique(one[0] for one in found.description or ())
            yield Result([Column(name) for name in names], islice(found, limit + 1))

    def execute(self, write: WriteStatement) -> WriteResult:
        """Execute a statement once."""
        if is_active():
            raise refused(f"A statement to {self._shown}")
        require_change(write.statement, self.dialect)
        require_all(names_in(write.statement, self.dialect), write.parameters)
        with self._errors(), closing(self._opened("rw")) as connection:
            connection.execute(_CREATE)
            connection.execute("BEGIN IMMEDIATE")
            if connection.execute(_INSERT, (write.marker,)).rowcount == 0:
                connection.execute("ROLLBACK")
                return self._known(connection, write.marker)
            connection.set_authorizer(guard.writes)
            done = _executed(connection, write)
            connection.set_authorizer(None)
            kept = json.dumps({"affected": done.affected, "rows": list(done.rows)})
            connection.execute(_UPDATE, (kept, write.marker))
            connection.execute("COMMIT")
            return done

    def found(self, marker: str) -> WriteResult | None:
        """Look for the marker."""
        with self._errors(), closing(self._opened("ro")) as connection:
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (ONCE,)).fetchone() is None:
                return None
            row = connection.execute(_FIND, (marker,)).fetchone()
            return None if row is None else WriteResult(**json.loads(row[0]))

    def _known(self, connection: sqlite3.Connection, marker: str) -> WriteResult:
        return WriteResult(**json.loads(connection.execute(_FIND, (marker,)).fetchone()[0]))

    def tables(self) -> Sequence[SqlTable]:
        """Return the tables and views of the file, without the ones that hold the contents of virtual tables.

        SQLite older than 3.37 does not tell these apart (https://www.sqlite.org/pragma.html#pragma_table_list).
        """
        with self._errors(), closing(self._opened("ro")) as connection:
            shadows = {name for _, name, kind, *_ in connection.execute("PRAGMA table_list") if kind == "shadow"}
            found = connection.execute(_TABLES).fetchall()
            named = [row for row in found if row[0] not in shadows and not row[0].startswith("sqlite_")]
            return [SqlTable(name, kind, _columns(connection, name)) for name, kind in named]

    def rights(self) -> Sequence[CheckLine]:
        """Return whether the file can be read, and how much is in it."""
        count = len(self.tables())
        said = f"{self._shown} has {count} {'table' if count == 1 else 'tables'}; queries open it for reading only."
        return [CheckLine("rights", ok=True, text=said)]

    def _opened(self, mode: str) -> sqlite3.Connection:
        if not self._path.is_file():
            raise NotFound(
                f"There is no file {self._shown.removeprefix('sqlite:')!r}.",
                service=NAME,
                remedy="Correct the `url` of the connection: `sqlite:///data/shop.db` is relative to the workspace.",
            )
        uri = f"file:{quote(str(self._path))}?mode={mode}"
        connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, timeout=TRANSIENT_SECONDS, check_same_thread=False
        )
        connection.text_factory = _text
        try:
            _require_not_ours(connection, self._shown)
            guard.limit(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn the driver's errors into ours."""
        try:
            yield
        except sqlite3.Error as error:
            raise _mapped(error, self._shown) from None


def _require_not_ours(connection: sqlite3.Connection, shown: str) -> None:
    if holds_state(connection):
        message = f"The database {shown.removeprefix('sqlite:')!r} cannot be used: {STATE}."
        raise InvalidRequest(message, service=NAME, remedy="Name a database of your own in the connection's `url`.")


def _text(raw: bytes) -> str:
    """Return a stored text; SQLite keeps any bytes as a text, so invalid UTF-8 becomes U+FFFD."""
    return raw.decode("utf-8", "replace")


def _executed(connection: sqlite3.Connection, write: WriteStatement) -> WriteResult:
    given = {name: sendable(value) for name, value in write.parameters.items()}
    found = connection.execute(write.statement, given)
    names = unique(one[0] for one in found.description or ())
    rows = tuple(record(names, row) for row in found.fetchmany(_MOST_RETURNED)) if names else ()
    return WriteResult(max(found.rowcount, len(rows), 0), rows)


def _columns(connection: sqlite3.Connection, table: str) -> list[TableColumn]:
    refers = {row[0]: f"{row[1]}.{row[2]}" for row in connection.execute(_REFERENCES, (table,))}
    return [
        TableColumn(name, kind.lower(), not (required or key), bool(key), refers.get(name, ""))
        for name, kind, required, key in connection.execute(_COLUMNS, (table,))
    ]


def _mapped(error: sqlite3.Error, shown: str) -> ServiceError:
    said = str(error)
    if said == "interrupted":
        return stopped(f"{shown} did not answer in time.")
    if "not authorized" in said or "prohibited" in said:
        return InvalidRequest(f"{shown} was not permitted to do that: {said}.", service=NAME)
    if "locked" in said or "busy" in said:
        return Unavailable(f"{shown} is in use: {said}.", service=NAME, outcome="not_done")
    remedy = "" if "file is not a database" not in said else "Correct the `url` of the connection."
    return InvalidRequest(f"{shown} refused the statement: {said}.", service=NAME, remedy=remedy)
