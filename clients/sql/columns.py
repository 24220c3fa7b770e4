"""The columns of a statement's result, as far as they can be known: for the compiler, before anything runs.

The statement itself names most of them. The tables of the database, as they were last read, say what is behind a `*`
and what the values are. Whatever is in doubt is left open: nothing here may make an error of a statement that works.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, get_args

from msgspec import Struct

from clients.errors import InvalidRequest
from clients.sql.address import Dialect
from clients.sql.parameters import names_in
from clients.sql.proven_statements import ProvenStatement, proven
from clients.sql.values import unique

if TYPE_CHECKING:
    from sqlglot import exp

    from clients.sql.database import SqlTable, TableColumn
    from clients.sql.schemas import SeenTables

DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
Schema = Mapping[str, object]
"""JSON Schema of a value; {} if nothing is known."""
Columns = Mapping[str, Schema]
"""The columns of a table or query, in order."""
_INTEGERS = frozenset("smallint integer int bigint mediumint tinyint utinyint usmallint uinteger".split())
_TEXTS = frozenset(
    "char character text varchar uuid date time datetime timestamp numeric decimal tinytext mediumtext longtext".split()
)
"""Types whose values arrive as whole numbers, and as text (`clients.sql.values`)."""


@lru_cache(maxsize=256)
def reading_of(statement: str, dialects: tuple[Dialect, ...] = DIALECTS) -> ProvenStatement:
    """Return the proof that a statement reads, in the first dialect that allows it. Raises InvalidRequest."""
    first: InvalidRequest | None = None
    for dialect in dialects:
        try:
            return proven(statement, dialect)
        except InvalidRequest as error:
            first = first or error
    assert first is not None
    raise first


def parameters_of(statement: str) -> set[str] | None:
    """Return the names of a statement's parameters; None if no dialect can read it."""
    for dialect in DIALECTS:
        try:
            return set(names_in(statement, dialect))
        except InvalidRequest:
            continue
    return None


def columns_of(
    statement: str, dialects: tuple[Dialect, ...] = DIALECTS, seen: SeenTables | None = None
) -> Columns | None:
    """Return the columns of a query with what their values are; None if they are not all known."""
    try:
        tree = reading_of(statement, dialects if seen is None else (seen.dialect,)).tree
    except InvalidRequest:
        return None
    dialect = seen.dialect if seen is not None else dialects[0] if len(dialects) == 1 else None
    tables = {} if seen is None else {table.name: columns_of_table(table, seen.dialect) for table in seen.tables}
    return _Query(dialect, tables).columns(tree)


def columns_of_table(table: SqlTable, dialect: Dialect) -> Columns:
    """Return the columns of a table as it was last read."""
    return {column.name: {} if table.kind == "view" else _schema(column, dialect) for column in table.columns}


def _schema(column: TableColumn, dialect: Dialect) -> Schema:
    """Return a schema for the values of a column: in SQLite they may be anything, and many may be null."""
    kind = column.type.lower()
    base = re.split(r"[ (]", kind)[0]
    is_open = dialect == "sqlite" or column.is_nullable or kind.endswith("]")
    if is_open or (base == "bigint" and "unsigned" in kind):  # the latter may be larger than whole numbers here
        return {}
    if base in _INTEGERS:
        return {"type": "integer"}
    return {"type": "string"} if base in _TEXTS else {"type": "boolean"} if base == "boolean" else {}


class _Query(Struct, frozen=True):
    """The meaning of the names in a query."""

    dialect: Dialect | None
    """None: any."""
    tables: Mapping[str, Columns | None]
    """Of the database, and the queries in WITH; None: it is not known which columns one has."""

    def columns(self, query: exp.Expr) -> Columns | None:
        """Return the columns of a query; None if they are not all known."""
        from sqlglot import exp

        within = self._with(query)
        match query:
            case exp.Subquery():
                is_plain = within is self and not _named_anew(query)
                return within.columns(query.this) if is_plain else None
            case exp.SetOperation():
                return _united(within.columns(query.left), within.columns(query.right))
            case exp.Select():
                return within.selected(query)
        return None

    def _with(self, query: exp.Expr) -> _Query:
        """Return the meaning of names inside a query that begins with WITH."""
        from sqlglot import exp

        clause = query.args.get("with_")
        if clause is None:
            return self
        found = self
        for one in clause.expressions:
            known = None if clause.args.get("recursive") or _named_anew(one) else found.columns(one.this)
            found = _Query(self.dialect, {**found.tables, one.alias: known})
        assert isinstance(clause, exp.With)
        return found

    def selected(self, query: exp.Select) -> Columns | None:
        """Return the columns of a SELECT without its WITH; None if they are not all known."""
        sources = _Sources.of(query, self)
        found: list[tuple[str, Schema]] = []
        for one in query.expressions:
            columns = sources.starred(one) if one.is_star else sources.column(one)
            if columns is None:
                return None
            found += columns
        is_twice = len({name for name, _ in found}) < len(found)
        if not found or (is_twice and query.is_star):
            return None
        return dict(zip(unique(name for name, _ in found), (schema for _, schema in found), strict=True))


_Found = Iterable[tuple[str, Schema]]


class _Sources(Struct, frozen=True):
    """The tables and queries after FROM, by the names that they have there."""

    columns: Mapping[str, Columns | None]
    """None: it is not known which columns one has."""
    dialect: Dialect | None
    is_plain: bool
    """Whether `*` is the columns of all sources, one after the other."""
    may_be_null: bool
    """Whether a value may be null because a row has no counterpart, or is a total."""

    @classmethod
    def of(cls, query: exp.Select, around: _Query) -> _Sources:
        """Return the sources of a SELECT."""
        from_, joins = query.args.get("from_"), query.args.get("joins") or []
        listed = [] if from_ is None else [from_.this, *(join.this for join in joins)]
        columns = {one.alias_or_name: _source(one, around) for one in listed}
        extra = [name for name in ("laterals", "pivots", "connect", "match", "sample") if query.args.get(name)]
        merges = any(join.args.get("using") or join.args.get("method") for join in joins)
        group = query.args.get("group")
        totals = group is not None and any(value for name, value in group.args.items() if name != "expressions")
        has_sides = any(join.args.get("side") or join.args.get("method") for join in joins)
        is_plain = len(columns) == len(listed) > 0 and not (extra or merges)
        return cls(columns, around.dialect, is_plain, bool(has_sides or totals or extra or _has_totals(group)))

    def starred(self, selected: exp.Expr) -> _Found | None:
        """Return the columns behind `*` or `t.*`."""
        from sqlglot import exp

        star = selected.this if isinstance(selected, exp.Column) else selected
        if not isinstance(star, exp.Star) or any(star.args.values()) or not self.is_plain:
            return None
        names = [selected.table] if isinstance(selected, exp.Column) else list(self.columns)
        found = [self.columns.get(name) for name in names]
        if None in found:
            return None
        return [(name, self._open(schema)) for one in found if one is not None for name, schema in one.items()]

    def column(self, selected: exp.Expr) -> _Found | None:
        """Return the column that an expression gives, with its name in the result."""
        from sqlglot import exp

        inner = selected.unalias()
        declared = self._declared(inner) if isinstance(inner, exp.Column) else None
        is_count = isinstance(inner, exp.Count)
        schema: Schema = {"type": "integer"} if is_count else self._open(declared[1]) if declared else {}
        alias = selected.args.get("alias") if isinstance(selected, exp.Alias) else None
        name = self._name(inner, declared[0] if declared else "") if alias is None else self._written(alias)
        return None if not name else [(name, schema)]

    def _declared(self, column: exp.Column) -> tuple[str, Schema] | None:
        """Return the name and the schema of a column as its table has them; None if that is in doubt."""
        owners = [self.columns.get(column.table)] if column.table else list(self.columns.values())
        if None in owners or not isinstance(column.name, str):
            return None
        found = [
            (name, schema)
            for one in owners
            if one is not None
            for name, schema in one.items()
            if name.lower() == column.name.lower()
        ]
        return found[0] if len(found) == 1 else None

    def _name(self, selected: exp.Expr, declared: str) -> str:
        """Return the name that the database gives a column without AS; "" if that is in doubt."""
        from sqlglot import exp

        if not isinstance(selected, exp.Column):
            return ""
        written = self._written(selected.this)
        if not declared or written == declared:
            return written
        return declared if self.dialect in {"sqlite", "duckdb"} else ""

    def _written(self, name: exp.Expr) -> str:
        """Return a name as the database takes it; "" if that depends on the database."""
        if name.args.get("quoted") or name.name == name.name.lower() or self.dialect not in {None, "postgres"}:
            return name.name
        return name.name.lower() if self.dialect == "postgres" else ""

    def _open(self, schema: Schema) -> Schema:
        return {} if self.may_be_null else schema


def _source(source: exp.Expr, around: _Query) -> Columns | None:
    """Return the columns of a source after FROM or JOIN."""
    from sqlglot import exp

    if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier) and not _named_anew(source):
        if any(source.args.get(name) for name in ("pivots", "sample", "joins", "laterals", "when", "catalog")):
            return None
        return around.tables.get(f"{source.db}.{source.name}" if source.db else source.name)
    return around.columns(source) if isinstance(source, exp.Subquery) else None


def _named_anew(source: exp.Expr) -> bool:
    """Return whether the columns get other names, as in `t AS a (x, y)`."""
    alias = source.args.get("alias")
    return alias is not None and bool(alias.args.get("columns"))


def _united(left: Columns | None, right: Columns | None) -> Columns | None:
    """Return the columns of a UNION: the names of the first query, and what the values of both are."""
    if left is None:
        return None
    others: Iterator[Schema | None] = iter(()) if right is None else iter(right.values())
    return {name: schema if next(others, None) == schema else {} for name, schema in left.items()}


def _has_totals(group: exp.Expr | None) -> bool:
    from sqlglot import exp

    return group is not None and group.find(exp.Rollup, exp.Cube, exp.GroupingSets) is not None
