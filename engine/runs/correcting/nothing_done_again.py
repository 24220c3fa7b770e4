"""The error of a correction that stops before anything is done again."""

from __future__ import annotations

from engine.base.errors import InUse
from engine.runs.undo.undo_report import NotUndone


class NothingDoneAgain(InUse):
    """What a wrong answer caused could not be undone now, and nobody has agreed to leave it."""

    default_remedy = "Try again, or add `--leave` to leave it as it is."

    def __init__(self, refused: list[NotUndone]) -> None:
        said = " ".join(f"{one.path}: {one.reason}" for one in refused)
        super().__init__(f"Nothing was done again: what the wrong answer caused could not be undone. {said}")
