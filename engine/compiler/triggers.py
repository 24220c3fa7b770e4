"""The triggers of a workflow: what they watch, and how their items become the workflow's inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.compiler.callees import check_inputs
from engine.compiler.connectioncheck import connection_name
from engine.compiler.fieldcheck import check_fields
from engine.compiler.fieldnames import meant_fields
from engine.compiler.model import TriggerModel, WorkflowModel, name_fault
from engine.compiler.plan import Trigger
from engine.compiler.report import Report
from engine.compiler.scope import Scope
from engine.errors import OrchestraError
from engine.expressions.celtypes import Schema, Types
from engine.registry import trigger_type
from engine.trigger import TriggerType
from engine.workspace.jsonfile import JsonPath

_NOBODY: frozenset[str] = frozenset()


def triggers(
    model: WorkflowModel, inputs: Schema, connections: Mapping[str, str], report: Report
) -> tuple[Trigger, ...]:
    """Compile the triggers of a workflow; what is wrong goes to the report."""
    found = []
    ids: dict[str, JsonPath] = {}
    for index, one in enumerate(model.triggers):
        path: JsonPath = ("triggers", index)
        _check_id(path, one, ids, report)
        compiled = _trigger(path, one, inputs, connections, report)
        if compiled is not None:
            found.append(compiled)
    return tuple(found)


def _check_id(path: JsonPath, one: TriggerModel, ids: dict[str, JsonPath], report: Report) -> None:
    if fault := name_fault(one.id):
        report.add((*path, "id"), f"'id' {fault[0]}, not {one.id!r}.", "wrong_value", fault[1])
    if one.id in ids:
        line, _ = report.file.place((*ids[one.id], "id"))
        message = f"The id {one.id!r} is taken by the trigger in line {line}."
        report.add((*path, "id"), message, "duplicate_id", "Give one of the two another id.")
    ids.setdefault(one.id, path)


def _trigger(
    path: JsonPath, one: TriggerModel, inputs: Schema, connections: Mapping[str, str], report: Report
) -> Trigger | None:
    try:
        kind = trigger_type(one.uses)
    except OrchestraError as error:
        report.add((*path, "uses"), error.message, "unknown_trigger_type", error.remedy)
        return None
    connection = connection_name(path, one.connection, kind, connections, report)
    return Trigger(
        id=one.id,
        title=one.title or kind.title,
        kind=kind,
        connection=connection,
        fields=_fields((*path, "with"), one, kind, report),
        inputs=_inputs((*path, "inputs"), one, kind, inputs, report),
        poll_seconds=one.poll_seconds or kind.poll_seconds,
    )


def _fields(path: JsonPath, one: TriggerModel, kind: TriggerType, report: Report) -> dict[str, Any]:
    """Check what is watched: it is fixed, since a trigger looks before there is anything to name."""
    fields = meant_fields(path, one.with_, kind, report)
    return check_fields(path, fields, kind, {}, Scope(report, {}, {}, Types()), _NOBODY, {})


def _inputs(path: JsonPath, one: TriggerModel, kind: TriggerType, inputs: Schema, report: Report) -> dict[str, Any]:
    """Compile how an item becomes the inputs of a run."""
    scope = Scope(report, {"item": kind.item_schema()}, {}, Types())
    check_inputs(path if one.inputs else path[:-1], one.inputs, inputs, report)
    tree: dict[str, Any] = scope.tree(path, one.inputs, inputs, _NOBODY)
    return tree
