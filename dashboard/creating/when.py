"""The first question about a new workflow: when it starts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time

import streamlit as st

from dashboard.base.language import N_, t, tc
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.creating.begun import BegunForm, one_of
from dashboard.creating.examples import WORKDAYS
from dashboard.parts.times import viewer_zone
from engine.copilot.wizard.records import Offer, WhenToStart
from engine.triggers.cron import DAYS, DailyTime, cron_of, daily_time

_STARTS: Mapping[WhenToStart, str] = {
    WhenToStart.NEW: N_("Whenever there is something new"),
    WhenToStart.SCHEDULE: N_("At fixed times"),
    WhenToStart.HAND: N_("When I start it"),
}


def ask_when(form: BegunForm, source: Offer) -> tuple[WhenToStart, str]:
    """Ask when a workflow that looks at `source` starts; return that, and the cron expression of a schedule."""
    can = {
        WhenToStart.NEW: source.can_start,
        WhenToStart.SCHEDULE: not source.needs_start,
        WhenToStart.HAND: not source.needs_start,
    }
    starts = [one for one, is_possible in can.items() if is_possible]
    start = one_of(form, "start", t("When?"), starts, form.given.start, _STARTS, label_visibility="collapsed")
    return start, _times(form) if start is WhenToStart.SCHEDULE else ""


def _times(form: BegunForm) -> str:
    begun = daily_time(form.given.cron) or WORKDAYS
    with st.container(horizontal=True, vertical_alignment="bottom"):
        at = st.time_input(t("At"), time(begun.hour, begun.minute), step=900, key=f"{form.key}-at", width=140)
        chosen = st.pills(
            tc("days", "On"),
            [*range(1, len(DAYS) + 1)],
            selection_mode="multi",
            default=begun.days or [*range(1, len(DAYS) + 1)],
            format_func=lambda one: t(DAYS[one - 1]),
            key=f"{form.key}-days",
        )
    if own := own_zone(form.visit):
        st.caption(plain(t("Times are in your time zone, {zone}.", zone=own)))
    else:
        zone = form.visit.orchestra.triggers.time_zone(form.visit.who)
        st.caption(plain(t("Times are in the time zone {zone}.", zone=zone)))
    return cron_of(DailyTime(at.hour, at.minute, chosen) if at else WORKDAYS)


def own_zone(visit: Visit) -> str:
    """Return the time zone of the browser for a schedule to name; "" where it is the workspace's, or not known."""
    shared = visit.orchestra.triggers.time_zone(visit.who)
    return zone if (zone := st.context.timezone or "") and viewer_zone().key == zone != shared else ""
