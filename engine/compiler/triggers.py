"""The triggers of a workflow: what they watch, and how their items become the workflow's inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.compiler.callees import check_inputs
from engine.compiler.connectioncheck import connection_name
from engine.compiler.fieldcheck import check_fields
from engine.compiler.fieldnames import fields_schema, meant_fields
from engine.compiler.loader import is_nameless
from engine.compiler.model import TriggerModel, WorkflowModel, name_fault
from engine.compiler.plan import Trigger
from engine.compiler.report import Report
from engine.compiler.scope import BROKEN, Scope
from engine.compiler.surroundings import Surroundings
from engine.errors import OrchestraError, UnknownName
from engine.expressions.celtypes import Schema, Types
from engine.registry import trigger_type
from engine.trigger import TriggerType
from engine.workspace.jsonfile import JsonPath

_NOBODY: frozenset[str] = frozenset()
_ONLY_ITEM = "The inputs of a trigger see only 'item': what was found."
_FIXED = "The fields of a trigger are fixed: it looks before there is a run. They take no expression."


@dataclass(frozen=True)
class TriggerPlace:
    """What a trigger may refer to."""

    workflow: str
    inputs: Schema
    around: Surroundings


def triggers(model: WorkflowModel, at: TriggerPlace, report: Report) -> tuple[Trigger, ...]:
    """Compile the triggers of a workflow; what is wrong goes to the report."""
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
    connection = connection_name(path, one.connection, kind, at.around.connections, report)
    return Trigger(
        id=one.id,
        title=one.title or kind.title,
        kind=kind,
        connection=connection,
        fields=_fields((*path, "with"), one, kind, at, report),
        inputs=_inputs((*path, "inputs"), one, kind, at.inputs, report),
        poll_seconds=one.poll_seconds or kind.poll_seconds,
    )


def _fields(path: JsonPath, one: TriggerModel, kind: TriggerType, at: TriggerPlace, report: Report) -> dict[str, Any]:
    """Check what is watched: it is fixed, since a trigger looks before there is anything to name."""
    fields = {
        name: _fixed((*path, name), value, report)
        for name, value in meant_fields(path, one.with_, kind, report).items()
    }
    for name, schema in fields_schema(kind.fields).get("properties", {}).items():
        if schema.get("items", {}).get("format") == "workflow" and isinstance(fields.get(name), list):
            _check_workflows((*path, name), fields[name], at, report)
    return check_fields(path, fields, kind, {}, Scope(report, {}, {}, Types()), _NOBODY, {})


def _fixed(path: JsonPath, value: Any, report: Report) -> Any:
    """Return a value of which every text is meant as it is written; expressions go to the report."""
    if isinstance(value, dict):
        return {name: _fixed((*path, name), inner, report) for name, inner in value.items()}
    if isinstance(value, list):
        return [_fixed((*path, index), inner, report) for index, inner in enumerate(value)]
    if isinstance(value, str) and "{{" in value:
        report.add(path, _FIXED, "expression", "Write the value itself; what differs from run to run is in `item`.")
        return BROKEN
    return value


def _check_workflows(path: JsonPath, names: Sequence[Any], at: TriggerPlace, report: Report) -> None:
    """Warn of names of workflows on which nothing can follow; one may still be written, so it stops no run."""
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
                continue  # it is there; what is wrong with it is told of it


def _inputs(path: JsonPath, one: TriggerModel, kind: TriggerType, inputs: Schema, report: Report) -> dict[str, Any]:
    """Compile how an item becomes the inputs of a run."""
    scope = Scope(report, {"item": kind.item_schema()}, {}, Types(), only=_ONLY_ITEM)
    needed = inputs if kind.is_watched else {**inputs, "required": []}  # whoever starts it by hand gives them
    check_inputs(path if one.inputs else path[:-1], one.inputs, needed, report)
    tree: dict[str, Any] = scope.tree(path, one.inputs, inputs, _NOBODY)
    return tree
