"""Requests JSON of a given schema from a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NESTED = ("properties", "$defs", "definitions")
_LISTED = ("anyOf", "oneOf", "allOf", "prefixItems")


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the `response_format` that makes a model follow a JSON Schema (OpenAI, structured outputs).

    `strict` is set only if the schema obeys its rules: otherwise OpenAI refuses the whole request.
    """
    described = {"name": "answer", "schema": dict(schema), "strict": is_strict(schema)}
    return {"type": "json_schema", "json_schema": described}


def is_strict(schema: Any) -> bool:
    """Return whether every object in the schema is closed and requires all its properties."""
    if not isinstance(schema, Mapping):
        return True
    if schema.get("type") == "object" or "properties" in schema:
        names = set(schema.get("properties", {}))
        if schema.get("additionalProperties") is not False or set(schema.get("required", [])) != names:
            return False
    inner = [each for key in _NESTED for each in dict(schema.get(key, {})).values()]
    inner += [each for key in _LISTED for each in schema.get(key, [])]
    return all(is_strict(each) for each in [*inner, schema.get("items")])
