"""Convert numbers to the type in their schema: 3 becomes 3.0 for `number`, 3.0 becomes 3 for `integer`.

The expression language distinguishes the two types, so an expression must run with the type it was checked with.
"""

from __future__ import annotations

from typing import Any

from engine.expressions.cel_types import Schema, plain

_FITTED = frozenset({dict, list, int, float})
_COMPOSED = frozenset({"$ref", "anyOf", "oneOf"})


def fitted(value: Any, schema: Schema, root: Schema | None = None) -> Any:
    """Return the value with each number in the type of its schema; leave what does not fit unchanged."""
    kind = type(value)
    if kind not in _FITTED:
        return value
    root = schema if root is None else root
    is_plain = type(schema.get("type")) is str and schema.keys().isdisjoint(_COMPOSED)
    inner = schema if is_plain else plain(schema, root)[0]
    if kind is dict:
        return _object(value, inner, root)
    if kind is list:
        items = inner.get("items")
        return [fitted(one, items, root) for one in value] if isinstance(items, dict) else value
    wanted = inner.get("type")
    if wanted == "number" and isinstance(value, int):
        return float(value) if float(value) == value else value  # over 2^53, some would become another number
    if wanted == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _object(value: dict[str, Any], schema: Schema, root: Schema) -> dict[str, Any]:
    properties, others = schema.get("properties"), schema.get("additionalProperties")
    changed: dict[str, Any] = {}
    for key, one in value.items():
        if type(one) in _FITTED:  # no need to look up the schema of a text
            known = properties.get(key, others) if isinstance(properties, dict) else others
            found = fitted(one, known, root) if known and isinstance(known, dict) else one
            if found is not one:
                changed[key] = found
    return {**value, **changed} if changed else value
