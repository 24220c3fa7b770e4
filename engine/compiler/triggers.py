"""Compile the triggers of a workflow: what they watch, and how an item becomes the workflow's inputs."""

from __future__ import annotations

import json
import re
from collections import ChainMap
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from engine.base.errors import OrchestraError, UnknownName
from engine.compiler.checks.called_workflows import check_inputs
from engine.compiler.checks.connection_check import connection_name
from engine.compiler.checks.field_check import check_fields
from engine.compiler.checks.field_names import meant_fields
from engine.compiler.checks.outside_text import OutsideCheck
from engine.compiler.checks.report import BROKEN, Report
from engine.compiler.checks.scope import Scope
from engine.compiler.definition.environment import CompilerContext
from engine.compiler.definition.identifiers import name_fault
from engine.compiler.definition.loader import is_nameless
from engine.compiler.definition.model import TriggerModel, WorkflowModel
from engine.compiler.definition.plan import Tree, Trigger
from engine.documents.json_file import JsonPath
from engine.expressions.cel_types import Schema
from engine.plugins.registry import trigger_type
from engine.plugins.step import fields_schema
from engine.plugins.trigger import TriggerType

_NOBODY: frozenset[str] = frozenset()
_EXPRESSION = re.compile(r"\{\{(?>(?:[^}]++|\}(?!\}))*)")
"""An expression, which one `}` alone does not end. Found whole, as each `{{` in it would be searched to its end."""
_ITEM = re.compile(r"\bitem\b")
_IGNORED = "No input receives the item: each new item starts the whole workflow, and its run does not know which it is."
_GIVE_IT = "Give an input what was found, like `{{ item.id }}`, and let a step use that input."
_ONLY_ITEM = "The inputs of a trigger see only 'item': what was found."
_FIXED = "The fields of a trigger are fixed: it looks before there is a run. They take no expression."


class TriggerPlace(Struct, frozen=True):
    """What a trigger may refer to."""

    workflow: str
    inputs: Schema
    around: CompilerContext
    outside: OutsideCheck


def triggers(model: WorkflowModel, at: TriggerPlace, report: Report) -> tuple[Trigger, ...]:
    """Compile the triggers of a workflow; problems go to the report."""
    found = []
    ids: dict[str, JsonPath] = {}
    for index, one in enumerate(model.triggers):
        path: JsonPath = ("triggers", index)
        _check_id(path, one, ids, report)
        compiled = _trigger(path, one, at, report)
        if compiled is not None:
            found.append(compiled)
    return tuple(found)


def _check_id(path: JsonPath, one: TriggerModel, ids: dict[str, JsonPath], report: Report) -> None:
    if is_nameless(one.id):
        return
    if fault := name_fault(one.id):
        report.add((*path, "id"), f"'id' {fault[0]}, not {one.id!r}.", "wrong_value", fault[1])
    if one.id in ids:
        line, _ = report.file.place((*ids[one.id], "id"))
        message = f"The id {one.id!r} is taken by the trigger in line {line}."
        report.add((*path, "id"), message, "duplicate_id", "Give one of the two another id.")
    ids.setdefault(one.id, path)


def _trigger(path: JsonPath, one: TriggerModel, at: TriggerPlace, report: Report) -> Trigger | None:
    try:
        kind = trigger_type(one.uses)
    except OrchestraError as error:
        report.add((*path, "uses"), error.message, "unknown_trigger_type", error.remedy)
        return None
    named = connection_name(path, one.connection, kind, at.around, report)
    item = kind.item_schema_of(one.with_)
    at.outside.begin_trigger(one.id, kind, item)
    inputs = _inputs((*path, "inputs"), one, item, at.inputs, report, kind)
    warnings = [_ignored_item(path, one, kind, report), _caution(path, one, kind, report)]
    return Trigger(
        id=one.id,
        title=one.title or kind.title,
        kind=kind,
        connection=None if named is None else at.around.stands_for(named),
        fields=_fields((*path, "with"), one, kind, at, report),
        inputs=inputs,
        poll_seconds=one.poll_seconds or kind.poll_seconds,
        outside_inputs=at.outside.trigger((*path, "inputs"), one.inputs),
        warning=" ".join(filter(None, warnings)),
    )


def _ignored_item(path: JsonPath, one: TriggerModel, kind: TriggerType, report: Report) -> str:
    """Warn if the runs of a trigger never see what was found; return the warning, or an empty text."""
    is_meant = kind.is_watched and kind.is_about_item and not report.has_errors_at(path)
    if not is_meant or _names_item(json.dumps(one.inputs)):
        return ""
    report.warn((*path, "inputs") if one.inputs else (*path, "uses"), _IGNORED, "unused_item", _GIVE_IT)
    return f"{_IGNORED} {_GIVE_IT}"


def _caution(path: JsonPath, one: TriggerModel, kind: TriggerType, report: Report) -> str:
    """Warn of what the type says about these fields; return the warning, or an empty text."""
    message, remedy = kind.caution(one.with_)
    if not message:
        return ""
    report.warn((*path, "uses"), message, "unchecked_sender", remedy)
    return f"{message} {remedy}"


def _names_item(text: str) -> bool:
    return any(_ITEM.search(text, *found.span()) for found in _EXPRESSION.finditer(text))


def _fields(path: JsonPath, one: TriggerModel, kind: TriggerType, at: TriggerPlace, report: Report) -> dict[str, Tree]:
    """Check the watched fields: they must be constant, since a trigger polls before any value exists."""
    fields = {
        name: _fixed((*path, name), value, report)
        for name, value in meant_fields(path, one.with_, kind, report).items()
    }
    for name, schema in fields_schema(kind.fields).get("properties", {}).items():
        if schema.get("items", {}).get("format") == "workflow" and isinstance(fields.get(name), list):
            _check_workflows((*path, name), fields[name], at, report)
    return check_fields(path, fields, kind, {}, Scope(report, {}, ChainMap()), _NOBODY, {})


def _fixed(path: JsonPath, value: Any, report: Report) -> Any:
    """Return a value with all texts taken literally; expressions are reported."""
    if isinstance(value, dict):
        return {name: _fixed((*path, name), inner, report) for name, inner in value.items()}
    if isinstance(value, list):
        return [_fixed((*path, index), inner, report) for index, inner in enumerate(value)]
    if isinstance(value, str) and "{{" in value:
        report.add(path, _FIXED, "expression", "Write the value itself; what differs from run to run is in `item`.")
        return BROKEN
    return value


def _check_workflows(path: JsonPath, names: Sequence[Any], at: TriggerPlace, report: Report) -> None:
    """Warn about workflow names that do not exist or are invalid; one may be added later, so it is not an error."""
    for index, name in enumerate(names):
        if name == at.workflow:
            message = f"{name!r} is this workflow itself, and it never follows on itself."
            report.warn((*path, index), message, "own_workflow", "Take it out.")
        elif isinstance(name, str):
            try:
                at.around.workflows(name)
            except UnknownName as error:
                report.warn((*path, index), error.message, "unknown_workflow", error.remedy)
            except OrchestraError:
                continue  # it exists; its own problems are reported there


def _inputs(
    path: JsonPath, one: TriggerModel, item: Schema, inputs: Schema, report: Report, kind: TriggerType
) -> dict[str, Tree]:
    """Compile the mapping from an item to the inputs of a run."""
    scope = Scope(report, {"item": item}, ChainMap(), only=_ONLY_ITEM)
    needed = inputs if kind.is_watched else {**inputs, "required": []}  # a person who starts it gives them
    check_inputs(path if one.inputs else path[:-1], one.inputs, needed, report)
    tree: dict[str, Tree] = scope.tree(path, one.inputs, inputs, _NOBODY)
    return tree
