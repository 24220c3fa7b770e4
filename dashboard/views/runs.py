"""All runs, newest first, page by page, filtered by the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

import streamlit as st

from dashboard.base.page import Action, Page, Visit
from dashboard.parts.filters import filter_fields
from dashboard.parts.header import page_header
from dashboard.parts.run_rows import run_rows
from dashboard.parts.status import LOOKS
from dashboard.parts.times import viewer_zone
from engine.base.names import timestamp
from engine.base.statuses import ListedStatus, RunStatus
from engine.runs.run_list import RunPage, Wanted

PAGE = Page(
    title="Runs",
    icon=":material/history:",
    path="runs",
    order=30,
    section="Work",
    words="history",
    actions=(Action("Failed runs", {"status": LOOKS[RunStatus.FAILED].word}, words="errors broken"),),
)

_PAGE_ROWS = 25
_DAYS = (date(2000, 1, 1), date(2099, 12, 31))
_ADDRESS: Literal["query-params"] = "query-params"
_FIELDS = {"text", "status", "workflow", "since", "until", "trigger"}
_SINCE = {"1 day": timedelta(days=1), "7 days": timedelta(days=7), "30 days": timedelta(days=30)}


def show(visit: Visit) -> None:
    """Show the filter and one page of runs."""
    page_header(visit, "Runs", "Everything that has run here, newest first.")
    found = _found(visit)
    if found.rows:
        run_rows(visit, found.rows, "runs")
    else:
        _nothing(visit)
    _paging(visit, found)


def _nothing(visit: Visit) -> None:
    """Say why there is no run, and what to do."""
    if st.query_params:
        st.info("No runs match this filter.", icon=":material/search_off:")
        visit.link("All runs", "runs", icon=":material/close:")
    else:
        st.info("Nothing has run here yet.", icon=":material/history:")
        visit.link("Choose a workflow to run", "workflows", icon=":material/account_tree:")


def _found(visit: Visit) -> RunPage:
    with filter_fields(len(_FIELDS & set(st.query_params))):
        wanted = _filter(visit)
    wanted["parent"] = _parent(visit)
    return visit.orchestra.runs.list(visit.who, **wanted, before=st.query_params.get("before"), limit=_PAGE_ROWS)


def _filter(visit: Visit) -> Wanted:
    """Show the filter; the address keeps the choices, so that it can be bookmarked and shared."""
    text, statuses = st.columns([3, 4])
    with text:
        wanted_text = st.text_input("Text", key="text", on_change=_first_page, placeholder="Any text", bind=_ADDRESS)
    with statuses:
        wanted_statuses = st.multiselect(
            "Status",
            tuple(ListedStatus),
            key="status",
            format_func=lambda one: LOOKS[one].word,
            on_change=_first_page,
            placeholder="Any",
            bind=_ADDRESS,
        )
    workflow, since, until = st.columns([3, 2, 2])
    with workflow:
        wanted_workflow = _choice("Workflow", visit.orchestra.workflows.names(visit.who), "workflow", "Any")
    with since:
        wanted_since = _choice("Not older than", list(_SINCE), "since", "Any time")
    with until:
        last_day = st.date_input("Up to the day", None, *_DAYS, key="until", on_change=_first_page, bind=_ADDRESS)
    return {
        "text": wanted_text or None,
        "status": _with_parts(wanted_statuses),
        "workflow": wanted_workflow,
        "trigger": _trigger(visit, wanted_workflow),
        "since": _since(wanted_since),
        "until": _end_of(last_day) if isinstance(last_day, date) else None,
    }


def _with_parts(chosen: Sequence[ListedStatus]) -> Sequence[ListedStatus]:
    """Return the chosen statuses; whoever looks for failures wants those of parts, too."""
    return [*chosen, ListedStatus.PARTS_FAILED] if ListedStatus.FAILED in chosen else chosen


def _choice(label: str, options: Sequence[str], key: str, placeholder: str) -> str | None:
    return st.selectbox(
        label, options, index=None, key=key, bind=_ADDRESS, on_change=_first_page, placeholder=placeholder
    )


def _trigger(visit: Visit, workflow: str | None) -> str | None:
    """Offer the triggers of the chosen workflow, if it has any."""
    if workflow is None:
        return None
    document = visit.orchestra.workflows.get(visit.who, workflow).document or {}
    triggers = document.get("triggers")
    ids = [str(one.get("id")) for one in triggers if isinstance(one, Mapping)] if isinstance(triggers, list) else []
    return _choice("Started by the trigger", ids, "trigger", "Any start") if ids else None


def _parent(visit: Visit) -> str | None:
    """Return the run to whose called runs the list is limited, and say so."""
    parent = st.query_params.get("parent")
    if parent is None:
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption("Only runs that one run has called.", width="content")
        visit.link("That run", "run", icon=":material/arrow_upward:", id=parent)
        visit.link("All runs", "runs", icon=":material/close:")
    return parent


def _first_page() -> None:
    """Go back to the first page: a position in the old list means nothing with a new filter."""
    st.query_params.pop("before", None)


def _since(chosen: str | None) -> str | None:
    """Return the time for a choice of the filter."""
    return None if chosen is None else timestamp(datetime.now(UTC) - _SINCE[chosen])


def _end_of(day: date) -> str:
    """Return the first moment after a day of the viewer."""
    return timestamp(datetime.combine(day + timedelta(days=1), time(), viewer_zone()))


def _all(name: str) -> str | list[str]:
    """Return a parameter of the address, as a list if it is repeated."""
    values = st.query_params.get_all(name)
    return values[0] if len(values) == 1 else values


def _paging(visit: Visit, found: RunPage) -> None:
    kept: dict[str, Any] = {name: _all(name) for name in st.query_params if name != "before"}
    with st.container(horizontal=True):
        if st.query_params.get("before"):
            visit.link("Newest", "runs", icon=":material/first_page:", **kept)
        if found.next is not None:
            visit.link("Older", "runs", icon=":material/arrow_forward:", **kept, before=found.next)
