"""The columns of a statement's result, as far as the statement itself says: for the compiler, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, get_args

from clients.errors import InvalidRequest
from clients.sql.address import Dialect
from clients.sql.parameters import names_in
from clients.sql.reading import Reading, proven
from clients.sql.values import unique

if TYPE_CHECKING:
    from sqlglot import exp

DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
Schema = Mapping[str, object]
"""JSON Schema of a value; {} if nothing is known."""


@lru_cache(maxsize=256)
def reading_of(statement: str, dialects: tuple[Dialect, ...] = DIALECTS) -> Reading:
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


def columns_of(statement: str, dialects: tuple[Dialect, ...] = DIALECTS) -> Mapping[str, Schema] | None:
    """Return the columns of a query with what their values are; None if the statement does not name all (`*`)."""
    try:
        tree = reading_of(statement, dialects).tree
    except InvalidRequest:
        return None
    selected: Sequence[exp.Expr] = tree.selects
    if not selected or tree.is_star or not all(one.alias_or_name for one in selected):
        return None
    names = unique(one.alias_or_name for one in selected)
    return {name: _schema(one) for name, one in zip(names, selected, strict=True)}


def _schema(selected: exp.Expr) -> Schema:
    from sqlglot import exp

    return {"type": "integer"} if isinstance(selected.unalias(), exp.Count) else {}
