"""The top of a run's page: what happened in a sentence, on whose accounts, how far it is, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard.page import Visit
from dashboard.parts.accounts import account_badges, accounts_of
from dashboard.parts.errors import message_markdown
from dashboard.parts.plain import plain
from dashboard.parts.run_rows import by_whom
from dashboard.parts.status import OPEN, status_badge
from dashboard.parts.times import ago, duration, full_time
from dashboard.run_actions import run_actions
from dashboard.run_board import Board, progress
from dashboard.run_failures import run_failures
from dashboard.run_stand import is_test
from dashboard.run_step import unknown_answer, usage_words
from dashboard.run_waits import run_waits

_INTERRUPTED = "What worked on it has ended in the middle. Nothing is lost: it can go on where it was."


def run_top(visit: Visit, run: Mapping[str, Any], board: Board) -> None:
    """Show the state of a run at a glance."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        status_badge(str(run["status"]), run["counts"])
        if is_test(run):
            st.badge("Test run", icon=":material/science:", color="violet")
        account_badges(accounts_of(run))
    st.subheader(plain(run["sentence"]), anchor=False)
    st.caption(plain(_facts(run)), help=full_time(run["started_at"] or run["queued_at"]))
    if run["status"] in OPEN:
        part, words = progress(run, board)
        st.progress(part, text=plain(words))
    _ending(run)
    _links(visit, run)
    run_waits(visit, run)
    run_actions(visit, run)
    _unknown(visit, run)


def _facts(run: Mapping[str, Any]) -> str:
    parts = [ago(run["started_at"] or run["queued_at"]), by_whom(str(run["started_by"]))]
    parts += [f"took {duration(run['duration_seconds'])}"] if run["duration_seconds"] is not None else []
    parts += [f"resumed {len(run['resumed'])}×"] if run.get("resumed") else []
    return " · ".join(parts + usage_words(run["usage"]))


def _ending(run: Mapping[str, Any]) -> None:
    """Show why the run ended early or failed or, where it went on without them, why its items did."""
    if run["status"] == "interrupted":
        st.info(_INTERRUPTED, icon=":material/pause_circle:")
    if run.get("stopped"):
        why = plain(str(run["stopped"]["message"])) or "It says no reason."
        st.info(f"**The workflow ended it here.** {why}", icon=":material/stop_circle:")
    _error(run)
    after = run.get("on_failure_error")
    if after:
        words = message_markdown(after["message"], after.get("remedy") or "")
        st.warning(f"**The steps for a failure failed, too:** {words}", icon=":material/warning:")


def _error(run: Mapping[str, Any]) -> None:
    error = run["error"]
    if run["counts"]["failed_items"]:
        if run["status"] not in OPEN:
            run_failures(run)
    elif error and run["status"] == "failed":
        st.error(message_markdown(error["message"], error.get("remedy") or ""), icon=":material/error:")


def _links(visit: Visit, run: Mapping[str, Any]) -> None:
    """Lead to the run that called this one."""
    if run["parent_run_id"]:
        caller = run["caller"] or [""]
        label = f"Called by a step of {caller[0]}" if caller[0] else "The run that called it"
        visit.link(label, "run", icon=":material/arrow_upward:", id=str(run["parent_run_id"]))


def _unknown(visit: Visit, run: Mapping[str, Any]) -> None:
    count = run["counts"]["unknown_effects"]
    if not count or run["status"] in OPEN:
        return
    with st.container(border=True, key="unknown"):
        writes = "1 write is" if count == 1 else f"{count} writes are"
        st.markdown(f":material/help: **{writes} open**: the service gave no clear answer.")
        if visit.may("run"):
            unknown_answer(visit, str(run["run_id"]), None)
