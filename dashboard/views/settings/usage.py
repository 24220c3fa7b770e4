"""Usage: tokens and money of models, by day and by what asked or was asked."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from clients.plural import counted
from dashboard.base.page import Page, Visit
from dashboard.parts.header import page_header
from engine.budgets.limits import money
from engine.budgets.use import KINDS
from engine.runs.usage import UsageRow

_COUNTS = ("Calls", "Tokens in", "Tokens out")
PAGE = Page(title="Usage", icon=":material/monitoring:", path="usage", order=65, section="Settings")

_DAYS = (7, 30, 90, 365)


def show(visit: Visit) -> None:
    """Show a bar for each day, a table by workflow, step, prompt, model or connection, and a download."""
    page_header(visit, "Usage", "What models were asked, how many tokens that took, and what it cost.")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        by = st.segmented_control(
            "By", KINDS, default=KINDS[0], format_func=str.capitalize, key="usage-by", required=True
        )
        days = st.selectbox("Time", _DAYS, 1, format_func=lambda one: f"Last {one} days", key="usage-days", width=160)
    kind = by or KINDS[0]
    found = visit.orchestra.usage.report(visit.who, kind, days)
    if not found.rows:
        st.info(f"No model was asked from {found.first_day} to {found.last_day}.", icon=":material/monitoring:")
        return
    mine = [one for one in found.days if not one.demo]
    if any(one.calls for one in mine):
        _bars("Your accounts", mine)
    if len(found.days) > len(mine):
        _bars("Demo", found.days[len(mine) :])
    _table(kind, found.rows)
    st.download_button(
        "Save as CSV",
        lambda: visit.orchestra.usage.csv(visit.who, kind, days),
        file_name=f"usage-by-{kind}.csv",
        mime="text/csv",
        key="usage-csv",
        icon=":material/download:",
        on_click="ignore",
        help="A line for each day and name.",
    )


def _bars(title: str, days: Sequence[UsageRow]) -> None:
    """Draw the days: by cost, or by tokens where nothing costs anything."""
    cost, calls, tokens = sum(one.usd for one in days), sum(one.calls for one in days), sum(map(_tokens, days))
    by_cost = cost > 0
    most = max(one.usd if by_cost else _tokens(one) for one in days) or 1
    words = f"{title}: {money(cost)}, {counted(calls, 'call')}, {counted(tokens, 'token')}"
    st.markdown(f"**{title}** :gray[{words.partition(': ')[2].replace('$', chr(92) + '$')}]")
    drawn = "".join(
        f'<i style="height:{max(100 * (one.usd if by_cost else _tokens(one)) / most, 2 if one.calls else 0):.1f}%"'
        f' title="{escape(_said(one))}"></i>'
        for one in days
    )
    st.html(
        f'<div class="bars" role="img" aria-label="{escape(words)}">{drawn}</div>'
        f'<div class="bars-ends"><span>{days[0].name}</span><span>{days[-1].name}</span></div>'
    )


def _said(one: UsageRow) -> str:
    return f"{one.name}: {money(one.usd)}, {counted(one.calls, 'call')}, {counted(_tokens(one), 'token')}"


def _table(kind: str, rows: Sequence[UsageRow]) -> None:
    shown = [
        {
            kind.capitalize(): f"{one.name} (demo)" if one.demo else one.name,
            "Cost": money(one.usd) + (" and unknown" if one.unpriced_calls else ""),
            "Calls": one.calls,
            "Tokens in": one.input_tokens,
            "Tokens out": one.output_tokens,
        }
        for one in rows
    ]
    st.dataframe(
        shown,
        hide_index=True,
        column_config=dict.fromkeys(_COUNTS, st.column_config.NumberColumn(format="localized")),
        height="content" if len(shown) <= 12 else 460,
        alt=f"Usage by {kind}: cost, calls and tokens, the most expensive first",
        key="usage-rows",
    )


def _tokens(one: UsageRow) -> int:
    return one.input_tokens + one.output_tokens
