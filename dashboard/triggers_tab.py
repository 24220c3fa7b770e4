"""The tab of a workflow that shows what starts it by itself."""

from __future__ import annotations

import streamlit as st

from dashboard.page import Visit
from dashboard.parts.errors import told
from dashboard.trigger_card import trigger_card
from dashboard.trigger_new import new_trigger
from engine.workspace.workflow_files import WorkflowFile

_LOOK_SECONDS = 5.0
_NONE = (
    "Nothing starts this workflow by itself. With a trigger it runs for each new mail, at a time of the day, and more."
)


def triggers_tab(visit: Visit, file: WorkflowFile) -> None:
    """Show the triggers of a workflow, and the button that adds one."""
    st.fragment(_cards, run_every=_LOOK_SECONDS)(visit, file.name)
    if visit.may("edit") and st.button("Add a trigger …", key=f"trigger-add-{file.name}", icon=":material/add:"):
        new_trigger(visit, file)


def _cards(visit: Visit, workflow: str) -> None:
    with told():
        found = visit.orchestra.triggers.list(visit.who, workflow)
        if not found:
            st.info(_NONE, icon=":material/sensors:")
        for one in found:
            trigger_card(visit, one, "workflow")
