"""What the page behind an answer link shows; the dashboard's catalogue has its words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from msgspec import Struct

from engine.base.errors import OrchestraError
from engine.runs.approvals import Approval


class AnswerView(Struct, frozen=True):
    """A page: an open question with the buttons that answer it, what came of an answered one, or why there is none."""

    languages: str
    """What the browser asks for (Accept-Language)."""
    token: str = ""
    question: Approval | None = None
    error: OrchestraError | None = None
    notice: Literal["", "busy", "unpressed"] = ""
    seconds: int = 0
    """After how long to try again, if it is busy."""


class AnswerPage(NamedTuple):
    """The parts of the page."""

    language: str
    tab: str
    title: str
    """HTML, as the body."""
    body: str


Render = Callable[[AnswerView], AnswerPage]
