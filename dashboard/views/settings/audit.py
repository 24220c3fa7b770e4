"""The audit trail: who changed what, and when."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, t, tc
from dashboard.base.page import Page, Visit
from dashboard.parts.filters import filter_fields
from dashboard.parts.header import page_header
from dashboard.parts.times import full_time, viewer_zone
from engine.store.people.audit import AuditLine, TrailFilter

PAGE = Page(
    title=N_("Audit"),
    icon=":material/policy:",
    path="audit",
    order=75,
    section=N_("Settings"),
    right="admin",
    words=N_("log history trail changes who"),
)

_SHOWN = 50
_PAGES = "audit.pages"
_FIELDS = ("who", "action", "from", "to")


def show(visit: Visit) -> None:
    """Show the entries that match the filters, page by page, and a download of all of them."""
    page_header(visit, t("Audit"), t("Who changed what, and when. Lines are only ever added; only owners see them."))
    in_use = sum(session.widget_value(f"audit-{field}", None) is not None for field in _FIELDS)
    with filter_fields(in_use):
        query = _filter(visit)
    key = f"{query.who} {query.action} {query.since} {query.until}"
    pages: dict[str, list[int]] = session.draft(_PAGES, {})
    before = pages.get(key, [])
    lines = visit.orchestra.trail.lines(visit.who, _page(query, before))
    if not lines:
        st.info(t("No matching lines."), icon=":material/search_off:")
    else:
        _table(lines)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button(t("Newer"), key="audit-newer", icon=":material/chevron_left:", disabled=not before):
            _turn(key, before[:-1])
        if st.button(t("Older"), key="audit-older", icon=":material/chevron_right:", disabled=len(lines) < _SHOWN):
            _turn(key, [*before, lines[-1].number])
        st.download_button(
            t("Save as CSV"),
            lambda: visit.orchestra.trail.csv(visit.who, query),
            file_name="audit.csv",
            mime="text/csv",
            key="audit-csv",
            icon=":material/download:",
            on_click="ignore",
        )


def _filter(visit: Visit) -> TrailFilter:
    who, actions = visit.orchestra.trail.names(visit.who)
    things = sorted({one.partition(".")[0] for one in actions})
    columns = st.columns(4, gap="small")
    with columns[0]:
        chosen_who = st.selectbox(t("Who"), who, None, key="audit-who", placeholder=t("Anybody"))
    with columns[1]:
        action = st.selectbox(t("Action"), sorted([*things, *actions]), None, key="audit-action", placeholder=t("Any"))
    with columns[2]:
        first = st.date_input(t("From"), None, key="audit-from")
    with columns[3]:
        last = st.date_input(tc("date", "To"), None, key="audit-to", help=t("This day is included."))
    return TrailFilter(chosen_who or "", action or "", _start(first), _start(last, days=1), limit=_SHOWN)


def _start(day: object, days: int = 0) -> datetime | None:
    """Return when a day of the viewer begins, or the day that is `days` later."""
    if not isinstance(day, date):
        return None
    return datetime.combine(day + timedelta(days=days), time(), viewer_zone())


def _page(query: TrailFilter, before: list[int]) -> TrailFilter:
    return TrailFilter(query.who, query.action, query.since, query.until, before[-1] if before else None, query.limit)


def _turn(key: str, before: list[int]) -> None:
    session.keep_draft(_PAGES, {key: before})
    st.rerun()


def _table(lines: list[AuditLine]) -> None:
    rows = [
        {
            t("At"): full_time(line.at),
            t("Who"): line.principal,
            t("Action"): line.action,
            t("Target"): line.target,
            t("Detail"): line.detail,
        }
        for line in lines
    ]
    st.dataframe(
        rows,
        hide_index=True,
        height="content" if len(rows) <= 12 else 460,
        column_config={t("Detail"): st.column_config.TextColumn(width="large")},
        alt=t("The audit trail: when, who, what was done to what, and details"),
        key="audit-lines",
    )
