"""A value that fits a JSON Schema, as a beginning for what a person makes up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.compiler.definition.plan import Plan
from engine.documents.schema_check import misfits
from engine.expressions.cel_types import Schema, resolved, within

_DEEPEST = 6  # a schema may refer to itself
_FORMATS = {
    "date-time": "2026-05-01T08:00:00Z",
    "date": "2026-05-01",
    "time": "08:00:00Z",
    "email": "ada@example.com",
    "uri": "https://example.com/",
    "hostname": "example.com",
}
_PLAIN: Mapping[str, Any] = {"boolean": True, "integer": 1, "number": 1.5, "null": None, "string": "text"}


def required_inputs(plan: Plan) -> dict[str, Any]:
    """Return some value for each required input: without it, no run is accepted."""
    members = plan.inputs_schema.get("properties", {})
    return {name: sample_of(members.get(name, {})) for name in plan.inputs_schema.get("required", [])}


def sample_of(schema: Schema, depth: int = 0) -> Any:
    """Return a value for a schema: its default, example or first choice, else one made from its type.

    It fits wherever types, choices, formats and limits decide; a pattern is up to the person.
    """
    schema = resolved(schema)
    given = _given(schema)
    if given:
        return given[0]
    for word in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(word), list) and schema[word]:
            return sample_of(within(schema, schema[word][0]), depth + 1)
    kinds = schema.get("type")
    kind = next((one for one in kinds if one != "null"), "null") if isinstance(kinds, list) else kinds
    if depth > _DEEPEST:
        return {"object": {}, "array": []}.get(str(kind))
    if kind == "object" or "properties" in schema:
        members = schema.get("properties") or {}
        return {name: sample_of(within(schema, inner), depth + 1) for name, inner in members.items()}
    if kind == "array":
        least = schema.get("minItems", 1) or 1
        return [sample_of(within(schema, schema.get("items", {})), depth + 1)] * min(least, 20)
    return _plain(schema, str(kind))


def _given(schema: Schema) -> list[Any]:
    """Return the fitting ones of the values that a schema itself names."""
    examples = schema.get("examples")
    found = [schema[word] for word in ("default", "const", "example") if word in schema]
    found += examples if isinstance(examples, list) else []
    found += schema.get("enum") or []
    return [one for one in found if one is not None and not list(misfits(one, schema))]


def _plain(schema: Schema, kind: str) -> Any:
    if kind in ("integer", "number"):
        least = schema.get("minimum", schema.get("exclusiveMinimum"))
        most = schema.get("maximum")
        if least is not None:  # True adds 1: an exclusive limit does not fit itself
            return least + ("exclusiveMinimum" in schema and "minimum" not in schema)
        return min(_PLAIN[kind], most) if most is not None else _PLAIN[kind]
    if kind != "string":
        return _PLAIN.get(kind)
    text = _FORMATS.get(str(schema.get("format")), _PLAIN["string"])
    text = text.ljust(schema.get("minLength", 0), "x")
    return text[: schema["maxLength"]] if "maxLength" in schema else text
