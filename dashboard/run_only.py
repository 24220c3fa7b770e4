"""Running one step alone, with what this run has recorded in place of all others: a test run, marked as such."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard.page import Visit
from dashboard.parts.buttons import action_button
from dashboard.parts.status import OPEN
from dashboard.run_again import must_look, to_run_or_form
from dashboard.run_stand import Step

_HELP = "A test run: the other steps are not run, their recorded outputs are taken. The workflow is as its file is now."


def run_only(visit: Visit, run: Mapping[str, Any], step: Step) -> None:
    """Show the button for a step that calls something; one that writes asks first."""
    is_after_failure = str(step["path"]).startswith("on_failure.")
    if not step["uses"] or run["status"] in OPEN or is_after_failure or not visit.may("run"):
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
        is_ready = not _writes(visit, step) or st.checkbox("It really writes: I know", key=f"only-tick-{path}")
        action_button(
            "Run only this step",
            f"only-{path}",
            start,
            lambda started: to_run_or_form(visit, run, started),
            scope=run_id,
            icon=":material/science:",
            disabled=not is_ready,
        )
        st.caption(_HELP)


def _writes(visit: Visit, step: Step) -> bool:
    """Tell whether a step changes something outside; one of a type that is gone counts as such."""
    effects = {info.name: info.effect for info in visit.orchestra.step_types(visit.who)}
    return effects.get(str(step["uses"]), "writes") == "writes"
