"""All runs, newest first, page by page, filtered by the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

import streamlit as st

from dashboard.base.language import N_, catalogue, languages, t
from dashboard.base.page import Page, PageAction, Visit
from dashboard.parts.empty import empty
from dashboard.parts.errors import errors_shown
from dashboard.parts.filters import filter_fields
from dashboard.parts.header import page_header
from dashboard.parts.run_rows import run_rows
from dashboard.parts.status import LOOKS
from dashboard.parts.times import viewer_zone
from dashboard.run.change.bundle import import_run
from engine.base.clock import timestamp
from engine.base.statuses import ListedStatus, RunStatus
from engine.runs.run_list import RunPage, WantedRuns

PAGE = Page(
    title=N_("Runs"),
    icon=":material/history:",
    path="runs",
    order=30,
    section=N_("Runs"),
    words=N_("history log results"),
    actions=(PageAction(N_("Failed runs"), {"status": LOOKS[RunStatus.FAILED].english}, words=N_("errors broken")),),
)

_PAGE_ROWS = 25
_LOOK_SECONDS = 5.0
_DAYS = (date(2000, 1, 1), date(2099, 12, 31))
"""Without limits, Streamlit offers only the ten years before and after the present value."""
_ADDRESS: Literal["query-params"] = "query-params"
_SELDOM = {"workflow", "since", "until", "trigger", "environment"}
_FIELDS = {"text", "status"} | _SELDOM
_SINCE = {N_("1 day"): timedelta(days=1), N_("7 days"): timedelta(days=7), N_("30 days"): timedelta(days=30)}


def show(visit: Visit) -> None:
    """Show the filter and one page of runs."""
    page_header(visit, t("Runs"), t("Everything that has run here, newest first."))
    with filter_fields(len(_FIELDS & set(st.query_params))):
        wanted = _filter(visit)
    wanted["parent"] = _parent(visit)
    st.fragment(_list, run_every=_LOOK_SECONDS)(visit, wanted)
    if visit.may("run") and st.button(
        t("Replay a file"), key="import-run", type="tertiary", icon=":material/bug_report:"
    ):
        import_run(visit)


def _list(visit: Visit, wanted: WantedRuns) -> None:
    """Show one page of runs, and every few seconds what has become of them; the filter is not drawn again."""
    with errors_shown():
        before = st.query_params.get("before")
        found = visit.orchestra.runs.list(visit.who, **wanted, before=before, limit=_PAGE_ROWS)
        if found.rows:
            run_rows(visit, found.rows, "runs")
        else:
            _nothing(visit)
        _paging(visit, found)


def _nothing(visit: Visit) -> None:
    """Say why there is no run, and what to do."""
    if st.query_params:
        st.info(t("No runs match this filter."), icon=":material/search_off:")
        visit.link(t("All runs"), "runs", icon=":material/close:")
    else:
        label = t("Choose a workflow to run") if visit.may("run") else t("Workflows")
        words = t("Each run of a workflow appears here: what it read, what it wrote, and what can be undone.")
        empty(words, ":material/history:", visit, label, "workflows")


def _filter(visit: Visit) -> WantedRuns:
    """Show the filter; the address keeps the choices, so that it can be bookmarked and shared."""
    _own_words()
    text, statuses = st.columns([3, 4])
    with text:
        wanted_text = st.text_input(
            t("Text"), key="text", on_change=_first_page, placeholder=t("Any text, subject or sender"), bind=_ADDRESS
        )
    with statuses:
        wanted_statuses = st.multiselect(
            t("Status"),
            tuple(ListedStatus),
            key="status",
            format_func=lambda one: LOOKS[one].word,
            on_change=_first_page,
            placeholder=t("Any"),
            bind=_ADDRESS,
        )
    with st.expander(t("More filters"), expanded=bool(_SELDOM & set(st.query_params)), key="more-filters"):
        workflow, since, until = st.columns([3, 2, 2])
        with workflow:
            wanted_workflow = _choice(t("Workflow"), visit.orchestra.workflows.names(visit.who), "workflow", t("Any"))
        with since:
            wanted_since = _choice(t("Not older than"), list(_SINCE), "since", t("Any time"), t)
        with until:
            last_day = st.date_input(
                t("Up to the day"), None, *_DAYS, key="until", on_change=_first_page, bind=_ADDRESS
            )
        trigger, environment = _trigger(visit, wanted_workflow), _environment(visit)
    return {
        "text": wanted_text or None,
        "status": _with_parts(wanted_statuses),
        "workflow": wanted_workflow,
        "trigger": trigger,
        "environment": environment,
        "since": _since(wanted_since),
        "until": _end_of(last_day) if isinstance(last_day, date) else None,
    }


def _own_words() -> None:
    """Put the choices of the address into the person's own language: a link may come from somebody with another one."""
    for name, words in (("status", [look.english for look in LOOKS.values()]), ("since", [*_SINCE])):
        known = {catalogue(one).gettext(word): t(word) for word in words for one in languages()}
        given = st.query_params.get_all(name)
        own = [known.get(one, one) for one in given]
        if own != given:
            st.query_params[name] = own


def _with_parts(chosen: Sequence[ListedStatus]) -> Sequence[ListedStatus]:
    """Return the chosen statuses; whoever looks for failures also wants runs in which only parts failed."""
    return [*chosen, ListedStatus.PARTS_FAILED] if ListedStatus.FAILED in chosen else chosen


def _choice(
    label: str, options: Sequence[str], key: str, placeholder: str, shown: Callable[[str], str] = str
) -> str | None:
    return st.selectbox(
        label,
        options,
        index=None,
        format_func=shown,
        key=key,
        bind=_ADDRESS,
        on_change=_first_page,
        placeholder=placeholder,
    )


def _trigger(visit: Visit, workflow: str | None) -> str | None:
    """Offer the triggers of the chosen workflow, if it has any."""
    if workflow is None:
        return None
    document = visit.orchestra.workflows.get(visit.who, workflow).document or {}
    triggers = document.get("triggers")
    ids = [str(one.get("id")) for one in triggers if isinstance(one, Mapping)] if isinstance(triggers, list) else []
    return _choice(t("Started by the trigger"), ids, "trigger", t("Any start")) if ids else None


def _environment(visit: Visit) -> str | None:
    """Offer the environments, if there are any."""
    names = visit.orchestra.environments.names(visit.who)
    return _choice(t("Environment"), names, "environment", t("Any")) if names else None


def _parent(visit: Visit) -> str | None:
    """Return the run to whose called runs the list is limited, and say so."""
    parent = st.query_params.get("parent")
    if parent is None:
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(t("Only runs that one run has called."), width="content")
        visit.link(t("That run"), "run", icon=":material/arrow_upward:", id=parent)
        visit.link(t("All runs"), "runs", icon=":material/close:")
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
            visit.link(t("Newest"), "runs", icon=":material/first_page:", **kept)
        if found.next is not None:
            visit.link(t("Older"), "runs", icon=":material/arrow_forward:", **kept, before=found.next)
