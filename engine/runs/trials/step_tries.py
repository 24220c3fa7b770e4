"""The `step_tries` area: one step runs alone with values that a person has made up, and nothing is written.

It is a step of the file, or of the draft that the person edits: one tries what one sees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from engine.base.errors import InvalidFile, InvalidInput, OrchestraError
from engine.base.json_text import JsonObject
from engine.base.lazy_values import opened
from engine.base.statuses import StepStatus
from engine.compiler.compiler import read_workflow
from engine.compiler.definition.environment import CompilerContext
from engine.compiler.definition.plan import Plan
from engine.expressions.expressions import render
from engine.people.access import Principal
from engine.people.operation import operation
from engine.runs.starting.current_plans import CurrentPlans
from engine.runs.trials.samples import required_inputs
from engine.runs.trials.step_reads import StepReads, step_reads
from engine.runs.trials.trials import Trial, Trials
from engine.store.acceptances import IdempotentRequest
from engine.workflows.editing.steps_in_text import read
from engine.workspace.file_store import FileStore


@dataclass(frozen=True)
class SampleValues:
    """Values with which a step can be tried, as a beginning."""

    workflow: str
    step: str
    values: JsonObject
    """By the names of its expressions: `inputs`, `steps.ID.output`, and the item of each loop around it."""
    is_recorded: bool
    """Whether values of the last successful run were found; else all are made from types."""


class StepTries:
    """A try is a test run. It reads and asks models as usual; a write is only shown."""

    def __init__(
        self,
        file_store: FileStore,
        compiler_context: Callable[[], CompilerContext],
        plans: CurrentPlans,
        trials: Trials,
        last_values: Callable[[Principal, str], Mapping[str, Any]],
        edited: Callable[[Principal, str], str],
        plan_of: Callable[[str, str], Plan],
    ) -> None:
        """`last_values(p, workflow)` returns the values of its last run: {"inputs": …, "steps": {id: output}}.

        `edited(p, workflow)`: the text that the person edits; `plan_of(workflow, text)`: the plan of such a text.
        """
        self._file_store, self._compiler_context, self._plans = file_store, compiler_context, plans
        self._trials, self._last_values = trials, last_values
        self._edited, self._plan_of = edited, plan_of

    @operation("workflows.sample_step", "view", "see workflows", "See values that fit a step")
    def sample(self, p: Principal, workflow: str, step: str, *, draft: bool = False) -> SampleValues:
        """Return values that fit what a step reads: from the last successful run, else made from types.

        `draft`: the step as the person edits it, not as it is in the file.
        Raises UnknownName, InvalidInput (no such step, or it cannot run alone), InvalidFile.
        """
        text = self._text(p, workflow, draft=draft)
        reads = self._reads(workflow, text, step)
        known = dict(self._last_values(p, workflow))
        with suppress(OrchestraError):  # the workflow may have errors elsewhere
            known |= _items(self._plan(workflow, text, "", draft=draft), reads, known)
        return SampleValues(workflow, step, reads.sample(known), is_recorded=bool(known))

    @operation("runs.try", "run", "try steps", "Try a step with made-up values")
    def start(
        self,
        p: Principal,
        workflow: str,
        step: str,
        values: Mapping[str, Any],
        *,
        request_key: str | None = None,
        environment: str = "",
        draft: bool = False,
    ) -> str:
        """Run a step alone with made-up values; return the id of the run, with which `runs.wait` waits for it.

        `draft`: the step as the person edits it, on the connections that it names; there is no environment then.
        Steps that write are not called: the run has a preview of each write. Raises InvalidInput with the place of a
        value that does not fit, and as `runs.start`.
        """
        if draft and environment:
            raise InvalidInput("A draft is in no environment.", remedy="Leave out the environment, or the draft.")
        sent = {"values": dict(values), "environment": environment, **({"draft": True} if draft else {})}
        request = IdempotentRequest.if_keyed(request_key, f"try {workflow} {step}", sent)

        def tried() -> tuple[Plan, Trial]:
            text = self._text(p, workflow, draft=draft)
            reads = self._reads(workflow, text, step)
            reads.require_fit(values)
            plan = self._plan(workflow, text, environment, draft=draft)
            inputs = {**required_inputs(plan), **values.get("inputs", {})}
            return plan, Trial(inputs, reads.made_up(values))

        return self._trials.start(p, tried, "runs.try", request)

    def _text(self, p: Principal, workflow: str, *, draft: bool) -> str:
        return self._edited(p, workflow) if draft else self._file_store.text(workflow)

    def _plan(self, workflow: str, text: str, environment: str, *, draft: bool) -> Plan:
        return self._plan_of(workflow, text) if draft else self._plans.named(workflow, {}, environment)

    def _reads(self, workflow: str, text: str, step: str) -> StepReads:
        found = read(text, self._file_store.file(workflow))
        node = found.node(step)
        if not node.step.uses:
            raise InvalidInput(f"{step!r} is a group.", remedy="Choose a step in it.", field="step")
        compiled, report = read_workflow(found.file, workflow, self._compiler_context())
        if report is None or node.place not in report.names:
            raise InvalidFile.of(found.file.file, compiled.problems)
        return step_reads(workflow, node, report.names[node.place], {one.step.id: one.path for one in found.nodes})


def _items(plan: Plan, reads: StepReads, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the first item of each loop around a step, with the values of an earlier run."""
    nodes = {node.path: node for node in plan.nodes()}
    steps = {
        step: {"status": StepStatus.SUCCEEDED.value, "output": output}
        for step, output in (known.get("steps") or {}).items()
    }
    names: dict[str, Any] = {**plan.root_names, "inputs": known.get("inputs") or {}, "steps": steps}
    found: dict[str, Any] = {}
    for name, path in reads.loops.items():
        loop = nodes[path].loop
        items = opened(render(loop.items, {**names, **found})) if loop is not None else []
        if not isinstance(items, list) or not items:
            break
        found[name] = items[0]
    return found
