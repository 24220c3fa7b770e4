"""Checks requests and answers against Google's published descriptions of its APIs (the discovery documents)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import googleapiclient

TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


@cache
def document(name: str) -> dict[str, Any]:
    """The description of an API, such as `gmail.v1`."""
    folder = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return found


def differences(value: Any, schema: dict[str, Any] | str, place: str = "$", api: str = "gmail.v1") -> Iterator[str]:
    """Say where a value has a name or type that the description does not have."""
    if isinstance(schema, str) or "$ref" in schema:
        named = document(api)["schemas"][schema if isinstance(schema, str) else schema["$ref"]]
        yield from differences(value, named, place, api)
        return
    if schema.get("type") == "any":
        return
    kind = schema.get("type", "object")
    if not isinstance(value, TYPES[kind]) or (kind == "integer" and isinstance(value, bool)):
        yield f"{place}: {type(value).__name__} instead of {kind}"
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            known = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if known is None:
                yield f"{place}.{name}: no such property"
            else:
                yield from differences(inner, known, f"{place}.{name}", api)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from differences(inner, schema["items"], f"{place}[{index}]", api)
    else:
        yield from _format_differences(value, schema, place, api)


def _format_differences(value: Any, schema: dict[str, Any], place: str, api: str) -> Iterator[str]:
    form = schema.get("format")
    if form in {"uint64", "int64"} and not re.fullmatch(r"\d+", value):
        yield f"{place}: {value!r} is no {form}"
    if form == "byte" and api == "pubsub.v1":
        base64.b64decode(value, validate=True)
    elif form == "byte":
        base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
        if "=" in value or "+" in value or "/" in value:
            yield f"{place}: not base64url without padding"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{place}: {value!r} is none of {schema['enum']}"
