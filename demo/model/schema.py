"""How the demo model reads a JSON Schema: it resolves references, chooses alternatives, and knows types and bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
MOST_REFERENCES = 16


def resolved(schema: Any, root: Schema) -> dict[str, Any]:
    """Resolve `$ref`, `allOf` and the first choice of `anyOf` and `oneOf` that is not null; null stays allowed."""
    flat: dict[str, Any] = dict(schema) if isinstance(schema, Mapping) else {}
    may_be_null = False
    for _ in range(MOST_REFERENCES):
        if "$ref" in flat:
            target = _pointed(str(flat.pop("$ref")), root)
        elif choices := flat.pop("anyOf", None) or flat.pop("oneOf", None):
            real = [each for each in choices if each != {"type": "null"}]
            may_be_null |= len(real) < len(choices)
            target = real[0] if real else {"type": "null"}
        elif parts := flat.pop("allOf", None):
            target = _merged([resolved(part, root) for part in parts])
        else:
            break
        flat = _merged([target, flat])
    if may_be_null:
        flat["type"] = [*types_of(flat), "null"]
    return flat


def types_of(schema: Schema) -> list[str]:
    """Return the types that a schema allows, null last."""
    kind = schema.get("type") or ("object" if "properties" in schema else "array" if "items" in schema else "string")
    return sorted([kind] if isinstance(kind, str) else kind, key=lambda each: each == "null")


def empty(kind: str, schema: Schema) -> Any:
    """Return the empty value of a required type."""
    if kind in {"integer", "number"}:
        return within(0, schema)
    return {"object": {}, "array": [], "boolean": False, "null": None}.get(kind, "…" * schema.get("minLength", 0))


def within(number: float, schema: Schema) -> float | int:
    """Move a number into the schema's bounds, and round it for an integer."""
    lowest = schema.get("minimum", schema.get("exclusiveMinimum", number))
    highest = schema.get("maximum", schema.get("exclusiveMaximum", number))
    tries = [number, lowest, highest, (lowest + highest) / 2, lowest + 1, highest - 1]
    if step := schema.get("multipleOf") or ("integer" in types_of(schema) and 1):
        tries = [(round(each / step) + more) * step for each in tries for more in (0, 1, -1)]
    found = next((each for each in tries if _is_within(each, schema)), tries[0])
    return int(found) if "integer" in types_of(schema) else found


def _is_within(number: float, schema: Schema) -> bool:
    return (
        schema.get("minimum", number) <= number <= schema.get("maximum", number)
        and ("exclusiveMinimum" not in schema or number > schema["exclusiveMinimum"])
        and ("exclusiveMaximum" not in schema or number < schema["exclusiveMaximum"])
    )


def _pointed(reference: str, root: Schema) -> Any:
    """Return the target of a local JSON pointer such as "#/$defs/Item", or {}."""
    place: Any = root
    for part in filter(None, reference.removeprefix("#").split("/")):
        place = place.get(part.replace("~1", "/").replace("~0", "~"), {}) if isinstance(place, Mapping) else {}
    return place


def _merged(parts: list[Any]) -> dict[str, Any]:
    """Merge schemas that all apply: properties are combined, for other keys the later one wins."""
    known = [part for part in parts if isinstance(part, Mapping)]
    merged = {key: value for part in known for key, value in part.items()}
    if any("properties" in part for part in known):
        merged["properties"] = {name: each for part in known for name, each in part.get("properties", {}).items()}
        merged["required"] = [name for part in known for name in part.get("required", ())]
    return merged
