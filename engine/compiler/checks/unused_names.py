"""Warn about things that a workflow can run with, but its author probably did not mean."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from typing import Any

from msgspec import Struct

from clients.wording import nearest
from engine.base.problem import Problem
from engine.base.step_tree import Place, StepNode
from engine.compiler.checks.ineffective_steps import PlacedStep, named, repeated_writes, warn_of_the_futile
from engine.compiler.checks.outside_text import ways
from engine.compiler.checks.report import Report, StepNames
from engine.compiler.definition.identifiers import step_id_fault
from engine.compiler.definition.model import WorkflowModel
from engine.compiler.definition.plan import Plan
from engine.compiler.definition.step_model import FallbackModel, StepModel
from engine.documents.json_file import JsonPath
from engine.expressions.expressions import Expression, Template
from engine.plugins.step import Effect

_INPUT = re.compile(r"\binputs\s*\.\s*\??\s*([A-Za-z_][A-Za-z0-9_]*)")
_EXPRESSION = re.compile(r"\{\{(?:[^}]|\}(?!\}))*")
_STEP = re.compile(r"(?<=[.?'\"])\s*([A-Za-z_][A-Za-z0-9_]*)")
_ALL = ""
_MOST_DOUBTFUL = 200
"""With more names than these in a file with wrong expressions, any step may be meant; comparing them all takes long."""


class UsedNames(Struct, frozen=True):
    """The names used in expressions. If some cannot be read, all names they may contain count as used."""

    inputs: frozenset[str]
    steps: frozenset[str]
    doubtful: frozenset[str] = frozenset()
    is_any_meant: bool = False
    """Whether each step may be meant somewhere: the list of a loop is wrong, or very many names are."""
    strangers: frozenset[str] = frozenset()
    """Unknown step names that resemble no id: each may have been meant as any one step."""

    @classmethod
    def of(cls, report: Report, faults: Sequence[Problem]) -> UsedNames:
        """Return the names in the expressions of a file; `faults` are its structural errors."""
        wrong_fields = {one.field for one in (*faults, *report.errors)}
        inputs = frozenset(report.input_names)
        steps = frozenset(one.step for one in report.step_names)
        if not wrong_fields:
            return cls(inputs, steps)
        text = " ".join(_EXPRESSION.findall(report.file.text))
        strangers = frozenset(name for name in report.unknown_steps if nearest(name, list(report.groups)) is None)
        named = (inputs | set(_INPUT.findall(text)), steps, frozenset(_STEP.findall(text)))
        is_any_meant = "foreach" in wrong_fields or len(named[2]) > _MOST_DOUBTFUL
        return cls(*named, is_any_meant, strangers)

    def has_input(self, name: str) -> bool:
        """Return whether an input is used; similar misspelt names count."""
        return bool({name, _ALL} & self.inputs) or any(nearest(one, [name]) for one in self.inputs)

    def has_step(self, name: str) -> bool:
        """Return whether a step is used."""
        return self.is_any_meant or name in self.steps or any(nearest(one, [name]) for one in self.doubtful)


def warn(model: WorkflowModel, plan: Plan, report: Report, names: UsedNames) -> None:
    """Warn about unused inputs and outputs, loops whose writes no rerun recognises, and parts without effect."""
    if ("steps",) in report.suppressed.lost:
        return  # what they were meant to use is unknown
    for name in plan.inputs_schema.get("properties", {}):
        path: JsonPath = ("inputs", "properties", name)
        if not names.has_input(name) and not report.has_errors_at(path):
            report.warn(path, f"No step uses the input {name!r}.", "unused_input", "Use it, or take it out.")
    places = list(_every(model, plan, names))
    for_nothing = [one for one in places if _is_for_nothing(one, names)]
    if len(for_nothing) > len(names.strangers):  # each unknown name may have been meant as one of them
        for one in for_nothing:
            message = f"Nothing uses the output of step {one.step.id!r}, and it is all that the step is for."
            remedy = f"Use steps.{one.step.id}.output, give it in 'outputs', or take the step out."
            report.warn((*one.path, "id"), message, "unused_output", remedy)
    for one in places:
        if one.node.loop is not None and one.node.loop.key is None and not one.node.is_folded:
            _warn_of_writes(one, report)
        _warn_of_others_key(one, report)
    warn_of_the_futile(places, report)


def _every(model: WorkflowModel, plan: Plan, names: UsedNames) -> Iterator[PlacedStep]:
    compiled = {one.place: one.step for one in plan.tree()}
    handed_on: set[Place] = set()
    for node in model.nodes():
        if _is_handed_on(node, names, handed_on):
            handed_on.add(node.place)
        yield PlacedStep(node.place, node.step, compiled[node.place], node.place in handed_on)


def _is_handed_on(node: StepNode[StepModel], names: UsedNames, handed_on: Container[Place]) -> bool:
    """Return whether the output of a step is part of one that is used; `handed_on` has those around it."""
    if node.parent is None:
        return False
    around = node.parent.step
    if node.replaces_parent and isinstance(around.on_error, FallbackModel):
        return node.step.id == around.on_error.steps[-1].id
    has_inner = around.foreach is not None or around.output is None
    return has_inner and (node.parent.place in handed_on or names.has_step(around.id))


def _is_for_nothing(one: PlacedStep, names: UsedNames) -> bool:
    node = one.node
    if node.loop is not None and one.step.uses is not None and node.body is not None:
        node = node.body.nodes[0]
    if step_id_fault(one.step.id) or names.is_any_meant:
        return False  # nothing can refer to it, or its name may belong in a faulty place
    if node.action is None or one.node.is_folded or one.is_handed_on or names.has_step(one.step.id):
        return False
    return node.effect is Effect.READS or node.action.step_type.is_for_output


def _warn_of_writes(one: PlacedStep, report: Report) -> None:
    repeated = repeated_writes(one.node)
    if repeated:
        message = (
            f"{named(repeated)} write{'s' * (len(repeated) == 1)} for each item, and this loop has no 'key': every new"
            " run writes again for all items, and a rerun knows an item only by its place in the list."
        )
        remedy = 'Add "key": what names the item for ever, like "{{ item.id }}". Or give the step a \'once\'.'
        report.warn((*one.path, "foreach"), message, "no_key", remedy)


def _warn_of_others_key(one: PlacedStep, report: Report) -> None:
    """Warn about a key that strangers choose: what they give the key of an earlier item is never written."""
    path, loop = (*one.path, "key"), one.node.loop
    if loop is None or loop.key is None or one.node.is_folded or report.has_errors_at(path):
        return
    key = report.value_derived(path, one.step.key).without_files()
    if key.outside is None or key.is_address or _names_what_is_ours(loop.key, report.names[one.path]):
        return
    if repeated := repeated_writes(one.node):
        verb = "writes" if len(repeated) == 1 else "write"
        message = (
            f"Text from outside must not decide this: `steps.{one.step.id}.key` comes from {ways(key.every_outside)}. "
            f"{named(repeated)} {verb} nothing for an item with the key of an earlier one."
        )
        remedy = f'Make the key of what the service numbers, like "{{{{ {loop.name}.id }}}}", or put that in front.'
        report.warn(path, message, "outside_key", remedy)


def _names_what_is_ours(key: Any, names: StepNames) -> bool:
    """Return whether a part of a key is no text from outside, but what a service or this program has numbered."""
    pieces = key.pieces if isinstance(key, Template) else ()
    paths = [one.path for piece in pieces if isinstance(piece, Expression) for one in piece.references]
    return any(path[0] != "index" and not names.is_from_outside(path) for path in paths)
