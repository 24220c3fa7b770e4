"""The error of a correction that stops before anything is done again."""

from __future__ import annotations

from clients.wording import listed
from engine.base.errors import InUse
from engine.runs.undo.undo_report import UndoReport


class NothingDoneAgain(InUse):
    """Not all that a wrong answer caused could be undone now, and nobody has agreed to leave the rest."""

    default_remedy = "Try again, or add `--leave` to leave it as it is."

    def __init__(self, report: UndoReport) -> None:
        said = " ".join(f"{one.path}: {one.reason}" for one in report.refused)
        undone = listed([one.title or one.path for one in report.undone])
        already = f" Already undone: {undone}." if undone else ""
        super().__init__(
            f"Not all that the wrong answer caused could be undone, so nothing was done again. {said}{already}"
        )
