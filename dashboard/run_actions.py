"""What can be done with a run: the buttons, and below them the panel of the one that asks for more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.kill import kill_button
from dashboard.page import Visit
from dashboard.parts.buttons import action_button
from dashboard.parts.status import OPEN
from dashboard.run_again import again_panel, run_again
from dashboard.run_compare import compare_panel
from dashboard.run_newest import RESUMABLE
from dashboard.run_undo import can_undo, undo_panel, undo_report

Run = Mapping[str, Any]


def run_actions(visit: Visit, run: Run) -> None:
    """Show the buttons that fit the run and the person."""
    may_run, has_ended = visit.may("run"), run["status"] not in OPEN
    with st.container(horizontal=True, vertical_alignment="center"):
        if may_run:
            _resume(visit, run)
            run_again(visit, run)
            _cancel(visit, run)
        if may_run and has_ended:
            if run["workflow"]:
                _toggle(run, "again", "Other ways", ":material/more_horiz:")
            if can_undo(run):
                _toggle(run, "undo", "Undo", ":material/undo:")
        if has_ended and run["workflow"]:
            _toggle(run, "compare", "Compare", ":material/difference:")
        if run["workflow"]:
            visit.link("Open the workflow", "workflow", icon=":material/account_tree:", name=str(run["workflow"]))
        if run["demo"] and not has_ended:
            kill_button(visit, "run")
    if has_ended:
        _panel(visit, run, may_run=may_run)


def _panel(visit: Visit, run: Run, *, may_run: bool) -> None:
    undo_report(str(run["run_id"]))
    opened = session.draft(_opened(run), "")
    if opened == "compare":
        with st.container(border=True, key="panel-compare"):
            compare_panel(visit, run)
    elif not may_run:
        return
    elif opened == "again":
        with st.container(border=True, key="panel-again"):
            again_panel(visit, run)
    elif opened == "undo" and can_undo(run):
        with st.container(border=True, key="panel-undo"):
            undo_panel(visit, run, None, "run")


def _opened(run: Run) -> str:
    return f"panel.{run['run_id']}"


def _toggle(run: Run, name: str, label: str, icon: str) -> None:
    """Show a button that opens its panel, or closes it."""

    def pressed() -> None:
        session.keep_draft(_opened(run), "" if session.draft(_opened(run), "") == name else name)

    st.button(label, key=f"panel-{name}-button", icon=icon, on_click=pressed)


def _resume(visit: Visit, run: Run) -> None:
    if run["status"] not in RESUMABLE or any((step["effect"] or {}).get("undone") for step in run["steps"]):
        return
    run_id = str(run["run_id"])
    action_button(
        resume_label(run),
        "resume",
        lambda _key: visit.orchestra.runs.resume(visit.who, run_id),
        lambda _run_id: st.rerun(),
        scope=f"{run_id} {len(run.get('resumed', []))}",
        type="primary",
        icon=":material/replay:",
    )


def resume_label(run: Run) -> str:
    """Return what the button says that goes on with a run."""
    items = run["counts"]["failed_items"]
    if items and run["status"] == "failed":
        return f"Run the failed {items} again"
    return "Try again" if run["status"] == "failed" else "Go on with it"


def _cancel(visit: Visit, run: Run) -> None:
    if run["status"] not in OPEN and run["status"] not in ("waiting", "interrupted"):
        return
    run_id = str(run["run_id"])
    action_button(
        "Cancel",
        "cancel",
        lambda _key: visit.orchestra.runs.cancel(visit.who, run_id),
        lambda _none: st.rerun(),
        scope=run_id,
        icon=":material/cancel:",
        disabled=bool(run.get("cancel_requested")),
    )
