"""The `predictions` area: what a draft would do, without a call to any service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from clients.wording import counted
from engine.base.errors import InvalidFile, InvalidInput, OrchestraError
from engine.base.names import workflow_id_of
from engine.base.problem import Problem
from engine.base.statuses import StepStatus
from engine.compiler.checks.report import Report
from engine.compiler.compiler import read_workflow
from engine.compiler.definition.environment import Compiled, CompilerContext
from engine.documents.json_file import parse
from engine.people.access import Principal
from engine.people.operation import operation
from engine.runs.run_reader import RunReader
from engine.runs.trials.prediction import Prediction, StepPrediction
from engine.runs.trials.rehearsal import Cases, Rehearsal
from engine.store.blobs.blobs import Blobs
from engine.workflows.editing.canvas_steps import CanvasStep, canvas_steps
from engine.workflows.editing.editing import WorkflowEditing
from engine.workflows.editing.scope_names import type_of
from engine.workspace.file_store import FileStore


class Predictions:
    """Reads drafts and runs; it writes nothing and calls nothing."""

    def __init__(
        self,
        file_store: FileStore,
        editing: WorkflowEditing,
        compiler_context: Callable[[], CompilerContext],
        runs: RunReader,
        blobs: Blobs,
    ) -> None:
        self._file_store, self._editing, self._compiler_context = file_store, editing, compiler_context
        self._runs, self._blobs = runs, blobs

    @operation("workflows.predict", "view", "see workflows", "See what the steps of a draft would give")
    def predict(self, p: Principal, name: str, run_id: str = "") -> Prediction:
        """Return the output type of each step of the person's draft and, with a run, the values of its expressions.

        The values are those that the expressions would have with the inputs and outputs of that run. Raises
        UnknownName, InvalidInput (a run of another workflow), InvalidFile (the text is not a workflow).
        """
        draft = self._editing.draft_text(p, name)
        file = parse(draft.text, self._file_store.file(name))
        compiled, report = read_workflow(file, name, self._compiler_context())
        if report is None:
            raise InvalidFile.of(file.file, compiled.problems)
        found, why = self._found(p, name, compiled, run_id) if run_id else ({}, "")
        steps = [_step(one, report, found.get(one.path)) for one in canvas_steps(file.value)]
        return Prediction(draft.state.rev, run_id or None, steps, why)

    def _found(self, p: Principal, name: str, compiled: Compiled, run_id: str) -> tuple[Mapping[str, Cases], str]:
        """Return the cases of each step, or {} and why there are no cases."""
        run = self._runs.get(p, run_id)
        plan = compiled.accepted
        if plan is None:
            return {}, _errors(compiled.problems)
        if run["workflow"] != name and workflow_id_of(run) != plan.id:
            raise InvalidInput(f"Run {run_id} is one of {run['workflow']!r}.", remedy="Choose a run of this workflow.")
        try:
            return Rehearsal(plan, run, self._blobs).cases(), ""
        except OrchestraError as error:
            return {}, f"{error.message} {error.remedy or ''}".strip()


def _errors(problems: Sequence[Problem]) -> str:
    count = sum(one.severity == "error" for one in problems)
    return f"There are no values: the workflow has {counted(count, 'error')}."


def _step(step: CanvasStep, report: Report, cases: Cases | None) -> StepPrediction:
    known = report.steps.get(step.id)
    is_missing = known is not None and known.ends != {StepStatus.SUCCEEDED}
    counts, first = (dict(cases.counts), cases.first) if cases is not None else ({}, [])
    return StepPrediction(step.path, type_of(report.types.get(step.path, {})), is_missing, counts, first)
