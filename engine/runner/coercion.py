"""Numbers in the form that a schema promises: JSON's 3 where a number with a point is typed, 3.0 where a whole one is.

The expression language tells the two apart; what was checked with one must not meet the other when it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.expressions.celtypes import Schema, plain


def fitted(value: Any, schema: Schema, root: Schema | None = None) -> Any:
    """Return the value with each number in the form of its schema; what does not fit stays as it is."""
    root = schema if root is None else root
    if value is None or isinstance(value, str | bool):
        return value
    inner, _ = plain(schema, root)
    if isinstance(value, int | float):
        return _number(value, inner.get("type"))
    if isinstance(value, list):
        items = inner.get("items")
        return [fitted(one, items, root) for one in value] if isinstance(items, Mapping) else value
    return {key: _field(key, one, inner, root) for key, one in value.items()} if isinstance(value, dict) else value


def _field(key: str, value: Any, schema: Schema, root: Schema) -> Any:
    if value is None or isinstance(value, str):  # most are: their schema need not be looked up
        return value
    properties = schema.get("properties")
    known = properties.get(key) if isinstance(properties, Mapping) else None
    found = schema.get("additionalProperties") if known is None else known
    return fitted(value, found, root) if isinstance(found, Mapping) else value


def _number(value: float, kind: Any) -> int | float:
    if kind == "number" and isinstance(value, int):
        return float(value)
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value
