"""What comes next, and what was spent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base.language import t, tc, tn
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.header import section
from dashboard.parts.times import near_time
from dashboard.parts.usage import reserved_words
from engine.budgets.limits import money

if TYPE_CHECKING:
    from engine.runs.budgets import BudgetOverview

_SHOWN = 4


def next_firings(visit: Visit) -> None:
    """Show the triggers that are on, the next one first."""
    coming = visit.orchestra.triggers.coming(visit.who, _SHOWN)
    if not coming:
        return
    section(tc("heading", "Next"))
    for one in coming:
        name = f"{one.workflow_title or one.workflow}: {one.title}"
        when = near_time(one.look_again_at) if one.look_again_at else ""
        st.markdown(f":material/sensors: {plain(name)} :gray[{plain(when)}]")
    visit.link(t("Triggers"), "triggers", icon=":material/arrow_forward:")


def spent(visit: Visit, budgets: BudgetOverview) -> None:
    """Show what models have cost today and this month."""
    if not budgets.month.calls:
        return
    section(t("Spent"))
    for title, used in ((t("today"), budgets.day), (t("this month"), budgets.month)):
        calls = tn("{count} model call", "{count} model calls", used.calls)
        details = " · ".join([calls, *reserved_words(used)])
        st.markdown(f"**{plain(money(used.spent_usd))}** {title} :gray[{plain(details)}]")
    visit.link(t("Usage"), "usage", icon=":material/arrow_forward:")
