"""What starts runs by itself: how each trigger is, and what none of them could process."""

from __future__ import annotations

import streamlit as st

from clients.counting import counted
from dashboard.page import Page, Visit
from dashboard.parts.header import page_header
from dashboard.trigger_card import trigger_card
from dashboard.trigger_dead import dead_list

PAGE = Page(
    title="Triggers",
    icon=":material/sensors:",
    path="triggers",
    order=25,
    count=lambda orchestra, who: len(orchestra.triggers.alarms(who)),
)

WATCHED, DEAD = ":material/sensors: Triggers", ":material/report: Needs a look"
_NOTHING = (
    "No workflow starts by itself yet. A workflow's page has a tab Triggers: new mail, a time of the day, a new issue,"
    " a file in a folder."
)
_LOOK_SECONDS = 10.0


def show(visit: Visit) -> None:
    """Show the triggers, and in a tab of its own what needs somebody."""
    page_header(visit, "Triggers", "What starts runs by itself. Each new thing starts one run, whatever happens.")
    watched, dead = st.tabs([WATCHED, DEAD], key="triggers-tabs", on_change="rerun")
    if watched.open:
        with watched:
            st.fragment(_watched, run_every=_LOOK_SECONDS)(visit)
    if dead.open:
        with dead:
            _dead(visit)


def _watched(visit: Visit) -> None:
    found = visit.orchestra.triggers.list(visit.who)
    if not found:
        st.info(_NOTHING, icon=":material/sensors:")
    for one in sorted(found, key=lambda one: (not one.is_on, one.workflow, one.id)):
        trigger_card(visit, one, "triggers")


def _dead(visit: Visit) -> None:
    items = visit.orchestra.triggers.dead(visit.who)
    if not items:
        st.info("All that has come became a run, and none of those failed.", icon=":material/done_all:")
        return
    st.caption(f"{counted(len(items), 'thing')} could not be processed; all that came after them went on.")
    dead_list(visit, items)
