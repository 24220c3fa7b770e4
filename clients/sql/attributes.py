"""Names with a table before them: PostgreSQL calls the function `f` for `t.f` if `t` has no column of that name.

A statement that was proven to read may have such names only if they cannot be functions that do more than read:
https://www.postgresql.org/docs/current/sql-expressions.html#FIELD-SELECTION, and "functional notation" in
https://www.postgresql.org/docs/current/xfunc-sql.html#XFUNC-SQL-COMPOSITE-FUNCTIONS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from sqlglot import exp

LONGEST_NAME = 63
"""Bytes of a name that PostgreSQL keeps; it cuts off the rest."""
_CALLABLE = """
SELECT DISTINCT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.proname::text IN (SELECT json_array_elements_text($1::json))
    AND p.pronargs >= 1 AND p.pronargs - p.pronargdefaults <= 1
    AND NOT (n.nspname = 'pg_catalog' AND p.provolatile = 'i')
"""
"""Functions that can take one value, except PostgreSQL's own immutable ones, which only compute."""
_IS_COLUMN = "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2)"

Ask = Callable[[str, Sequence[str]], Sequence[Sequence[Any]]]
"""Runs a query of ours with its values; returns the rows."""


class Attribute(Struct, frozen=True):
    """A name after the name of a table, as in `t.f`."""

    name: str
    tables: tuple[str, ...] | None
    """The tables that `t` may be, quoted; None if it may be anything else."""


def attributes_of(tree: exp.Expr) -> tuple[Attribute, ...]:
    """Return the names of a statement that have a table before them."""
    from sqlglot import exp

    found: dict[tuple[str, str], None] = {}
    for column in tree.find_all(exp.Column):
        if column.args.get("table") is not None and not isinstance(column.this, exp.Star):
            found.setdefault((_folded(column.this), column.table.lower()))
    return tuple(Attribute(name, _tables(tree, owner)) for name, owner in found)


def called(attributes: Iterable[Attribute], harmless: Iterable[str], ask: Ask) -> str | None:
    """Return the first name that PostgreSQL would take for a function which may do more than read, or None.

    `harmless` are the names of functions that only read their arguments.
    """
    import json

    names = sorted({one.name for one in attributes} - set(harmless))
    if not names:
        return None
    callable_ones = {row[0] for row in ask(_CALLABLE, [json.dumps(names)])}
    return next((one.name for one in attributes if one.name in callable_ones and not _is_column(one, ask)), None)


def _is_column(attribute: Attribute, ask: Ask) -> bool:
    """Return whether each table that may be meant has such a column: PostgreSQL then takes the column."""
    tables = attribute.tables
    return bool(tables) and all(ask(_IS_COLUMN, [table, attribute.name])[0][0] for table in tables or ())


def _tables(tree: exp.Expr, owner: str) -> tuple[str, ...] | None:
    """Return the tables called `owner` in the statement; None if anything else is called so, or nothing."""
    from sqlglot import exp

    named = [alias.parent for alias in tree.find_all(exp.TableAlias) if alias.name.lower() == owner]
    named += [table for table in tree.find_all(exp.Table) if not table.alias and table.name.lower() == owner]
    queries = {one.alias.lower() for one in tree.find_all(exp.CTE)}
    tables = [_quoted(one, queries) for one in named]
    return None if not tables or None in tables else tuple(one for one in tables if one is not None)


def _quoted(source: exp.Expr | None, queries: set[str]) -> str | None:
    """Return the quoted name of a table; None for functions, queries, and tables whose columns get other names."""
    from sqlglot import exp

    if not isinstance(source, exp.Table) or not isinstance(source.this, exp.Identifier):
        return None
    alias = source.args.get("alias")
    if (alias is not None and alias.columns) or (not source.db and source.name.lower() in queries):
        return None
    return ".".join('"' + _folded(part).replace('"', '""') + '"' for part in _parts(source))


def _parts(table: exp.Table) -> Iterator[exp.Expr]:
    yield from (part for part in (table.args.get("catalog"), table.args.get("db"), table.this) if part is not None)


def _folded(name: exp.Expr) -> str:
    """Return a name as PostgreSQL keeps it: in small letters, unless it is quoted."""
    return name.name if name.args.get("quoted") else name.name.lower()
