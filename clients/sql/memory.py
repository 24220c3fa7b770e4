"""Queries over lists of objects: in an SQLite database that exists only while the query runs, in memory."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from itertools import chain, islice
from typing import Any

from clients.deadline import deadline
from clients.errors import InvalidRequest
from clients.sql import guard
from clients.sql.parameters import require_all, sendable
from clients.sql.proven_statements import proven
from clients.sql.values import record, unique
from clients.wording import guess

_SECONDS = 30.0
_MOST_ROWS = 1_000_000
_MOST_COLUMNS = 500
_COLUMNS_SHOWN = 20


def query_tables(
    tables: Mapping[str, Sequence[Mapping[str, Any]]], statement: str, parameters: Mapping[str, Any], limit: int
) -> tuple[list[str], list[dict[str, Any]], bool]:
    """Return the columns and at most `limit` rows of a query over lists, and whether there are more.

    Each list is a table, with a column for each name that one of its objects has. Raises InvalidRequest.
    """
    reading = proven(statement, "sqlite")
    require_all(reading.names, parameters)
    given = {name: sendable(value) for name, value in parameters.items()}
    with deadline(_SECONDS), closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        try:
            guard.limit(connection)
            for name, rows in tables.items():
                _fill(connection, name, rows)
            connection.set_authorizer(guard.reads)
            if all(tables.values()):  # the columns of an empty list are not known
                connection.execute(f"EXPLAIN {_with_names(statement)}", given)
            found = connection.execute(statement, given)
            names = unique(one[0] for one in found.description)
            rows_found = [record(names, row) for row in islice(found, limit)]
            return names, rows_found, found.fetchone() is not None
        except sqlite3.Error as error:
            said = "it takes too long" if str(error) == "interrupted" else str(error)
            raise InvalidRequest(f"The statement cannot be run: {said}.", remedy=_remedy(said, tables)) from None


def _with_names(statement: str) -> str:
    """Return the statement with `name` for "name", which SQLite takes for a text if no column is called so.

    https://sqlite.org/quirks.html#double_quoted_string_literals_are_accepted
    """
    import sqlglot

    made, done = "", 0
    for token in sqlglot.tokenize(statement, read="sqlite"):
        if statement[token.start] == '"':
            made += statement[done : token.start] + "`" + token.text.replace("`", "``") + "`"
            done = token.end + 1
    return made + statement[done:]


def _remedy(said: str, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Return the remedy for a missing column, or "" for another error."""
    missing = re.match(r"no such column: (.*)", said, re.DOTALL)
    if missing is None:
        return ""
    known = list(dict.fromkeys(chain.from_iterable(chain.from_iterable(tables.values()))))
    more = ", …" if len(known) > _COLUMNS_SHOWN else ""
    meant = guess(missing[1].rpartition(".")[2], known)
    shown = f"The columns are: {', '.join(known[:_COLUMNS_SHOWN])}{more}. A text stands in single quotes: 'open'."
    return f"{meant} {shown}".strip()


def _fill(connection: sqlite3.Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    names = list(dict.fromkeys(chain.from_iterable(rows))) or ["nothing"]
    if len(rows) > _MOST_ROWS or len(names) > _MOST_COLUMNS:
        raise InvalidRequest(
            f"The list {table!r} is too large: {len(rows)} rows, {len(names)} columns.",
            remedy=f"At most {_MOST_ROWS} rows of {_MOST_COLUMNS} columns can be queried.",
        )
    columns = ", ".join(map(_quoted, names))
    marks = ", ".join("?" * len(names))
    connection.execute(f"CREATE TABLE {_quoted(table)} ({columns})")
    connection.execute("BEGIN")
    connection.executemany(f"INSERT INTO {_quoted(table)} VALUES ({marks})", _values(rows, names))  # noqa: S608 - quoted
    connection.execute("COMMIT")


def _values(rows: Iterable[Mapping[str, Any]], names: Sequence[str]) -> Iterable[list[Any]]:
    return ([sendable(row.get(name)) for name in names] for row in rows)


def _quoted(name: str) -> str:
    """Return a name as an identifier (https://sqlite.org/lang_keywords.html)."""
    if "\0" in name:
        raise InvalidRequest("A name has a NUL character, which no table can have.")
    return '"' + name.replace('"', '""') + '"'
