"""Step types and triggers as short signatures, so that a model can know all of them at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from engine.plugins.registry import step_types, trigger_types
from engine.plugins.step import Effect, Role, StepType, fields_schema
from engine.plugins.trigger import TriggerType

_SHORT = {"string": "text", "integer": "int", "number": "number", "boolean": "bool", "null": "null", "object": "object"}
_ROLES = {Role.DESTINATION.value: ">", Role.INSTRUCTION.value: "!"}
_DEEPEST = 2
_MOST_MEMBERS = 30
_MOST_CHOICES = 6

_SHARED_LETTERS = 100
"""An object of so many letters is written once, and has a number where it is meant again: mails are in many steps."""

LEGEND = (
    "Each line: name(fields) -> output | effect | title. `*` required, `>` destination (decides where something goes), "
    "`!` instruction to a model. Effects: pure, reads, writes. `#1` stands for the object of that number at the end."
)


@cache
def all_signatures() -> str:
    """Return the signatures of all shipped step types and triggers, a line each; the same text at each call."""
    steps = [signature(kind) for _, kind in sorted(step_types().items())]
    triggers = [trigger_signature(kind) for _, kind in sorted(trigger_types().items())]
    every, objects = _shared([*steps, "", "Triggers (in `triggers`, each {id, uses, with}):", *triggers])
    return "\n".join([LEGEND, "", *every, "", "Objects:", *objects])


def _shared(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the lines with a number for each long object that is there more than once, and the objects."""
    text, objects = "\n".join(lines), list[str]()
    counts = Counter(one for line in lines for one in _objects(line) if len(one) >= _SHARED_LETTERS)
    for one in sorted(counts, key=lambda each: (-len(each), each)):
        is_meant_again = text.count(one) + sum(each.count(one) for each in objects) > 1
        if is_meant_again:
            name = f"#{len(objects) + 1}"
            text, objects = text.replace(one, name), [each.replace(one, name) for each in objects]
            objects.append(one)
    return text.split("\n"), [f"#{number} = {one}" for number, one in enumerate(objects, 1)]


def _objects(line: str) -> Iterator[str]:
    """Yield each object in a line, also those within others."""
    begun: list[int] = []
    for place, letter in enumerate(line):
        if letter == "{":
            begun.append(place)
        elif letter == "}" and begun:
            yield line[begun.pop() : place + 1]


def signature(kind: StepType) -> str:
    """Return a step type in one line."""
    given = kind.output_schema({}, {})
    output = _schema(given, _DEEPEST, given.get("$defs", {}))
    effect = kind.effect.value if kind.effect is not Effect.WRITES else f"writes, {kind.repeat}"
    return f"{kind.name}({_fields(fields_schema(kind.fields))}) -> {output} | {effect} | {kind.title}"


def short_signature(kind: StepType) -> str:
    """Return a step type in one short line: names of its fields and of its output's members, no types."""
    members = ", ".join(list(kind.output_schema({}, {}).get("properties", {}))[:_MOST_MEMBERS])
    return f"{kind.name}({_names(fields_schema(kind.fields))}) -> {members or 'a value'} | {kind.title}"


def _names(schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    return ", ".join(f"{name}*" if name in required else name for name in schema.get("properties", {}))


def trigger_signature(kind: TriggerType) -> str:
    """Return a trigger type in one line."""
    return f"{kind.name}({_fields(fields_schema(kind.fields))}) | trigger | {kind.title}"


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
