"""The Triggers tab of a workflow: what starts it automatically."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base.language import N_, t
from dashboard.base.page import Visit
from dashboard.parts.errors import errors_shown
from dashboard.trigger.block import entries
from dashboard.trigger.card import trigger_card
from dashboard.trigger.new import new_trigger

if TYPE_CHECKING:
    from engine.workflows.workflow_files import WorkflowFile

_LOOK_SECONDS = 5.0
_NONE = N_(
    "Nothing starts this workflow automatically. With a trigger, it runs for each new mail, at a time of day, and more."
)


def triggers_tab(visit: Visit, file: WorkflowFile) -> None:
    """Show the triggers of a workflow, and the button that adds one."""
    ids = {one.get("id") for one in entries(file.document or {}) if isinstance(one, dict)}
    st.fragment(_cards, run_every=_LOOK_SECONDS)(visit, file.name, ids)
    if (
        file.document is not None
        and visit.may("edit")
        and st.button(t("Add a trigger …"), key=f"trigger-add-{file.name}", icon=":material/add:")
    ):
        new_trigger(visit, file)


def _cards(visit: Visit, workflow: str, in_file: AbstractSet[object]) -> None:
    """Show the triggers; those that are only in the version of an environment, or gone, cannot be changed here."""
    with errors_shown():
        found = visit.orchestra.triggers.list(visit.who, workflow)
        if not found:
            st.info(t(_NONE), icon=":material/sensors:")
        for one in found:
            trigger_card(visit, one, "workflow", is_changeable=one.id in in_file)
