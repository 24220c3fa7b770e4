"""Run one step alone, with recorded outputs of this run in place of all other steps: a test run, marked as such."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import N_, t
from dashboard.base.page import Visit
from dashboard.parts.buttons import action_button
from dashboard.run.change.again import must_look, to_run_or_form
from engine.base.statuses import ACTIVE_RUNS
from engine.record.types.run import Run
from engine.record.types.step import StepRecord

_HELP = N_("A test run: the other steps do not run; their recorded outputs are used. Uses the current workflow file.")


def run_only(visit: Visit, run: Run, step: StepRecord) -> None:
    """Show the button for a step that calls something; for a step that writes, ask first."""
    is_after_failure = str(step["path"]).startswith("on_failure.")
    if not step["uses"] or run["status"] in ACTIVE_RUNS or is_after_failure or not visit.may("run"):
        return
    run_id, path = str(run["run_id"]), str(step["path"])

    def start(request_key: str) -> str:
        if must_look(visit, run):
            return ""
        return visit.orchestra.runs.start(
            visit.who,
            str(run["workflow"]),
            visit.orchestra.runs.inputs(visit.who, run),
            only=path,
            from_run=run_id,
            request_key=request_key,
        )

    with st.container(horizontal=True, vertical_alignment="center"):
        is_ready = not _writes(visit, step) or st.checkbox(
            t("I understand that it really writes"), key=f"only-tick-{path}"
        )
        action_button(
            t("Run only this step"),
            f"only-{path}",
            start,
            lambda started: to_run_or_form(visit, run, started),
            scope=run_id,
            icon=":material/science:",
            disabled=not is_ready,
        )
        st.caption(t(_HELP))


def _writes(visit: Visit, step: StepRecord) -> bool:
    """Return whether a step changes something outside; a step of an unknown type counts as one that does."""
    effects = {info.name: info.effect for info in visit.orchestra.step_types(visit.who)}
    return effects.get(str(step["uses"]), "writes") == "writes"
