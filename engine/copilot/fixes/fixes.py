"""The `copilot.fixes` area: what mends the problems of a person's draft, and the failure of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from engine.base.errors import InvalidInput, OrchestraError
from engine.base.json_text import JsonObject
from engine.base.step_tree import step_nodes
from engine.compiler.compiler import read_workflow
from engine.copilot.fixes.finding import Finding, Tried, added
from engine.copilot.fixes.of_runs import not_mended, run_ideas
from engine.copilot.fixes.records import Fix, Idea, Operation
from engine.copilot.fixes.seen import FixContext
from engine.copilot.proposals.proposals import Proposals
from engine.copilot.proposals.records import Proposal
from engine.documents.json_file import object_in, parse
from engine.people.access import Principal
from engine.people.operation import operation
from engine.record.types.run import Run
from engine.runs.starting.upgrade_definition import require_unchanged
from engine.workflows.compiled_files import CompiledFiles

if TYPE_CHECKING:
    from engine.workflows.editing.editing import Canvas, WorkflowEditing

Names = Callable[[], Sequence[str]]
FixList: TypeAlias = list[Fix]  # inside the class below, `list` is the method
Operations: TypeAlias = list[Operation]


class Fixes:
    """What would mend a workflow or a failed run; nothing is changed."""

    def __init__(
        self,
        editing: WorkflowEditing,
        proposals: Proposals,
        compiled: CompiledFiles,
        workflows: Names,
        prompts: Names,
    ) -> None:
        """`workflows` and `prompts` return the names that there are."""
        self._editing, self._proposals, self._compiled = editing, proposals, compiled
        self._workflows, self._prompts = workflows, prompts

    @operation("copilot.fixes", "edit", "mend workflows", "List fixes of a workflow")
    def list(self, p: Principal, workflow: str) -> FixList:
        """Return a fix for each problem of the draft that has one, 20 at most. Raises UnknownName, NotAllowed."""
        canvas = self._editing.canvas(p, workflow)
        return self._finding(p, workflow, canvas).each(Tried(canvas.text, canvas.problems))

    @operation("copilot.propose_fixes", "edit", "mend workflows", "Propose the fixes of a workflow")
    def propose(self, p: Principal, workflow: str) -> Proposal | None:
        """Propose everything that certainly mends a problem of the draft; None if nothing does.

        What takes something out is left to the person.
        """
        canvas = self._editing.canvas(p, workflow)
        made = self._finding(p, workflow, canvas).together(Tried(canvas.text, canvas.problems))
        if not made.ops:
            return None
        return self._proposals.make(
            p, workflow, canvas.rev, made.ops, f"Mended: {'; '.join(made.labels)}", source="rules"
        )

    def propose_for_run(self, p: Principal, workflow: str, run: Run) -> Proposal | None:
        """Propose what `for_run` returns; None if nothing is known."""
        found = self.for_run(p, workflow, run)
        if found is None:
            return None
        canvas = self._editing.canvas(p, workflow)
        return self._proposals.make(p, workflow, canvas.rev, found.ops, found.label, source="rules")

    @operation("copilot.fix_for_run", "edit", "mend workflows", "Find the fix for a failed run")
    def for_run(self, p: Principal, workflow: str, run: Run) -> Idea | None:
        """Return a change of the draft that mends the failure of a run; None if no such change is known."""
        canvas = self._editing.canvas(p, workflow)
        for one in run_ideas(run, _steps(canvas.text), _defaults(canvas.text)):
            try:
                made = self._tried(p, workflow, canvas, one.ops)
            except OrchestraError:
                continue
            if not added(canvas.problems, made.problems, one.ops):
                return one
        return None

    @operation("copilot.fix_by_hand", "edit", "mend workflows", "See how to mend a failed run by hand")
    def not_mended(self, p: Principal, workflow: str, run: Run) -> str:
        """Return how to mend a run for which no fix is known."""
        text = self._editing.canvas(p, workflow).text
        return not_mended(run, _steps(text), _defaults(text))

    def has_changed(self, run: Run) -> bool:
        """Return whether the saved workflow of a run, or a prompt of it, is another one by now."""
        try:
            now = self._compiled.plan(run["workflow"]).definition
        except OrchestraError:
            return True
        before = run["definition"]
        return (now["workflow"], now["prompts"]) != (before["workflow"], before["prompts"])

    def changes_finished_steps(self, p: Principal, workflow: str, run: Run, fix: Idea | None) -> bool:
        """Return whether the workflow, with a change of its draft, differs in a step that the run has finished.

        Such a run cannot be continued with it, only restarted. A workflow that does not compile counts as no change.
        """
        try:
            draft = None if fix is None else self._tried(p, workflow, self._editing.canvas(p, workflow), fix.ops).text
            require_unchanged(run, self._compiled.plan(run["workflow"], draft), p.sees)
        except InvalidInput as error:
            return "differences" in error.details
        except OrchestraError:
            return False
        return False

    def _tried(self, p: Principal, workflow: str, canvas: Canvas, ops: Operations) -> Tried:
        tried = self._editing.tried(p, workflow, canvas.rev, ops)
        return Tried(tried.made.text, self._editing.problems_of(p, workflow, tried), ops)

    def _finding(self, p: Principal, workflow: str, canvas: Canvas) -> Finding:
        saved = object_in(self._editing.saved_text(p, workflow)) or {}

        def read(text: str) -> FixContext:
            found, file = self._compiled.compiler_context(), parse(text, f"workflows/{workflow}.json")
            report = read_workflow(file, workflow, found)[1]
            return FixContext(workflow, file, found, report, saved, self._workflows(), self._prompts())

        return Finding(lambda ops: self._tried(p, workflow, canvas, ops), read)


def _steps(text: str) -> Mapping[str, JsonObject]:
    """Return the steps of a text by their ids."""
    return {one.step.id: one.step.json for one in step_nodes(object_in(text))}


def _defaults(text: str) -> JsonObject:
    """Return the defaults of the inputs of a text."""
    inputs = (object_in(text) or {}).get("inputs")
    found = inputs.get("properties") if isinstance(inputs, Mapping) else None
    members = found.items() if isinstance(found, Mapping) else ()
    return {name: one["default"] for name, one in members if isinstance(one, Mapping) and "default" in one}
