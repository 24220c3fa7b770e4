"""One run: what happened, item by item, while it happens and afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.kill import kill_note
from dashboard.page import Page, Visit
from dashboard.parts.errors import told
from dashboard.parts.header import found, page_header, section
from dashboard.parts.status import OPEN
from dashboard.parts.values import shown_value
from dashboard.run_board import Board, board, failure_board
from dashboard.run_detail import run_detail
from dashboard.run_files import run_files
from dashboard.run_json import run_json
from dashboard.run_live import live_answers
from dashboard.run_map import run_map
from dashboard.run_table import run_table
from dashboard.run_top import run_top

PAGE = Page(title="Run", icon=":material/play_circle:", path="run", order=31, in_menu=False)

_LOOK_SECONDS = 2.0
_WAITING_SECONDS = 10.0
_TRAIL = [("Runs", "runs")]


def show(visit: Visit) -> None:
    """Show the run that `?id=` names; while it is at work the page looks again every two seconds."""
    run_id = st.query_params.get("id", "")
    if not run_id:
        page_header(visit, "Run", "Choose a run from the list.", trail=_TRAIL)
        return
    run = found(visit, lambda: visit.orchestra.runs.get(visit.who, run_id), PAGE.title, _TRAIL)
    page_header(visit, _title(run), trail=_TRAIL)
    _live(visit, run)


def _title(run: Mapping[str, Any]) -> str:
    return str(run["definition"]["workflow"].get("title") or run["workflow"])


def _live(visit: Visit, run: Mapping[str, Any]) -> None:
    """Draw the run, again and again by a fragment only as long as it is not over."""
    status = run["status"]
    known = [run]

    @st.fragment(run_every=_LOOK_SECONDS if status in OPEN else _WAITING_SECONDS if status == "waiting" else None)
    def body() -> None:
        if session.principal() != visit.who:  # a fragment runs without the page's own check
            st.rerun()
        with told():
            now = known.pop() if known else visit.orchestra.runs.get(visit.who, run["run_id"])
            if (now["status"] in OPEN) != (status in OPEN):
                st.rerun()
            with st.container(key="wide"):
                _run(visit, now)

    body()


def _run(visit: Visit, run: Mapping[str, Any]) -> None:
    shown = board(run)
    kill_note()
    run_top(visit, run, shown)
    names = ["Items" if shown.noun else "Steps", "Map", "JSON"]
    items, drawing, raw = st.tabs(names, key=f"run-tabs-{run['run_id']}", on_change="rerun")
    if items.open:
        with items:
            _items(visit, run, shown)
    if drawing.open:
        with drawing:
            run_map(visit, run)
    if raw.open:
        with raw:
            run_json(run)


def _items(visit: Visit, run: Mapping[str, Any], shown: Board) -> None:
    run_id = str(run["run_id"])
    after = failure_board(run)
    is_after = after is not None and after.row(st.query_params.get("open", "")) is not None
    run_table(shown, run_id)
    live_answers(visit, run)
    if not is_after:
        run_detail(visit, run, shown)
    if after is not None:
        section("Because it failed")
        run_table(after, run_id, "-failure")
        if is_after:
            run_detail(visit, run, after)
    with st.expander("What the run was given, and what it gave back"):
        left, right = st.columns(2, gap="medium")
        with left:
            st.markdown("**Inputs**")
            shown_value(run["inputs"])
        with right:
            st.markdown("**Outputs**")
            shown_value(run["outputs"])
        run_files(visit, run, [run["inputs"], run["outputs"]], "run")
