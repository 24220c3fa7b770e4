"""PostgreSQL: read-only transactions and server-side cursors, over the driver pg8000 and our own connection."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from clients.check_line import CheckLine
from clients.errors import AuthError, InvalidRequest, ServiceError, Unavailable
from clients.reads_only import checked, is_active, refused
from clients.sql.address import DatabaseAddress
from clients.sql.attributes import called
from clients.sql.changes import require_change
from clients.sql.database import TRANSIENT_SECONDS, Column, Database, Result, SqlTable, WriteResult, WriteStatement
from clients.sql.gate import stopped
from clients.sql.parameters import names_in, require_all, rewritten, sendable
from clients.sql.proven_statements import ProvenStatement, harmless_functions, refusal
from clients.sql.schemas import assembled
from clients.sql.service import NAME
from clients.sql.values import in_batches, record, unique
from clients.sql.wire import connected, milliseconds_left, tls, understood

if TYPE_CHECKING:
    from pg8000.core import Context, CoreConnection

_MOST_RETURNED = 1_000
_CREATE = (
    "CREATE TABLE orchestra_once (marker text PRIMARY KEY, done_at timestamptz NOT NULL DEFAULT now(), result text)"
)
_INSERT = "INSERT INTO orchestra_once (marker) VALUES ($1) ON CONFLICT DO NOTHING RETURNING 1"
_UPDATE = "UPDATE orchestra_once SET result = $1 WHERE marker = $2"
_FIND = "SELECT result FROM orchestra_once WHERE marker = $1"
_IS_THERE = "SELECT to_regclass('orchestra_once') IS NOT NULL"
_TABLES = """
SELECT CASE n.nspname WHEN current_schema() THEN c.relname ELSE n.nspname || '.' || c.relname END,
    CASE WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END, a.attname,
    format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
    EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey)),
    coalesce((SELECT f.confrelid::regclass || '.' || t.attname FROM pg_constraint f JOIN pg_attribute t
        ON t.attrelid = f.confrelid AND t.attnum = f.confkey[1]
        WHERE f.contype = 'f' AND f.conrelid = c.oid AND f.conkey[1] = a.attnum LIMIT 1), '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> '{ONCE}'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%'
    AND has_table_privilege(c.oid, 'SELECT')
ORDER BY 1, a.attnum
"""
_RIGHTS = """
SELECT current_user, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
    EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')
        AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        AND has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))
"""
_NOTICE = "SELECT set_config(name, '2s', false) FROM pg_settings WHERE name = 'client_connection_check_interval'"
"""Lets a server of version 14 or later end a query whose client is gone, instead of at its statement_timeout."""
_ENDED = ("08", "57P", "53")
"""Classes of SQLSTATE: the connection failed, the server was shut down, or lacks resources."""
_AGAIN = ("40", "55P03")
"""The transaction was rolled back because of another one, or a lock was not free."""
_OF_JSON = (16, 17, 20, 21, 23, 26, 114, 700, 701, 1000, 1005, 1007, 1009, 1015, 1016, 1021, 1022, 3802)
"""Types that the driver reads: bool, bytea, whole and floating numbers, json, and lists of these and of text."""
_TIMES = (1082, 1083, 1114, 1184, 1266)
"""Types of dates and times: date, time, timestamp, both with a zone."""


class PostgresDatabase(Database):
    """One database of a PostgreSQL server."""

    dialect = "postgres"

    def __init__(self, address: DatabaseAddress, ca_file: str) -> None:
        self._address, self._ca_file = address, ca_file

    @contextmanager
    def read(self, reading: ProvenStatement, parameters: Mapping[str, Any], limit: int) -> Iterator[Result]:
        """Run a query: in a read-only transaction, by a cursor, which the server allows for queries alone."""
        require_all(reading.names, parameters)
        statement, values = _numbered(reading.statement, parameters)
        with checked(), self._reading() as connection:
            _require_columns(connection, reading)
            _run(connection, f"DECLARE found NO SCROLL CURSOR FOR {statement}", values)
            first = _run(connection, "FETCH 1 FROM found")
            names = unique(one["name"] for one in first.columns or ())
            types = _type_names(connection, [one["type_oid"] for one in first.columns or ()])
            columns = [Column(name, kind) for name, kind in zip(names, types, strict=True)]
            yield Result(columns, in_batches(first.rows or (), lambda most: _fetched(connection, most), limit))

    def execute(self, write: WriteStatement) -> WriteResult:
        """Execute a statement once."""
        if is_active():
            raise refused(f"A statement to {self._address.shown}")
        require_change(write.statement, self.dialect)
        require_all(names_in(write.statement, self.dialect), write.parameters)
        statement, values = _numbered(write.statement, write.parameters)
        with self._opened() as connection:
            self._ensure_once(connection)
            # At a stricter level, an INSERT that waited for another one of the same marker would fail (40001).
            _run(connection, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
            _limit(connection)
            if not _run(connection, _INSERT, [write.marker]).rows:
                _run(connection, "ROLLBACK")
                found = self._found(connection, write.marker)
                assert found is not None
                return found
            answer = _run(connection, statement, values)
            names = unique(one["name"] for one in answer.columns or ())
            rows = tuple(record(names, row) for row in (answer.rows or ())[:_MOST_RETURNED])
            done = WriteResult(max(answer.row_count, 0), rows)
            kept = json.dumps({"affected": done.affected, "rows": list(rows)})
            _run(connection, _UPDATE, [kept, write.marker])
            _run(connection, "COMMIT")
            return done

    def _ensure_once(self, connection: CoreConnection) -> None:
        """Create the table of markers, unless it is there."""
        if not _run(connection, _IS_THERE).rows[0][0]:
            try:
                _run(connection, _CREATE)
            except InvalidRequest as error:
                if not _run(connection, _IS_THERE).rows[0][0]:  # else another writer was faster
                    error.remedy = f"Let an account that may create tables run: {_CREATE}; then grant all rights on it."
                    raise

    def found(self, marker: str) -> WriteResult | None:
        """Look for the marker."""
        with checked(), self._reading() as connection:
            if not _run(connection, _IS_THERE).rows[0][0]:
                return None
            return self._found(connection, marker)

    def _found(self, connection: CoreConnection, marker: str) -> WriteResult | None:
        rows = _run(connection, _FIND, [marker]).rows
        return WriteResult(**json.loads(rows[0][0])) if rows else None

    def tables(self) -> Sequence[SqlTable]:
        """Return the tables and views that the account may read."""
        with checked(), self._reading() as connection:
            return assembled(_run(connection, _TABLES).rows)

    def rights(self) -> Sequence[CheckLine]:
        """Return a warning for a superuser, and advice for an account that may write."""
        with checked(), self._reading() as connection:
            user, is_super, may_write = _run(connection, _RIGHTS).rows[0]
        advice = "An account with the role pg_read_all_data is safer, unless workflows use `sql.execute`."
        if is_super:
            return [
                CheckLine("rights", ok=False, text=f"{user} is a superuser, and may read the server's files. {advice}")
            ]
        if may_write:
            return [
                CheckLine(
                    "rights", ok=True, text=f"{user} may also write. Queries stay read-only by their session. {advice}"
                )
            ]
        return [CheckLine("rights", ok=True, text=f"{user} may only read.")]

    @contextmanager
    def _reading(self) -> Iterator[CoreConnection]:
        """Open a read-only transaction, which ends with a rollback."""
        with self._opened() as connection:
            _run(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            _limit(connection)
            _run(connection, "SELECT 1")  # from the first query on, the transaction cannot be made to write
            yield connection
            # The rows have been read by then, and closing the connection rolls back as well.
            with suppress(ServiceError):
                _run(connection, "ROLLBACK")

    @contextmanager
    def _opened(self) -> Iterator[CoreConnection]:
        from pg8000.core import CoreConnection

        address, encryption = self._address, tls(self._address, self._ca_file)
        with _errors(address):
            wire = connected(address)
            try:
                with understood(address):
                    connection = CoreConnection(
                        address.user,
                        host=address.host,
                        database=address.database,
                        password=address.password,
                        sock=wire,
                        ssl_context=False if encryption is None else encryption,
                        application_name="AI-Orchestra",
                    )
                known = {oid: connection.pg_types[oid] for oid in _OF_JSON} | dict.fromkeys(_TIMES, _iso)
                # All other types stay the server's text, so that no number loses a digit.
                connection.pg_types = defaultdict(lambda: str, known)
                with suppress(InvalidRequest):  # some systems cannot notice
                    _run(connection, _NOTICE)
                yield connection
            finally:
                wire.close()


def _iso(text: str) -> str:
    """Return a date or time as PostgreSQL writes it, in ISO 8601: 2026-11-22T20:15:00+00:00."""
    text = text.replace(" ", "T", 1) if text[:1].isdigit() and "BC" not in text else text
    return f"{text}:00" if len(text) > 12 and text[-3] in "+-" else text


def _limit(connection: CoreConnection) -> None:
    """Set how long statements of this transaction may take, and how texts in them are read."""
    _run(connection, f"SET LOCAL statement_timeout = {milliseconds_left()}")
    _run(connection, f"SET LOCAL lock_timeout = '{TRANSIENT_SECONDS}s'")
    # The proof reads a backslash in a text as a plain character, so the server has to do the same.
    _run(connection, "SET LOCAL standard_conforming_strings = on")
    _run(connection, "SET LOCAL datestyle = 'ISO'")
    _run(connection, "SET LOCAL timezone = 'UTC'")


def _run(connection: CoreConnection, statement: str, values: Sequence[str | None] = ()) -> Context:
    """Run one statement by the extended protocol, which refuses a second one. Raises ServiceError."""
    from pg8000.exceptions import DatabaseError

    try:
        return connection.execute_unnamed(statement, values)
    except DatabaseError as error:
        raise _mapped(error) from None


def _require_columns(connection: CoreConnection, reading: ProvenStatement) -> None:
    """Raise InvalidRequest if a name after a table's name is a function that may do more than read."""
    harmless = harmless_functions("postgres")
    name = called(reading.attributes, harmless, lambda statement, values: _run(connection, statement, values).rows)
    if name is not None:
        raise refusal(f"`{name}` behind the name of a table is not a column of one, and may call a function")


def _fetched(connection: CoreConnection, most: int) -> Sequence[Sequence[Any]]:
    return _run(connection, f"FETCH {most} FROM found").rows or ()


def _type_names(connection: CoreConnection, oids: Sequence[int]) -> list[str]:
    known = dict(_run(connection, "SELECT oid::bigint, typname FROM pg_type WHERE oid = ANY ($1)", [_array(oids)]).rows)
    return [str(known.get(oid, "")) for oid in oids]


def _array(numbers: Sequence[int]) -> str:
    return "{" + ",".join(map(str, numbers)) + "}"


def _numbered(statement: str, parameters: Mapping[str, Any]) -> tuple[str, list[str | None]]:
    """Return the statement with `$1` for its first parameter, and their values in this order."""
    order: dict[str, int] = {}
    text = rewritten(statement, "postgres", lambda name: f"${order.setdefault(name, len(order) + 1)}")
    return text, [_as_text(parameters[name]) for name in order]


def _as_text(value: Any) -> str | None:
    if value is None:
        return None
    # Text for every type: the server converts it to the type that it infers for the parameter.
    return str(value).lower() if isinstance(value, bool) else str(sendable(value))


@contextmanager
def _errors(address: DatabaseAddress) -> Iterator[None]:
    """Turn what the driver raises into our errors."""
    from pg8000.exceptions import DatabaseError, Error

    try:
        yield
    except DatabaseError as error:
        raise _mapped(error) from None
    except Error as error:
        raise Unavailable(f"{address.host}:{address.port} ended the conversation: {error}.", service=NAME) from None


def _mapped(error: Exception) -> ServiceError:
    """Return our error for an answer of the server: `C` is its SQLSTATE, `M` the message."""
    said = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    state, words = str(said.get("C", "")), str(said.get("M", error)).rstrip(".")
    # Query cancelled; then wrong credentials (class 28) and missing rights (PostgreSQL, Appendix A, error codes).
    if state == "57014":
        return stopped(f"The database stopped the statement: {words}.")
    if state.startswith("28") or state == "42501":
        return AuthError(f"The database rejects the account: {words}.", service=NAME)
    if state.startswith(_AGAIN):
        return Unavailable(f"The database was busy: {words}.", service=NAME, outcome="not_done")
    if state.startswith(_ENDED):
        return Unavailable(f"The database ended the connection: {words}.", service=NAME)
    hint = f" {said['H']}" if "H" in said else ""
    return InvalidRequest(f"The database refused the statement: {words} ({state}).{hint}", service=NAME)
