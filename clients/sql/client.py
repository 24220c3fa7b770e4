"""One database as steps, triggers and pages use it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from clients.check_line import CheckLine, failed
from clients.client import AccountSighting, Client, Opening
from clients.errors import AuthError, InvalidRequest, NotFound, ServiceError
from clients.secrets import known
from clients.sql.address import DatabaseAddress, file_of, parsed
from clients.sql.database import Database, SqlTable, WriteResult, WriteStatement
from clients.sql.proven_statements import proven
from clients.sql.schemas import Memory
from clients.sql.select import RowSelection, statement_of
from clients.sql.service import NAME, SQL, SqlSettings
from clients.sql.values import record

_MOST_BYTES = 20_000_000
"""How much the rows of one answer may take, as JSON."""
_MOST_FILE_BYTES = 200_000_000
_MOST_COLUMNS = 2_000
_PICKED_ROWS = 100
_NAMED_COLUMNS = 30
"""Columns of a table that a picked statement names."""


class QueryRows(Struct, frozen=True):
    """The rows of a query as objects, and whether there are more."""

    columns: Sequence[Mapping[str, str]]
    """{name, type}, in order."""
    rows: Sequence[Mapping[str, Any]]
    truncated: bool


class SqlClient(Client):
    """One database. Thread-safe: each operation has a connection of its own."""

    service = SQL

    def __init__(
        self, settings: SqlSettings, workspace: Path | None, state_folder: Path | None, *, is_demo: bool = False
    ) -> None:
        self._settings, self._workspace, self._state_folder = settings, workspace, state_folder
        self._is_demo = is_demo
        with_secrets = _address_or_none(settings)
        if with_secrets is not None and with_secrets.password:
            known.keep(f"password {with_secrets.user}@{with_secrets.shown}", *with_secrets.secrets)

    @classmethod
    def open(cls, settings: SqlSettings, opening: Opening) -> SqlClient:
        """Return a client for these settings; nothing is opened yet."""
        if opening.is_demo and not settings.url.get_secret_value().startswith("sqlite:"):
            settings = SqlSettings()  # the demo is a file: no server is reached
        return cls(settings, opening.workspace, opening.shared_folder, is_demo=opening.is_demo)

    def account(self) -> str:
        """Return the database's address, without user and password."""
        return self._address().shown

    def label(self) -> str:
        """Return the name of the database."""
        return self._address().database

    def check(self) -> list[CheckLine]:
        """Connect, and say what the account may do beyond reading."""
        try:
            rights = self._database().rights()
            self.schema()
        except ServiceError as error:
            return [failed(self.service, _place_of(error), error)]
        return [CheckLine("sign-in", ok=True, text=f"{self.account()} answers."), *rights]

    def query(self, statement: str, parameters: Mapping[str, Any], limit: int) -> QueryRows:
        """Return at most `limit` rows of a query. Raises InvalidRequest if it may do more than read."""
        database = self._database()
        with database.read(proven(statement, database.dialect), parameters, limit) as found:
            names = [column.name for column in found.columns]
            rows = list(islice(_within(found.rows, names, _MOST_BYTES), limit))
            is_cut = next(iter(found.rows), None) is not None
            return QueryRows([asdict(column) for column in found.columns], rows, is_cut)

    def lines(self, statement: str, parameters: Mapping[str, Any], limit: int) -> tuple[QueryRows, bytes]:
        """Return at most `limit` rows of a query as JSON lines, beside its columns and whether there are more."""
        database = self._database()
        with database.read(proven(statement, database.dialect), parameters, limit) as found:
            names = [column.name for column in found.columns]
            taken = islice(_within(found.rows, names, _MOST_FILE_BYTES), limit)
            content = b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in taken)
            is_cut = next(iter(found.rows), None) is not None
            return QueryRows([asdict(column) for column in found.columns], (), is_cut), content

    def select(self, selection: RowSelection) -> QueryRows:
        """Return rows of one table; one more than asked for is read, to know whether there are more."""
        statement, values = statement_of(replace(selection, limit=selection.limit + 1), self._database().dialect)
        return self.query(statement, values, selection.limit)

    def execute(self, write: WriteStatement) -> WriteResult:
        """Execute a statement once: `write.marker` is inserted in the same transaction."""
        return self._database().execute(write)

    def found(self, marker: str) -> WriteResult | None:
        """Return the result of the write with this marker, or None if it was not made."""
        return self._database().found(marker)

    def schema(self) -> Sequence[SqlTable]:
        """Return the tables and views with their columns, and remember them for `seen`."""
        found = self._database().tables()
        memory = self._memory()
        if memory is not None:
            memory.keep(found)
        return found

    def seen(self) -> AccountSighting | None:
        """Return the `SeenTables` of the last reading of the tables."""
        memory = self._memory()
        found = None if memory is None else memory.seen()
        return None if found is None else AccountSighting(*found)

    def tables(self) -> list[str]:
        """List the names of the tables and views, for a picker."""
        return [table.name for table in self.schema()]

    def columns(self) -> list[str]:
        """List the columns as `table.column`, for a picker."""
        return [f"{table.name}.{column.name}" for table in self.schema() for column in table.columns]

    def statements(self) -> list[str]:
        """List a statement for each table that reads its first rows, for a picker; the columns of wide tables are `*`.

        A table with a name that cannot be quoted safely is left out.
        """
        dialect, found = self._database().dialect, []
        for table in self.schema():
            names = [column.name for column in table.columns]
            selection = RowSelection(table.name, names if len(names) <= _NAMED_COLUMNS else (), limit=_PICKED_ROWS)
            with suppress(InvalidRequest):
                found.append(statement_of(selection, dialect)[0])
        return found

    def _memory(self) -> Memory | None:
        """Return where the tables are remembered; None for an invalid address, or outside of a workspace."""
        address = _address_or_none(self._settings)
        return None if address is None or self._state_folder is None else Memory(self._state_folder, address)

    def _address(self) -> DatabaseAddress:
        return parsed(self._settings.url.get_secret_value())

    def _database(self) -> Database:
        """Return the database of the address. Raises InvalidRequest for an invalid address."""
        address = self._address()
        if address.is_file:
            return self._of_file(address)
        if address.dialect == "postgres":
            from clients.sql.postgres import PostgresDatabase

            return PostgresDatabase(address, self._settings.ca_file)
        from clients.sql.mysql import MysqlDatabase

        return MysqlDatabase(address, self._settings.ca_file)

    def _of_file(self, address: DatabaseAddress) -> Database:
        file = file_of(address, self._workspace, self._state_folder, is_demo=self._is_demo)
        if address.dialect == "sqlite":
            from clients.sql.sqlite import SqliteDatabase

            return SqliteDatabase(file, address.shown)
        absence = SQL.lacks({"url": self._settings.url.get_secret_value()})
        if absence:
            raise InvalidRequest(absence, service=NAME, remedy=SQL.install)
        from clients.sql.duckdb import DuckdbDatabase

        return DuckdbDatabase(file, address.shown)


def _address_or_none(settings: SqlSettings) -> DatabaseAddress | None:
    try:
        return parsed(settings.url.get_secret_value())
    except ServiceError:
        return None


def _place_of(error: ServiceError) -> str:
    """Return the name of the check line for an error: only a rejected account calls for another one."""
    if isinstance(error, AuthError):
        return "sign-in"
    return "settings" if isinstance(error, InvalidRequest | NotFound) else "server"


def _within(rows: Iterator[Sequence[Any]], names: Sequence[str], most_bytes: int) -> Iterator[dict[str, Any]]:
    """Yield rows as objects. Raises InvalidRequest once they take too many bytes."""
    if len(names) > _MOST_COLUMNS:
        raise InvalidRequest(f"The query has {len(names)} columns; {_MOST_COLUMNS} are the most.", service=NAME)
    size = 0
    for row in rows:
        one = record(names, row)
        # 6: the quotation marks, colon, comma and blanks around a name.
        size += sum(len(str(value)) + len(name) + 6 for name, value in one.items())
        if size > most_bytes:
            raise InvalidRequest(
                f"The rows take more than {most_bytes // 1_000_000} MB.",
                service=NAME,
                remedy="Select fewer columns, lower `limit`, or set `as_file`.",
            )
        yield one
