"""The first page: what needs attention, what ran, what comes next, what was spent, and the connected accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from dashboard.parts.notices import account_notices, budget_notices, needs_somebody, trigger_notices, trying_notices
from dashboard.parts.run_rows import run_row, run_rows
from dashboard.parts.status import LOOKS
from dashboard.people.account import password_offer
from engine.base.errors import OrchestraError
from engine.base.statuses import ACTIVE_RUNS, AccountMode, ListedStatus, RunStatus
from engine.compiler.definition.plan import Plan
from engine.connections.statuses import ConnectionStatus
from engine.runs.run_list import RunRow
from engine.triggering.polling.status import Alarm, DeadItem, TriggerStatus

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from engine.runs.budgets import BudgetOverview

PAGE = Page(title=N_("Home"), icon=":material/home:", path="", order=10, section=N_("Work"))

_FIRST = "inbox-triage"
_LOOKED_AT = 100
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


@dataclass(frozen=True)
class _State:
    """What Home shows that changes by itself."""

    rows: Sequence[RunRow]
    set_aside: Sequence[RunRow]
    """Runs of people that took their process down too often, without those whose workflow has succeeded since."""
    dead: Sequence[DeadItem]
    alarms: Sequence[Alarm]
    trying: Sequence[TriggerStatus]
    budgets: BudgetOverview
    connections: Sequence[ConnectionStatus]
    questions: int
    is_held: bool

    @property
    def need_somebody(self) -> int:
        """Return how many things beside runs and questions need a person."""
        found = sum(map(_needs_somebody, self.connections)) + sum(one.kind != "account" for one in self.alarms)
        return found + self.is_held + len(self.budgets.alarms)

    @property
    def around_runs(self) -> tuple[object, ...]:
        """Return what decides about the rest of the page: it is redrawn when this changes."""
        is_active = any(row.status in ACTIVE_RUNS for row in self.rows)
        troubles = {one.name: one.trouble for one in self.connections}
        of_triggers = self.alarms, len(self.dead), len(self.trying)
        return bool(self.rows), is_active, of_triggers, self.budgets.alarms, troubles, self.questions, self.is_held


def _state(visit: Visit) -> _State:
    orchestra, who = visit.orchestra, visit.who
    return _State(
        rows=orchestra.runs.list(who, limit=_LOOKED_AT).rows,
        set_aside=_set_aside(visit),
        dead=orchestra.triggers.dead(who),
        alarms=orchestra.triggers.alarms(who),
        trying=orchestra.triggers.trying_again(who),
        budgets=orchestra.budgets.overview(who),
        connections=orchestra.connections.list(who),
        questions=orchestra.approvals.count_open(who),
        is_held=orchestra.proof.held(who) is not None,
    )


def show(visit: Visit) -> None:
    """Show the state of the workspace at a glance, and keep it up to date."""
    state = _state(visit)
    page_header(visit, t("Home"))
    sentence = st.empty()
    may_run = visit.may("run")
    if account_notices(state.connections, may_change=visit.may("admin")):
        visit.link(t("Connections"), "connections", icon=":material/cable:")
    shown = [trigger_notices(state.alarms, state.dead, may_change=may_run), trying_notices(state.trying)]
    if any(shown):
        params = {"tab": "needs-a-look"} if state.dead else {}
        visit.link(t("Triggers"), "triggers", icon=":material/sensors:", **params)
    if budget_notices(state.budgets.alarms):
        visit.link(t("Budgets"), "budgets", icon=":material/savings:")
    if not state.rows:
        _first_time(visit)
    main, side = st.columns([7, 3], gap="large")
    with main:
        _questions(visit)
        seconds = _BUSY_SECONDS if any(row.status in ACTIVE_RUNS for row in state.rows) else _IDLE_SECONDS
        st.fragment(_runs, run_every=seconds)(visit, state, sentence)
    with side:
        if state.rows:
            activity(visit)
        next_firings(visit)
        spent(visit, state.budgets)
        _connections(visit)
    password_offer(visit)


def _runs(visit: Visit, drawn: _State, sentence: DeltaGenerator) -> None:
    """Show the runs, and in `sentence` the state of things; every few seconds, what has become of them."""
    with errors_shown():
        now = _state(visit)
        if now.around_runs != drawn.around_runs:
            st.rerun()
        sentence.caption(plain(_state_of_things(now, for_somebody=not visit.may("run"))))
        _needs_a_look(visit, now)
        _last_runs(visit, now.rows)


def _state_of_things(state: _State, *, for_somebody: bool) -> str:
    """Say in a line what needs attention; all is well only if nothing on the page says otherwise.

    `for_somebody`: it needs somebody else, because the person may only look.
    """
    running = sum(row.status in ACTIVE_RUNS for row in state.rows)
    waiting = sum(row.status in (RunStatus.WAITING, RunStatus.INTERRUPTED) for row in state.rows)
    failed = len(_failing(state))
    trying, questions, need_somebody = len(state.trying), state.questions, state.need_somebody
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
    return t("All done; nothing needs you.") if state.rows else t("Nothing has run here yet.")


def _questions_words(count: int, *, for_somebody: bool) -> str:
    if for_somebody:
        return tn("{count} open question", "{count} open questions", count)
    return tn("{count} question for you", "{count} questions for you", count)


def _needs_words(count: int, *, for_somebody: bool) -> str:
    if for_somebody:
        return tn("{count} item needs somebody", "{count} items need somebody", count)
    return tn("{count} item needs you", "{count} items need you", count)


def _needs_somebody(one: ConnectionStatus) -> bool:
    """Return whether an account has a notice, or failed a check on this page."""
    return needs_somebody(one) or not all(line.ok for line in _checked_before().get(one.name, ()))


def failing(rows: Sequence[RunRow], dead: Sequence[DeadItem]) -> list[RunRow]:
    """Return the failed runs that still need attention.

    A run that a trigger started counts if its item is still dead. Of the runs that people started, the newest of each
    workflow counts, if it failed or some of its items did.
    """
    unfinished = {one.run_id for one in dead}
    latest: dict[str, RunRow] = {}
    found = []
    for row in rows:  # newest first
        if row.started_by.startswith("trigger:"):
            is_failing = row.status == RunStatus.FAILED and row.run_id in unfinished
        else:
            newest = latest.setdefault(row.workflow, row)
            is_failing = newest is row and (row.status == RunStatus.FAILED or bool(row.counts.get("failed_items")))
        if is_failing:
            found.append(row)
    return found


def _questions(visit: Visit) -> None:
    """Show the questions of runs: the newest here, the rest on their own page."""
    asked = visit.orchestra.approvals.list(visit.who, "open", _SHOWN_QUESTIONS)
    if not asked:
        return
    section(t("Waits for your answer") if visit.may("run") else t("Waits for an answer"))
    for question in asked:
        question_card(visit, question, run_of(visit, question), "home")
    more = visit.orchestra.approvals.count_open(visit.who) - len(asked)
    if more > 0:
        visit.link(
            t("{questions} more", questions=tn("{count} question", "{count} questions", more)),
            "approvals",
            icon=":material/arrow_forward:",
        )


def _failing(state: _State) -> list[RunRow]:
    """Return the failed runs that need attention, those that were set aside among them, however old they are."""
    found = failing(state.rows, state.dead)
    known = {row.run_id for row in [*found, *_interrupted(state)]}
    return [*found, *(row for row in state.set_aside if row.run_id not in known)]


def _interrupted(state: _State) -> list[RunRow]:
    return [row for row in state.rows if row.status == RunStatus.INTERRUPTED]


def _set_aside(visit: Visit) -> list[RunRow]:
    runs, who = visit.orchestra.runs, visit.who
    rows = runs.list(who, status=ListedStatus.SET_ASIDE, limit=_LOOKED_AT).rows
    newest: dict[str, str] = {}
    for workflow in {row.workflow for row in rows}:
        succeeded = runs.list(who, workflow=workflow, status=RunStatus.SUCCEEDED, limit=1).rows
        newest[workflow] = succeeded[0].run_id if succeeded else ""
    return unsettled(rows, newest)


def unsettled(set_aside: Sequence[RunRow], succeeded: Mapping[str, str]) -> list[RunRow]:
    """Return the runs that were set aside, without those after which their workflow has succeeded.

    `succeeded`: the id of the newest such run of each workflow. Runs that a trigger started are known by their items.
    """
    by_people = [row for row in set_aside if not row.started_by.startswith("trigger:")]
    return [row for row in by_people if row.run_id > succeeded.get(row.workflow, "")]


def _needs_a_look(visit: Visit, state: _State) -> None:
    found = [*_failing(state), *_interrupted(state)]
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


def _connections(visit: Visit) -> None:
    section(t("Connections"))
    checked = _checked_before()
    for one in visit.orchestra.connections.list(visit.who):
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
