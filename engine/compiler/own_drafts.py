"""Warn about a search that finds the drafts which the same workflow writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from engine.base.step_tree import StepNode
from engine.compiler.checks.report import Report
from engine.compiler.definition.model import WorkflowModel
from engine.compiler.definition.plan import Action, Node, Plan
from engine.compiler.definition.step_model import StepModel
from engine.documents.json_file import JsonPath
from engine.expressions.expressions import Expression, Fixed, Template


class _Call(Struct, frozen=True):
    """A call that may run, and the step of the file that makes it."""

    path: JsonPath
    id: str
    action: Action


def warn_of_own_drafts(model: WorkflowModel, plan: Plan, report: Report) -> None:
    """Report each search whose constant fields also find the drafts that this workflow leaves in the same account."""
    calls = list(_calls(model, plan))
    writers = {_account(one.action): one.id for one in reversed(calls) if one.action.step_type.leaves_drafts}
    defaults = _defaults(plan)
    for one in calls if writers else ():
        writer, known = writers.get(_account(one.action)), _known(one.action.arguments, defaults)
        found = one.action.step_type.search_for_drafts(known) if writer is not None else None
        if found is not None:
            field, remedy = found
            searched = f"The search {known[field]!r} also finds drafts"
            message = f"{searched}: {one.id!r} reads in the next run what {writer!r} wrote."
            report.warn(_place(one, field), message, "own_drafts", remedy)


def _calls(model: WorkflowModel, plan: Plan) -> Iterator[_Call]:
    compiled = {one.place: one for one in plan.tree()}
    for node in model.nodes():
        one = compiled[node.place]
        action = _action(node, one.step)
        if action is not None and not any(up.step.is_folded for up in one.up()):
            yield _Call(node.place, node.step.id, action)


def _action(node: StepNode[StepModel], compiled: Node) -> Action | None:
    """Return the call of a step, also of one that a loop repeats."""
    if compiled.loop is not None and node.step.uses is not None and compiled.body is not None:
        return compiled.body.nodes[0].action
    return compiled.action


def _account(action: Action) -> tuple[str | None, str | None]:
    return action.step_type.service, action.connection


def _defaults(plan: Plan) -> dict[str, Any]:
    inputs = plan.inputs_schema.get("properties", {})
    return {name: one["default"] for name, one in inputs.items() if isinstance(one, dict) and "default" in one}


def _known(arguments: Any, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields with what is known before a run; what is not known remains a Template."""
    given = arguments if isinstance(arguments, dict) else {}
    return {name: _value(value, defaults) for name, value in given.items()}


def _value(value: Any, defaults: Mapping[str, Any]) -> Any:
    if not isinstance(value, Template) or len(value.pieces) != 1:
        return value
    match value.pieces[0]:
        case Fixed(known=known):
            return known
        case Expression(path=("inputs", name)) if name in defaults:
            return defaults[name]
    return value


def _place(call: _Call, field: str) -> JsonPath:
    """Return where a field's value is written: in the step, or as the default of an input."""
    value = call.action.arguments.get(field)
    piece = value.pieces[0] if isinstance(value, Template) else None
    if isinstance(piece, Expression) and piece.path is not None:
        return ("inputs", "properties", piece.path[1], "default")
    return (*call.path, "with", field)
