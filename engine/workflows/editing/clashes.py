"""Whether an operation made for an older text is about something that has changed since."""

from __future__ import annotations

from collections.abc import Sequence

from engine.base.errors import InvalidFile
from engine.base.json_text import is_same
from engine.workflows.differences.changes import ABSENT, Change, changes
from engine.workflows.editing.steps_in_text import read
from engine.workspace.revisions import Revision

_Touched = tuple[str, ...]


def clash(history: Sequence[tuple[Revision, str]], now: str, before: str, after: str) -> str | None:
    """Return what has changed since that the step from `before` to `after` is also about; None if nothing.

    `history`: the revisions up to the text `now`, newest first, each with the text before it.
    """
    mine = _changes(before, after)
    if not _meet(mine, _changes(history[-1][1], now)):
        return None
    later = now
    for revision, earlier in history:
        if _meet(mine, _changes(earlier, later)):
            return revision.words
        later = earlier
    return history[0][0].words


def _changes(before: str, after: str) -> list[Change] | None:
    """Return the changes from one text to another; None if one of them is not JSON."""
    try:
        return changes(read(before, "the text").document, read(after, "the text").document)
    except InvalidFile:
        return None


def _meet(mine: Sequence[Change] | None, theirs: Sequence[Change] | None) -> bool:
    if mine is None or theirs is None:
        return True
    touched: dict[_Touched, Change] = {one.touched: one for one in theirs}
    return any(_is_met(one, touched) for one in mine)


def _is_met(mine: Change, theirs: dict[_Touched, Change]) -> bool:
    for path, other in theirs.items():
        short = min(len(path), len(mine.touched))
        if path[:short] == mine.touched[:short] and not _is_equal(mine, other):
            return True
    return False


def _is_equal(one: Change, other: Change) -> bool:
    """Return whether both set the same field to the same value."""
    if one.kind != "set" or other.kind != "set" or one.field != other.field:
        return False
    return one.after is other.after or (ABSENT not in (one.after, other.after) and is_same(one.after, other.after))
