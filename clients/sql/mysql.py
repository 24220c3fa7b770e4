"""MySQL and MariaDB: read-only transactions and streamed rows, over the driver PyMySQL and our own connection."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from clients.check_line import CheckLine
from clients.errors import AuthError, InvalidRequest, ServiceError, Unavailable
from clients.reads_only import checked, is_active, refused
from clients.sql.address import DatabaseAddress
from clients.sql.changes import require_change
from clients.sql.database import TRANSIENT_SECONDS, Column, Database, Result, SqlTable, WriteResult, WriteStatement
from clients.sql.gate import stopped
from clients.sql.parameters import names_in, require_all, rewritten, sendable
from clients.sql.proven_statements import ProvenStatement, parsed
from clients.sql.schemas import assembled
from clients.sql.service import NAME
from clients.sql.values import unique
from clients.sql.wire import DriverSocket, connected, milliseconds_left, tls, understood

if TYPE_CHECKING:
    from pymysql.connections import Connection

_CREATE = (
    "CREATE TABLE IF NOT EXISTS orchestra_once (marker varchar(64) PRIMARY KEY, "
    "done_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, result longtext) ENGINE=InnoDB"
)
_INSERT = "INSERT INTO orchestra_once (marker) VALUES (%s)"
_UPDATE = "UPDATE orchestra_once SET result = %s WHERE marker = %s"
_FIND = "SELECT result FROM orchestra_once WHERE marker = %s"
_IS_THERE = (
    "SELECT count(*) FROM information_schema.tables WHERE table_schema = database() AND table_name = 'orchestra_once'"
)
_PLAIN_MODE = "SET SESSION sql_mode = replace(replace(@@sql_mode, 'ANSI_QUOTES', ''), 'NO_BACKSLASH_ESCAPES', '')"
"""Texts are read as the parser reads them."""
_TABLES = """
SELECT t.table_name, IF(t.table_type = 'VIEW', 'view', 'table'), c.column_name, c.column_type, c.is_nullable = 'YES',
    c.column_key = 'PRI', (SELECT concat(k.referenced_table_name, '.', k.referenced_column_name)
        FROM information_schema.key_column_usage k WHERE k.table_schema = t.table_schema
        AND k.table_name = t.table_name AND k.column_name = c.column_name
        AND k.referenced_table_name IS NOT NULL LIMIT 1)
FROM information_schema.tables t JOIN information_schema.columns c
    ON c.table_schema = t.table_schema AND c.table_name = t.table_name
WHERE t.table_schema = database() AND t.table_name <> 'orchestra_once' ORDER BY t.table_name, c.ordinal_position
"""
_NOT_SAFE = """
SELECT t.table_name, t.engine FROM information_schema.tables t LEFT JOIN information_schema.engines e
    ON e.engine = t.engine
WHERE t.table_schema = database() AND t.table_type = 'BASE TABLE' AND coalesce(e.transactions, 'NO') <> 'YES'
"""
_WRITES = ("insert", "update", "delete", "replace", "with")
_DUPLICATE = 1062
_NO_ACCESS = frozenset({1044, 1045, 1142, 1143, 1227, 1698})  # sign-in refused, or no right to a database, table ...
_BUSY = frozenset({1205, 1213, 1040, 1203})  # a lock was not free, a deadlock, too many connections (two kinds)
_STOPPED = frozenset({1317, 1969, 3024})  # interrupted; the time limits of MariaDB and MySQL
"""Codes of the server (https://mariadb.com/kb/en/mariadb-error-code-reference/)."""
_LEAST_CLIENT_CODE, _MOST_CLIENT_CODE = 2_000, 2_999
"""Codes of the driver: the connection itself has failed."""


class MysqlDatabase(Database):
    """One database of a MySQL or MariaDB server."""

    dialect = "mysql"

    def __init__(self, address: DatabaseAddress, ca_file: str) -> None:
        self._address, self._ca_file = address, ca_file

    @contextmanager
    def read(self, reading: ProvenStatement, parameters: Mapping[str, Any], limit: int) -> Iterator[Result]:
        """Run a query: in a read-only transaction of a read-only session."""
        require_all(reading.names, parameters)
        with checked(), self._reading() as connection, _streaming(connection) as cursor:
            cursor.execute(_filled(connection, reading.statement, parameters))
            names = unique(one[0] for one in cursor.description or ())
            columns = [
                Column(name, _type_name(one[1])) for name, one in zip(names, cursor.description or (), strict=True)
            ]
            yield Result(columns, _rows(cursor, _wire_of(connection), limit))

    def execute(self, write: WriteStatement) -> WriteResult:
        """Execute a statement once."""
        if is_active():
            raise refused(f"A statement to {self._address.shown}")
        require_change(write.statement, self.dialect)
        require_all(names_in(write.statement, self.dialect), write.parameters)
        with self._opened() as connection:
            self._ensure_once(connection)
            _require_rollback(connection, write.statement)
            connection.begin()
            if not _inserted(connection, write.marker):
                connection.rollback()
                found = self._found(connection, write.marker)
                assert found is not None
                return found
            cursor = connection.cursor()
            done = WriteResult(max(cursor.execute(_filled(connection, write.statement, write.parameters)), 0))
            cursor.execute(_UPDATE, (json.dumps({"affected": done.affected, "rows": []}), write.marker))
            connection.commit()
            return done

    def _ensure_once(self, connection: Connection[Any]) -> None:
        """Create the table of markers, unless it is there."""
        import pymysql

        if not _all(connection, _IS_THERE)[0][0]:
            try:
                connection.cursor().execute(_CREATE)
            except pymysql.err.Error as error:
                said = _mapped(error)
                said.remedy = f"Let an account that may create tables run: {_CREATE}; then grant all rights on it."
                raise said from None

    def found(self, marker: str) -> WriteResult | None:
        """Look for the marker."""
        with checked(), self._reading() as connection:
            return self._found(connection, marker) if _all(connection, _IS_THERE)[0][0] else None

    def _found(self, connection: Connection[Any], marker: str) -> WriteResult | None:
        rows = _all(connection, _FIND, (marker,))
        return WriteResult(**json.loads(rows[0][0])) if rows else None

    def tables(self) -> Sequence[SqlTable]:
        """Return the tables and views of the database."""
        with checked(), self._reading() as connection:
            return assembled(_all(connection, _TABLES))

    def rights(self) -> Sequence[CheckLine]:
        """Return a warning for an account with rights on the server's files, and advice for one that may write."""
        with checked(), self._reading() as connection:
            user = str(_all(connection, "SELECT current_user()")[0][0])
            granted = " ".join(str(row[0]).upper() for row in _all(connection, "SHOW GRANTS"))
        advice = "An account with the right SELECT alone is safer, unless workflows use `sql.execute`."
        if "GRANT ALL PRIVILEGES ON *.*" in granted or any(f"{word} " in granted for word in ("FILE,", "SUPER,")):
            return [CheckLine("rights", ok=False, text=f"{user} may read and write files of the server. {advice}")]
        if any(word in granted for word in ("ALL PRIVILEGES", "INSERT", "UPDATE", "DELETE", "CREATE")):
            return [
                CheckLine(
                    "rights", ok=True, text=f"{user} may also write. Queries stay read-only by their session. {advice}"
                )
            ]
        return [CheckLine("rights", ok=True, text=f"{user} may only read.")]

    @contextmanager
    def _reading(self) -> Iterator[Connection[Any]]:
        """Open a read-only transaction, which ends with a rollback."""
        with self._opened() as connection:
            cursor = connection.cursor()
            _limit(cursor)
            cursor.execute("SET SESSION TRANSACTION READ ONLY")
            cursor.execute("START TRANSACTION READ ONLY")
            yield connection

    @contextmanager
    def _opened(self) -> Iterator[Connection[Any]]:
        import pymysql

        address, encryption = self._address, tls(self._address, self._ca_file)
        wire = connected(address)
        try:
            with _errors(address):
                connection = pymysql.connect(
                    host=address.host,
                    port=address.port,
                    user=address.user,
                    password=address.password,
                    database=address.database,
                    charset="utf8mb4",
                    autocommit=True,
                    # Our gate opens the connection, and hands it over below.
                    defer_connect=True,
                    ssl=encryption,
                    ssl_disabled=encryption is None,
                )
                with understood(address):
                    connection.connect(wire)
                cursor = connection.cursor()
                cursor.execute(_PLAIN_MODE)
                cursor.execute("SET SESSION time_zone = '+00:00'")
                # For locks of metadata; row locks have a limit of their own.
                cursor.execute(f"SET SESSION lock_wait_timeout = {TRANSIENT_SECONDS}")
                cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {TRANSIENT_SECONDS}")
                yield connection
        finally:
            wire.close()


def _limit(cursor: Any) -> None:
    """Set how long a query may take: MariaDB counts in seconds, MySQL in milliseconds."""
    import pymysql

    left = milliseconds_left()
    try:
        cursor.execute(f"SET SESSION max_statement_time = {left / 1000:.3f}")
    except pymysql.err.Error:
        with suppress(pymysql.err.Error):
            cursor.execute(f"SET SESSION max_execution_time = {left}")


def _inserted(connection: Connection[Any], marker: str) -> bool:
    """Insert the marker; return whether this is the first time."""
    import pymysql

    try:
        connection.cursor().execute(_INSERT, (marker,))
    except pymysql.err.IntegrityError as error:
        if error.args[0] == _DUPLICATE:
            return False
        raise
    return True


def _require_rollback(connection: Connection[Any], statement: str) -> None:
    """Raise InvalidRequest for a statement that a rollback would not take back."""
    from sqlglot import exp

    word = statement.lstrip("( \t\r\n").partition(" ")[0].split("\n")[0].lower()
    if word not in _WRITES:
        raise InvalidRequest(
            f"{word.upper()} cannot be executed exactly once: MySQL commits it by itself, or does not say what it did.",
            service=NAME,
            remedy="Only INSERT, UPDATE, DELETE and REPLACE can. Make other changes with the database's own tools.",
        )
    names = {table.name.lower() for one in parsed(statement, "mysql") for table in one.find_all(exp.Table)}
    for table, engine in _all(connection, _NOT_SAFE):
        if table.lower() in names:
            raise InvalidRequest(
                f"The table {table} cannot take part in a transaction: its engine is {engine}.",
                service=NAME,
                remedy=f"`ALTER TABLE {table} ENGINE=InnoDB` changes that.",
            )


@contextmanager
def _streaming(connection: Connection[Any]) -> Iterator[Any]:
    """Open a cursor that reads rows on demand; closing the driver's own would read all the others."""
    import pymysql.cursors

    cursor: Any = connection.cursor(pymysql.cursors.SSCursor)
    try:
        yield cursor
    finally:
        cursor.connection = None  # the connection ends with this query
        if cursor._result is not None:  # noqa: SLF001 - the driver has no public way to leave rows unread
            cursor._result.unbuffered_active = False  # noqa: SLF001


def _rows(cursor: Any, wire: DriverSocket, limit: int) -> Iterator[Sequence[Any]]:
    """Yield the rows one by one, and at most one more than `limit`: each may be as large as an answer."""
    for _ in range(limit + 1):
        wire.count_anew()
        row = cursor.fetchone()
        if row is None:
            return
        yield row


def _wire_of(connection: Connection[Any]) -> DriverSocket:
    """Return the connection that the driver sends through."""
    wire = connection._sock  # noqa: SLF001 - the driver has no public name for it
    assert isinstance(wire, DriverSocket)
    return wire


def _all(connection: Connection[Any], statement: str, values: Sequence[Any] = ()) -> Sequence[Sequence[Any]]:
    cursor = connection.cursor()
    cursor.execute(statement, values or None)
    return [tuple(one.decode() if isinstance(one, bytes) else one for one in row) for row in cursor.fetchall()]


def _filled(connection: Connection[Any], statement: str, parameters: Mapping[str, Any]) -> str:
    """Return the statement with its values as literals of the server's own form."""
    # The driver has no prepared statements; `_PLAIN_MODE` makes the server read its escapes as meant.
    return rewritten(statement, "mysql", lambda name: str(connection.escape(sendable(parameters[name]))))


def _type_name(code: int) -> str:
    from pymysql.constants import FIELD_TYPE

    names = {value: name for name, value in vars(FIELD_TYPE).items() if isinstance(value, int)}
    return str(names.get(code, "")).lower()


@contextmanager
def _errors(address: DatabaseAddress) -> Iterator[None]:
    """Turn what the driver raises into our errors."""
    import pymysql

    try:
        yield
    except pymysql.err.Error as error:
        raise _mapped(error, f"{address.host}:{address.port}") from None


def _mapped(error: Exception, shown: str = "The database") -> ServiceError:
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    words = str(error.args[1] if len(error.args) > 1 else error).rstrip(".")
    if _LEAST_CLIENT_CODE <= code <= _MOST_CLIENT_CODE:
        return Unavailable(f"{shown} ended the conversation: {words}.", service=NAME)
    if code in _STOPPED:
        return stopped(f"The database stopped the statement: {words}.")
    if code in _BUSY:
        return Unavailable(f"The database was busy: {words}.", service=NAME, outcome="not_done")
    if code in _NO_ACCESS:
        return AuthError(f"The database rejects the account: {words}.", service=NAME)
    return InvalidRequest(f"The database refused the statement: {words} ({code}).", service=NAME)
