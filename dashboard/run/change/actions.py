"""The buttons for a run, and below them the panel of the button that needs more input."""

from __future__ import annotations

import streamlit as st

from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.parts.buttons import action_button
from dashboard.parts.kill import kill_button
from dashboard.run.change.again import again_panel, run_again
from dashboard.run.change.agree import agree_panel, resume
from dashboard.run.change.compare import compare_panel
from dashboard.run.change.newest import can_resume, tell_of_changes
from dashboard.run.change.undo import can_undo, undo_panel, undo_report
from engine.agents.conversation import agent_of, is_agent
from engine.base.statuses import ACTIVE_RUNS, OPEN_RUNS, RunStatus
from engine.record.outcomes import failed_items, rejected_calls
from engine.record.types.run import Run, RunKind


def run_actions(visit: Visit, run: Run) -> None:
    """Show the buttons that apply to the run and that the person may use."""
    may_run, has_ended = visit.may("run"), run["status"] not in ACTIVE_RUNS
    with st.container(horizontal=True, vertical_alignment="center"):
        if may_run:
            if not _is_replay(run):
                _resume(visit, run)
                run_again(visit, run)
            _cancel(visit, run)
        if may_run and has_ended:
            if _has_workflow(run):
                _toggle(run, "again", t("More options"), ":material/more_horiz:")
            if can_undo(run):
                _toggle(run, "undo", t("Undo"), ":material/undo:")
        if has_ended and run["workflow"]:
            _toggle(run, "compare", t("Compare"), ":material/difference:")
        _links(visit, run)
        if run["demo"] and not has_ended:
            kill_button(visit, "run")
    if may_run:
        _below_resume(visit, run)
    if has_ended:
        _panel(visit, run, may_run=may_run)


def _has_workflow(run: Run) -> bool:
    return bool(run["workflow"]) and not is_agent(run) and not _is_replay(run)


def _is_replay(run: Run) -> bool:
    """Return whether the run replays a file, which has its workflow and all answers."""
    return run["kind"] is RunKind.REPLAY


def _links(visit: Visit, run: Run) -> None:
    if is_agent(run):
        visit.link(t("Open the agent"), "agent", icon=":material/smart_toy:", name=agent_of(run))
    if _has_workflow(run):
        visit.link(t("Open the workflow"), "workflow", icon=":material/account_tree:", name=str(run["workflow"]))
        drawing = {"name": str(run["workflow"]), "tab": "canvas", "run": str(run["run_id"])}
        visit.link(t("Show on the canvas"), "workflow", icon=":material/slideshow:", **drawing)


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
    return panel_of(str(run["run_id"]))


def panel_of(run_id: str) -> str:
    """Return the key under which the session stores which panel of a run is open."""
    return f"panel.{run_id}"


def _toggle(run: Run, name: str, label: str, icon: str) -> None:
    """Show a button that opens or closes its panel."""

    def pressed() -> None:
        session.keep_draft(_opened(run), "" if session.draft(_opened(run), "") == name else name)

    st.button(label, key=f"panel-{name}-button", icon=icon, on_click=pressed)


def _below_resume(visit: Visit, run: Run) -> None:
    if _has_workflow(run) and can_resume(run):
        tell_of_changes(visit, run, resume_label(run))
    agree_panel(visit, run)


def _resume(visit: Visit, run: Run) -> None:
    if not can_resume(run):
        return
    run_id = str(run["run_id"])
    action_button(
        resume_label(run),
        "resume",
        resume(visit, run),
        lambda _gone_on: st.rerun(),
        scope=f"{run_id} {len(run.get('resumed', []))}",
        type="secondary" if rejected_calls(run) else "primary",
        icon=":material/replay:",
    )


def resume_label(run: Run) -> str:
    """Return the label of the button that resumes a run."""
    if rejected_calls(run):
        return t("Ask again")
    items = failed_items(run)
    if items and run["status"] == RunStatus.FAILED:
        return t("Run the failed {items} again", items=items)
    return t("Try again") if run["status"] == RunStatus.FAILED else t("Resume")


def _cancel(visit: Visit, run: Run) -> None:
    if run["status"] not in OPEN_RUNS:
        return
    run_id = str(run["run_id"])
    action_button(
        t("Cancel"),
        "cancel",
        lambda _key: visit.orchestra.runs.cancel(visit.who, run_id),
        lambda _none: st.rerun(),
        scope=run_id,
        icon=":material/cancel:",
        disabled=bool(run.get("cancel_requested")),
    )
