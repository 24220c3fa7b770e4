"""What ran: a bar for each of the last days, as high as its runs, red as far as they failed."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from dashboard.base.language import t, tn
from dashboard.base.page import Visit
from dashboard.parts.header import section
from dashboard.parts.times import viewer_zone
from engine.runs.run_days import RunDay

_DAYS = 14


def activity(visit: Visit) -> None:
    """Show the bars."""
    days = visit.orchestra.runs.days(visit.who, _DAYS, viewer_zone())
    runs, failed = sum(one["runs"] for one in days), sum(one["failed"] for one in days)
    section(t("What ran"))
    words = t(
        "{runs} in {days} days{failed}",
        runs=tn("{count} run", "{count} runs", runs),
        days=_DAYS,
        failed=t(", {failed} failed", failed=failed) if failed else "",
    )
    st.caption(words)
    st.html(
        f'<div class="bars bars-low" role="img" aria-label="{escape(f"{words}. {_busiest(days)}")}">'
        f"{''.join(_bar(one, max(one['runs'] for one in days) or 1) for one in days)}</div>"
        f'<div class="bars-ends"><span>{days[0]["day"]}</span><span>{days[-1]["day"]}</span></div>'
    )


def _busiest(days: Sequence[RunDay]) -> str:
    most = max(days, key=lambda one: one["runs"])
    return t("Most on {day}: {runs}.", day=most["day"], runs=most["runs"])


def _bar(one: RunDay, most: int) -> str:
    height = max(100 * one["runs"] / most, 4 if one["runs"] else 0)
    failed = 100 * one["failed"] / (one["runs"] or 1)
    said = t(
        "{day}: {runs}, {failed} failed",
        day=one["day"],
        runs=tn("{count} run", "{count} runs", one["runs"]),
        failed=one["failed"],
    )
    return f'<i style="height:{height:.1f}%;--failed:{failed:.1f}%" title="{escape(said)}"></i>'
