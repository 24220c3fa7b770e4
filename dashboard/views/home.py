"""The first page: how things stand in a sentence, what waits, what happened since the last visit, and what comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.approvals.scheduled import scheduled_mails
from dashboard.base import session
from dashboard.base.language import N_, t
from dashboard.base.page import Page, Visit
from dashboard.base.plain import plain
from dashboard.home.ahead import next_firings, spent
from dashboard.home.answer import answer
from dashboard.home.rows import happened, needs_a_look, questions, since_words
from dashboard.parts.accounts import service_title, uses_demo_only
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import errors_shown
from dashboard.parts.header import page_header
from dashboard.parts.notices import account_notices, budget_notices, trigger_notices, trying_notices
from engine.base.clock import timestamp
from engine.base.errors import OrchestraError
from engine.base.statuses import ACTIVE_RUNS, AccountMode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.connections.statuses import ConnectionStatus
    from engine.operations.attention import Attention

PAGE = Page(title=N_("Home"), icon=":material/home:", path="", order=10, words=N_("start overview today"))

_FIRST = "inbox-triage"
_ON_DEMO = N_(
    "25 sample mails become tasks in Notion and issues in GitHub.  \nAll of it is a "
    "demo on this machine: no account is needed, and nothing goes out."
)
_ON_OWN_ACCOUNTS = N_(
    "Your mails become tasks in Notion and issues in GitHub.  \nYou see which ones before anything is done."
)
_HELD = 5
"""Of the mails that go out by themselves."""
_BUSY_SECONDS, _IDLE_SECONDS = 3, 5
_BY_ITSELF, _VISIT_ENDED, _SUMS = "home.by_itself", "home.visit_ended", "home.sums"


def show(visit: Visit) -> None:
    """Show how things stand, and keep it up to date."""
    with st.container(key="home-title"):  # for the tab and for readers: the sentence says more
        page_header(visit, t("Home"))
    if not session.draft(_BY_ITSELF, default=False):  # a page that is left open is no visit
        session.keep_draft(_VISIT_ENDED, visit.orchestra.visits.note(visit.who))
    session.drop_draft(_BY_ITSELF)
    state = visit.orchestra.attention.now(visit.who)
    st.fragment(_now, run_every=_BUSY_SECONDS if _is_busy(state) else _IDLE_SECONDS)(visit, state, [state])


def _now(visit: Visit, drawn: Attention, fresh: list[Attention]) -> None:
    """Show everything, first what was just read; every few seconds, what has become of it."""
    with errors_shown():
        state = fresh.pop() if fresh else visit.orchestra.attention.now(visit.who)
        if _around(state) != _around(drawn):
            session.keep_draft(_BY_ITSELF, value=True)
            st.rerun()
        with st.container(key="answer"):
            st.markdown(plain(answer(state, for_somebody=not visit.may("run"))))
        _demo(visit, state.connections)
        if not state.recent:
            _first_time(visit)
        _notices(visit, state)
        questions(visit, state)
        scheduled_mails(visit, _HELD, "home")
        shown = needs_a_look(visit, state)
        if state.recent:
            _happened(visit, state, shown)
        with st.container(gap=None, key="ahead"):
            next_firings(visit)
            spent(visit, state.budgets)


def _around(state: Attention) -> tuple[object, ...]:
    """Return what decides about the menu and the notices above the page, and how often it is drawn."""
    return state.questions, state.held is not None, _is_busy(state)


def _is_busy(state: Attention) -> bool:
    return any(row.status in ACTIVE_RUNS for row in state.recent)


def _happened(visit: Visit, state: Attention, shown: Sequence[str]) -> None:
    """Show what has run, without the single runs that are `shown` above."""
    ended: str | None = session.draft(_VISIT_ENDED, None)
    since = ended or timestamp(datetime.now(UTC) - timedelta(days=1))
    under_way = [row for row in state.recent if row.status in ACTIVE_RUNS]
    recent = [(row.run_id, row.status) for row in state.recent]
    known, found = session.draft(_SUMS, (None, []))
    if known != (ended, recent):  # ten thousand runs are not added up every few seconds
        found = visit.orchestra.runs.happened(visit.who, since)
        session.keep_draft(_SUMS, ((ended, recent), found))
    happened(visit, since_words(ended), [one for one in found if one.runs > 1 or one.newest not in shown], under_way)


def _demo(visit: Visit, connections: Sequence[ConnectionStatus]) -> None:
    """Say in a line what is on the demo."""
    demo = [one for one in connections if one.mode == AccountMode.DEMO]
    if not demo:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="on-demo"):
        if len(demo) == len(connections):
            st.caption(t("On the demo: nothing goes out."), width="content")
        else:
            services = ", ".join(dict.fromkeys(service_title(one.service) for one in demo))
            st.caption(plain(t("On the demo: {services}.", services=services)), width="content")
        visit.link(t("Look at the demo"), "demo", icon=":material/science:")
        if visit.may("edit"):
            visit.link(t("Use my own mail"), "first-run", icon=":material/flag:")


def _notices(visit: Visit, state: Attention) -> None:
    may_run = visit.may("run")
    if account_notices(state.accounts, may_change=visit.may("admin")):
        visit.link(t("Connections"), "connections", icon=":material/cable:")
    shown = [trigger_notices(state.alarms, state.dead, may_change=may_run), trying_notices(state.trying_again)]
    if any(shown):
        params = {"tab": "needs-a-look"} if state.dead else {}
        visit.link(t("Triggers"), "triggers", icon=":material/sensors:", **params)
    if budget_notices(state.budgets.alarms):
        visit.link(t("Budgets"), "budgets", icon=":material/savings:")
    keyless = list(dict.fromkeys(service_title(one.service) for one in state.connections if not one.ready))
    if keyless:
        st.caption(plain(t("No key yet: {services}.", services=", ".join(keyless))))
        visit.link(t("Connections"), "connections", icon=":material/key_off:")


def _first_time(visit: Visit) -> None:
    try:
        plan = visit.orchestra.workflows.plan(visit.who, _FIRST)
    except OrchestraError:  # removed, renamed or damaged: nothing can be started
        label = t("Choose or create a workflow") if visit.may("edit") else t("Workflows")
        visit.link(label, "workflows", icon=":material/account_tree:")
        return
    title = str(plan.document.get("title") or _FIRST)
    may_run = visit.may("run")
    with st.container(border=True, key="first-run"):
        st.header(plain(t("Start with {title}", title=title) if may_run else title), anchor=False)
        st.markdown(t(_ON_DEMO) if uses_demo_only(visit, plan) else t(_ON_OWN_ACCOUNTS))
        with st.container(horizontal=True, vertical_alignment="center"):
            if may_run:
                _first_button(visit, title)
            visit.link(t("View it first") if may_run else t("View it"), "workflow", name=_FIRST)
            visit.link(t("Tutorial"), "help", page="tutorial")


def _first_button(visit: Visit, title: str) -> None:
    if not visit.orchestra.is_confirmed(visit.who, _FIRST):
        if st.button(t("Choose the mails"), type="primary", key="first-run-choose", icon=":material/mail:"):
            visit.go("workflow", name=_FIRST)
        return

    def start(request_key: str) -> str:
        return visit.orchestra.runs.start(visit.who, _FIRST, {}, request_key=request_key)

    label, icon = plain(t("Run {title}", title=title)), ":material/play_arrow:"
    action_button(
        label, "first-run-button", start, lambda run_id: visit.go("run", id=run_id), type="primary", icon=icon
    )
