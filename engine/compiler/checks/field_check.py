"""Check the fields of a step against its type, and the inputs of a workflow against the rules for inputs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from clients.wording import did_you_mean, nearest
from engine.base.json_text import JsonSchema
from engine.compiler.checks.report import BROKEN, Report
from engine.compiler.definition.identifiers import is_speakable
from engine.compiler.definition.plan import Tree
from engine.documents.json_file import JsonPath
from engine.documents.schema_check import misfits, schema_faults
from engine.documents.shapes import faults
from engine.expressions.cel_types import ANYTHING, plain
from engine.expressions.expressions import Template
from engine.expressions.json_values import compact_json
from engine.plugins.step import PluginType, Prompts, fields_schema

if TYPE_CHECKING:
    from engine.compiler.checks.scope import Scope

_SECRET_WORDS = ("password", "secret", "token", "api_key", "apikey")
_INPUTS = 'Write {"type": "object", "properties": {"limit": {"type": "integer"}}}.'
_LONGEST_FORM = 300
_INPUT_KEYS = ("type", "properties", "required")
_NOT_BOTH = "Take out what does not go with the rest."
_INPUT_TYPES = {"string", "integer", "number", "boolean", "array", "object"}


def check_fields(
    path: JsonPath,
    fields: Mapping[str, Tree],
    kind: PluginType,
    prompts: Prompts,
    scope: Scope,
    seen: AbstractSet[str],
    narrower: Mapping[str, JsonSchema],
) -> dict[str, Tree]:
    """Compile and check the `with` of a step; return its arguments as a tree of templates.

    `narrower` has JSON Schemas of fields that are more precise here than in the step type.
    """
    schema = fields_schema(kind.fields)
    known = _known(kind)
    report = scope.report
    is_there = path not in report.suppressed.lost
    for name in schema.get("required", []) if is_there else ():
        if name not in fields:
            report.add(path, f"{kind.name} needs the field {name!r}.", "missing_field", _meaning(name, known))
    arguments = {
        name: scope.tree((*path, name), value, narrower.get(name) or _bound(known.get(name, ANYTHING), schema), seen)
        for name, value in fields.items()
    }
    if is_there:
        named = {name: value for name, value in fields.items() if name in known}
        _check_literals(path, {name: arguments[name] for name in named}, kind, report)
        for name, inner in narrower.items():
            _check_inner(path, name, arguments.get(name), inner, report)
        _check_together(path, fields, named, kind, prompts, report)
        _check_variables(path, named, prompts, report)
    return arguments


def _check_together(
    path: JsonPath,
    fields: Mapping[str, Tree],
    named: Mapping[str, Tree],
    kind: PluginType,
    prompts: Prompts,
    report: Report,
) -> None:
    """Let the step type check fields that depend on each other; an unknown name may be a misspelt missing field."""
    known = _known(kind)
    for name, message in kind.problems(named, prompts):
        if name in named or len(named) == len(fields):
            is_inside = isinstance(named.get(name), Mapping)  # the fault is inside it, and the message says where
            report.add((*path, name), message, "field", "" if is_inside else _meaning(name, known))


def _bound(schema: JsonSchema, root: JsonSchema) -> JsonSchema:
    return {**schema, "$defs": root.get("$defs", {})}


def _meaning(name: str, known: Mapping[str, JsonSchema]) -> str:
    title = known.get(name, {}).get("title")
    return f"{name!r} means: {title}." if title else ""


def _check_literals(path: JsonPath, fields: Mapping[str, Tree], kind: PluginType, report: Report) -> None:
    """Validate the constant values with the fields' own model."""
    fixed = {name: value for name, value in fields.items() if _is_fixed(value)}
    try:
        kind.fields.model_validate(fixed)
    except ValidationError as error:
        for fault in faults(error, kind.fields, fixed):
            if fault.code == "missing_key" and len(fault.path) == 1:
                continue  # reported elsewhere, or given by an expression
            if fault.path or fixed == fields:  # without a path: the fields contradict each other
                remedy = fault.remedy or _meaning(str((fault.path or ("",))[0]), _known(kind)) or _NOT_BOTH
                report.add((*path, *fault.path), fault.message, "field", remedy)


def _known(kind: PluginType) -> Mapping[str, JsonSchema]:
    known: Mapping[str, JsonSchema] = fields_schema(kind.fields).get("properties", {})
    return known


def _is_fixed(value: Any) -> bool:
    """Return whether a compiled value has no expressions, valid or not."""
    if isinstance(value, dict):
        return all(map(_is_fixed, value.values()))
    if isinstance(value, list):
        return all(map(_is_fixed, value))
    return not isinstance(value, Template) and value is not BROKEN


def _check_inner(path: JsonPath, name: str, value: Any, schema: JsonSchema, report: Report) -> None:
    """Compare the values inside a field with the schemas known for them."""
    properties = schema.get("properties", {})
    for inner, one in value.items() if isinstance(value, dict) else ():
        if inner in properties and _is_fixed(one):
            for misfit in misfits(one, properties[inner]):
                message = f"{inner!r} does not fit: {misfit}"
                remedy = f"Give a value that fits {compact_json(properties[inner])}."
                report.add((*path, name, inner), message, "field", remedy)


def _check_variables(path: JsonPath, fields: Mapping[str, Tree], prompts: Prompts, report: Report) -> None:
    """Compare the variables given to a prompt with those it declares."""
    for prompt in prompts.values():
        declared = prompt.get("variables", {})
        given = fields.get("variables", {})
        if not isinstance(given, dict):
            continue
        for name in given:
            if name not in declared:
                message = f"The prompt has no variable {name!r}."
                remedy = did_you_mean(name, list(declared)) or "Take it out: the prompt has no variables."
                report.add((*path, "variables", name), message, "prompt_variable", remedy)
        meant = {nearest(name, list(declared)) for name in given if name not in declared}
        for name, schema in declared.items():
            if name not in given and name not in meant and "default" not in schema:
                message = f"The prompt needs the variable {name!r}."
                report.add((*path, "variables"), message, "prompt_variable", f"Add {name!r} to 'variables'.")


def check_inputs_schema(inputs: JsonSchema, report: Report) -> JsonSchema:
    """Check the `inputs` of a workflow; return them as a closed object schema, or an open one if unreadable."""
    if not isinstance(report.file.value.get("inputs", {}), Mapping):
        return {"type": "object"}  # the loader has reported it
    inputs = _with_right_keys(inputs, report)
    properties = inputs.get("properties", {})
    if not isinstance(inputs.get("required", []), list):
        report.add(("inputs", "required"), "'required' is a list of names.", "inputs", 'Write it like ["limit"].')
    else:
        _check_required(inputs, properties, report)
    if _is_shorthand(inputs):
        said = "'inputs' is a JSON Schema of an object: the inputs themselves stand under 'properties'."
        meant = {name: {"type": one} if isinstance(one, str) else one for name, one in inputs.items()}
        form = json.dumps({"type": "object", "properties": meant}, ensure_ascii=False)
        report.add(("inputs",), said, "inputs", f"Write {form}." if len(form) <= _LONGEST_FORM else _INPUTS)
        return {"type": "object"}  # reported; expressions may name them
    if inputs and (inputs.get("type", "object") != "object" or not isinstance(properties, dict)):
        report.add(("inputs",), "'inputs' is a JSON Schema of an object with 'properties'.", "inputs", _INPUTS)
        return {"type": "object"}  # reported; the intended content is unknown
    usable: dict[str, JsonSchema] = {}
    for name, schema in properties.items():
        path: JsonPath = ("inputs", "properties", name)
        wrong = list(_schema_faults(name, schema))
        for inside, message in wrong:
            report.add((*path, *inside), message, "inputs", _schema_remedy(inside))
        # An invalid schema is left out of the types, so that later checks do not fail on it.
        usable[name] = schema if isinstance(schema, dict) and not wrong else {}
        for message, remedy in _input_problems(name, usable[name]):
            report.add(path, message, "inputs", remedy)
    return {**_object(usable), "required": _required(inputs, usable)}


def _is_shorthand(inputs: JsonSchema) -> bool:
    """Return whether the inputs stand where the keywords of the schema should."""
    are_schemas = all(isinstance(one, Mapping) or one in [*_INPUT_TYPES] for one in inputs.values())
    return (
        bool(inputs)
        and are_schemas
        and inputs.get("type") != "object"
        and not {"properties", "additionalProperties", "$defs"} & {*inputs}
    )


def _with_right_keys(inputs: JsonSchema, report: Report) -> JsonSchema:
    """Correct a misspelt 'properties' or 'required'; other keywords of JSON Schema are allowed."""
    meant: dict[str, str] = {}
    for name in inputs:
        near = nearest(name, [key for key in _INPUT_KEYS if key not in inputs])
        if name not in _INPUT_KEYS and near is not None and near not in meant.values():
            meant[name] = near
            message = f"There is no key {name!r} here."
            report.add(("inputs", name), message, "unknown_key", f"Did you mean {near!r}?")
            report.renamed["inputs", near] = ("inputs", name)
    return {meant.get(name, name): value for name, value in inputs.items()}


def _check_required(inputs: JsonSchema, properties: object, report: Report) -> None:
    known = list(properties) if isinstance(properties, dict) else []
    for place, name in enumerate(inputs.get("required", [])):
        if known and name not in known:
            message = f"'required' names {name!r}, which is not an input."
            report.add(("inputs", "required", place), message, "inputs", did_you_mean(str(name), known))


def _schema_remedy(inside: JsonPath) -> str:
    if inside[-1:] == ("default",):
        return "Give a default that fits the input's own schema, or take it out."
    if inside[-1:] == ("type",):
        return f"Known types: {', '.join(sorted(_INPUT_TYPES))}."
    return 'Write a JSON Schema, such as {"type": "string"}.'


def _object(properties: Mapping[str, JsonSchema]) -> dict[str, object]:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


def _required(inputs: JsonSchema, properties: Mapping[str, JsonSchema]) -> list[str]:
    """Return the inputs that must be given: those in `required`, else all without a default."""
    named = inputs.get("required")
    if not isinstance(named, list):
        named = None
    return [name for name, schema in properties.items() if "default" not in schema and (named is None or name in named)]


def _input_problems(name: str, schema: JsonSchema) -> Iterator[tuple[str, str]]:
    if not is_speakable(name):
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
