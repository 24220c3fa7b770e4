"""The answer of a model step that may be wrong: what a person may choose instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clients.wording import did_you_mean, listed
from engine.base.errors import InvalidInput, UnknownName
from engine.base.json_text import JsonObject, is_same
from engine.compiler.checks.rule_check import choice_fields
from engine.compiler.definition.plan import Node, Plan
from engine.expressions.json_values import compact_json
from engine.record.fixed_choices import answer_schema, is_answer, is_of_model
from engine.record.parts.answer_effects import waited_for
from engine.record.types.run import Run
from engine.record.types.step import StepRecord

_NOTHING = "Undo the run, or run it again: `orchestra runs undo`, `orchestra runs rerun`."


@dataclass(frozen=True)
class Choice:
    """A field of an answer with fixed choices."""

    field: str
    title: str
    value: Any
    """What the model chose."""
    choices: list[Any]
    """All that it could choose."""


def step_to_correct(run: Run, path: str) -> StepRecord:
    """Return the model step of a run at a path. Raises UnknownName, InvalidInput if its answer cannot be corrected."""
    step = next((one for one in run["steps"] if one["path"] == path), None)
    if step is None:
        raise UnknownName(f"step of the run {run['run_id']}", path, [one["path"] for one in run["steps"]])
    if not is_of_model(step):
        raise InvalidInput(
            f"The step {path} does not ask a model.", remedy="Name a step whose type begins with `llm.`."
        )
    if not is_answer(step):
        raise InvalidInput(f"The step {path} of run {run['run_id']} has no answer of a model.", remedy=_NOTHING)
    return step


def choices_in(run: Run, step: StepRecord) -> list[Choice]:
    """Return the choices of a step as its run recorded them; [] if it is not a model step with such an answer."""
    if not is_answer(step):
        return []
    return _choices(answer_schema(run, step), step["output"])


def node_to_correct(run: Run, step: StepRecord, plan: Plan, current: str) -> Node:
    """Return the step of the current workflow that gave an answer. Raises InvalidInput if the workflow has changed.

    `current`: its path in the workflow, without indexes.
    """
    node = next((one for one in plan.nodes() if one.path == current), None)
    if node is None or node.action is None or node.action.uses != step["uses"] or waited_for(plan, current) is None:
        raise InvalidInput(
            f"The workflow {plan.name!r} no longer has a step {current!r} that could go on from the right answer.",
            remedy=_NOTHING,
        )
    return node


def choices(node: Node, output: Any) -> list[Choice]:
    """Return the fields of an answer with fixed choices: enums and booleans of the answer's schema."""
    schema = node.action.output_schema if node.action is not None else {}
    return _choices(schema, output)


def corrected(step: StepRecord, known: list[Choice], output: Any, values: JsonObject) -> dict[str, Any]:
    """Return an answer with other values. Raises InvalidInput if one is not a choice, or nothing differs."""
    path, by_name = step["path"], {one.field: one for one in known}
    if not known:
        raise InvalidInput(f"The answer of {path} has no field with fixed choices.", remedy=_NOTHING)
    for field, value in values.items():
        choice = by_name.get(field)
        if choice is None:
            remedy = did_you_mean(field, list(by_name)) or f"Choose among {listed(list(by_name))}."
            raise InvalidInput(f"The answer of {path} has no choice {field!r}.", remedy=remedy, field=field)
        if not any(is_same(value, one) for one in choice.choices):
            said = listed([compact_json(one) for one in choice.choices])
            raise InvalidInput(
                f"{field!r} of the answer of {path} cannot be {compact_json(value)[:200]}.",
                remedy=f"It is one of {said}.",
                field=field,
            )
    if all(is_same(by_name[field].value, value) for field, value in values.items()):
        told = listed([f"{one.field} is {compact_json(one.value)}" for one in known])
        raise InvalidInput(f"That is what {path} answered: {told}.", remedy="Choose another value.")
    return {**output, **values}


def _choices(schema: Any, output: Any) -> list[Choice]:
    known = output if isinstance(output, Mapping) else {}
    return [
        Choice(name, str(one.get("title") or name), known[name], list(one.get("enum", [True, False])))
        for name, one in choice_fields(schema).items()
        if name in known
    ]
