"""The Triggers tab of a workflow: what starts it automatically."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base.language import N_, t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.errors import errors_shown
from dashboard.trigger.block import entries
from dashboard.trigger.card import trigger_account, trigger_card
from dashboard.trigger.new import new_trigger
from dashboard.trigger.start import start_dialog
from dashboard.trigger.words import SCHEDULE, watched_words

if TYPE_CHECKING:
    from engine.triggering.polling.status import TriggerStatus
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


def next_act(visit: Visit, file: WorkflowFile) -> None:
    """Offer what makes a new workflow work: turning its triggers on, or running it."""
    with errors_shown():
        found = [one for one in visit.orchestra.triggers.list(visit.who, file.name) if one.is_watched]
        if not found:
            with st.container(horizontal=True, vertical_alignment="center", key="next-act"):
                st.markdown(t("It runs when you start it."), width="content")
                visit.link(t("Run"), "workflow", icon=":material/play_arrow:", name=file.name)
        for one in found:
            if not one.is_on:
                _turning_on(visit, one)


def _turning_on(visit: Visit, one: TriggerStatus) -> None:
    key = f"{one.workflow}-{one.id}-{one.demo}"
    zone = visit.orchestra.triggers.time_zone(visit.who)
    title, watched = t(one.title), watched_words(one.uses, one.fields, zone)
    words = watched if one.uses == SCHEDULE else " · ".join(filter(None, [title, watched]))
    with st.container(horizontal=True, vertical_alignment="center", key=f"next-act-{key}"):
        if visit.may("edit") and st.button(
            t("Turn on …"), key=f"next-on-{key}", type="primary", icon=":material/sensors:"
        ):
            start_dialog(visit, one)
        st.markdown(t("It is off. This will start it: {what}", what=f"**{plain(words)}**"), width="content")
        trigger_account(one)


def _cards(visit: Visit, workflow: str, in_file: AbstractSet[object]) -> None:
    """Show the triggers; those that are only in the version of an environment, or gone, cannot be changed here."""
    with errors_shown():
        found = visit.orchestra.triggers.list(visit.who, workflow)
        if not found:
            st.info(t(_NONE), icon=":material/sensors:")
        for one in found:
            trigger_card(visit, one, "workflow", is_changeable=one.id in in_file)
