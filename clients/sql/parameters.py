"""The parameters of a statement: `:name`, outside of texts and comments."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

from msgspec import Struct

from clients.errors import InvalidRequest
from clients.sql.address import Dialect
from clients.sql.service import NAME


class ParameterPlace(Struct, frozen=True):
    """Where a parameter is in a statement."""

    name: str
    start: int
    end: int


def places(statement: str, dialect: Dialect) -> Iterator[ParameterPlace]:
    """Yield the parameters in order. Raises InvalidRequest for a statement that cannot be read, or has `?`."""
    import sqlglot
    from sqlglot import TokenType

    try:
        tokens = sqlglot.tokenize(statement, read=dialect)
    except sqlglot.errors.SqlglotError:
        raise InvalidRequest("The statement cannot be read: a text or comment has no end.", service=NAME) from None
    for colon, after in pairwise(tokens):
        if colon.token_type == TokenType.PLACEHOLDER:
            raise InvalidRequest("Parameters have names here: write `:name` instead of `?`.", service=NAME)
        is_name = after.text.isidentifier() and after.token_type not in {TokenType.STRING, TokenType.IDENTIFIER}
        if colon.token_type == TokenType.COLON and after.start == colon.end + 1 and is_name:
            yield ParameterPlace(after.text, colon.start, after.end + 1)


def names_in(statement: str, dialect: Dialect) -> tuple[str, ...]:
    """Return the names of the parameters, each as often as it occurs."""
    return tuple(place.name for place in places(statement, dialect))


def require_all(names: tuple[str, ...], given: Mapping[str, Any]) -> None:
    """Raise InvalidRequest if a parameter has no value, or a value no parameter."""
    missing = [name for name in names if name not in given]
    if missing:
        raise InvalidRequest(
            f"The statement has the parameter :{missing[0]}, and there is no value for it.",
            service=NAME,
            remedy=f"Give `{missing[0]}` in `parameters`.",
        )
    idle = [name for name in given if name not in names]
    if idle:
        raise InvalidRequest(
            f"There is a value for :{idle[0]}, and the statement has no such parameter.",
            service=NAME,
            remedy=f"Use :{idle[0]} in the statement, or take it out of `parameters`.",
        )


def rewritten(statement: str, dialect: Dialect, of: Callable[[str], str]) -> str:
    """Return the statement with each parameter replaced by `of(its name)`."""
    parts, done = [], 0
    for place in places(statement, dialect):
        parts += [statement[done : place.start], of(place.name)]
        done = place.end
    return "".join([*parts, statement[done:]])


def sendable(value: Any) -> Any:
    """Return a JSON value as databases take it: lists and objects as JSON text."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
