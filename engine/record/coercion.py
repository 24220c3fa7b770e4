"""Convert numbers to the type in their schema: 3 becomes 3.0 for `number`, 3.0 becomes 3 for `integer`.

The expression language distinguishes the two types, so an expression must run with the type it was checked with.
"""

from __future__ import annotations

from typing import Any

from engine.expressions.cel_types import Schema, plain

_FITTED = frozenset({dict, list, int, float})


def fitted(value: Any, schema: Schema, root: Schema | None = None) -> Any:
    """Return the value with each number in the type of its schema; leave what does not fit unchanged."""
    kind = type(value)
    if kind not in _FITTED:
        return value
    root = schema if root is None else root
    inner, _ = plain(schema, root)
    if kind is dict:
        return {key: _field(key, one, inner, root) for key, one in value.items()}
    if kind is list:
        items = inner.get("items")
        return [fitted(one, items, root) for one in value] if isinstance(items, dict) else value
    return _number(value, inner.get("type"))


def _field(key: str, value: Any, schema: Schema, root: Schema) -> Any:
    if type(value) not in _FITTED:  # no need to look up the schema of a text
        return value
    properties = schema.get("properties")
    known = properties.get(key) if isinstance(properties, dict) else None
    found = schema.get("additionalProperties") if known is None else known
    return fitted(value, found, root) if isinstance(found, dict) else value


def _number(value: float, kind: Any) -> int | float:
    if kind == "number" and isinstance(value, int):
        return float(value) if float(value) == value else value  # over 2^53, some would become another number
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value
