"""The table of a run: one row per item, filtered by status; a click on a row or cell opens it below."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.parts.status import look_of
from dashboard.run_board import Board, Row
from dashboard.run_stand import GLYPHS, Cell

_SHOWN = {
    "all": "All",
    "failed": "Failed",
    "running": "Running",
    "pending": "Pending",
    "succeeded": "Succeeded",
}
_STATUSES = {"running": ("running", "waiting"), "pending": ("pending", "queued", "cancelled", "interrupted", "")}
_SHORT = {
    "Succeeded": "Done",
    "Already done": "Already",
    "Outcome unknown": "Unclear",
    "Not reached": "Not run",
    "Interrupted": "Paused",
    "Cancelled": "Stopped",
    "Asks a person": "Asks",
}
"""Words for narrow columns: all steps of an item shall be seen without scrolling. The pane below has the long ones."""
_TITLE, _STATUS = "title", "status"
_TALLEST, _MOST_ROWS = 412, 11
"""So many pixels, and so many rows that still fit into them: half a row more shows that there are more."""
_TITLE_PIXELS, _STATUS_PIXELS, _LINK_PIXELS = 184, 91, 58
_NUMBER = re.compile(r"/issues/(\d+)$")
_QUIET = "rgba(128, 134, 150, 0.08)"
"""The colour of a skipped step: hardly there, in the light as in the dark."""


def run_table(board: Board, run_id: str, place: str = "") -> None:
    """Show the table with its filter; what is opened goes into the address as `open` and `step`.

    `place` tells two tables of a run apart.
    """
    wanted = _filter(board, f"show{place}")
    rows = filtered(board.rows, wanted)
    if not rows:
        st.caption("Nothing here has this status.")
        return
    key = f"table-{run_id}-{wanted}{place}"

    def opened() -> None:
        _open(session.widget_value(key, None), rows)

    st.dataframe(
        _frame(board, rows),
        key=key,
        on_select=opened,
        selection_mode=["single-row", "single-cell"],
        hide_index=True,
        height="content" if len(rows) <= _MOST_ROWS else _TALLEST,
        column_config=_columns(board, rows),
        placeholder="",
        alt="One row per item: its title, and how each step of it stands.",
    )


def filtered(rows: Sequence[Row], wanted: str) -> list[Row]:
    """Return the rows of a choice of the filter."""
    statuses = _STATUSES.get(wanted, (wanted,))
    return [row for row in rows if wanted == "all" or row.cell.status in statuses]


def _filter(board: Board, key: str) -> str:
    if len(board.rows) < 2:
        return "all"
    chosen = st.segmented_control(
        "Show", list(_SHOWN), format_func=_SHOWN.__getitem__, default="all", key=key, label_visibility="collapsed"
    )
    return chosen or "all"


def _open(selected: Any, rows: Sequence[Row]) -> None:
    """Write into the address what was clicked: the row, and the step where a step's cell was."""
    selection = (selected or {}).get("selection", {})
    cells, marked = selection.get("cells") or [], selection.get("rows") or []
    if not cells and not marked:
        st.query_params.pop("open", None)
        st.query_params.pop("step", None)
        return
    index, column = cells[0] if cells else (marked[0], "")
    st.query_params["open"] = rows[index].path
    if column in rows[index].cells:
        st.query_params["step"] = str(column)
    else:
        st.query_params.pop("step", None)


def _frame(board: Board, rows: Sequence[Row]) -> Any:
    """Return the table as a Styler: Streamlit shows what it says in place of an address."""
    import pandas as pd  # type: ignore[import-untyped]

    frame = pd.DataFrame([_values(board, row) for row in rows])
    words = {f"link {kind}": lambda url, kind=kind: link_word(kind, url) for kind in board.kinds}
    return frame.style.format(words, na_rep="")


def link_word(kind: str, url: str | None) -> str:
    """Return what a link is called in its cell: an issue by its number, all else by its kind."""
    number = _NUMBER.search(url or "")
    return f"#{number[1]}" if number else kind if url else ""


def _values(board: Board, row: Row) -> dict[str, Any]:
    links = {f"link {kind}": row.links.get(kind) for kind in board.kinds}
    cells = {path: _chip(row.cells.get(path)) for path, _ in board.columns}
    return {_TITLE: row.title, _STATUS: _chip(row.cell), **links, **cells}


def _chip(cell: Cell | None) -> list[str]:
    return [_short(cell)] if cell is not None else []


def _short(cell: Cell) -> str:
    """Return icon and word of a cell, so short that a narrow column has room for it."""
    word = _SHORT.get(cell.word, cell.word).removeprefix("Running, ").capitalize()
    return f"{GLYPHS.get(cell.status, '·')} {word}"


def _columns(board: Board, rows: Sequence[Row]) -> Mapping[str, Any]:
    column = st.column_config
    chips = {_short(cell): _color(cell) for row in rows for cell in (row.cell, *row.cells.values())}

    def status(label: str) -> Any:
        options, colors = list(chips), list(chips.values())
        return column.MultiselectColumn(label, options=options, color=colors, width=_STATUS_PIXELS, help=label)

    title = column.TextColumn((board.noun or "step").capitalize(), width=_TITLE_PIXELS)
    links = {f"link {kind}": column.LinkColumn(kind, width=_LINK_PIXELS) for kind in board.kinds}
    return {_TITLE: title, _STATUS: status("Status"), **links, **{path: status(name) for path, name in board.columns}}


def _color(cell: Cell) -> str:
    return _QUIET if cell.status in ("skipped", "") else look_of(cell.status).color
