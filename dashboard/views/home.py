"""The first page: what needs attention, what ran, what comes next, what was spent, and the connected accounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from clients.check_line import CheckLine
from dashboard.approvals.questions import question_card, run_of
from dashboard.base import session
from dashboard.base.language import N_, t, tn
from dashboard.base.page import Page, Visit
from dashboard.base.plain import plain, plain_with_code
from dashboard.home.activity import activity
from dashboard.home.ahead import next_firings, spent
from dashboard.parts.accounts import account_badge
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import errors_shown
from dashboard.parts.header import page_header, section
from dashboard.parts.notices import account_notices, budget_notices, trigger_notices, trying_notices
from dashboard.parts.run_rows import run_row, run_rows
from dashboard.parts.status import LOOKS
from dashboard.people.account import password_offer
from engine.base.errors import OrchestraError
from engine.base.statuses import ACTIVE_RUNS, AccountMode, RunStatus
from engine.compiler.definition.plan import Plan
from engine.connections.statuses import ConnectionStatus
from engine.runs.run_list import RunRow

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from engine.operations.attention import Attention

PAGE = Page(title=N_("Home"), icon=":material/home:", path="", order=10)

_FIRST = "inbox-triage"
_SHOWN = 6
_SHOWN_QUESTIONS = 3
_ON_DEMO = N_(
    "25 sample mails become tasks in Notion and issues in GitHub.  \nAll of it is a "
    "demo on this machine: no account is needed, and nothing goes out."
)
_ON_OWN_ACCOUNTS = N_(
    "Your mails become tasks in Notion and issues in GitHub.  \nYou see which ones before anything is done."
)
_BUSY_SECONDS, _IDLE_SECONDS = 3, 5


def show(visit: Visit) -> None:
    """Show the state of the workspace at a glance, and keep it up to date."""
    state = visit.orchestra.attention.now(visit.who)
    page_header(visit, t("Home"))
    sentence = st.empty()
    may_run = visit.may("run")
    if account_notices(state.accounts, may_change=visit.may("admin")):
        visit.link(t("Connections"), "connections", icon=":material/cable:")
    shown = [trigger_notices(state.alarms, state.dead, may_change=may_run), trying_notices(state.trying_again)]
    if any(shown):
        params = {"tab": "needs-a-look"} if state.dead else {}
        visit.link(t("Triggers"), "triggers", icon=":material/sensors:", **params)
    if budget_notices(state.budgets.alarms):
        visit.link(t("Budgets"), "budgets", icon=":material/savings:")
    if not state.recent:
        _first_time(visit)
    main, side = st.columns([7, 3], gap="large")
    with main:
        _questions(visit, state.questions)
        seconds = _BUSY_SECONDS if any(row.status in ACTIVE_RUNS for row in state.recent) else _IDLE_SECONDS
        st.fragment(_runs, run_every=seconds)(visit, state, sentence)
    with side:
        if state.recent:
            activity(visit)
        next_firings(visit)
        spent(visit, state.budgets)
        _connections(visit, state.connections)
    password_offer(visit)


def _runs(visit: Visit, drawn: Attention, sentence: DeltaGenerator) -> None:
    """Show the runs, and in `sentence` the state of things; every few seconds, what has become of them."""
    with errors_shown():
        now = visit.orchestra.attention.now(visit.who)
        if _around_runs(now) != _around_runs(drawn):
            st.rerun()
        sentence.caption(plain(_state_of_things(now, for_somebody=not visit.may("run"))))
        _needs_a_look(visit, now)
        _last_runs(visit, now.recent)


def _around_runs(state: Attention) -> tuple[object, ...]:
    """Return what decides about the rest of the page: it is redrawn when this changes."""
    is_active = any(row.status in ACTIVE_RUNS for row in state.recent)
    troubles = {one.name: one.trouble for one in state.connections}
    of_triggers = state.all_alarms, len(state.dead), len(state.trying_again)
    is_held = state.held is not None
    return bool(state.recent), is_active, of_triggers, state.budgets.alarms, troubles, state.questions, is_held


def _state_of_things(state: Attention, *, for_somebody: bool) -> str:
    """Say in a line what needs attention; all is well only if nothing on the page says otherwise.

    `for_somebody`: it needs somebody else, because the person may only look.
    """
    running = sum(row.status in ACTIVE_RUNS for row in state.recent)
    waiting = sum(row.status in (RunStatus.WAITING, RunStatus.INTERRUPTED) for row in state.recent)
    failed, trying, questions = len(state.failed), len(state.trying_again), state.questions
    need_somebody = state.beside_runs + _failed_checks(state)
    counts = [
        words
        for count, words in (
            (running, t("{count} running", count=running)),
            (waiting, t("{count} waiting", count=waiting)),
            (failed, t("{count} failed", count=failed)),
            (trying, tn("{count} trigger trying again", "{count} triggers trying again", trying)),
            (questions, _questions_words(questions, for_somebody=for_somebody)),
            (need_somebody, _needs_words(need_somebody, for_somebody=for_somebody)),
        )
        if count
    ]
    if counts:
        return ", ".join(counts) + "."
    return t("All done; nothing needs you.") if state.recent else t("Nothing has run here yet.")


def _questions_words(count: int, *, for_somebody: bool) -> str:
    if for_somebody:
        return tn("{count} open question", "{count} open questions", count)
    return tn("{count} question for you", "{count} questions for you", count)


def _needs_words(count: int, *, for_somebody: bool) -> str:
    if for_somebody:
        return tn("{count} item needs somebody", "{count} items need somebody", count)
    return tn("{count} item needs you", "{count} items need you", count)


def _failed_checks(state: Attention) -> int:
    """Return how many accounts without a notice failed a check on this page."""
    lines = (_checked_before().get(one.name, ()) for one in state.connections if not one.needs_somebody)
    return sum(not all(line.ok for line in checked) for checked in lines)


def _questions(visit: Visit, count: int) -> None:
    """Show the questions of runs: the newest here, the rest on their own page; `count`: how many are open."""
    asked = visit.orchestra.approvals.list(visit.who, "open", _SHOWN_QUESTIONS)
    if not asked:
        return
    section(t("Waits for your answer") if visit.may("run") else t("Waits for an answer"))
    for question in asked:
        question_card(visit, question, run_of(visit, question), "home")
    more = count - len(asked)
    if more > 0:
        visit.link(
            t("{questions} more", questions=tn("{count} question", "{count} questions", more)),
            "approvals",
            icon=":material/arrow_forward:",
        )


def _needs_a_look(visit: Visit, state: Attention) -> None:
    found = [*state.failed, *state.interrupted]
    if not found:
        return
    section(t("Needs a look"))
    for row in found[:_SHOWN]:
        with st.container(border=True):
            run_row(visit, row, "look")
    if len(found) > _SHOWN:
        visit.link(
            t("{count} more", count=len(found) - _SHOWN),
            "runs",
            icon=":material/arrow_forward:",
            status=[LOOKS[RunStatus.FAILED].word],
        )


def _last_runs(visit: Visit, rows: Sequence[RunRow]) -> None:
    section(t("Last runs"))
    if not rows:
        st.caption(t("Runs appear here."))
        return
    run_rows(visit, rows[:_SHOWN], "last")
    visit.link(t("All runs"), "runs", icon=":material/arrow_forward:")


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
        st.markdown(t(_ON_DEMO) if _is_all_demo(visit, plan) else t(_ON_OWN_ACCOUNTS))
        with st.container(horizontal=True, vertical_alignment="center"):
            if may_run:
                _first_button(visit, title)
            visit.link(t("View it first") if may_run else t("View it"), "workflow", name=_FIRST)
            visit.link(t("Tutorial"), "help", page="tutorial")
            if visit.may("edit"):
                visit.link(t("Your own mail, in five steps"), "first-run", icon=":material/flag:")


def _is_all_demo(visit: Visit, plan: Plan) -> bool:
    connections = visit.orchestra.connections.list(visit.who)
    return all(one.mode == AccountMode.DEMO for one in connections if one.name in plan.connections)


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


def _connections(visit: Visit, connections: Sequence[ConnectionStatus]) -> None:
    section(t("Connections"))
    checked = _checked_before()
    for one in connections:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            account_badge(one)
            _health(one, checked.get(one.name))
        for line in checked.get(one.name, ()):
            if not line.ok:
                st.caption(plain_with_code(line.text))
    with st.container(horizontal=True, vertical_alignment="center"):
        if visit.may("run") and st.button(t("Check now"), key="check-all", icon=":material/network_check:"):
            with st.spinner(t("Asking each service …")):
                session.keep_draft("checked", _checked(visit))
            st.rerun()
        if any(one.mode == AccountMode.DEMO for one in connections):
            visit.link(t("Look at the demo"), "demo", icon=":material/science:")
        visit.link(t("Change") if visit.may("admin") else t("View all"), "connections", icon=":material/arrow_forward:")


def _checked_before() -> dict[str, Sequence[CheckLine]]:
    found: dict[str, Sequence[CheckLine]] = session.draft("checked", {})
    return found


def _checked(visit: Visit) -> dict[str, Sequence[CheckLine]]:
    connections = visit.orchestra.connections
    return {one.name: connections.check(visit.who, one.name) for one in connections.list(visit.who)}


def _health(one: ConnectionStatus, lines: Sequence[CheckLine] | None) -> None:
    if one.trouble is not None:
        st.markdown(t(":red[:material/lock: refuses]"))
    elif not one.ready:
        st.markdown(t(":orange[:material/key_off: no key]"), help=plain_with_code(one.note))
    elif lines is not None and all(line.ok for line in lines):
        st.markdown(t(":green[:material/check_circle: works]"))
    elif lines is not None:
        st.markdown(t(":red[:material/error: does not work]"))
