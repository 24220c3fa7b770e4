"""The `copilot.rules` facet: answers without a model, which say what they are."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.copilot.proposals.proposals import Proposals
from engine.copilot.proposals.records import Proposal
from engine.copilot.rules.explaining import explained, explained_step
from engine.copilot.rules.passages import Passage, passages
from engine.copilot.rules.ranking import Index
from engine.copilot.rules.requests import NotThere, Understood, understood
from engine.people.access import Principal, require
from engine.workflows.editing.editing import Canvas, WorkflowEditing
from engine.workflows.samples import Sample, samples

LONGEST_QUESTION = 4_000
_EXPLAIN = re.compile(
    r"\b(?:explain|describe|what does|what is|how does|erkläre|beschreibe|was macht)\b(?P<rest>.*)", re.IGNORECASE
)
_WRONG = re.compile(r"\b(?:wrong|problems?|errors?|invalid|fehler|falsch)\b", re.IGNORECASE)
_NEW = re.compile(
    r"\b(?:new|create|make|build|want|become|becomes|turn|every|when|neue?r?|wenn|sollen?|werden)\b", re.IGNORECASE
)
_NOTE = "No model was asked: this comes from rules and the documentation."
_UNKNOWN = "I know no rule for this. Say a change in one of these forms, or ask about a word of the documentation."
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
class Answer:
    """What the rules say to a question."""

    text: str
    """Plain text."""
    proposal: Proposal | None = None
    """A change, which a person can accept."""
    passages: list[Passage] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    """Shipped workflows that fit, the best one first."""
    examples: list[str] = field(default_factory=list)
    """Requests that would be understood, if this one was not."""
    note: str = _NOTE


class Rules:
    """Every method checks the right of `p`."""

    def __init__(self, proposals: Proposals, editing: WorkflowEditing) -> None:
        self._proposals, self._editing = proposals, editing

    def answer(self, p: Principal, question: str, workflow: str = "") -> Answer:
        """Answer a question, about a workflow if one is named.

        Raises UnknownName (no such workflow), InvalidInput (an operation that does not fit), NotAllowed.
        """
        require(p, "edit", "ask the co-pilot")
        said = question.strip()[:LONGEST_QUESTION]
        if workflow:
            found = self._about(p, said, workflow)
            if found is not None:
                return found
        return self._from_texts(said)

    def _about(self, p: Principal, said: str, workflow: str) -> Answer | None:
        """Return what is known of the workflow itself, or a change of it."""
        canvas = self._editing.canvas(p, workflow)
        try:
            change = understood(said, canvas.steps)
        except NotThere as error:
            return Answer(str(error), examples=list(FORMS))
        if change is not None:
            return self._proposed(p, workflow, canvas, change)
        if _WRONG.search(said):
            return Answer(_problems(canvas))
        asked = _EXPLAIN.search(said)
        return _explained(canvas, asked["rest"]) if asked is not None else None

    def _proposed(self, p: Principal, workflow: str, canvas: Canvas, change: Understood) -> Answer:
        made = self._proposals.make(p, workflow, canvas.rev, change.ops, change.words, source="rules")
        return Answer(f"{change.words}.", proposal=made)

    def _from_texts(self, said: str) -> Answer:
        found = passages(said)
        fitting = fitting_samples(said) if _NEW.search(said) else []
        if not found and not fitting:
            return Answer(_UNKNOWN, examples=list(FORMS))
        text = "These shipped workflows may do it." if fitting else "The documentation says:"
        return Answer(text, passages=found, samples=fitting)


def fitting_samples(said: str, most: int = 3) -> list[Sample]:
    """Return the shipped workflows whose words fit best, the best one first."""
    known = samples()
    index = Index([f"{one.name} {one.title}" for one in known], [one.description for one in known])
    return [known[place] for place, _ in index.best(said, most)]


def _explained(canvas: Canvas, rest: str) -> Answer | None:
    """Explain the workflow, or the step that is named; None if the question is about something else."""
    document = _document(canvas.text)
    words = {word.casefold() for word in re.findall(r"[\w-]+", rest)}
    for one in canvas.steps:
        if one.id.casefold() in words or (len(one.title) > 3 and one.title.casefold() in rest.casefold()):
            wrong = [str(problem) for problem in canvas.problems if problem.step == one.id]
            return Answer(explained_step(one, wrong))
    if words & {"workflow", "this", "it", "ablauf", "dieser", "das"}:
        return Answer(explained(document, canvas.steps))
    return None


def _problems(canvas: Canvas) -> str:
    errors: Sequence[str] = [str(one) for one in canvas.problems if one.severity == "error"]
    warnings = [str(one) for one in canvas.problems if one.severity != "error"]
    if not errors and not warnings:
        return "Nothing is wrong with the text of this workflow. If a run failed, its page says which step and why."
    return "\n".join([*errors, *warnings][:20])


def _document(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
