"""Fixes of keys and fields: misspelt, at the wrong level, missing, not wanted here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from clients.wording import nearest
from engine.base.json_text import JsonObject
from engine.compiler.definition.model import TriggerModel, WorkflowModel
from engine.compiler.definition.step_model import STEP_FIELDS, StepModel
from engine.copilot.fixes.records import Idea
from engine.copilot.fixes.seen import SeenProblem, shown
from engine.plugins.registry import step_type
from engine.plugins.step import fields_schema

_MODELS: Mapping[str, type[BaseModel]] = {"step": StepModel, "trigger": TriggerModel, "workflow": WorkflowModel}
_OF_STEPS = frozenset(STEP_FIELDS) - {"id", "uses", "steps", "with"}
_MINIMAL: JsonObject = {"schema_version": 1}
_INPUTS = {"type": "object"}


def misspelt_key(seen: SeenProblem) -> Iterator[Idea]:
    """An unknown key: the nearest one, or a field of the step type that belongs in `with`."""
    yield from _renamed(seen, _keys(seen))
    if seen.node is not None and len(seen.inside) == 1 and seen.key in _fields(seen):
        target = (*seen.node.place, "with", seen.key)
        yield Idea(f"Move {seen.key!r} into 'with'", [seen.set(target, seen.value), seen.unset(seen.path)])
    yield from taken_out(seen)


def misspelt_field(seen: SeenProblem) -> Iterator[Idea]:
    """A field that the step type does not have: the nearest one, the only missing one, or a key of the step."""
    if seen.kind is None:
        return
    known, given = _fields(seen), seen.near(seen.path[:-1], {})
    yield from _renamed(seen, known)
    lacking = [one for one in fields_schema(seen.kind.fields).get("required", []) if one not in given]
    if len(lacking) == 1:
        yield Idea(f"Rename {seen.key!r} to {lacking[0]!r}", seen.called(seen.path, lacking[0]))
    if seen.node is not None and seen.key in _OF_STEPS and len(seen.inside) == 2:
        target = (*seen.node.place, seen.key)
        yield Idea(f"Move {seen.key!r} out of 'with'", [seen.set(target, seen.value), seen.unset(seen.path)])
    yield from taken_out(seen)


def missing_field(seen: SeenProblem) -> Iterator[Idea]:
    """A field that must be given: the value that it has in all other steps of the service, or its only one."""
    if seen.kind is None or seen.node is None:
        return
    schema, given = fields_schema(seen.kind.fields), seen.node.step.arguments
    for name in schema.get("required", []):
        if name not in given:
            for value in _obvious(seen, name, schema.get("properties", {}).get(name, {})):
                target = (*seen.node.place, "with", name)
                yield Idea(f"Give {name!r} the value {shown(value)}", [seen.set(target, value)])


def missing_key(seen: SeenProblem) -> Iterator[Idea]:
    """A key that the form demands and that can have one value only."""
    for name, value in _MINIMAL.items():
        if not seen.path and name not in seen.value:
            yield Idea(f"Add {name!r}: {shown(value)}", [seen.set((name,), value)])
    if seen.path[:1] == ("triggers",) and isinstance(seen.value, Mapping) and "id" not in seen.value:
        new = str(seen.value.get("uses", "")).partition(".")[2] or "trigger"
        yield Idea(f"Give the trigger the id {new!r}", [seen.set((*seen.path, "id"), new)])


def misspelt_variable(seen: SeenProblem) -> Iterator[Idea]:
    """A variable that the prompt does not have."""
    if seen.node is None:
        return
    prompt = seen.node.step.arguments.get("prompt")
    try:
        known = list(seen.around.compiler_context.prompts(str(prompt)).get("variables", {}))
    except Exception:  # noqa: BLE001 - whatever is wrong with the prompt is a problem of its own
        return
    yield from _renamed(seen, known)
    yield from taken_out(seen)


def misspelt_input(seen: SeenProblem) -> Iterator[Idea]:
    """An input that the called workflow does not have."""
    if seen.node is None:
        return
    try:
        called = seen.around.compiler_context.workflows(str(seen.node.step.arguments.get("workflow")))
    except Exception:  # noqa: BLE001 - as above
        return
    inputs = called.get("inputs")
    properties = inputs.get("properties") if isinstance(inputs, Mapping) else None
    yield from _renamed(seen, list(properties or {}))
    yield from taken_out(seen)


def form_of_inputs(seen: SeenProblem) -> Iterator[Idea]:
    """Inputs without `properties` around them, and a misspelt name or type."""
    known = seen.near(("inputs", "properties"), {})
    if seen.path == ("inputs",) and isinstance(seen.value, Mapping):
        yield Idea("Put the inputs under 'properties'", [seen.set(("inputs",), {**_INPUTS, "properties": seen.value})])
    elif seen.path[:2] == ("inputs", "required") and isinstance(known, Mapping):
        near = nearest(str(seen.value), list(known))
        if near is not None:
            yield seen.writing(near)
        yield from taken_out(seen)
    elif seen.key == "type":
        near = nearest(str(seen.value), ["string", "integer", "number", "boolean", "array", "object"])
        if near is not None:
            yield seen.writing(near)


def taken_out(seen: SeenProblem) -> Iterator[Idea]:
    """What is not wanted here is removed; a person decides about each."""
    if seen.inside and seen.inside[-1] not in ("steps", "id", "uses"):
        entry = f"{shown(seen.value)} out of {seen.field}" if isinstance(seen.path[-1], int) else f"{seen.key!r} out"
        yield Idea(f"Take {entry}", [seen.unset(seen.path)], is_certain=False)


def _keys(seen: SeenProblem) -> list[str]:
    """Return the keys that the object around a key may have, as far as they are known."""
    where = "trigger" if seen.path[:1] == ("triggers",) else "workflow"
    place = "step" if seen.node is not None else where
    depth = {"step": 1, "trigger": 3, "workflow": 1}[place]
    if len(seen.inside) == depth:
        return [one.alias or name for name, one in _MODELS[place].model_fields.items()]
    if seen.path[:1] == ("inputs",) and len(seen.path) == 2:
        return ["type", "properties", "required"]
    return ["attempts", "backoff_seconds", "on"] if seen.inside[:1] == ("retry",) else []


def _fields(seen: SeenProblem) -> list[str]:
    return list(fields_schema(seen.kind.fields).get("properties", {})) if seen.kind is not None else []


def _renamed(seen: SeenProblem, known: Sequence[str]) -> Iterator[Idea]:
    holder = seen.near(seen.path[:-1], {})
    near = nearest(seen.key, [one for one in known if one not in holder])
    if near is not None:
        yield Idea(f"Rename {seen.key!r} to {near!r}", seen.called(seen.path, near))


def _obvious(seen: SeenProblem, name: str, schema: JsonObject) -> Iterator[Any]:
    """Yield the values that nobody would choose differently."""
    options = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if len(options) == 1:
        yield options[0]
    service = seen.kind.service if seen.kind is not None else None
    values = [
        one.step.arguments[name]
        for one in seen.around.nodes
        if name in one.step.arguments and service is not None and _service(one.step.uses) == service
    ]
    if values and len(Counter(map(repr, values))) == 1:
        yield values[0]


def _service(uses: str) -> str | None:
    try:
        return step_type(uses).service if uses else None
    except Exception:  # noqa: BLE001 - an unknown type, or one of a tool that is broken
        return None
