"""What is wrong with the workflow files as they are now: compiled again only when something they came from changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.compiler.compiler import Surroundings, compile_workflow
from engine.errors import InvalidFile, OrchestraError, Problem
from engine.json_text import is_same
from engine.workspace.jsonfile import parse

_Question = tuple[str, str]
"""What a compiler asks for outside its file: ("prompts" or "workflows", name)."""


@dataclass(frozen=True)
class Checked:
    """What a text holds, None where that is no JSON object, and all that is wrong with it; not to be changed."""

    document: Mapping[str, Any] | None
    problems: tuple[Problem, ...]


class Asked:
    """Surroundings that note what they were asked and ask for it once: for one pass over many files."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._answers: dict[_Question, Any] = {}
        self.noted: dict[_Question, Any] = {}

    @property
    def connections(self) -> Mapping[str, str]:
        """The service of each connection, by name."""
        return self._around.connections

    def noting(self) -> Surroundings:
        """Return surroundings for one compilation: `noted` has then what it has asked, with the answers."""
        self.noted = {}
        return Surroundings(self.connections, self._giver("prompts"), self._giver("workflows"))

    def answer(self, question: _Question) -> Any:
        """Return what there is, or the error that says why there is nothing."""
        if question not in self._answers:
            kind, name = question
            try:
                self._answers[question] = getattr(self._around, kind)(name)
            except OrchestraError as error:
                self._answers[question] = error
        return self._answers[question]

    def _giver(self, kind: str) -> Callable[[str], Any]:
        noted = self.noted

        def given(name: str) -> Any:
            answer = noted[kind, name] = self.answer((kind, name))
            if isinstance(answer, OrchestraError):
                raise answer
            return answer

        return given


@dataclass(frozen=True)
class _Known:
    text: str
    connections: Mapping[str, str]
    noted: Mapping[_Question, Any]
    checked: Checked

    def is_current(self, text: str, asked: Asked) -> bool:
        """Tell whether the text and all that it was checked against are what they were."""
        return (text, asked.connections) == (self.text, self.connections) and all(
            _is_same_answer(answer, asked.answer(question)) for question, answer in self.noted.items()
        )


class WorkflowChecks:
    """Checks the files of one folder; may be used from any thread."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def check(self, name: str, text: str, file: str, asked: Asked) -> Checked:
        """Return what is wrong with a text as the workflow `name`; the last text of each name is not checked twice."""
        known = self._known.get(name)
        if known is None or not known.is_current(text, asked):
            checked = _checked(name, text, file, asked.noting())
            known = self._known[name] = _Known(text, asked.connections, asked.noted, checked)
        return known.checked

    def forget_all_but(self, names: list[str]) -> None:
        """Let go of what is known of files that are not there any more."""
        for name in self._known.keys() - set(names):
            self._known.pop(name, None)


def _checked(name: str, text: str, file: str, around: Surroundings) -> Checked:
    try:
        read = parse(text, file)
    except InvalidFile as error:
        return Checked(None, tuple(error.problems))
    problems = tuple(compile_workflow(read, name, around).problems)
    return Checked(read.value if isinstance(read.value, dict) else None, problems)


def _is_same_answer(one: Any, other: Any) -> bool:
    if isinstance(one, OrchestraError) and isinstance(other, OrchestraError):
        return _words(one) == _words(other)
    return type(one) is type(other) and is_same(one, other)


def _words(error: OrchestraError) -> tuple[Any, ...]:
    problems = error.problems if isinstance(error, InvalidFile) else []
    return type(error), error.message, error.remedy, problems
