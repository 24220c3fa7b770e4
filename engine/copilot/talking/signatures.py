"""Step types and triggers as short signatures, so that a model can know all of them at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from engine.plugins.registry import step_types, trigger_types
from engine.plugins.step import Effect, Role, StepType, fields_schema

_SHORT = {"string": "text", "integer": "int", "number": "number", "boolean": "bool", "null": "null", "object": "object"}
_ROLES = {Role.DESTINATION.value: ">", Role.INSTRUCTION.value: "!"}
_DEEPEST = 2
_MOST_MEMBERS = 30
_MOST_CHOICES = 6

LEGEND = (
    "Each line: name(fields) -> output | effect | title. `*` required, `>` destination (decides where something goes), "
    "`!` instruction to a model. Effects: pure, reads, writes."
)


@cache
def all_signatures() -> str:
    """Return the signatures of all shipped step types and triggers, a line each; the same text at each call."""
    steps = [signature(kind) for _, kind in sorted(step_types().items())]
    triggers = [
        f"{name}({_fields(fields_schema(kind.fields))}) | trigger | {kind.title}"
        for name, kind in sorted(trigger_types().items())
    ]
    return "\n".join([LEGEND, "", *steps, "", "Triggers (in `triggers`, each {id, uses, with}):", *triggers])


def signature(kind: StepType) -> str:
    """Return a step type in one line."""
    given = kind.output_schema({}, {})
    output = _schema(given, _DEEPEST, given.get("$defs", {}))
    effect = kind.effect.value if kind.effect is not Effect.WRITES else f"writes, {kind.repeat}"
    return f"{kind.name}({_fields(fields_schema(kind.fields))}) -> {output} | {effect} | {kind.title}"


def _fields(schema: Mapping[str, Any]) -> str:
    required, names = schema.get("required", ()), schema.get("$defs", {})
    found = [
        f"{name}{'*' if name in required else ''}{_ROLES.get(str(one.get('role')), '')}: {_schema(one, 1, names)}"
        for name, one in schema.get("properties", {}).items()
    ]
    return ", ".join(found)


def _schema(schema: Any, depth: int, names: Mapping[str, Any]) -> str:
    if isinstance(schema, Mapping) and "$ref" in schema:
        schema = names.get(str(schema["$ref"]).rpartition("/")[2])
    if not isinstance(schema, Mapping):
        return "any"
    if "enum" in schema:
        return _choices(schema["enum"])
    if "anyOf" in schema or "oneOf" in schema:
        parts = dict.fromkeys(_schema(one, depth, names) for one in schema.get("anyOf") or schema["oneOf"])
        return "|".join(parts)
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return "|".join(_schema({**schema, "type": one}, depth, names) for one in kinds)
    if kinds == "array":
        return f"[{_schema(schema.get('items'), depth, names)}]"
    if kinds == "object" and schema.get("properties"):
        return f"{{{', '.join(_members(schema['properties'], depth, names))}}}" if depth > 0 else "object"
    return _SHORT.get(str(kinds), "any")


def _members(properties: Mapping[str, Any], depth: int, names: Mapping[str, Any]) -> Iterator[str]:
    for name, one in list(properties.items())[:_MOST_MEMBERS]:
        kind = _schema(one, depth - 1, names)
        yield name if kind == "text" else f"{name}: {kind}"


def _choices(values: Sequence[Any]) -> str:
    shown = "|".join(str(one) if isinstance(one, str) else repr(one) for one in values[:_MOST_CHOICES])
    return f"{shown}|…" if len(values) > _MOST_CHOICES else shown
