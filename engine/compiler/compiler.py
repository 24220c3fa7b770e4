"""From a workflow file to a plan: names, types, order and fields are checked before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from engine.compiler.callees import Callees
from engine.compiler.endings import Endings, endings
from engine.compiler.fieldcheck import check_inputs_schema
from engine.compiler.fieldnames import meant_fields
from engine.compiler.loader import Loaded, every_step, load, on_failure_path
from engine.compiler.model import FallbackModel, ParallelModel, StepModel, WorkflowModel
from engine.compiler.plan import Block, Concurrency, Plan
from engine.compiler.presence import UNKNOWN
from engine.compiler.report import Report
from engine.compiler.schemaparts import ANYTHING
from engine.compiler.scope import MAYBE_ABSENT, RUN, Scope
from engine.compiler.steps import ERROR, Place, Steps
from engine.compiler.surroundings import Compiled, Surroundings
from engine.compiler.triggers import TriggerPlace, triggers
from engine.compiler.unused import Names, warn
from engine.errors import OrchestraError, Problem
from engine.expressions.celtypes import Schema, Types
from engine.registry import step_type
from engine.workspace.jsonfile import JsonFile

__all__ = ["Compiled", "Surroundings", "compile_workflow", "read_workflow"]


def compile_workflow(file: JsonFile, name: str, around: Surroundings) -> Compiled:
    """Compile a parsed workflow file; every problem is found at once, sorted by place."""
    return read_workflow(file, name, around)[0]


def read_workflow(file: JsonFile, name: str, around: Surroundings) -> tuple[Compiled, Report | None]:
    """Compile a parsed workflow file; also return what was noted on the way, None where there was nothing to read."""

    def compiled(other: JsonFile, other_name: str, called: Callees) -> Compiled:
        return _compiled(other, other_name, around, called)[0]

    return _compiled(file, name, around, Callees(around.workflows, compiled))


def _compiled(file: JsonFile, name: str, around: Surroundings, called: Callees) -> tuple[Compiled, Report | None]:
    loaded = load(file)
    if loaded.model is None:
        return Compiled(None, _sorted(loaded.problems)), None
    compilation = _Compilation(file, loaded, loaded.model, around, called)
    plan = compilation.plan(name)
    report = compilation.report
    problems = _sorted([*loaded.problems, *report.problems])
    errors = {one.code for one in problems if one.severity == "error"}
    accepted = plan if errors <= {MAYBE_ABSENT} else None
    ends = compilation.endings()
    return Compiled(None if errors else plan, problems, accepted, ends.schema, ends.maybe_absent), report


def _concurrency(model: WorkflowModel) -> Concurrency:
    given = model.concurrency
    return Concurrency("queue", given.parallel) if isinstance(given, ParallelModel) else Concurrency(given)


def _sorted(problems: Sequence[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda one: (one.line, one.column, one.message))


def _groups(steps: Sequence[StepModel], around: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for step in steps:
        found[step.id] = around
        found.update(_groups(step.steps or [], step.id))
        if isinstance(step.on_error, FallbackModel):
            found.update(_groups(step.on_error.steps, step.id))
    return found


class _Compilation:
    """One pass over one file."""

    def __init__(
        self, file: JsonFile, loaded: Loaded, model: WorkflowModel, around: Surroundings, called: Callees
    ) -> None:
        self._model, self._callees, self._around = model, called, around
        groups = {**_groups(model.failure_steps), **_groups(model.steps)}
        self.report = Report(file, groups, loaded.doubts, dict(loaded.renamed))
        self._faults = loaded.problems
        self._types = Types()
        self._steps = Steps(around, self.report, called)

    def plan(self, name: str) -> Plan:
        """Compile all of it; what comes back may run if nothing was reported as an error."""
        model, actions = self._model, self._steps.actions
        inputs = check_inputs_schema(model.inputs, self.report)
        self._callees.begin(name, self.report.file.value, inputs)
        self._name_fields()
        scope = self._scope(inputs)
        block = self._steps.block(model.steps, Place(("steps",), scope))
        on_failure = self._on_failure(scope)
        top = self._steps.with_siblings(scope, model.steps)
        outputs = top.tree(("outputs",), model.outputs, ANYTHING, frozenset(step.id for step in model.steps))
        self._callees.end(name)
        plan = Plan(
            name=name,
            document=self.report.file.value,
            block=block,
            outputs=outputs,
            timeout_seconds=model.timeout_seconds,
            prompts=actions.prompts,
            connections=tuple(actions.connections),
            inputs_schema=inputs,
            on_failure=on_failure,
            triggers=triggers(model, TriggerPlace(name, inputs, self._around), self.report),
            concurrency=_concurrency(model),
            workflows=dict(self._callees.documents),
        )
        warn(model, plan, self.report, Names.of(self.report, self._faults))
        return plan

    def endings(self) -> Endings:
        """Return what a run may end with, once the plan is made."""
        return endings(self._model, self.report.value_schema)

    def _scope(self, inputs: Schema) -> Scope:
        strangers = dict.fromkeys(self.report.doubts.strangers, ANYTHING)
        return Scope(self.report, {"inputs": inputs, "run": RUN}, strangers, self._types)

    def _on_failure(self, scope: Scope) -> Block | None:
        """Compile the steps of `on_failure`; they see the inputs, the run, the error and each other."""
        steps = self._model.failure_steps
        if not steps:
            return None
        inner = scope.inner({"error": ERROR}, {}).bound("on_failure", {"error": UNKNOWN})
        return self._steps.block(steps, Place(on_failure_path(self._model), inner, "on_failure."))

    def _name_fields(self) -> None:
        """Put the fields of every step under their right names, before anything is derived from them."""
        for path, step in every_step(self._model):
            with suppress(OrchestraError):  # an unknown step type is told where the step is compiled
                if step.uses is not None:
                    step.with_ = meant_fields((*path, "with"), step.with_, step_type(step.uses), self.report)
