"""Budgets: what was spent against each, and the runs that wait for one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base.language import N_, number, t, tn
from dashboard.base.page import Page, Visit
from dashboard.base.plain import plain
from dashboard.budget.form import budget_form
from dashboard.parts.buttons import action_button
from dashboard.parts.header import page_header
from dashboard.parts.notices import budget_notices
from dashboard.parts.usage import reserved_words
from engine.budgets.limits import money

if TYPE_CHECKING:
    from engine.runs.budgets import BudgetRow, ModelUsage

PAGE = Page(
    title=N_("Budgets"),
    icon=":material/savings:",
    path="budgets",
    order=66,
    section=N_("Settings"),
    count=lambda orchestra, who: len(orchestra.budgets.overview(who).alarms),
    words=N_("limits costs spend money"),
)
_SHOWN_RUNS = 10
_NONE = N_("There are no budgets. *Set budgets* limits all workflows, `budget` in a workflow file limits one.")
_NONE_BY_YOU = N_("There are no budgets. Owners set them here, and `budget` in a workflow file limits one workflow.")
_WAITING = N_(
    "A run that waits for the budget of a day or month tries again by itself when that is over. If you have raised a "
    "budget here, *Resume* lets all of them try again. If you have raised one in a workflow file, continue each run "
    "with the new file, on its page."
)
_AT_LIMIT = {"pause": N_("runs wait"), "warn": N_("only warns")}
_OF_PERIOD = {"run": N_("Each run"), "day": N_("Today"), "month": N_("This month")}
_OF_DEFAULT = {"run": N_("Each run"), "day": N_("Each day"), "month": N_("Each month")}


def show(visit: Visit) -> None:
    """Show what was spent, each budget with a bar, and the waiting runs."""
    page_header(visit, t("Budgets"), t("What model calls may cost, and what they have cost."))
    found = visit.orchestra.budgets.overview(visit.who)
    day, month = st.columns(2)
    _spent(day, t("Today"), found.day)
    _spent(month, t("This month"), found.month)
    budget_notices(found.alarms)
    _paused(visit, found.paused_runs)
    if not found.budgets:
        st.info(t(_NONE if visit.may("admin") else _NONE_BY_YOU), icon=":material/savings:")
    for whose in dict.fromkeys(map(_whose, found.budgets)):
        _group(visit, [one for one in found.budgets if _whose(one) == whose])
    budget_form(visit)
    if found.strict:
        st.caption(t("Strict: a model whose price is not known is not asked."))


def _spent(column: st.delta_generator.DeltaGenerator, title: str, used: ModelUsage) -> None:
    column.metric(title, money(used.spent_usd))
    unpriced = (
        t(", {unpriced_calls} without a known price", unpriced_calls=number(used.unpriced_calls))
        if used.unpriced_calls
        else ""
    )
    words = t(
        "{calls}{unpriced}, {tokens} tokens",
        calls=tn("{count} call", "{count} calls", used.calls),
        unpriced=unpriced,
        tokens=number(used.tokens - used.reserved_tokens),
    )
    column.caption(plain(" · ".join([words, *reserved_words(used)])))


def _reserved(row: BudgetRow) -> list[str]:
    if row.used is None or not row.used.reserved_usd:
        return []
    return [t("{amount} of it reserved for calls under way", amount=money(row.used.reserved_usd))]


def _paused(visit: Visit, run_ids: Sequence[str]) -> None:
    if not run_ids:
        return
    st.subheader(
        tn("{count} run waiting for a budget", "{count} runs waiting for a budget", len(run_ids)), anchor=False
    )
    for run_id in run_ids[:_SHOWN_RUNS]:
        visit.link(_named(visit, run_id), "run", icon=":material/hourglass_empty:", id=run_id)
    if len(run_ids) > _SHOWN_RUNS:
        st.caption(t("… and {count} more", count=len(run_ids) - _SHOWN_RUNS))
    if visit.may("run"):
        st.caption(t(_WAITING))
        action_button(
            t("Resume"), "resume-paused", lambda _: visit.orchestra.budgets.resume(visit.who), lambda _: st.rerun()
        )


def _named(visit: Visit, run_id: str) -> str:
    found = visit.orchestra.runs.list(visit.who, text=run_id, limit=1).rows
    return f"{found[0].title} · {run_id}" if found else run_id


def _whose(row: BudgetRow) -> tuple[str | None, bool]:
    return row.workflow, row.is_default


def _group(visit: Visit, rows: Sequence[BudgetRow]) -> None:
    workflow, is_default = _whose(rows[0])
    with st.container(border=True):
        if is_default:
            st.markdown(t("**Each workflow** without a budget of its own for the period"))
        elif workflow is None:
            st.markdown(t("**All workflows**"))
        else:
            visit.link(workflow, "workflow", icon=":material/account_tree:", name=workflow)
        for row in rows:
            limit = (
                t(_AT_LIMIT[row.on_limit])
                if row.on_limit in _AT_LIMIT
                else t("then {on_limit} is asked", on_limit=row.on_limit)
            )
            place = plain(row.place.replace("`", ""))
            words = plain(
                t(
                    "{of_period}: {sentence}; at the limit: {limit}",
                    of_period=t((_OF_DEFAULT if row.is_default else _OF_PERIOD)[row.period]),
                    sentence=", ".join([row.sentence, *_reserved(row)]),
                    limit=limit,
                )
            )
            if row.share is None:
                st.markdown(words, help=place)
            else:
                st.progress(min(row.share, 1.0), words)
                st.caption(place)
