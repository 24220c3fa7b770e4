"""How the demo model reads a JSON Schema: references followed, alternatives chosen, types and bounds known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]
MAX_DEPTH = 8


def resolved(schema: Schema, root: Schema) -> dict[str, Any]:
    """Follow `$ref`, `allOf` and the first choice of `anyOf` and `oneOf` that is not null."""
    flat = dict(schema)
    for _ in range(MAX_DEPTH):
        if "$ref" in flat:
            target = _pointed(str(flat.pop("$ref")), root)
        elif choices := flat.pop("anyOf", None) or flat.pop("oneOf", None):
            target = _first_choice(choices)
        elif parts := flat.pop("allOf", None):
            target = _merged(parts)
        else:
            break
        flat = {**target, **flat}
    return flat


def _pointed(reference: str, root: Schema) -> Schema:
    """What a local JSON pointer such as "#/$defs/Item" points at; {} when it points nowhere."""
    place: Any = root
    for part in reference.removeprefix("#").strip("/").split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        place = place.get(key, {}) if isinstance(place, dict) and key else place
    return place if isinstance(place, dict) else {}


def types_of(schema: Schema) -> list[str]:
    """The types that a schema allows, the ones that hold something first."""
    kind = schema.get("type")
    kinds = list(kind) if isinstance(kind, list) else [kind] if kind else []
    if not kinds:
        kinds = ["object"] if "properties" in schema else ["array"] if "items" in schema else ["string"]
    return sorted((str(each) for each in kinds), key=lambda each: each == "null") or ["string"]


def empty(kind: str, schema: Schema) -> Any:
    """The value that says nothing, of a type that must be given."""
    if kind in {"integer", "number"}:
        return within(0, schema)
    return {"object": {}, "array": [], "boolean": False, "null": None}.get(kind, "")


def _first_choice(choices: Sequence[Schema]) -> dict[str, Any]:
    """The first alternative that is not null; null itself stays possible."""
    real = [dict(each) for each in choices if each.get("type") != "null"]
    chosen: dict[str, Any] = real[0] if real else {"type": "null"}
    if len(real) < len(choices) and "type" in chosen:
        chosen["type"] = [*types_of(chosen), "null"]
    return chosen


def _merged(parts: Sequence[Schema]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for part in parts:
        properties = {**merged.get("properties", {}), **part.get("properties", {})}
        required = [*merged.get("required", ()), *part.get("required", ())]
        merged = {**merged, **part}
        if properties:
            merged |= {"properties": properties, "required": required}
    return merged


def within(number: float, schema: Schema) -> float | int:
    """The number, moved between minimum and maximum, whole where the schema wants an integer."""
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    bounded = max(number, lowest) if lowest is not None else number
    bounded = min(bounded, highest) if highest is not None else bounded
    return int(bounded) if "integer" in types_of(schema) else bounded
