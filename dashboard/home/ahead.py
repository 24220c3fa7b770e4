"""What comes next, and what was spent, in a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base.language import t, tc
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.times import short_time
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
    said = []
    for one in coming:
        name = plain(f"{one.workflow_title or one.workflow}: {t(one.title)}")
        said.append(f"{name} :gray[{plain(short_time(one.look_again_at))}]" if one.look_again_at else name)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="line-next"):
        visit.title_link(tc("heading", "Next"), "triggers")
        st.markdown(f":material/sensors: {' · '.join(said)}")


def spent(visit: Visit, budgets: BudgetOverview) -> None:
    """Show what models have cost today and this month."""
    if not budgets.month.calls:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="line-spent"):
        visit.title_link(t("Spent"), "usage")
        today, month = budgets.day, budgets.month
        words = t("{today} today, {month} this month", today=money(today.spent_usd), month=money(month.spent_usd))
        st.markdown(plain(" · ".join([words, *reserved_words(month)])))
