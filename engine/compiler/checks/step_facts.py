"""Record what other steps may rely on once a step is compiled: how it may end, and the parts of its output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.base.errors import OrchestraError
from engine.base.step_tree import CALL
from engine.compiler.analysis.conditions import EMPTY, FAILED, FALSE, NOTHING_KNOWN, SKIPPED, SUCCEEDED, TRUE, learned
from engine.compiler.analysis.missing_values import (
    UNKNOWN,
    MissingValueDomain,
    StepValue,
    ValuePart,
    ValueParts,
    inside,
)
from engine.compiler.checks import called_workflows as callees
from engine.compiler.checks.called_workflows import Callees
from engine.compiler.checks.report import BROKEN, Report
from engine.compiler.definition.approval_faults import ASK
from engine.compiler.definition.plan import Block
from engine.compiler.definition.step_model import FallbackModel, StepModel
from engine.documents.json_file import JsonPath
from engine.plugins.registry import step_type

if TYPE_CHECKING:
    from engine.compiler.checks.scope import Scope


def learn(step: StepModel, path: JsonPath, condition: Any, body: Block | None, called: Callees, scope: Scope) -> None:
    """Record the facts of a compiled step, unless its `if` is wrong or its id is not unique."""
    report = scope.report
    if step.id in report.suppressed.twice or condition is BROKEN:
        return
    checked = report.wholes.get((*path, "if"))
    tree = TRUE if checked is None or isinstance(condition, bool) else checked.tree
    tree = FALSE if condition is False else tree
    ends: set[str] = {SKIPPED} if condition is False else {SUCCEEDED, SKIPPED}
    if condition is True or MissingValueDomain(report.steps).holds(tree, scope.facts):
        ends = {SUCCEEDED}
    if condition is not False and (step.on_error == "continue" or _may_expire(step)):
        ends.add(FAILED)
    if condition is not False and _is_replaced_by_nothing(step, report):
        ends.add(EMPTY)
    begun = NOTHING_KNOWN if tree == TRUE else learned(tree, report.steps)
    parts = _parts(step, path, body, called, report)
    report.steps[step.id] = StepValue(frozenset(ends), tree, begun, scope.facts if SKIPPED in ends else None, parts)


def _may_expire(step: StepModel) -> bool:
    """Return whether the run may go on without the step because nobody approved its call in time."""
    return step.approve is not None and step.approve.on_expiry == "continue" and step.uses != ASK


def _is_replaced_by_nothing(step: StepModel, report: Report) -> bool:
    """Return whether the last step of the fallback may end without an output."""
    if not isinstance(step.on_error, FallbackModel):
        return False
    last = report.steps.get(step.on_error.steps[-1].id)
    return last is not None and last.ends != {SUCCEEDED}


def _parts(step: StepModel, path: JsonPath, body: Block | None, called: Callees, report: Report) -> ValueParts:
    if isinstance(step.on_error, FallbackModel):
        return UNKNOWN
    if step.foreach is not None and step.uses is not None:
        return ValueParts(items=ValueParts({step.id: ValuePart(_handed_on(step, path, called, report), step.id)}))
    if step.steps is None or body is None:
        return _handed_on(step, path, called, report)
    own = inside([(node.id, report.steps[node.id]) for node in body.nodes if node.id in report.steps])
    given = report.value_parts((*path, "output"), step.output)
    if step.foreach is None:
        return own if step.output is None else given
    return ValueParts(items=ValueParts({**own.fields, "output": ValuePart(given)}))


def _handed_on(step: StepModel, path: JsonPath, called: Callees, report: Report) -> ValueParts:
    """Return what is known of the output of a call that passes on one of its fields, or of a called workflow."""
    if step.uses == CALL:
        return callees.parts_of(step.with_, called)
    written = handed_on(step, path) if step.uses is not None else None
    return UNKNOWN if written is None else report.value_parts(*written)


def handed_on(step: StepModel, path: JsonPath) -> tuple[JsonPath, Any] | None:
    """Return (path, value) of the output of one pass of a step as written in the file, or None if it is computed."""
    if step.uses is None:
        return None if step.output is None else ((*path, "output"), step.output)
    try:
        kind = step_type(step.uses)
    except OrchestraError:
        return None
    if not kind.is_for_output or len(kind.hands_on) != 1 or step.steps is not None:
        return None
    [name] = kind.hands_on
    return ((*path, "with", name), step.with_[name]) if name in step.with_ else None
