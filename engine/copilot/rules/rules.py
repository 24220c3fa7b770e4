"""The `copilot.rules` area: answers without a model, which say what they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from engine.base.errors import InvalidFile, InvalidInput, UnknownName
from engine.copilot.fixes.of_runs import explained_run
from engine.copilot.fixes.places import named_place
from engine.copilot.fixes.records import Idea
from engine.copilot.proposals.proposals import Proposals
from engine.copilot.proposals.records import Proposal
from engine.copilot.rules.diagrams import Diagram, steps_diagram, workflow_diagram
from engine.copilot.rules.everywhere import for_all, without_all
from engine.copilot.rules.explaining import explained, explained_step
from engine.copilot.rules.limits import question as asked_back
from engine.copilot.rules.limits import refusal
from engine.copilot.rules.meaning import Dropped, meant
from engine.copilot.rules.passages import DocSection, passages
from engine.copilot.rules.pointing import chosen, is_of_steps, pointed, points, which_step
from engine.copilot.rules.ranking import TextIndex
from engine.copilot.rules.replacing import which_value
from engine.copilot.rules.requests import NotThere, UnderstoodRequest
from engine.copilot.wizard.unused import is_question, refusal_of
from engine.documents.json_file import object_in
from engine.outgoing.hidden_characters import shown
from engine.people.access import Principal, require
from engine.record.types.run import Run
from engine.workflows.editing.graph import CanvasStep
from engine.workflows.samples import Sample, samples

if TYPE_CHECKING:
    from engine.copilot.fixes.fixes import Fixes
    from engine.copilot.wizard.wizard import Wizard
    from engine.workflows.editing.editing import Canvas, WorkflowEditing

LONGEST_QUESTION = 4_000
_MOST_FIXES = 6
_MOST_LETTERS = 20_000
"""Of a request, counted once for each selected step: it is read for each."""
FailedRun = Callable[[Principal, str, str], Run | None]
_EXPLAIN = re.compile(
    r"\b(?:explain|describe|what does|what do(?= these| those| they)|what is|how does|walk me through|"
    r"what (?:is|does) .{1,30} for|wofür|wozu|erkläre|beschreibe|was (?:macht|machen|tut|tun))\b(?P<rest>.*)",
    re.IGNORECASE,
)
_WRONG = re.compile(r"\b(?:wrong|problems?|errors?|invalid|fehler|falsch)\b", re.IGNORECASE)
_MEND = re.compile(
    r"\b(?:fix|repair|correct|mend|make it (?:work|so)|stop that|(?:does|do) not let me|broken?|broke|"
    r"reparier\w*|beheb\w*|korrigier\w*|bring\w* in ordnung|is red|ist rot|does not work|not accepted|geht nicht)\b",
    re.IGNORECASE,
)
_NOT_MENDED = re.compile(
    r"\b(?:not|\w+n['’]t|never|without|nicht|nie|ohne|kein\w*) (?:\w+ ){0,2}(?:fix|repair|correct|mend)\w*|"
    r"\b(?:fix|repair|correct|mend|reparier\w*|beheb\w*|korrigier\w*)\b[^.?!]{0,60}?"
    r"\b(?:but|except|unless|without|only|not|never|nicht|nie|aber|außer|ohne|nur)\b",
    re.IGNORECASE,
)
_MEND_THIS = re.compile(
    r"(?:(?:please|bitte|can you|could you|kannst du)[ ,]+)?"
    r"(?:(?:fix|repair|correct|mend)"
    r"(?: (?:it|this|everything|(?:this|the|my) (?:workflow|last run|run|problems?|errors?)))?|"
    r"(?:reparier|beheb|korrigier)\w*(?: (?:es|das|alles|(?:den|diesen|die|das) [a-zäöü ]{1,30}))?|"
    r"(?:es|das|alles|(?:den|diesen) (?:workflow|ablauf|letzten lauf)) (?:reparieren|beheben|korrigieren))"
    r"(?:[ ,]+(?:please|bitte))?[.!?]*\Z",
    re.IGNORECASE,
)
_WHY_RUN = re.compile(
    r"\b(?:why|warum|wieso|weshalb)\b.*\b(?:(?:last|this) run|(?:letzte[rn]?|dieser) lauf)\b", re.IGNORECASE
)
_WHY = re.compile(r"\b(?:why|warum|wieso|weshalb|explain|erklär\w*)\b", re.IGNORECASE)
_RUN = re.compile(
    r"\b(?:last run|letzte[rn]? lauf|this run|dieser lauf|run fail\w*|failed?|arrives?|gescheitert|fehlgeschlagen)\b",
    re.IGNORECASE,
)
_NEW = re.compile(
    r"\b(?:new|create|make|build|want|become|becomes|turn|every|when|neue?r?|wenn|sollen?|werden)\b", re.IGNORECASE
)
_WORKFLOW, _A_RUN = {"workflow", "ablauf"}, {"run", "lauf"}
_NOTE = "No model was asked: this comes from rules and the documentation."
_UNKNOWN = (
    "I know no rule for this. You can ask for a change in one of these forms, or about a word of the documentation."
)
_NO_CHANGE = "I did not understand this as a change."
_SAYS, _HAS = "The documentation says:", "The documentation has:"
_ASKS = re.compile(
    r"\W*(?:and |but |und |aber )?(?:how|what|which|who|whom|where|why|explain|describe|wie|was|welche\w*|wer|wo|wofür|"
    r"wozu|warum|wieso|weshalb|erklär\w*|beschreib\w*)\b|.*\?\s*\Z",
    re.IGNORECASE | re.DOTALL,
)
"""A question, also without its mark."""
FORMS = (
    "rename step issue to ticket",
    "remove label",
    "set title of issue to {{ mail.subject }}",
    "retry all github steps 5 times",
    "ask me before all writing steps",
    "explain this workflow",
    "what is wrong",
)
"""Requests that are understood, as examples."""


@dataclass(frozen=True)
class RuleAnswer:
    """What the rules say to a question."""

    text: str
    """Plain text."""
    proposal: Proposal | None = None
    """A change, which a person can accept."""
    proposals: list[Proposal] = field(default_factory=list)
    """The same change of several workflows, one for each."""
    passages: list[DocSection] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    """Shipped workflows that fit, the best one first."""
    fixes: list[Idea] = field(default_factory=list)
    """Changes that mend what the text says is wrong, each for a button."""
    diagram: Diagram | None = None
    """Of what is explained."""
    examples: list[str] = field(default_factory=list)
    """Requests that would be understood, if this one was not."""
    note: str = _NOTE
    quotes_run: bool = False
    """Whether the text has words of a run: a service may quote there what strangers have sent."""


class Rules:
    """Every method checks the right of `p`."""

    def __init__(
        self,
        proposals: Proposals,
        editing: WorkflowEditing,
        wizard: Wizard,
        fixes: Fixes,
        failed_run: FailedRun,
        names: Callable[[], Sequence[str]],
    ) -> None:
        """`failed_run(p, workflow, run_id)`: that run, or without an id the last one, if it has failed. It raises
        UnknownName, and InvalidInput for a run of another workflow.

        `names` returns those of all workflows.
        """
        self._names = names
        self._proposals, self._editing, self._wizard, self._fixes = proposals, editing, wizard, fixes
        self._failed_run = failed_run

    def answer(
        self, p: Principal, question: str, workflow: str = "", run_id: str = "", selection: Sequence[str] = ()
    ) -> RuleAnswer:
        """Answer a question, about a workflow if one is named, and about a run of it.

        `selection`: the ids of the steps that words such as `this` mean.

        Raises UnknownName (no such run), InvalidInput (no such step, a run of another workflow), InvalidFile (the text
        of the workflow cannot be read), NotAllowed.
        """
        require(p, "edit", "ask the co-pilot")
        if not workflow and (run_id or selection):
            raise InvalidInput("A run and steps belong to a workflow.", remedy="Name it, too.", field="workflow")
        said = question.strip()[:LONGEST_QUESTION]
        refused = refusal(said)
        if refused:
            return RuleAnswer(refused)
        try:
            found = self._changed(p, said, workflow) or (
                self._about(p, said, workflow, run_id, selection) if workflow else None
            )
        except Dropped as error:
            return RuleAnswer(str(error), examples=list(FORMS))
        answer = found or self._from_texts(said, workflow)
        return replace(answer, text=shown(answer.text)[0])

    def diagram(self, p: Principal, question: str, workflow: str, selection: Sequence[str]) -> Diagram | None:
        """Return the diagram of what a question asks to explain, None if it asks for something else.

        Raises NotAllowed.
        """
        require(p, "edit", "ask the co-pilot")
        if not _EXPLAIN.search(question) or _WRONG.search(question) or _RUN.search(question):
            return None
        try:
            canvas = self._editing.canvas(p, workflow)
        except UnknownName:
            return None
        known = _explained(canvas, question, [one for one in canvas.steps if one.id in selection])
        return known.diagram if known is not None else None

    def _changed(self, p: Principal, said: str, workflow: str) -> RuleAnswer | None:
        """Return a change of all workflows, or a new workflow; None for a question, and for anything else."""
        if is_question(said):
            return None
        of_all = without_all(said)
        if of_all:
            found = partial(meant, of_all)
            made = for_all(p, self._names(), self._editing, self._proposals, found, workflow)
            return RuleAnswer(made.words, proposals=made.proposals)
        return self._made(p, said, workflow) if workflow else None

    def _made(self, p: Principal, said: str, workflow: str) -> RuleAnswer | None:
        """Return a workflow of what is said, for one that has no steps yet. Raises InvalidFile (it cannot be read)."""
        if not _WRONG.search(said) and not _RUN.search(said):
            self._require_readable(p, workflow)
        read = self._wizard.read(p, workflow, said)
        if read is None or read.choices is None:
            return RuleAnswer(read.question) if read is not None else None
        made = self._wizard.propose(p, workflow, read.choices)
        return RuleAnswer(f"Understood as: {made.why}.", proposal=made)

    def _require_readable(self, p: Principal, workflow: str) -> None:
        """Raise InvalidFile with the line and column if the text of a workflow cannot be read."""
        with suppress(UnknownName):
            canvas = self._editing.canvas(p, workflow)
            if object_in(canvas.text) is None:
                raise InvalidFile.of(f"workflows/{workflow}.json", canvas.problems)

    def _about(
        self, p: Principal, said: str, workflow: str, run_id: str, selection: Sequence[str]
    ) -> RuleAnswer | None:
        """Return what is known of the workflow itself, or a change of it."""
        try:
            canvas = self._editing.canvas(p, workflow)
        except UnknownName as error:
            found = self._from_texts(said, workflow)
            return replace(found, text=f"{error.message} {error.remedy}\n{found.text}")
        selected = chosen(canvas.steps, selection)
        if len(said) * len(selected) > _MOST_LETTERS:
            raise InvalidInput(
                "The request is too long for this many steps.", remedy="Shorten it or select fewer steps."
            )
        try:
            change = None if is_question(said) else meant(said, canvas, selected)
        except NotThere as error:
            lacks_step = points(said) and not selected
            return RuleAnswer(which_step(canvas.steps) if lacks_step else str(error), examples=list(FORMS))
        if change is not None:
            return self._proposed(p, workflow, canvas, change)
        mended = self._mended(p, said, workflow, canvas) or self._of_run(p, said, workflow, run_id)
        if mended is not None:
            return mended
        if _WRONG.search(said):
            only = {one.id for one in selected if pointed(said, canvas.steps, one.id)}
            return RuleAnswer(_problems(canvas, only), fixes=self._mending(p, workflow))
        if _EXPLAIN.search(said):
            self._require_readable(p, workflow)
        known = _explained(canvas, said, selected)
        missing = asked_back(said) or which_value(said, object_in(canvas.text) or {})
        missing = missing or self._nothing_to_mend(p, said, workflow, run_id, canvas)
        missing = missing or (which_step(canvas.steps) if points(said) and not selected else "")
        return RuleAnswer(missing) if known is None and missing else known

    def _mended(self, p: Principal, said: str, workflow: str, canvas: Canvas) -> RuleAnswer | None:
        """Return what mends the problems of the draft, if that is asked for."""
        if not canvas.problems or not _MEND.search(said):
            return None
        if _NOT_MENDED.search(said):
            raise Dropped(refusal_of([found[0] for found in _NOT_MENDED.finditer(said)]))
        made = self._fixes.propose(p, workflow)
        return RuleAnswer(f"{_problems(canvas)}\n{made.why}.", proposal=made) if made is not None else None

    def _nothing_to_mend(self, p: Principal, said: str, workflow: str, run_id: str, canvas: Canvas) -> str:
        """Return that nothing is to be mended, or that nothing is known that does, if that was asked for; else ""."""
        if not (_MEND_THIS.match(said.strip()) or _WHY_RUN.search(said)):
            return ""
        run = self._failed_run(p, workflow, run_id)
        if run is not None:
            return ""
        if any(one.severity == "error" for one in canvas.problems):
            mends = "" if _WHY_RUN.search(said) else "\nI know no change that certainly mends this."
            return f"Its last run has not failed, but it has problems.\n{_problems(canvas)}{mends}"
        return "Nothing is to be mended: the text compiles, and its last run has not failed."

    def _of_run(self, p: Principal, said: str, workflow: str, run_id: str) -> RuleAnswer | None:
        """Return why a run has failed, with what mends it unless only the reason is asked for."""
        wants_mending = bool(_MEND.search(said)) and not _NOT_MENDED.search(said)
        if not run_id and not wants_mending and not _RUN.search(said) and named_place(said) is None:
            return None
        run = self._failed_run(p, workflow, run_id)
        if run is None:
            return None
        found = self._fixes.for_run(p, workflow, run, said)
        is_changed = self._fixes.has_changed(run)
        is_new_run = self._fixes.changes_finished_steps(p, workflow, run, found)
        why = explained_run(run, found, is_changed=is_changed, is_new_run=is_new_run)
        if _WHY.search(said) and not wants_mending:
            return RuleAnswer(why, fixes=[found] if found is not None else [], quotes_run=True)
        if found is None and named_place(said) and not wants_mending:
            return None  # which value is meant is asked
        if found is None and wants_mending and not is_changed:
            why = f"{why}\n{self._fixes.not_mended(p, workflow, run)}"
        return RuleAnswer(why, proposal=self._fixes.propose_for_run(p, workflow, run, said), quotes_run=True)

    def _mending(self, p: Principal, workflow: str) -> list[Idea]:
        """Return what mends the problems of the draft."""
        return [Idea(one.label, one.ops) for one in self._fixes.list(p, workflow)[:_MOST_FIXES]]

    def _proposed(self, p: Principal, workflow: str, canvas: Canvas, change: UnderstoodRequest) -> RuleAnswer:
        if not change.ops:
            return RuleAnswer(f"{change.words}.")
        made = self._proposals.make(p, workflow, canvas.rev, change.ops, change.words, source="rules")
        return RuleAnswer(f"{change.words}.", proposal=made)

    def _from_texts(self, said: str, workflow: str) -> RuleAnswer:
        found = passages(said)
        fitting = fitting_samples(said) if _NEW.search(said) else []
        if not found and not fitting:
            return RuleAnswer(_UNKNOWN, examples=list(FORMS))
        is_asked = is_question(said) or bool(_ASKS.match(said))
        text = "These shipped workflows may do it." if fitting else _SAYS if is_asked else _HAS
        if not is_asked and (workflow or not fitting):
            text = f"{_NO_CHANGE} {text}"
        forms = list(FORMS) if workflow and not is_asked else []
        return RuleAnswer(text, passages=found, samples=fitting, examples=forms)


def fitting_samples(said: str, most: int = 3) -> list[Sample]:
    """Return the shipped workflows whose words fit best, the best one first."""
    known = samples()
    index = TextIndex([f"{one.name} {one.title}" for one in known], [one.description for one in known])
    return [known[place] for place, _ in index.best(said, most)]


def _explained(canvas: Canvas, said: str, selected: Sequence[CanvasStep]) -> RuleAnswer | None:
    """Explain the workflow, or the steps that are named or meant; None if something else is asked for."""
    asked = _EXPLAIN.search(said)
    if asked is None:
        return None
    rest = asked["rest"]
    words = {word.casefold() for word in re.findall(r"[\w-]+", rest)}
    for one in canvas.steps:
        if one.id.casefold() in words or (len(one.title) > 3 and one.title.casefold() in rest.casefold()):
            return _explained_steps(canvas, [one])
    if words & _A_RUN:
        return None
    if selected and not words & _WORKFLOW and (not words or pointed(said, canvas.steps, "")):
        return _explained_steps(canvas, selected)
    if is_of_steps(said):
        return RuleAnswer(which_step(canvas.steps))
    if words & _WORKFLOW or pointed(said, canvas.steps, ""):
        hint = [] if words & _WORKFLOW else ["To ask about one step, select or name it."]
        errors = [str(problem) for problem in canvas.problems if problem.severity == "error"]
        told = "\n".join([explained(object_in(canvas.text) or {}, canvas.steps, errors), *hint])
        return RuleAnswer(told, diagram=workflow_diagram(canvas.steps) if canvas.steps else None)
    return None


def _explained_steps(canvas: Canvas, steps: Sequence[CanvasStep]) -> RuleAnswer:
    said = [
        explained_step(one, [str(problem) for problem in canvas.problems if problem.step == one.id]) for one in steps
    ]
    return RuleAnswer("\n".join(said), diagram=steps_diagram(object_in(canvas.text) or {}, canvas.steps, steps))


def _problems(canvas: Canvas, only: Collection[str] = ()) -> str:
    """Return the problems of a draft, or those of some steps (`only`: their ids)."""
    found = [one for one in canvas.problems if not only or one.step in only]
    if not found and only:
        return f"Nothing is wrong with {', '.join(sorted(only))}."
    if not found:
        return "Nothing is wrong with the text of this workflow. If a run failed, its page says which step and why."
    errors = [str(one) for one in found if one.severity == "error"]
    return "\n".join([*errors, *(str(one) for one in found if one.severity != "error")][:20])
