"""Which fields a rule's answer leaves empty although a step that runs for this answer uses them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from clients.wording import listed
from engine.base.json_text import JsonObject, compact
from engine.base.statuses import StepStatus
from engine.base.step_tree import StepDefinition, StepNode, step_nodes
from engine.compiler.analysis.constants import UNKNOWN, value_given
from engine.compiler.checks.rule_check import whole_answer
from engine.compiler.definition.plan import Plan
from engine.expressions.expressions import Expression, Template

_INNER = ("steps", "on_error")
"""The members of a step in which other steps are."""


def left_empty(plan: Plan, step: str, schema: JsonObject, answer: JsonObject) -> str:
    """Return in sentences which fields a rule's answer leaves empty that other steps use; empty if none.

    A rule asks no model, so nobody fills them: a step may then write a page without text. `step`: the one with the
    rule, whose answer has this `schema`.
    """
    empty = [name for name in schema.get("properties", {}) if name not in answer]
    used: dict[tuple[str, bool], list[str]] = {}
    for node, is_certain in _reached(plan, step, whole_answer(answer, schema)):
        for name in _named(node.step, step, empty):
            used.setdefault((name, is_certain), []).append(node.step.title)
    found = [(name, is_certain) for name in empty for is_certain in (True, False) if (name, is_certain) in used]
    return " ".join(_said(name, used[name, is_certain], is_certain=is_certain) for name, is_certain in found)


def _said(name: str, titles: list[str], *, is_certain: bool) -> str:
    if is_certain:
        return f"{name!r} stays empty, and is used by {listed(titles)}."
    return f"{name!r} stays empty, and may be used by {listed(titles)}."


def _reached(plan: Plan, step: str, answer: JsonObject) -> Iterator[tuple[StepNode[StepDefinition], bool]]:
    """Yield the other steps that may run if a step gives this answer, each with whether its conditions say so."""
    nodes = [*step_nodes(plan.document)]
    own = next(one for one in nodes if one.step.id == step)
    around = {one.step.id for one in own.up()}
    conditions = {one.id: one.condition for one in [*plan.nodes()][::-1]}  # a loop's own, not that of its call
    steps: dict[str, JsonObject] = {}
    if not own.step.is_loop:  # outside a loop, its output is a list of answers
        steps[step] = {"status": StepStatus.SUCCEEDED, "output": answer}
    for node in nodes:
        if node.step.id in around:
            continue
        held = {_value(conditions[one.step.id], steps) for one in node.up() if one.step.id not in around}
        if False in held:
            steps[node.step.id] = {"status": StepStatus.SKIPPED}
        else:
            yield node, held == {True} and not node.is_fallback and not node.is_after_failure


def _value(condition: Any, steps: Mapping[str, JsonObject]) -> Any:
    if not isinstance(condition, Template):
        return condition
    [piece] = condition.pieces
    return value_given(steps, piece.written) if isinstance(piece, Expression) else UNKNOWN


def _named(step: StepDefinition, source: str, fields: list[str]) -> list[str]:
    """Return those fields of another step's answer that the text of a step names; all if it names the whole answer."""
    text = compact({name: value for name, value in step.json.items() if name not in _INNER})
    output = rf"\bsteps\.{re.escape(source)}\.output\b"
    if re.search(rf"{output}(?!\.\w)", text):
        return fields
    named = re.findall(rf"{output}\.(\w+)", text)
    return [one for one in fields if one in named]
