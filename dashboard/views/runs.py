"""All runs, newest first, in pages, filtered by what stands in the address."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import streamlit as st

from dashboard.page import Page, Visit
from dashboard.parts.header import page_header
from dashboard.parts.run_rows import run_rows
from dashboard.parts.status import LOOKS
from engine.runs.run_list import RunPage

PAGE = Page(title="Runs", icon=":material/history:", path="runs", order=30)

_PAGE_ROWS = 25
_STATUSES = ("queued", "running", "waiting", "succeeded", "failed", "cancelled", "interrupted")
_SINCE = {"1 day": timedelta(days=1), "7 days": timedelta(days=7), "30 days": timedelta(days=30)}


def show(visit: Visit) -> None:
    """Show the filter and one page of runs."""
    page_header(visit, "Runs", "Everything that has run here, newest first.")
    found = _found(visit)
    if found.rows:
        run_rows(visit, found.rows, "runs")
    else:
        st.info("No run fits.", icon=":material/search_off:")
    _paging(visit, found)


def _found(visit: Visit) -> RunPage:
    text, status, workflow, since = _filter(visit)
    return visit.orchestra.runs.list(
        visit.who,
        status=status,
        workflow=workflow,
        text=text or None,
        since=_moment(since),
        before=st.query_params.get("before"),
        limit=_PAGE_ROWS,
    )


def _filter(visit: Visit) -> tuple[str | None, str | None, str | None, str | None]:
    workflows = [one.name for one in visit.orchestra.workflows.list(visit.who)]
    columns = st.columns([3, 2, 2, 2])
    with columns[0]:
        text = st.text_input("Text", key="text", bind="query-params", on_change=_first_page, placeholder="Any text")
    with columns[1]:
        status = st.selectbox(
            "Status",
            _STATUSES,
            index=None,
            key="status",
            bind="query-params",
            format_func=lambda one: LOOKS[one].word,
            on_change=_first_page,
            placeholder="Any",
        )
    with columns[2]:
        workflow = st.selectbox(
            "Workflow",
            workflows,
            index=None,
            key="workflow",
            bind="query-params",
            on_change=_first_page,
            placeholder="Any",
        )
    with columns[3]:
        since = st.selectbox(
            "Of the last",
            list(_SINCE),
            index=None,
            key="since",
            bind="query-params",
            on_change=_first_page,
            placeholder="Any time",
        )
    return text, status, workflow, since


def _first_page() -> None:
    """Begin anew: a page of the old filter means nothing in the new one."""
    st.query_params.pop("before", None)


def _moment(since: str | None) -> str | None:
    """Return the time that a choice of the filter means, as runs carry theirs."""
    if since is None:
        return None
    return (datetime.now(UTC) - _SINCE[since]).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _paging(visit: Visit, found: RunPage) -> None:
    kept = {name: value for name, value in st.query_params.to_dict().items() if name != "before"}
    with st.container(horizontal=True):
        if st.query_params.get("before"):
            visit.link("Newest", "runs", icon=":material/first_page:", **kept)
        if found.next is not None:
            visit.link("Older", "runs", icon=":material/arrow_forward:", **kept, before=found.next)
