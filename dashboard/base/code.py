"""What the browser's code editor (`frontend/editor`) needs to know of a text field that holds code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

from dashboard.base.messages import translated
from dashboard.base.remedies import with_pages
from engine.base.problem import Problem

Language = Literal["json", "prompt", "python", "javascript", "none"]
_BY_ENDING: dict[str, Language] = {
    ".json": "json",
    ".py": "python",
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), "javascript"),
}


@dataclass(frozen=True)
class Name:
    """A name to complete inside `{{ }}`; `detail` says what it is, e.g. its type."""

    label: str
    detail: str = ""


@dataclass(frozen=True)
class EditorMark:
    """A problem at a place of the text: line and column from 1; without a length, it covers the word there."""

    line: int
    column: int
    severity: str
    message: str
    length: int = 0


@dataclass(frozen=True)
class EditorMode:
    """How a field is edited.

    `is_document` tells a whole file from a field of a form: it has line numbers, and Tab indents. `fragments` are the
    names after `fragment("`. `uses` is the address of the step types to complete after `"uses": "`, `scope` the address
    of the names at a place.
    """

    language: Language
    is_document: bool = False
    names: Sequence[Name] = ()
    fragments: Sequence[str] = ()
    uses: str = ""
    scope: str = ""
    marks: Sequence[EditorMark] = ()

    def to_browser(self) -> dict[str, Any]:
        """Return the form that `editor.js` reads."""
        return {
            "language": self.language,
            "document": self.is_document,
            "names": [asdict(one) for one in self.names],
            "fragments": list(self.fragments),
            "uses": self.uses,
            "scope": self.scope,
            "marks": [asdict(one) for one in self.marks],
        }


def language_of(path: str) -> Language:
    """Return how a file is coloured, by the end of its name."""
    return _BY_ENDING.get(PurePosixPath(path).suffix, "none")


def marks_of(problems: Iterable[Problem]) -> list[EditorMark]:
    """Return the problems of a file as marks in its text."""
    return [EditorMark(one.line, one.column, one.severity, message_of(one)) for one in problems]


def message_of(problem: Problem) -> str:
    """Return the message and the remedy of a problem as text."""
    return f"{translated(problem.message)}\n{with_pages(translated(problem.remedy))}".strip()
