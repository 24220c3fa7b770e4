"""The table of a run: one row per item, filtered by status; a click on a row or cell opens it below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.run_board import Board, Cell, Row

_SHOWN = {
    "all": "All",
    "failed": "Failed",
    "running": "Running",
    "pending": "Pending",
    "succeeded": "Succeeded",
}
_STATUSES = {"running": ("running", "waiting"), "pending": ("pending", "queued", "cancelled", "interrupted", "")}
_COLORS = {
    "light": {"succeeded": "#15803d", "failed": "#dc2626", "running": "#2563eb", "waiting": "#b45309"},
    "dark": {"succeeded": "#4ade80", "failed": "#f87171", "running": "#60a5fa", "waiting": "#fbbf24"},
}
_QUIET = {"light": "#6b7280", "dark": "#9aa3b2"}
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
        _frame(board, rows),
        key=key,
        on_select=opened,
        selection_mode=["single-row", "single-cell"],
        hide_index=True,
        height=_ROW_PIXELS * (min(len(rows), _MOST_ROWS) + 1) + 3,
        column_config=_columns(board),
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


def _frame(board: Board, rows: Sequence[Row]) -> Any:
    import pandas as pd  # type: ignore[import-untyped]

    frame = pd.DataFrame([_values(board, row) for row in rows])
    styles = [_styles(board, row) for row in rows]
    # By column and never missing: pandas takes a column without any style for numbers.
    colors = pd.DataFrame({column: [one.get(column, "") for one in styles] for column in frame.columns})
    return frame.style.apply(lambda _frame: colors, axis=None)


def _values(board: Board, row: Row) -> dict[str, str | None]:
    cells = {path: row.cells[path].text if path in row.cells else "" for path, _ in board.columns}
    links = {f"link {kind}": row.links.get(kind) for kind in board.kinds}
    return {_TITLE: row.title, _STATUS: row.cell.text, **links, **cells}


def _styles(board: Board, row: Row) -> dict[str, str]:
    theme = "dark" if st.context.theme.type == "dark" else "light"
    cells = {path: row.cells[path] for path, _ in board.columns if path in row.cells}
    return {name: _style(cell, theme) for name, cell in {_STATUS: row.cell, **cells}.items()}


def _style(cell: Cell, theme: str) -> str:
    return f"color: {_COLORS[theme].get(cell.status, _QUIET[theme])}"


def _columns(board: Board) -> Mapping[str, Any]:
    column = st.column_config
    title = column.TextColumn((board.noun or "step").capitalize(), width=250 if board.columns else "large")
    links = {
        f"link {kind}": column.LinkColumn(
            f"{kind} ↗", display_text=_HOST, width=104, help="Opens what was made or read."
        )
        for kind in board.kinds
    }
    steps = {path: column.TextColumn(name, width=118) for path, name in board.columns}
    return {_TITLE: title, _STATUS: column.TextColumn("Status", width=112), **links, **steps}
