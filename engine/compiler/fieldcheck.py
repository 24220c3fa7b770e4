"""The fields of a step against its type, and the inputs of a workflow against what an input may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import ValidationError

from engine.compiler.schemacheck import schema_faults
from engine.compiler.scope import ANYTHING, Report, Scope
from engine.expressions.celtypes import plain
from engine.expressions.wording import did_you_mean
from engine.step import StepType
from engine.workspace.jsonfile import JsonPath

_SECRET_WORDS = ("password", "secret", "token", "api_key", "apikey")
_INPUT_TYPES = {"string", "integer", "number", "boolean", "array", "object"}


@cache
def fields_schema(kind: type[Any]) -> Mapping[str, Any]:
    """Return the JSON Schema of a fields model (cached: pydantic takes milliseconds for one)."""
    schema: Mapping[str, Any] = kind.model_json_schema()
    return schema


def check_fields(
    path: JsonPath,
    fields: Mapping[str, Any],
    kind: StepType,
    prompts: Mapping[str, Any],
    scope: Scope,
    seen: frozenset[str],
) -> dict[str, Any]:
    """Compile and check the `with` of a step; return its arguments as a tree of templates."""
    schema = fields_schema(kind.fields)
    known: Mapping[str, Any] = schema.get("properties", {})
    report = scope.report
    for name in fields:
        if name not in known:
            report.add(
                (*path, name), f"{kind.name} has no field {name!r}.", "unknown_field", did_you_mean(name, list(known))
            )
    for name in schema.get("required", []):
        if name not in fields:
            report.add(path, f"{kind.name} needs the field {name!r}.", "missing_field", _meaning(known[name]))
    arguments = {
        name: scope.tree((*path, name), value, _bound(known.get(name, ANYTHING), schema), seen)
        for name, value in fields.items()
    }
    if all(name in known for name in fields):
        _check_literals(path, fields, kind, report)
        for name, message in kind.problems(fields, prompts):
            report.add((*path, name), message, "field")
        _check_variables(path, fields, prompts, report)
    return arguments


def _bound(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**schema, "$defs": root.get("$defs", {})}


def _meaning(schema: Mapping[str, Any]) -> str:
    title = schema.get("title")
    return f"It says: {title}." if title else ""


def _check_literals(path: JsonPath, fields: Mapping[str, Any], kind: StepType, report: Report) -> None:
    """Let the fields' own model check what stands there without expressions."""
    fixed = {name: value for name, value in fields.items() if not _has_expression(value)}
    try:
        kind.fields.model_validate(fixed)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            if one["type"] == "missing" and len(one["loc"]) == 1:
                continue  # told above, or given by an expression
            if not one["loc"] and fixed == fields:  # the fields do not go together
                report.add(path, f"{_said(one['msg'])}.", "field")
            elif one["loc"] and one["loc"][0] in fixed:
                seen = one.get("input")
                value = f" Seen: {seen!r}." if isinstance(seen, str | int | float | bool) else ""
                report.add((*path, *_parts(one["loc"])), f"{_said(one['msg'])}.{value}", "field")


def _said(message: str) -> str:
    """Return pydantic's words without those it puts before ours."""
    text = message.removeprefix("Value error, ").removesuffix(".")
    return text[:1].upper() + text[1:]


def _parts(location: tuple[int | str, ...]) -> tuple[int | str, ...]:
    return tuple(part for part in location if isinstance(part, int) or "[" not in part)


def _has_expression(value: Any) -> bool:
    if isinstance(value, str):
        return "{{" in value
    if isinstance(value, dict):
        return any(map(_has_expression, value.values()))
    return isinstance(value, list) and any(map(_has_expression, value))


def _check_variables(path: JsonPath, fields: Mapping[str, Any], prompts: Mapping[str, Any], report: Report) -> None:
    """Compare the variables given to a prompt with those it declares."""
    for prompt in prompts.values():
        declared = prompt.get("variables", {})
        given = fields.get("variables", {})
        if not isinstance(given, dict):
            continue
        for name in given:
            if name not in declared:
                message = f"The prompt has no variable {name!r}."
                report.add((*path, "variables", name), message, "prompt_variable", did_you_mean(name, list(declared)))
        for name, schema in declared.items():
            if name not in given and "default" not in schema:
                report.add((*path, "variables"), f"The prompt needs the variable {name!r}.", "prompt_variable")


def check_inputs_schema(inputs: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Check the `inputs` of a workflow; return them as a closed object schema."""
    properties = inputs.get("properties", {})
    if not isinstance(inputs.get("required", []), list):
        report.add(("inputs", "required"), "'required' is a list of names.", "inputs")
    if inputs and (inputs.get("type", "object") != "object" or not isinstance(properties, dict)):
        report.add(("inputs",), "'inputs' is a JSON Schema of an object with 'properties'.", "inputs")
        return _object({})
    usable: dict[str, Any] = {}
    for name, schema in properties.items():
        path: JsonPath = ("inputs", "properties", name)
        faults = list(_schema_faults(name, schema))
        for inside, message in faults:
            report.add((*path, *inside), message, "inputs")
        # A schema that is none is left out of the types, so that nothing below stumbles over it.
        usable[name] = schema if isinstance(schema, dict) and not faults else {}
        for message, remedy in _input_problems(name, usable[name]):
            report.add(path, message, "inputs", remedy)
    return {**_object(usable), "required": _required(inputs, usable)}


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


def _required(inputs: Mapping[str, Any], properties: Mapping[str, Any]) -> list[str]:
    """Return the inputs that must be given: those named, else all without a default."""
    named = inputs.get("required")
    if not isinstance(named, list):
        named = None
    return [name for name, schema in properties.items() if "default" not in schema and (named is None or name in named)]


def _input_problems(name: str, schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not name.isidentifier():
        yield f"{name!r} cannot be the name of an input.", "Use letters, digits and '_', so that inputs.name works."
    kind = plain(schema, schema)[0].get("type")
    if kind is not None and kind not in _INPUT_TYPES:
        yield f"The input {name!r} has the type {kind!r}.", f"Known: {', '.join(sorted(_INPUT_TYPES))}."
    hidden = schema.get("format") == "password" or schema.get("writeOnly") is True
    if hidden or any(word in name.lower() for word in _SECRET_WORDS):
        yield (
            f"The input {name!r} asks for a secret; inputs are kept in logs.",
            "Secrets come by connection: put it into config.yaml as env:NAME.",
        )


def _schema_faults(name: str, schema: Any) -> Iterator[tuple[JsonPath, str]]:
    if not isinstance(schema, dict):
        yield (), f"The input {name!r} is described by a JSON Schema, an object."
        return
    yield from schema_faults(schema)
