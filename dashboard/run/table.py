"""The table of a run: a row per item, filtered by status; a click on a row or cell opens it below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, t, tc
from dashboard.parts.status import REJECTED
from dashboard.run.board import Board
from dashboard.run.page import mount
from dashboard.run.row import STATUSES
from engine.base.statuses import StepStatus

_CHOICES = {
    "all": N_("All"),
    StepStatus.FAILED: N_("Failed"),
    REJECTED: N_("Rejected"),
    StepStatus.RUNNING: N_("Running"),
    StepStatus.PENDING: N_("Pending"),
    StepStatus.SUCCEEDED: N_("Succeeded"),
}
_ALT = N_("One row per item: its title and the status of each of its steps.")


def run_table(run_id: str, board: Board, rows: Mapping[str, Any], place: str = "") -> None:
    """Show the table with its filter; the address keeps what is open as `open` and `step`.

    `rows` come from `feed.new_rows`; `place` distinguishes two tables of one run.
    """
    key = f"table-{run_id}{place}"

    def opened() -> None:
        _open(session.widget_value(key, None))

    noun = board.noun.capitalize() or t("Step")
    data = {
        "part": "table",
        "run": run_id + place,
        "label": t(_ALT),
        "noun": noun,
        "became": t("Became") if board.says_became else "",
        "kinds": [tc("button", "Open") if t(one) == noun else t(one) for one in board.kinds],
        "columns": [list(one) for one in board.columns],
        "wanted": _filter(board, f"show{place}"),
        "open": [st.query_params.get("open", ""), st.query_params.get("step", "")],
        **rows,
    }
    mount(key, data, opened)


def _filter(board: Board, key: str) -> str:
    if len(board.rows) < 2:
        return "all"
    is_rejected = any(row.cell.status == REJECTED for row in board.rows)
    return st.segmented_control(
        t("Show"),
        ["all", *(one for one in STATUSES if one != REJECTED or is_rejected)],
        format_func=_choice_word,
        default="all",
        key=key,
        label_visibility="collapsed",
        required=True,
    )


def _choice_word(choice: str) -> str:
    return t(_CHOICES[choice])


def _open(state: Any) -> None:
    """Write into the address what was clicked: the row, and the step if it was a step's cell."""
    opened = state.get("told") if isinstance(state, Mapping) else None
    path, step = opened if isinstance(opened, list) and len(opened) == 2 else ("", "")
    for name, value in (("open", path), ("step", step if path else "")):
        if value:
            st.query_params[name] = str(value)
        else:
            st.query_params.pop(name, None)
