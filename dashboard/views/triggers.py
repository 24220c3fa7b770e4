"""Triggers: the status of each, and items that could not be processed."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.base.language import N_, t, tn
from dashboard.base.page import Page, Visit
from dashboard.parts.errors import errors_shown
from dashboard.parts.header import page_header
from dashboard.parts.tabs import page_tabs
from dashboard.trigger.card import trigger_card
from dashboard.trigger.dead import dead_list
from engine.triggering.polling.status import DeadItem

PAGE = Page(
    title=N_("Triggers"),
    icon=":material/sensors:",
    path="triggers",
    order=22,
    section=N_("Workflows"),
    count=lambda orchestra, who: len(orchestra.triggers.alarms(who)),
    words=N_("schedule times timer cron automatically when"),
)

WATCHED, DEAD = N_(":material/sensors: Triggers"), N_(":material/report: Needs a look")
_NOTHING = N_(
    "No workflow starts automatically yet. Add a trigger on a workflow's tab "
    "Triggers: new mail, a time of day, a new issue, a file in a folder."
)
_LOOK_SECONDS = 10.0


def show(visit: Visit) -> None:
    """Show the triggers and, in a tab of its own, what needs attention."""
    page_header(
        visit, t("Triggers"), t("Triggers start runs automatically. Each new item starts one run, whatever happens.")
    )
    items = visit.orchestra.triggers.dead(visit.who)
    watched, dead = page_tabs([WATCHED, DEAD], "triggers-tabs", {DEAD: len(items)})
    if watched.open:
        with watched:
            st.fragment(_watched, run_every=_LOOK_SECONDS)(visit)
    if dead.open:
        with dead:
            _dead(visit, items)


def _watched(visit: Visit) -> None:
    with errors_shown():
        found = visit.orchestra.triggers.list(visit.who)
        if not found:
            st.info(t(_NOTHING), icon=":material/sensors:")
        for one in sorted(found, key=lambda one: (not one.is_on, one.workflow, one.id)):
            trigger_card(visit, one, "triggers")


def _dead(visit: Visit, items: Sequence[DeadItem]) -> None:
    if not items:
        st.info(t("Every item became a run, and none of those failed."), icon=":material/done_all:")
        return
    st.caption(
        t(
            "{items} could not be processed; later ones were not held up.",
            items=tn("{count} item", "{count} items", len(items)),
        )
    )
    dead_list(visit, items)
