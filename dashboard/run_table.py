"""The table of a run: one row per item, filtered by status; a click on a row or cell opens it below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.parts.status import look_of
from dashboard.run_board import Board, Cell, Row

_SHOWN = {
    "all": "All",
    "failed": "Failed",
    "running": "Running",
    "pending": "Pending",
    "succeeded": "Succeeded",
}
_STATUSES = {"running": ("running", "waiting"), "pending": ("pending", "queued", "cancelled", "interrupted", "")}
_TITLE, _STATUS = "title", "status"
_ROW_PIXELS, _MOST_ROWS = 35, 11
_HOST = r"^https?://(?:[^/@]*@)?([^/:]+)"


def run_table(board: Board, run_id: str) -> None:
    """Show the table with its filter; what is opened goes into the address as `open` and `step`."""
    wanted = _filter(board)
    rows = filtered(board.rows, wanted)
    if not rows:
        st.caption("Nothing here has this status.")
        return
    key = f"table-{run_id}-{wanted}"

    def opened() -> None:
        _open(session.widget_value(key, None), rows)

    st.dataframe(
        [_values(board, row) for row in rows],
        key=key,
        on_select=opened,
        selection_mode=["single-row", "single-cell"],
        hide_index=True,
        height=_ROW_PIXELS * (min(len(rows), _MOST_ROWS) + 1) + 3,
        column_config=_columns(board, rows),
        placeholder="",
        alt="One row per item: its title, and how each step of it stands.",
    )


def filtered(rows: Sequence[Row], wanted: str) -> list[Row]:
    """Return the rows of a choice of the filter."""
    statuses = _STATUSES.get(wanted, (wanted,))
    return [row for row in rows if wanted == "all" or row.cell.status in statuses]


def _filter(board: Board) -> str:
    if len(board.rows) < 2:
        return "all"
    chosen = st.segmented_control(
        "Show", list(_SHOWN), format_func=_SHOWN.__getitem__, default="all", key="show", label_visibility="collapsed"
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


def _values(board: Board, row: Row) -> dict[str, Any]:
    links = {f"link {kind}": row.links.get(kind) for kind in board.kinds}
    cells = {path: _chip(row.cells.get(path)) for path, _ in board.columns}
    return {_TITLE: row.title, _STATUS: _chip(row.cell), **links, **cells}


def _chip(cell: Cell | None) -> list[str]:
    return [cell.text] if cell is not None else []


def _columns(board: Board, rows: Sequence[Row]) -> Mapping[str, Any]:
    column = st.column_config
    chips = {cell.text: _color(cell) for row in rows for cell in (row.cell, *row.cells.values())}

    def status(label: str) -> Any:
        return column.MultiselectColumn(label, options=list(chips), color=list(chips.values()), width=116)

    title = column.TextColumn((board.noun or "step").capitalize(), width=230 if board.columns else "large")
    links = {
        f"link {kind}": column.LinkColumn(f"{kind} ↗", display_text=_HOST, width=94, help="Opens what it names.")
        for kind in board.kinds
    }
    return {_TITLE: title, _STATUS: status("Status"), **links, **{path: status(name) for path, name in board.columns}}


def _color(cell: Cell) -> str:
    return look_of(cell.status).color
