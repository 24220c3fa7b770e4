"""DuckDB files: opened for reading only, without other files and extensions, and only for what it takes for a query.

DuckDB runs in this process. Its rules for a file: any number of processes may read it, or one process may write it
(https://duckdb.org/docs/stable/connect/concurrency); and within a process, all connections open it in the same way.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any

from clients.check_line import CheckLine
from clients.deadline import seconds_left
from clients.errors import InvalidRequest, NotFound, ServiceError, Unavailable
from clients.reads_only import is_active, refused
from clients.sql.changes import require_change
from clients.sql.database import (
    ONCE,
    TRANSIENT_SECONDS,
    Column,
    Database,
    Result,
    SqlTable,
    WriteResult,
    WriteStatement,
)
from clients.sql.gate import FileGate, in_use, stopped
from clients.sql.parameters import names_in, require_all, rewritten, sendable
from clients.sql.proven_statements import ProvenStatement, parsed, refusal, require_small_values
from clients.sql.schemas import assembled
from clients.sql.service import NAME
from clients.sql.values import in_batches, record, unique

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection, Statement

_MEMORY = "512MB"
"""For tables and sorts of one file. Single values, such as `repeat` makes, come on top of it."""
_SHUT: Mapping[str, str | bool] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "temp_directory": "",
    "memory_limit": _MEMORY,
}
"""https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview"""
# In this order: nothing can be set once the configuration is locked.
_LOCKED = ("SET GLOBAL TimeZone = 'UTC'", "SET GLOBAL lock_configuration = true")
_LONGEST_SECONDS = 300.0
# Processes of this program keep the file for one statement only.
_AGAIN_SECONDS = 0.05
_MOST_RETURNED = 1_000
_CREATE = (
    "CREATE TABLE IF NOT EXISTS orchestra_once "
    "(marker VARCHAR PRIMARY KEY, done_at TIMESTAMPTZ NOT NULL DEFAULT now(), result VARCHAR)"
)
_INSERT = "INSERT INTO orchestra_once (marker) VALUES ($marker) ON CONFLICT DO NOTHING RETURNING 1"
_UPDATE = "UPDATE orchestra_once SET result = $result WHERE marker = $marker"
_FIND = "SELECT result FROM orchestra_once WHERE marker = $marker"
_MARKERS = "SELECT count(*), bit_xor(hash(marker)), count(result) FROM orchestra_once"
_IS_THERE = "SELECT count(*) FROM duckdb_tables() WHERE NOT internal AND table_name = 'orchestra_once'"
_TABLES = f"""
SELECT CASE c.schema_name WHEN current_schema() THEN c.table_name ELSE c.schema_name || '.' || c.table_name END,
    CASE WHEN v.view_name IS NULL THEN 'table' ELSE 'view' END, c.column_name, lower(c.data_type), c.is_nullable,
    coalesce(list_contains(k.constraint_column_names, c.column_name), false),
    (SELECT f.referenced_table || '.'
            || f.referenced_column_names[list_position(f.constraint_column_names, c.column_name)]
        FROM duckdb_constraints() f WHERE f.table_oid = c.table_oid AND f.constraint_type = 'FOREIGN KEY'
        AND list_contains(f.constraint_column_names, c.column_name) LIMIT 1)
FROM duckdb_columns() c LEFT JOIN duckdb_views() v ON v.view_oid = c.table_oid
LEFT JOIN duckdb_constraints() k ON k.table_oid = c.table_oid AND k.constraint_type = 'PRIMARY KEY'
WHERE NOT c.internal AND c.database_name = current_database() AND c.table_name <> '{ONCE}' ORDER BY 1, c.column_index
"""  # noqa: S608 - the name is a constant


_gates: Mapping[Path, FileGate] = defaultdict(FileGate)


class DuckdbDatabase(Database):
    """One DuckDB file."""

    dialect = "duckdb"

    def __init__(self, path: Path, shown: str) -> None:
        self._path, self._shown = path, shown

    @contextmanager
    def read(self, reading: ProvenStatement, parameters: Mapping[str, Any], limit: int) -> Iterator[Result]:
        """Run a query: the file is opened for reading, and DuckDB itself must take the statement for a query."""
        require_all(reading.names, parameters)
        given = {name: sendable(value) for name, value in parameters.items()}
        with self._errors(), self._reading() as connection:
            connection.execute(_only(connection, _named(reading.statement), ("SELECT",)), given)
            names = unique(str(one[0]) for one in connection.description or ())
            types = [str(one[1]).lower() for one in connection.description or ()]
            columns = [Column(name, kind) for name, kind in zip(names, types, strict=True)]
            yield Result(columns, in_batches(_fetched(connection, 1), lambda most: _fetched(connection, most), limit))

    def execute(self, write: WriteStatement) -> WriteResult:
        """Execute a statement once."""
        if is_active():
            raise refused(f"A statement to {self._shown}")
        require_change(write.statement, self.dialect)
        for one in parsed(write.statement, self.dialect):
            require_small_values(one)
        require_all(names_in(write.statement, self.dialect), write.parameters)
        with self._errors(), self._writing() as connection:
            connection.execute(_CREATE)
            connection.execute("BEGIN")
            if not connection.execute(_INSERT, {"marker": write.marker}).fetchall():
                connection.execute("ROLLBACK")
                found = _found(connection, write.marker)
                assert found is not None
                return found
            # DuckDB has no authorizer, as SQLite has, so the markers are compared afterwards.
            markers = connection.execute(_MARKERS).fetchall()
            done = _executed(connection, write)
            if connection.execute(_MARKERS).fetchall() != markers:
                raise InvalidRequest(f"{self._shown} has a trigger that changes {ONCE}.", service=NAME)
            kept = json.dumps({"affected": done.affected, "rows": list(done.rows)})
            connection.execute(_UPDATE, {"result": kept, "marker": write.marker})
            connection.execute("COMMIT")
            return done

    def found(self, marker: str) -> WriteResult | None:
        """Look for the marker."""
        with self._errors(), self._reading() as connection:
            return _found(connection, marker) if _all(connection, _IS_THERE)[0][0] else None

    def tables(self) -> Sequence[SqlTable]:
        """Return the tables and views of the file."""
        with self._errors(), self._reading() as connection:
            return assembled(_all(connection, _TABLES))

    def rights(self) -> Sequence[CheckLine]:
        """Return whether the file can be read, and how much is in it."""
        count = len(self.tables())
        said = f"{self._shown} has {count} {'table' if count == 1 else 'tables'}; queries open it for reading only."
        return [CheckLine("rights", ok=True, text=said)]

    @contextmanager
    def _reading(self) -> Iterator[DuckDBPyConnection]:
        with _gates[self._path].reading(self._shown), self._opened(is_read_only=True) as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[DuckDBPyConnection]:
        with _gates[self._path].writing(self._shown), self._opened(is_read_only=False) as connection:
            yield connection

    @contextmanager
    def _opened(self, *, is_read_only: bool) -> Iterator[DuckDBPyConnection]:
        """Open the file, locked up, until the deadline."""
        import duckdb

        if not self._path.is_file():
            raise NotFound(
                f"There is no file {self._shown.removeprefix('duckdb:')!r}.",
                service=NAME,
                remedy="Correct the connection's `url`: `duckdb:///data/shop.duckdb` is relative to the workspace.",
            )
        connection = self._connected(is_read_only=is_read_only)
        try:
            for statement in _LOCKED:
                with suppress(duckdb.InvalidInputException):  # a connection beside this one has locked them
                    connection.execute(statement)
            with _interrupted(connection):
                yield connection
        finally:
            connection.close()

    def _connected(self, *, is_read_only: bool) -> DuckDBPyConnection:
        """Open the file as soon as no other process keeps it. Raises Unavailable."""
        import duckdb

        ends_at = time.monotonic() + seconds_left(TRANSIENT_SECONDS, TimeoutError)
        while True:
            try:
                return duckdb.connect(str(self._path), read_only=is_read_only, config=dict(_SHUT))
            except duckdb.IOException as error:
                if "lock" not in str(error) or time.monotonic() > ends_at:
                    raise
            time.sleep(_AGAIN_SECONDS)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn the driver's errors into ours."""
        import duckdb

        try:
            yield
        except duckdb.Error as error:
            raise _mapped(error, self._shown) from None
        except TimeoutError:
            raise stopped(f"{self._shown} did not answer in time.") from None


@contextmanager
def _interrupted(connection: DuckDBPyConnection) -> Iterator[None]:
    """Interrupt what the connection does once the time of this thread is over."""
    timer = Timer(seconds_left(_LONGEST_SECONDS, TimeoutError), connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # it must not interrupt a connection that is closed


def _only(connection: DuckDBPyConnection, statement: str, kinds: Sequence[str]) -> Statement:
    """Return the statement as DuckDB reads it. Raises InvalidRequest unless it is one, of one of these kinds."""
    found = connection.extract_statements(statement)
    said = ", ".join(one.type.name for one in found) or "nothing"
    if len(found) != 1 or (kinds and said not in kinds):
        raise refusal(f"DuckDB takes it for {said}")
    return found[0]


def _fetched(connection: DuckDBPyConnection, most: int) -> Sequence[Sequence[Any]]:
    """Return the next rows. Raises TimeoutError."""
    # The timer interrupts only a running statement, and nothing runs between two fetches.
    seconds_left(None, TimeoutError)
    return [_in_utc(row) for row in connection.fetchmany(most)]


def _in_utc(row: Sequence[Any]) -> Sequence[Any]:
    """Return a row whose times with a zone are in UTC, as from the other databases."""
    return [one.astimezone(UTC) if isinstance(one, datetime) and one.tzinfo is not None else one for one in row]


def _executed(connection: DuckDBPyConnection, write: WriteStatement) -> WriteResult:
    """Run the statement of a write; a change without RETURNING answers with the number of its rows."""
    given = {name: sendable(value) for name, value in write.parameters.items()}
    done = connection.execute(_only(connection, _named(write.statement), ()), given)
    names = unique(str(one[0]) for one in done.description or ())
    rows = [record(names, _in_utc(row)) for row in done.fetchmany(_MOST_RETURNED)]
    if names == ["Count"]:
        return WriteResult(int(rows[0]["Count"]) if rows else 0)
    return WriteResult(len(rows), tuple(rows))


def _found(connection: DuckDBPyConnection, marker: str) -> WriteResult | None:
    rows = connection.execute(_FIND, {"marker": marker}).fetchall()
    return WriteResult(**json.loads(rows[0][0])) if rows else None


def _all(connection: DuckDBPyConnection, statement: str) -> Sequence[Sequence[Any]]:
    return connection.execute(statement).fetchall()


def _named(statement: str) -> str:
    """Return the statement with its parameters in DuckDB's form, `$name`."""
    return rewritten(statement, "duckdb", lambda name: f"${name}")


def _mapped(error: Exception, shown: str) -> ServiceError:
    import duckdb

    said = str(error).split("\n", maxsplit=1)[0].rstrip(".")
    match error:
        case duckdb.InterruptException():
            return stopped(f"{shown} did not answer in time.")
        case duckdb.TransactionException():
            return Unavailable(f"{shown} was busy: {said}.", service=NAME, outcome="not_done")
        case duckdb.IOException() if "lock" in said:
            return in_use(shown, said)
        case duckdb.PermissionException():
            return InvalidRequest(f"{shown} was not permitted to do that: {said}.", service=NAME)
        case duckdb.OutOfMemoryException():
            return InvalidRequest(f"{shown} needs more than {_MEMORY} of memory for the statement.", service=NAME)
    remedy = "Correct the `url` of the connection." if "not a valid DuckDB database" in said else ""
    return InvalidRequest(f"{shown} refused the statement: {said}.", service=NAME, remedy=remedy)
