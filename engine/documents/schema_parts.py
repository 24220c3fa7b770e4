"""Return the schema of a part of a value, with the definitions that it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.expressions.celtypes import ANYTHING, Schema


def resolved(schema: Schema) -> Schema:
    """Resolve a schema's reference; the result includes the definitions it needs."""
    if not isinstance(schema.get("$ref"), str):
        return schema
    found = schema.get("$defs", {}).get(schema["$ref"].rsplit("/", 1)[-1], ANYTHING)
    return within(schema, found)


def within(schema: Schema, inner: Any) -> Schema:
    """Return the schema of a part, with the definitions of the whole; any value if it is unknown."""
    if not isinstance(inner, Mapping):
        return ANYTHING
    return {**inner, "$defs": schema["$defs"]} if "$defs" in schema else inner
