"""The rows of a run's table as the browser gets them: short words with colours, and links."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from dashboard.base.language import N_, language, t
from dashboard.base.messages import outcome
from dashboard.parts.run_state import GLYPHS, UNDONE, RunStateCell
from dashboard.parts.status import REJECTED, look_of
from dashboard.run.board import Board, BoardRow
from engine.base.statuses import ListedStatus, RunStatus, StepStatus

STATUSES = {
    StepStatus.FAILED: (StepStatus.FAILED, ListedStatus.PARTS_FAILED),
    REJECTED: (REJECTED,),
    StepStatus.RUNNING: (StepStatus.RUNNING, StepStatus.WAITING),
    StepStatus.PENDING: (StepStatus.PENDING, RunStatus.QUEUED, StepStatus.CANCELLED, RunStatus.INTERRUPTED, ""),
    StepStatus.SUCCEEDED: (StepStatus.SUCCEEDED,),
}
"""The choices of the filter, and the statuses that each includes."""
_SHORT = {
    "Running, attempt {count}": N_("Attempt {count}"),
    "Succeeded": N_("Done"),
    "Already done": N_("Already"),
    "Outcome unknown": N_("Unclear"),
    "Not reached": N_("Not run"),
    "Interrupted": N_("Paused"),
    "Cancelled": N_("Stopped"),
    "Asks a person": N_("Asks"),
    "Not approved in time": N_("Expired"),
}
"""Short words for narrow columns: all steps of an item must fit without scrolling. The pane has the long ones."""
_NUMBER = re.compile(r"/issues/(\d+)$")


def table_rows(board: Board) -> list[list[Any]]:
    """Return [path, title, choice of the filter, status, what became of it, links by kind, steps by column] by row.

    A link is [address, word], a status [word, colour]; a missing one is None.
    """
    numbered = {kind for kind in board.kinds if _all_numbered(row.links.get(kind) for row in board.rows)}
    return [_table_row(board, row, numbered) for row in board.rows]


def _table_row(board: Board, row: BoardRow, numbered: set[str]) -> list[Any]:
    links = [_link(kind, row.links.get(kind), is_numbered=kind in numbered) for kind in board.kinds]
    spoken = language()
    cells = [_chip(row.cells.get(path), spoken) for path, _ in board.columns]
    choice = choice_of(StepStatus.SUCCEEDED if row.cell == UNDONE else row.cell.status)
    return [row.path, row.title, choice, _chip(row.cell, spoken), outcome(row.became), links, cells]


@cache
def choice_of(status: str) -> str:
    """Return the filter choice that includes rows of this status, or "" if only "all" does."""
    return next((choice for choice, statuses in STATUSES.items() if status in statuses), "")


def _all_numbered(urls: Iterable[str | None]) -> bool:
    return all(_NUMBER.search(url) for url in urls if url is not None)


def _link(kind: str, url: str | None, *, is_numbered: bool) -> list[str] | None:
    """Return an address with its label: the number of an issue if all in the column have one, else the kind."""
    if url is None:
        return None
    number = _NUMBER.search(url) if is_numbered else None
    return [url, number[1] if number else t(kind)]


@cache
def _chip(cell: RunStateCell | None, _language: str) -> list[str] | None:
    """Return icon, word and colour of a cell, short enough for a narrow column."""
    if cell is None:
        return None
    word = cell._replace(english=_SHORT.get(cell.english, cell.english)).word
    color = "quiet" if cell.status in (StepStatus.SKIPPED, "") else look_of(cell.status).color
    return [f"{GLYPHS.get(cell.status, '·')} {word}", color]
