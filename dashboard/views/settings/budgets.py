"""Budgets: what was spent against each, and the runs that wait for one."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from clients.plural import counted
from dashboard.base.page import Page, Visit
from dashboard.base.plain import plain
from dashboard.budget.form import budget_form
from dashboard.parts.buttons import action_button
from dashboard.parts.header import page_header
from dashboard.parts.notices import budget_notices
from engine.budgets.limits import money
from engine.runs.budgets import BudgetRow, Used

PAGE = Page(
    title="Budgets",
    icon=":material/savings:",
    path="budgets",
    order=66,
    section="Settings",
    count=lambda orchestra, who: len(orchestra.budgets.overview(who).alarms),
)
_SHOWN_RUNS = 10
_NONE = "There are no budgets. *Set budgets* limits all workflows, `budget` in a workflow file limits one."
_AT_LIMIT = {"pause": "runs wait", "warn": "only warns"}
_OF_PERIOD = {"run": "Each run", "day": "Today", "month": "This month"}


def show(visit: Visit) -> None:
    """Show what was spent, each budget with a bar, and the waiting runs."""
    page_header(visit, "Budgets", "What model calls may cost, and what they have cost.")
    found = visit.orchestra.budgets.overview(visit.who)
    day, month = st.columns(2)
    _spent(day, "Today", found.day)
    _spent(month, "This month", found.month)
    budget_notices(found.alarms)
    _paused(visit, found.paused_runs)
    if not found.budgets:
        st.info(_NONE, icon=":material/savings:")
    for whose in dict.fromkeys(one.workflow for one in found.budgets):
        _group(visit, whose, [one for one in found.budgets if one.workflow == whose])
    budget_form(visit)
    if found.strict:
        st.caption("Strict: a model whose price is not known is not asked.")


def _spent(column: st.delta_generator.DeltaGenerator, title: str, used: Used) -> None:
    column.metric(title, money(used.usd))
    unpriced = f", {used.unpriced_calls:,} without a known price" if used.unpriced_calls else ""
    column.caption(plain(f"{counted(used.calls, 'call')}{unpriced}, {used.tokens:,} tokens"))


def _paused(visit: Visit, run_ids: Sequence[str]) -> None:
    if not run_ids:
        return
    st.subheader(f"{counted(len(run_ids), 'run')} waiting for a budget", anchor=False)
    for run_id in run_ids[:_SHOWN_RUNS]:
        visit.link(run_id, "run", icon=":material/hourglass_empty:", id=run_id)
    if len(run_ids) > _SHOWN_RUNS:
        st.caption(f"… and {len(run_ids) - _SHOWN_RUNS} more")
    if visit.may("run"):
        st.caption("They try again by themselves when the day or month ends, and when you resume them.")
        action_button(
            "Resume", "resume-paused", lambda _: visit.orchestra.budgets.resume(visit.who), lambda _: st.rerun()
        )


def _group(visit: Visit, workflow: str | None, rows: Sequence[BudgetRow]) -> None:
    with st.container(border=True):
        if workflow is None:
            st.markdown("**All workflows**")
        else:
            visit.link(workflow, "workflow", icon=":material/account_tree:", name=workflow)
        for row in rows:
            limit = _AT_LIMIT.get(row.on_limit, f"then {row.on_limit} is asked")
            place = plain(row.place.replace("`", ""))
            words = plain(f"{_OF_PERIOD[row.period]}: {row.sentence}; at the limit: {limit}")
            if row.share is None:
                st.markdown(words, help=place)
            else:
                st.progress(min(row.share, 1.0), words)
                st.caption(place)
