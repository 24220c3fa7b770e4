"""The `copilot.without_model` area: a few commands, exactly as they are written, and answers by looking up words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from clients.wording import did_you_mean
from engine.base.errors import InvalidFile, InvalidInput, UnknownName
from engine.base.synonyms import MEANINGS
from engine.base.text_index import TextIndex
from engine.copilot.fixes.of_runs import explained_run
from engine.copilot.fixes.records import Idea
from engine.copilot.proposals.proposals import Proposals
from engine.copilot.proposals.records import Proposal
from engine.copilot.without_model.commands import COMMANDS, Command, NotThere, changed, command_in, named_step
from engine.copilot.without_model.diagrams import Diagram, steps_diagram, workflow_diagram
from engine.copilot.without_model.doc_sections import DocSection, passages
from engine.copilot.without_model.explaining import explained, explained_step
from engine.documents.json_file import object_in
from engine.outgoing.hidden_characters import shown
from engine.people.access import Principal
from engine.people.operation import operation
from engine.record.types.run import Run
from engine.workflows.editing.canvas_steps import CanvasStep
from engine.workflows.samples import Sample, samples
from engine.workspace.blanks import is_blank

if TYPE_CHECKING:
    from engine.copilot.fixes.fixes import Fixes
    from engine.workflows.editing.editing import Canvas, WorkflowEditing

LONGEST_QUESTION = 4_000
_MOST_FIXES = 6
_MOST_PROBLEMS = 20
FailedRun = Callable[[Principal, str, str], Run | None]
_NOTE = "No model was asked: this comes from rules and the documentation."
NO_COMMAND = (
    "This is not a command, so nothing is changed. To say it in your own words, connect a model on the page "
    "Connections; without one, only the commands are understood."
)
_TEXTS = "These words are in:"
_HAS_PROBLEMS = "Its last run has not failed, but it has problems."
_NO_MEND = "I know no change that certainly mends this."


@dataclass(frozen=True)
class AnswerWithoutModel:
    """What is answered without a model."""

    text: str
    """Plain text."""
    proposal: Proposal | None = None
    """A change, which a person can accept."""
    passages: list[DocSection] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    """Shipped workflows that have the same words, the best one first."""
    fixes: list[Idea] = field(default_factory=list)
    """Changes that mend what the text says is wrong, each for a button."""
    diagram: Diagram | None = None
    """A diagram of what is explained."""
    examples: list[str] = field(default_factory=list)
    """The commands, if the text was not a command, or was one that cannot be done."""
    note: str = _NOTE
    quotes_run: bool = False
    """Whether the text has words of a run: a service may quote there what strangers have sent."""


class WithoutModel:
    """What the co-pilot answers without a model."""

    def __init__(self, proposals: Proposals, editing: WorkflowEditing, fixes: Fixes, failed_run: FailedRun) -> None:
        """`failed_run(p, workflow, run_id)`: that run, or without an id the last one, if it has failed. It raises
        UnknownName, and InvalidInput for a run of another workflow.
        """
        self._proposals, self._editing, self._fixes, self._failed_run = proposals, editing, fixes, failed_run

    @operation("copilot.answer", "edit", "ask the co-pilot", "Ask the co-pilot without a model")
    def answer(
        self, p: Principal, question: str, workflow: str = "", run_id: str = "", selection: Sequence[str] = ()
    ) -> AnswerWithoutModel:
        """Do a command of a workflow, or return what the documentation and the samples have of some words.

        `selection`: the ids of the steps that `explain` explains, if it names no steps itself.

        Raises UnknownName (no such run), InvalidInput (no such step, a run of another workflow), InvalidFile (the text
        of the workflow cannot be read), NotAllowed.
        """
        if not workflow and (run_id or selection):
            raise InvalidInput("A run and steps belong to a workflow.", remedy="Name it, too.", field="workflow")
        said = question.strip()[:LONGEST_QUESTION]
        command = command_in(said)
        answer = self._found(p, said, workflow, selection) if command is None or not workflow else None
        if answer is None and command is not None:
            answer = self._done(p, command, workflow, run_id, selection)
        assert answer is not None, "one of both"
        return replace(answer, text=shown(answer.text)[0])

    @operation("copilot.diagram", "edit", "ask the co-pilot", "Draw a workflow as text")
    def diagram(self, p: Principal, workflow: str, steps: Sequence[str]) -> Diagram | None:
        """Return the diagram of a workflow, or of some steps by their ids; None if there is nothing to draw.

        Raises UnknownName, InvalidInput (no such step), NotAllowed.
        """
        canvas = self._editing.canvas(p, workflow)
        return _diagram(canvas, chosen(canvas.steps, steps))

    def _done(
        self, p: Principal, command: Command, workflow: str, run_id: str, selection: Sequence[str]
    ) -> AnswerWithoutModel:
        canvas = self._editing.canvas(p, workflow)
        selected = chosen(canvas.steps, selection)
        if command.name == "why":
            return self._why(p, workflow, run_id, canvas)
        if object_in(canvas.text) is None:
            raise InvalidFile.of(f"workflows/{workflow}.json", canvas.problems)
        if command.name == "fix":
            return self._mended(p, workflow, run_id, canvas)
        try:
            if command.name != "explain":
                return self._proposed(p, workflow, canvas, command)
            about = [named_step(command.step, canvas.steps)] if command.step else selected
        except NotThere as error:
            return AnswerWithoutModel(str(error), examples=list(COMMANDS))
        if run_id and not about:
            return self._why(p, workflow, run_id, canvas)
        return _explained(canvas, about)

    def _proposed(self, p: Principal, workflow: str, canvas: Canvas, command: Command) -> AnswerWithoutModel:
        """Propose what a command changes. Raises NotThere."""
        change = changed(command, object_in(canvas.text) or {}, canvas.steps)
        if not change.ops:
            return AnswerWithoutModel(f"{change.words}.")
        made = self._proposals.make(p, workflow, canvas.rev, change.ops, change.words, source="rules")
        return AnswerWithoutModel(f"{change.words}.", proposal=made)

    def _mended(self, p: Principal, workflow: str, run_id: str, canvas: Canvas) -> AnswerWithoutModel:
        """Return what mends the problems of the draft, or else the run that has failed."""
        made = self._fixes.propose(p, workflow) if canvas.problems else None
        if made is not None:
            return AnswerWithoutModel(f"{_problems(canvas)}\n{made.why}.", proposal=made)
        run = self._failed_run(p, workflow, run_id)
        if run is not None:
            return self._of_run(p, workflow, run, is_mended=True)
        if not canvas.problems:
            return AnswerWithoutModel("Nothing is to be mended: the text compiles, and its last run has not failed.")
        ideas = [Idea(one.label, one.ops) for one in self._fixes.list(p, workflow)[:_MOST_FIXES]]
        return AnswerWithoutModel(f"{_problems(canvas)}\n{_NO_MEND}", fixes=ideas)

    def _why(self, p: Principal, workflow: str, run_id: str, canvas: Canvas) -> AnswerWithoutModel:
        run = self._failed_run(p, workflow, run_id)
        if run is not None:
            return self._of_run(p, workflow, run, is_mended=False)
        if any(one.severity == "error" for one in canvas.problems):
            return AnswerWithoutModel(f"{_HAS_PROBLEMS}\n{_problems(canvas)}")
        return AnswerWithoutModel("Its last run has not failed.")

    def _of_run(self, p: Principal, workflow: str, run: Run, *, is_mended: bool) -> AnswerWithoutModel:
        """Return why a run has failed, with what mends it: as a proposal, or for a button."""
        found = self._fixes.for_run(p, workflow, run)
        is_changed = self._fixes.has_changed(run)
        is_new_run = self._fixes.changes_finished_steps(p, workflow, run, found)
        why = explained_run(run, found, is_changed=is_changed, is_new_run=is_new_run)
        if not is_mended:
            return AnswerWithoutModel(why, fixes=[found] if found is not None else [], quotes_run=True)
        if found is None and not is_changed:
            why = f"{why}\n{self._fixes.not_mended(p, workflow, run)}"
        return AnswerWithoutModel(why, proposal=self._fixes.propose_for_run(p, workflow, run), quotes_run=True)

    def _found(self, p: Principal, said: str, workflow: str, selection: Sequence[str]) -> AnswerWithoutModel:
        """Say that a text is no command, and return where its words are."""
        text = NO_COMMAND
        is_new = True
        if workflow:
            try:
                canvas = self._editing.canvas(p, workflow)
            except UnknownName as error:
                text = f"{error.message} {error.remedy}\n{text}"
            else:
                chosen(canvas.steps, selection)
                is_new = not canvas.steps or is_blank(object_in(canvas.text))
        found, fitting = passages(said), fitting_samples(said) if is_new else []
        if found or fitting:
            text = f"{text}\n{_TEXTS}"
        return AnswerWithoutModel(text, passages=found, samples=fitting, examples=list(COMMANDS))


def chosen(steps: Sequence[CanvasStep], selection: Sequence[str]) -> list[CanvasStep]:
    """Return the selected steps, `selection`: their ids. Raises InvalidInput for an unknown id."""
    known = [one.id for one in steps]
    strange = [one for one in selection if one not in known]
    if strange:
        remedy = did_you_mean(strange[0], known) or "The workflow has no steps."
        raise InvalidInput(f"There is no step {strange[0]!r}.", remedy=remedy, field="selection")
    return [one for one in steps if one.id in selection]


def fitting_samples(said: str, most: int = 3) -> list[Sample]:
    """Return the shipped workflows whose words fit best, the best one first."""
    known = samples()
    index = TextIndex([f"{one.name} {one.title}" for one in known], [one.description for one in known], MEANINGS)
    return [known[place] for place, _ in index.best(said, most)]


def _explained(canvas: Canvas, about: Sequence[CanvasStep]) -> AnswerWithoutModel:
    """Explain some steps, or else the workflow."""
    if about:
        problems = {one.id: [str(problem) for problem in canvas.problems if problem.step == one.id] for one in about}
        text = "\n".join(explained_step(one, problems[one.id]) for one in about)
    else:
        errors = [str(problem) for problem in canvas.problems if problem.severity == "error"]
        text = explained(object_in(canvas.text) or {}, canvas.steps, errors)
    return AnswerWithoutModel(text, diagram=_diagram(canvas, about))


def _diagram(canvas: Canvas, about: Sequence[CanvasStep]) -> Diagram | None:
    if about:
        return steps_diagram(object_in(canvas.text) or {}, canvas.steps, about)
    return workflow_diagram(canvas.steps) if canvas.steps else None


def _problems(canvas: Canvas) -> str:
    """Return the problems of a draft, errors first."""
    found = sorted(canvas.problems, key=lambda one: one.severity != "error")
    return "\n".join(str(one) for one in found[:_MOST_PROBLEMS])
