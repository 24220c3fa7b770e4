"""What a step reads, so what a person makes up to try it: names with their types, and values that are checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from msgspec import Struct

from clients.wording import did_you_mean, listed
from engine.base.errors import ExpressionError, InvalidInput
from engine.base.json_text import JsonObject
from engine.base.step_tree import StepDefinition, StepNode
from engine.compiler.checks.report import StepNames
from engine.documents.schema_check import placed_misfits
from engine.expressions.cel_types import Schema
from engine.expressions.templates import parts, tokens
from engine.runs.trials.samples import sample_of
from engine.runs.trials.trials import TrialValues
from engine.workflows.editing.step_references import reads_of

_ITEM = "item"
"""The name of the items of a loop without `as`."""
_SAMPLE = "`orchestra workflows try {workflow} {step} --sample` prints values that fit."
_MOST_MISFITS = 3


class StepReads(Struct, frozen=True):
    """What a step reads; the names of the workflow are roots of its expressions."""

    workflow: str
    step: str
    path: str
    """From the outermost group, without indexes."""
    inputs: Schema | None
    """The type of the inputs; None if it reads none."""
    steps: Mapping[str, Schema]
    """The types of the outputs that it reads, by step."""
    step_paths: Mapping[str, str]
    """The paths of these steps, by step."""
    loops: Mapping[str, str]
    """The paths of the loops around it, itself among them, by the name of their items, outermost first."""
    items: Mapping[str, Schema]
    """The types of these items, by name."""

    @property
    def only(self) -> str:
        """The path of the step in the first item of each loop."""
        around = set(self.loops.values())
        ids, found, path = self.path.split("."), [], ""
        for id_ in ids:
            path = f"{path}.{id_}" if path else id_
            found.append(f"{id_}[0]" if path in around else id_)
        return ".".join(found)

    def made_up(self, values: Mapping[str, Any]) -> TrialValues:
        """Return how the step is tried with values that fit (`require_fit`)."""
        outputs = {path: values["steps"][step]["output"] for step, path in self.step_paths.items()}
        return TrialValues(self.only, outputs, {path: [values[name]] for name, path in self.loops.items()})

    def sample(self, known: Mapping[str, Any]) -> JsonObject:
        """Return values for all names: from the last run as far as they fit, else made from their types.

        `known`: {"inputs": …, "steps": {id: output}, name of a loop: item}.
        """
        outputs = known.get("steps") or {}
        found: dict[str, Any] = {}
        if self.inputs is not None:
            found["inputs"] = _fitting(known.get("inputs"), self.inputs)
        if self.steps:
            found["steps"] = {
                step: {"output": _fitting(outputs.get(step), schema)} for step, schema in self.steps.items()
            }
        return found | {name: _fitting(known.get(name), schema) for name, schema in self.items.items()}

    def require_fit(self, values: Mapping[str, Any]) -> None:
        """Raise InvalidInput with the place of the first value that is missing, unknown, or of another type."""
        roots = [*(["inputs"] if self.inputs is not None else []), *(["steps"] if self.steps else []), *self.items]
        self._require_names(values, roots, "")
        given = values.get("steps", {})
        if self.steps:
            self._require_object(given, "steps")
            self._require_names(given, list(self.steps), "steps")
        if self.inputs is not None:
            self._require_type(values["inputs"], self.inputs, "inputs")
        for step, schema in self.steps.items():
            self._require_object(given[step], f"steps.{step}")
            self._require_names(given[step], ["output"], f"steps.{step}")
            self._require_type(given[step]["output"], schema, f"steps.{step}.output")
        for name, schema in self.items.items():
            self._require_type(values[name], schema, name)

    def _require_object(self, value: Any, place: str) -> None:
        if not isinstance(value, Mapping):
            raise InvalidInput(f"values.{place} is not an object.", remedy=self._remedy, field=f"values.{place}")

    def _require_names(self, values: Mapping[str, Any], names: Sequence[str], place: str) -> None:
        at = f"values.{place}" if place else "values"
        for name in values:
            if name not in names:
                hint = did_you_mean(name, names)
                reads = f"It reads {listed([*names])}." if names else "It reads nothing."
                message = f"{at}.{name}: the step {self.step!r} does not read it. {hint or reads}"
                raise InvalidInput(message, remedy="Leave it out.", field=f"{at}.{name}")
        missing = [name for name in names if name not in values]
        if missing:
            message = f"{at} lacks {listed([repr(one) for one in missing])}, which the step {self.step!r} reads."
            raise InvalidInput(message, remedy=self._remedy, field=at)

    def _require_type(self, value: Any, schema: Schema, place: str) -> None:
        wrong = [one for one in islice(placed_misfits(value, schema), _MOST_MISFITS) if one.is_checked]
        if wrong:
            at = f"values.{place}.{wrong[0].place}".rstrip(".").replace(".[", "[")
            said = " ".join(str(one) for one in wrong)
            raise InvalidInput(f"values.{place} does not fit: {said}", remedy=self._remedy, field=at)

    @property
    def _remedy(self) -> str:
        return _SAMPLE.format(workflow=self.workflow, step=self.step)


def step_reads(workflow: str, node: StepNode[StepDefinition], names: StepNames, paths: Mapping[str, str]) -> StepReads:
    """Return what a step, and the conditions around it, read.

    `names`: what its fields may use; `paths`: of all steps, by id. Raises InvalidInput if the step cannot run alone.
    """
    if any(one.is_fallback or one.is_after_failure for one in node.up()):
        raise InvalidInput(
            f"The step {node.step.id!r} runs only if another one has failed.",
            remedy="Put it beside the others to try it.",
        )
    around = [*node.up()]
    fields = [_own_fields(node.step.json), *(_way_in(one.step.json) for one in around[1:])]
    read = {one.step for field in fields for one in reads_of(field, [*paths])}
    inside = {one.step.id for one in around}
    steps = {step: names.steps[step] for step in paths if step in read and step in names.steps and step not in inside}
    loops = {str(one.step.json.get("as") or _ITEM): one.path for one in reversed(around) if "foreach" in one.step.json}
    uses_inputs = any(name == "inputs" for field in fields for name in _roots(field))
    return StepReads(
        workflow,
        node.step.id,
        node.path,
        names.variables.get("inputs") if uses_inputs else None,
        steps,
        {step: paths[step] for step in steps},
        loops,
        {name: names.variables.get(name, {}) for name in loops},
    )


def _own_fields(step: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in step.items() if key not in ("foreach", "steps", "on_error")}


def _way_in(step: Mapping[str, Any]) -> dict[str, Any]:
    return {key: step[key] for key in ("if", "key") if key in step}


def _roots(value: Any) -> Iterator[str]:
    """Yield the names at the beginning of paths in the expressions of a value."""
    if isinstance(value, Mapping | list):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _roots(one)
    elif isinstance(value, str) and "{{" in value:
        try:
            found = [part.text for part in parts(value) if part.is_expression]
        except ExpressionError:  # it does not end: the problems say where
            return
        for expression in found:
            run = [token for token in tokens(expression) if token.kind != "space"]
            for place, token in enumerate(run):
                if token.kind == "name" and (place == 0 or run[place - 1].text != "."):
                    yield token.text


def _fitting(value: Any, schema: Schema) -> Any:
    """Return a known value if it fits, else a sample."""
    is_fit = value is not None and not any(one.is_checked for one in placed_misfits(value, schema))
    return value if is_fit else sample_of(schema)
