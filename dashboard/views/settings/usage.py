"""Usage: tokens and money of models, by day and by what asked or was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from dashboard.base.language import N_, t, tc, tn
from dashboard.base.page import Page, Visit
from dashboard.parts.header import page_header
from engine.budgets.limits import money
from engine.budgets.use import KINDS
from engine.runs.usage import UsageRow

_COUNTS = (N_("Calls"), N_("Tokens in"), N_("Tokens out"))
PAGE = Page(
    title=N_("Usage"),
    icon=":material/monitoring:",
    path="usage",
    order=65,
    section=N_("Settings"),
    words=N_("costs spend spent money price dollars tokens"),
)

_DAYS = (7, 30, 90, 365)
_TITLES = {one.lower(): one for one in (N_("Workflow"), N_("Step"), N_("Prompt"), N_("Model"), N_("Connection"))}


def show(visit: Visit) -> None:
    """Show a bar for each day, a table by workflow, step, prompt, model or connection, and a download."""
    page_header(visit, t("Usage"), t("What models were asked, how many tokens that took, and what it cost."))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        by = st.segmented_control(
            tc("grouped", "By"), KINDS, default=KINDS[0], format_func=_title_of, key="usage-by", required=True
        )
        days = st.selectbox(
            tc("period", "Time"),
            _DAYS,
            1,
            format_func=lambda one: t("Last {count} days", count=one),
            key="usage-days",
            width=160,
        )
    kind = by or KINDS[0]
    found = visit.orchestra.usage.report(visit.who, kind, days)
    if not found.rows:
        st.info(
            t("No model was asked from {first_day} to {last_day}.", first_day=found.first_day, last_day=found.last_day),
            icon=":material/monitoring:",
        )
        return
    mine = [one for one in found.days if not one.demo]
    if any(one.calls for one in mine):
        _bars(t("Your accounts"), mine)
    if len(found.days) > len(mine):
        _bars(t("Demo"), found.days[len(mine) :])
    titles = {one.name: one.title for one in visit.orchestra.workflows.list(visit.who)} if kind == "workflow" else {}
    _table(kind, found.rows, titles)
    st.download_button(
        t("Save as CSV"),
        lambda: visit.orchestra.usage.csv(visit.who, kind, days),
        file_name=f"usage-by-{kind}.csv",
        mime="text/csv",
        key="usage-csv",
        icon=":material/download:",
        on_click="ignore",
        help=t("A line for each day and name."),
    )


def _title_of(kind: str) -> str:
    return t(_TITLES.get(kind, kind.capitalize()))


def _bars(title: str, days: Sequence[UsageRow]) -> None:
    """Draw the days: by cost, or by tokens where nothing costs anything."""
    cost, calls, tokens = sum(one.usd for one in days), sum(one.calls for one in days), sum(map(_tokens, days))
    by_cost = cost > 0
    most = max(one.usd if by_cost else _tokens(one) for one in days) or 1
    words = _counts(cost, calls, tokens)
    st.markdown(f"**{title}** :gray[{words.replace('$', chr(92) + '$')}]")
    drawn = "".join(
        f'<i style="height:{max(100 * (one.usd if by_cost else _tokens(one)) / most, 2 if one.calls else 0):.1f}%"'
        f' title="{escape(_said(one))}"></i>'
        for one in days
    )
    st.html(
        f'<div class="bars" role="img" aria-label="{escape(f"{title}: {words}")}">{drawn}</div>'
        f'<div class="bars-ends"><span>{days[0].name}</span><span>{days[-1].name}</span></div>'
    )


def _said(one: UsageRow) -> str:
    return f"{one.name}: {_counts(one.usd, one.calls, _tokens(one))}"


def _counts(usd: float, calls: int, tokens: int) -> str:
    """Return what was spent, in words."""
    counts = tn("{count} call", "{count} calls", calls), tn("{count} token", "{count} tokens", tokens)
    return ", ".join([money(usd), *counts])


def _table(kind: str, rows: Sequence[UsageRow], titles: Mapping[str, str]) -> None:
    """Show what each name has used, with its title if it has one, and how often each of its models answered."""
    has_several = any(one.models for one in rows)
    shown = [
        {
            _title_of(kind): t("{name} (demo)", name=titles.get(one.name, one.name))
            if one.demo
            else titles.get(one.name, one.name),
            t("Cost"): money(one.usd) + (t(" and unknown") if one.unpriced_calls else ""),
            t("Calls"): one.calls,
            t("Tokens in"): one.input_tokens,
            t("Tokens out"): one.output_tokens,
            **({t("Models"): one.shares} if has_several else {}),
        }
        for one in rows
    ]
    st.dataframe(
        shown,
        hide_index=True,
        column_config=dict.fromkeys(map(t, _COUNTS), st.column_config.NumberColumn(format="localized")),
        height="content" if len(shown) <= 12 else 460,
        alt=t("Usage by {kind}: cost, calls and tokens, the most expensive first", kind=_title_of(kind)),
        key="usage-rows",
    )


def _tokens(one: UsageRow) -> int:
    return one.input_tokens + one.output_tokens
