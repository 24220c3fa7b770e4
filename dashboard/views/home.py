"""The first page: what needs a look, what ran, and whose accounts are connected."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from clients.counting import counted
from dashboard import session
from dashboard.account import password_offer
from dashboard.page import Page, Visit
from dashboard.parts.accounts import account_badge
from dashboard.parts.buttons import action_button
from dashboard.parts.header import page_header, section
from dashboard.parts.notices import account_notices, trigger_notices
from dashboard.parts.plain import plain, plain_with_code
from dashboard.parts.questions import question_card, run_of
from dashboard.parts.run_rows import run_row, run_rows
from dashboard.parts.status import OPEN
from engine.compiler.plan import Plan
from engine.connections.doctor import CheckLine
from engine.connections.statuses import ConnectionStatus
from engine.errors import OrchestraError
from engine.runs.run_list import RunRow

PAGE = Page(title="Home", icon=":material/home:", path="", order=10)

_FIRST = "inbox-triage"
_LOOKED_AT = 100
_SHOWN = 6
_SHOWN_QUESTIONS = 3
_ON_DEMO = (
    "25 sample mails become tasks in Notion and issues in GitHub.  \n"
    "All of it is a demo on this machine: no account is needed, and nothing goes out."
)
_ON_OWN_ACCOUNTS = (
    "Your mails become tasks in Notion and issues in GitHub.  \nYou see which ones before anything is done."
)
_EVERY_SECONDS = 3


def show(visit: Visit) -> None:
    """Show the state of the workspace at a glance."""
    rows = visit.orchestra.runs.list(visit.who, limit=_LOOKED_AT).rows
    page_header(visit, "Home", _state_of_things(rows))
    if account_notices(visit.orchestra.connections.list(visit.who)):
        visit.link("Connections", "connections", icon=":material/cable:")
    if trigger_notices(visit.orchestra.triggers.alarms(visit.who)):
        visit.link("Triggers", "triggers", icon=":material/sensors:")
    if not rows:
        _first_time(visit)
    main, side = st.columns([7, 3], gap="large")
    with main:
        _questions(visit)
        if any(row.status in OPEN for row in rows):
            st.fragment(_until_all_have_ended, run_every=_EVERY_SECONDS)(visit)
        else:
            _needs_a_look(visit, rows)
            _last_runs(visit, rows)
    with side:
        _connections(visit)
    password_offer(visit)


def _until_all_have_ended(visit: Visit) -> None:
    """Show the runs anew every few seconds, as long as one is at work."""
    rows = visit.orchestra.runs.list(visit.who, limit=_LOOKED_AT).rows
    if not any(row.status in OPEN for row in rows):
        st.rerun()
    _needs_a_look(visit, rows)
    _last_runs(visit, rows)


def _state_of_things(rows: Sequence[RunRow]) -> str:
    running = sum(row.status in OPEN for row in rows)
    waiting = sum(row.status in ("waiting", "interrupted") for row in rows)
    failed = len(failing(rows))
    if not rows:
        return "Nothing has run here yet."
    parts = [f"{running} running", f"{waiting} waiting", f"{failed} failed"]
    told = [part for part in parts if not part.startswith("0 ")]
    return ", ".join(told) + "." if told else "All is done, nothing failed."


def failing(rows: Sequence[RunRow]) -> list[RunRow]:
    """Return the failed runs that nobody has made good: those that are the latest of their workflow."""
    latest: dict[str, RunRow] = {}
    for row in rows:  # newest first
        latest.setdefault(row.workflow, row)
    return [row for row in latest.values() if row.status == "failed"]


def _questions(visit: Visit) -> None:
    """Show what runs ask; the newest here, the rest on its own page."""
    asked = visit.orchestra.approvals.list(visit.who, "open", _SHOWN_QUESTIONS)
    if not asked:
        return
    section("Waits for your answer")
    for question in asked:
        question_card(visit, question, run_of(visit, question), "home")
    more = visit.orchestra.approvals.count_open(visit.who) - len(asked)
    if more > 0:
        visit.link(f"{counted(more, 'question')} more", "approvals", icon=":material/arrow_forward:")


def _needs_a_look(visit: Visit, rows: Sequence[RunRow]) -> None:
    found = [*failing(rows), *(row for row in rows if row.status == "interrupted")]
    if not found:
        return
    section("Needs a look")
    for row in found:
        with st.container(border=True):
            run_row(visit, row, "look")


def _last_runs(visit: Visit, rows: Sequence[RunRow]) -> None:
    section("Last runs")
    if not rows:
        st.caption("They will stand here.")
        return
    run_rows(visit, rows[:_SHOWN], "last")
    visit.link("All runs", "runs", icon=":material/arrow_forward:")


def _first_time(visit: Visit) -> None:
    try:
        plan = visit.orchestra.workflows.plan(visit.who, _FIRST)
    except OrchestraError:  # taken away, renamed or damaged: nothing to begin with
        visit.link("Choose or make a workflow", "workflows", icon=":material/account_tree:")
        return
    title = str(plan.document.get("title") or _FIRST)
    with st.container(border=True, key="first-run"):
        st.subheader(plain(f"Begin with {title}"), anchor=False)
        st.markdown(_ON_DEMO if _is_all_demo(visit, plan) else _ON_OWN_ACCOUNTS)
        with st.container(horizontal=True, vertical_alignment="center"):
            if visit.may("run"):
                _first_button(visit, title)
            visit.link("Look at it first", "workflow", name=_FIRST)


def _is_all_demo(visit: Visit, plan: Plan) -> bool:
    connections = visit.orchestra.connections.list(visit.who)
    return all(one.mode == "demo" for one in connections if one.name in plan.connections)


def _first_button(visit: Visit, title: str) -> None:
    if not visit.orchestra.is_confirmed(visit.who, _FIRST):
        if st.button("Choose the mails", type="primary", key="first-run-choose", icon=":material/mail:"):
            visit.go("workflow", name=_FIRST)
        return

    def start(request_key: str) -> str:
        return visit.orchestra.runs.start(visit.who, _FIRST, {}, request_key=request_key)

    label, icon = plain(f"Run {title}"), ":material/play_arrow:"
    action_button(
        label, "first-run-button", start, lambda run_id: visit.go("run", id=run_id), type="primary", icon=icon
    )


def _connections(visit: Visit) -> None:
    section("Connections")
    checked: dict[str, Sequence[CheckLine]] = session.draft("checked", {})
    for one in visit.orchestra.connections.list(visit.who):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            account_badge(one)
            _health(one, checked.get(one.name))
        for line in checked.get(one.name, ()):
            if not line.ok:
                st.caption(plain_with_code(line.text))
    with st.container(horizontal=True, vertical_alignment="center"):
        if visit.may("run") and st.button("Check now", key="check-all", icon=":material/network_check:"):
            with st.spinner("Asking each service …"):
                session.keep_draft("checked", _checked(visit))
            st.rerun()
        visit.link("Change", "connections", icon=":material/arrow_forward:")


def _checked(visit: Visit) -> dict[str, Sequence[CheckLine]]:
    connections = visit.orchestra.connections
    return {one.name: connections.check(visit.who, one.name) for one in connections.list(visit.who)}


def _health(one: ConnectionStatus, lines: Sequence[CheckLine] | None) -> None:
    if one.trouble is not None:
        st.markdown(":red[:material/lock: refuses]")
    elif not one.ready:
        st.markdown(":orange[:material/key_off: no key]", help=plain_with_code(one.note))
    elif lines is not None and all(line.ok for line in lines):
        st.markdown(":green[:material/check_circle: works]")
    elif lines is not None:
        st.markdown(":red[:material/error: does not work]")
