"""The JSON Schema of an answer of a small model: words, and operations that can be meant for this workflow.

Servers turn it into a grammar (llama.cpp, Ollama, vLLM), so that the model can write nothing else: only steps that
there are, step types that were found for the question, and their fields. It is made of the schemas of the operations.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from msgspec import Struct

from engine.base.json_text import JsonSchema
from engine.base.step_tree import StepDefinition
from engine.expressions.json_values import compact_json
from engine.plugins.registry import step_types
from engine.plugins.step import StepType, fields_schema
from engine.plugins.trigger import TriggerType
from engine.workflows.editing.operations import schema as operation_schema

_MOST_OPERATIONS = 8
_MOST_ITEMS = 12
_MOST_FIELDS = 20
_MOST_NEW_FIELDS = 6
_LARGE = 120
"""Bytes of a field's schema, from which it may be left out."""
_FEWEST_TYPES = 3
_MOST_STEPS_AT_ONCE = 6
_DEEPEST = 2
_EXPRESSION = r"^\{\{ [^{}\"\\]+ \}\}$"
_NEW_ID = r"^[a-z][a-z0-9_]{1,30}$"
_TEXT = {"type": "string"}
_ID, _IDS, _NEW, _STEP, _VALUE = ({"$ref": f"#/$defs/{name}"} for name in ("id", "ids", "new", "step", "value"))
_USUAL: Mapping[str, JsonSchema] = {
    "number": {"type": "integer"},
    "flag": {"type": "boolean"},
    "texts": {"type": "array", "items": _TEXT, "maxItems": _MOST_ITEMS},
}
"""Types of many fields, which are written once."""
_LEFT_OUT = frozenset({"replace_step", "unwrap"})
"""Operations that others can stand for: few make a small grammar."""


class Offered(Struct, frozen=True):
    """What operations may be about."""

    ids: Sequence[str]
    """The steps that the model is told of."""
    concerned: Sequence[StepDefinition]
    """The steps whose fields may be set."""
    types: Sequence[StepType]
    """For new steps."""
    triggers: Sequence[TriggerType] = ()
    free_trigger: int = 0
    """The index of a new trigger."""
    inputs: Sequence[str] = ()
    """Those whose defaults may be set."""


def answer_schema(offered: Offered, most_bytes: int) -> JsonSchema:
    """Return the schema; step types, then fields, are left out until it is short enough as JSON."""
    while True:
        found = _schema(offered)
        if len(compact_json(found)) <= most_bytes:
            return found
        if len(offered.types) > max(_FEWEST_TYPES, len(offered.concerned)):
            offered = _with(offered, types=offered.types[:-1])
        elif len(offered.concerned) > 1:
            offered = _with(offered, concerned=offered.concerned[:-1])
        elif offered.types or offered.triggers:
            offered = _with(offered, types=offered.types[:-1], triggers=offered.triggers[:-1])
        elif offered.concerned:
            offered = _with(offered, concerned=())
        elif len(offered.ids) > 1:
            offered = _with(offered, ids=offered.ids[: len(offered.ids) // 2])
        else:
            return found


def _with(offered: Offered, **changes: Any) -> Offered:
    return Offered(**{name: changes.get(name, getattr(offered, name)) for name in Offered.__struct_fields__})


def _schema(offered: Offered) -> JsonSchema:
    operations = list(_operations(offered))
    ops = {"type": "array", "items": {"anyOf": operations}, "maxItems": _MOST_OPERATIONS}
    if not operations:
        ops = {"type": "array", "items": _TEXT, "maxItems": 0}
    found = {**_object(words=_TEXT, ops=ops), "$defs": _definitions(offered)}
    for _ in range(2):  # one definition may use another
        used = compact_json(found)
        found["$defs"] = {name: one for name, one in found["$defs"].items() if f'"#/$defs/{name}"' in used}
    return found


def _definitions(offered: Offered) -> dict[str, Any]:
    return {
        "id": {"enum": list(offered.ids)},
        "ids": {"type": "array", "items": _ID, "minItems": 1, "maxItems": _MOST_STEPS_AT_ONCE},
        "new": {"type": "string", "pattern": _NEW_ID},
        **{name: {"anyOf": [one, _VALUE]} for name, one in _USUAL.items()},
        "step": {"anyOf": [_new_step(one) for one in offered.types]},
        "value": {"type": "string", "pattern": _EXPRESSION},
    }


def _operations(offered: Offered) -> Iterator[JsonSchema]:
    """Yield the schemas of the operations, each as narrow as it can be for this workflow."""
    for given in operation_schema()["oneOf"]:
        name = given["properties"]["op"]["const"]
        if name in _LEFT_OUT or (name == "add" and not offered.types) or (name != "add" and not offered.ids):
            continue
        if name == "set":
            yield from _settings(offered)
        elif name == "unset":
            yield from _removals(offered)
        else:
            yield from _narrowed(name, given, offered)
    yield from _new_triggers(offered)


def _narrowed(name: str, given: JsonSchema, offered: Offered) -> Iterator[JsonSchema]:
    narrow: Mapping[str, JsonSchema | None] = {
        "step": _ID if name != "add" else _STEP,
        "steps": _IDS,
        "to": _NEW,
        "text": _TEXT,
        "group": _object(id=_NEW, foreach=_VALUE, **{"as": _NEW, "key": _VALUE}),
    }
    properties = given["properties"]
    members = {key: narrow[key] for key in properties if narrow.get(key) is not None}
    if "after" not in properties:
        yield _object(op={"const": name}, **members)
        return
    places = {"after": _ID, "before": _ID} if offered.ids else {"into": {"const": ""}}
    for place, schema in places.items():
        yield _object(op={"const": name}, **members, **{place: schema})


def _settings(offered: Offered) -> Iterator[JsonSchema]:
    """Yield what may be set: the fields of the steps concerned by their types, and what all steps have."""
    together: dict[str, list[str]] = {}
    given: dict[str, set[str]] = {}
    for step in offered.concerned:
        together.setdefault(step.uses, []).append(step.id)
        given.setdefault(step.uses, set()).update(step.arguments)
    for uses, ids in together.items():
        fields = _fields_of(uses, given[uses])
        yield from _set({"enum": ids}, {f"with.{name}": value for name, value in fields})
    yield from _set(_ID, _of_all_steps())
    yield _object(op={"const": "set"}, field={"enum": ["title", "description"]}, value=_TEXT)
    if offered.inputs:
        defaults = [f"inputs.properties.{name}.default" for name in offered.inputs[:_MOST_ITEMS]]
        yield _object(op={"const": "set"}, field={"enum": defaults}, value={"type": ["string", "number", "boolean"]})


def _set(step: JsonSchema, fields: Mapping[str, JsonSchema]) -> Iterator[JsonSchema]:
    """Yield what may be set at a step; fields with the same values stand together."""
    together: dict[str, list[str]] = {}
    for name, value in fields.items():
        together.setdefault(compact_json(value), []).append(name)
    for names in together.values():
        yield _object(op={"const": "set"}, step=step, field={"enum": names}, value=fields[names[0]])


def _of_all_steps() -> Mapping[str, JsonSchema]:
    """Return the members of a step that a small model may set."""
    number = {"type": "integer"}
    return {
        "title": _TEXT,
        "if": _VALUE,
        "foreach": _VALUE,
        "key": _VALUE,
        "approve": {"enum": ["always", "when_outside", "never"]},
        "retry": _object(attempts=number, backoff_seconds=number),
        "timeout_seconds": number,
        "on_error": {"enum": ["fail", "continue"]},
    }


def _removals(offered: Offered) -> Iterator[JsonSchema]:
    for step in offered.concerned:
        fields = [
            *(f"with.{name}" for name in step.arguments),
            *(name for name in _of_all_steps() if name in step.json),
        ]
        if fields:
            yield _object(op={"const": "unset"}, step={"const": step.id}, field={"enum": fields[:_MOST_FIELDS]})


def _fields_of(uses: str, given: Collection[str]) -> Iterator[tuple[str, JsonSchema]]:
    """Yield the fields of steps of a type; large ones only if a step has them."""
    kind = step_types().get(uses)
    found = {} if kind is None else _fields_named(kind.fields)
    for name, value in list(found.items())[:_MOST_FIELDS]:
        if name in given or len(compact_json(value)) <= _LARGE:
            yield name, value


def _new_step(kind: StepType) -> JsonSchema:
    required = fields_schema(kind.fields).get("required", ())
    known = [
        one for one in _fields_named(kind.fields).items() if one[0] in required or len(compact_json(one[1])) <= _LARGE
    ]
    fields = dict(sorted(known, key=lambda one: one[0] not in required)[:_MOST_NEW_FIELDS])
    given = {**_object(**fields), "required": [one for one in fields if one in required]}
    return _object(id=_NEW, uses={"const": kind.name}, **{"with": given})


def _new_triggers(offered: Offered) -> Iterator[JsonSchema]:
    for kind in offered.triggers:
        schema = fields_schema(kind.fields)
        known = schema.get("$defs", {})
        fields = {name: _value(one, known) for name, one in list(schema.get("properties", {}).items())[:_MOST_FIELDS]}
        given = {**_object(**fields), "required": [*schema.get("required", ())]}
        trigger = _object(id=_NEW, uses={"const": kind.name}, **{"with": given})
        field = {"const": f"triggers.{offered.free_trigger}"} if offered.free_trigger else {"const": "triggers"}
        value = trigger if offered.free_trigger else {"type": "array", "items": trigger, "minItems": 1, "maxItems": 1}
        yield _object(op={"const": "set"}, field=field, value=value)


@cache
def _fields_named(fields: Any) -> dict[str, JsonSchema]:
    """Return what a model may write in each field of a step type: a value of its type, or an expression."""
    schema = fields_schema(fields)
    known = schema.get("$defs", {})
    return {name: _or_expression(_value(one, known)) for name, one in schema.get("properties", {}).items()}


def _or_expression(schema: JsonSchema) -> JsonSchema:
    if schema == _TEXT or not schema:
        return schema
    for name, known in _USUAL.items():
        if schema == known:
            return {"$ref": f"#/$defs/{name}"}
    return {"anyOf": [*(schema["anyOf"] if set(schema) == {"anyOf"} else [schema]), _VALUE]}


def _value(schema: Any, known: Mapping[str, Any], depth: int = _DEEPEST) -> JsonSchema:
    """Return the types and choices of a schema, without what grammars cannot say."""
    if isinstance(schema, Mapping) and "$ref" in schema:
        schema = known.get(str(schema["$ref"]).rpartition("/")[2])
    if not isinstance(schema, Mapping) or not depth:
        return {}
    if "const" in schema or "enum" in schema:
        return {"enum": list(schema.get("enum", [schema.get("const")]))}
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        found = [_value(one, known, depth - 1) for one in choices if one != {"type": "null"}]
        return found[0] if len(found) == 1 else {"anyOf": found}
    kind = schema.get("type")
    if kind == "array":
        return {"type": kind, "items": _value(schema.get("items"), known, depth - 1), "maxItems": _MOST_ITEMS}
    if kind == "object" and schema.get("properties"):
        members = {name: _value(one, known, depth - 1) for name, one in schema["properties"].items()}
        return {**_object(**members), "required": [*schema.get("required", ())]}
    return {"type": kind} if isinstance(kind, str) else {}


def _object(**members: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": members,
        "required": [*members],
        "additionalProperties": False,
    }
