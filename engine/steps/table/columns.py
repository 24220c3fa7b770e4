"""What the forms for rows look at: whether a column is there, whether rows are equal in columns, the numbers in one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clients.errors import InvalidRequest
from clients.wording import listed, nearest
from engine.expressions.json_values import compact_json

Row = Mapping[str, Any]
# Possessive quantifiers: a cell of digits that is no number would be tried once for each digit.
_DECIMAL = re.compile(r"[+-]?([0-9]++\.?+[0-9]*+|\.[0-9]++)(e[+-]?[0-9]++)?", re.IGNORECASE | re.ASCII)
_SHOWN_MOST = 80
"""Characters of a value that an error shows."""


def require_columns(rows: Sequence[Row], **fields: Iterable[str]) -> None:
    """Raise InvalidRequest for a column, named in one of these fields, that no row has; there may be no rows at all."""
    for field, names in fields.items():
        missing = dict.fromkeys(names)
        for row in rows:
            missing = {name: None for name in missing if name not in row}
            if not missing:
                break
        if rows and missing:
            raise _no_column(next(iter(missing)), field, list(dict.fromkeys(name for row in rows for name in row)))


def _no_column(name: str, field: str, known: Sequence[str]) -> InvalidRequest:
    near = nearest(name, known)
    meant = f"Did you mean {near!r}? " if near is not None else ""
    there = f"The columns are: {listed(known)}." if known else "The rows have no columns."
    return InvalidRequest(f"`{field}` names the column {name!r}, which no row has.", remedy=f"{meant}{there}")


def is_empty(value: Any) -> bool:
    """Return whether a cell has nothing in it: null or an empty text."""
    return value is None or value == ""


def key_of(row: Row, columns: Iterable[str]) -> str:
    """Return the values of columns as one text; rows with the same one are equal in them."""
    return compact_json([_comparable(row.get(name)) for name in columns])


def whole_key(row: Row) -> str:
    """Return all values of a row as one text, as `key_of` does."""
    return compact_json(_comparable(row))


def _comparable(value: Any) -> Any:
    """Return a value written in one way: 2.0 as 2, the members of an object by their names."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {name: _comparable(value[name]) for name in sorted(value)}
    return [_comparable(one) for one in value] if isinstance(value, list) else value


def number_in(row: Row, column: str, place: int) -> float:
    """Return the number in a column of the row at a place, from 1. Raises InvalidRequest for anything else."""
    value = row[column]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = value.strip() if isinstance(value, str) else ""
    found = float(text) if _DECIMAL.fullmatch(text) else math.nan
    if math.isfinite(found):
        digits = text.lstrip("+-")
        if not digits.isdigit():
            return found
        # Python counts the zeros in front as well, and reads no more than 4,300 digits.
        size = int(digits.lstrip("0") or "0")
        return -size if text.startswith("-") else size
    seen = repr(value) if isinstance(value, str) else compact_json(value)
    why = "a number that is too large" if math.isinf(found) else "not a number"
    raise InvalidRequest(
        f"Row {place:,} has {seen[:_SHOWN_MOST]} in the column {column!r}, which is {why}.",
        remedy="Write numbers as 1200.5, or take such rows out first, for example by `filter` in an expression.",
    )
