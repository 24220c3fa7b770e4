"""Queries that are made of names instead of text: rows of one table, filtered and ordered by its columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from clients.errors import InvalidRequest
from clients.sql.address import Dialect
from clients.sql.service import NAME


class RowSelection(Struct, frozen=True):
    """Rows of a table. Columns may be written as `table.column`, as pickers do."""

    table: str
    columns: Sequence[str] = ()
    """Empty: all."""
    equal: Mapping[str, Any] = field(default_factory=dict)
    """The value that a column must have; None: it is null."""
    order_by: str = ""
    descending: bool = False
    """Rows without a value of `order_by` are the last ones either way."""
    needs_order: bool = False
    """Whether rows without a value of `order_by` are left out."""
    at_least: Any = None
    """The lowest value of `order_by`; rows without one are left out then, too."""
    limit: int = 1_000


def statement_of(selection: RowSelection, dialect: Dialect) -> tuple[str, dict[str, Any]]:
    """Return the query and its parameters. Raises InvalidRequest for an impossible name."""
    table, order = selection.table, selection.order_by and column_of(selection.table, selection.order_by)
    columns = ", ".join(_quoted(column_of(table, name), dialect) for name in selection.columns) or "*"
    values: dict[str, Any] = {}
    conditions = []
    for number, (name, value) in enumerate(selection.equal.items()):
        column = _quoted(column_of(table, name), dialect)
        conditions.append(f"{column} IS NULL" if value is None else f"{column} = :v{number}")
        if value is not None:
            values[f"v{number}"] = value
    if selection.at_least is not None:
        conditions.append(f"{_quoted(order, dialect)} >= :since")
        values["since"] = selection.at_least
    elif order and selection.needs_order:
        conditions.append(f"{_quoted(order, dialect)} IS NOT NULL")
    source = ".".join(_quoted(part, dialect) for part in _parts(table, dialect))
    parts = ["SELECT", columns, "FROM", source]
    parts += [f"WHERE {' AND '.join(conditions)}"] if conditions else []
    parts += [f"ORDER BY {_ordering(_quoted(order, dialect), selection, dialect)}"] if order else []
    return " ".join([*parts, f"LIMIT {selection.limit}"]), values


def column_of(table: str, name: str) -> str:
    """Return the name of a column without the name of its table."""
    return name.removeprefix(f"{table}.")


def _parts(table: str, dialect: Dialect) -> Sequence[str]:
    """Return the schema and the name of a table. A file of SQLite has one schema, so that a dot is in the name."""
    return [table.removeprefix("main.")] if dialect == "sqlite" else table.split(".")


def _ordering(column: str, selection: RowSelection, dialect: Dialect) -> str:
    direction = " DESC" if selection.descending else ""
    if selection.needs_order or selection.at_least is not None:
        return f"{column}{direction}"
    if dialect == "mysql":  # which has no NULLS LAST, and takes NULL for the lowest value
        return f"{column}{direction}" if selection.descending else f"{column} IS NULL, {column}"
    return f"{column}{direction} NULLS LAST"


def _quoted(name: str, dialect: Dialect) -> str:
    """Return a name in quotes. SQLite takes an unknown `"name"` for a text, unlike one in backticks.

    https://www.sqlite.org/quirks.html#double_quoted_string_literals_are_accepted
    """
    mark = "`" if dialect in ("mysql", "sqlite") else '"'
    if not name or "\0" in name or "\\" in name:
        raise InvalidRequest(f"{name!r} is not a name of a table or column.", service=NAME)
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"
