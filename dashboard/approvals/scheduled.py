"""Mails that go out by themselves at their time: when, to whom, and the buttons that stop them or send them at once."""

from __future__ import annotations

import streamlit as st

from dashboard.approvals.edit import tell_answered
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import first_words, plain
from dashboard.parts.buttons import action_button
from dashboard.parts.header import section
from dashboard.parts.times import full_time, short_time
from engine.base.clock import duration_seconds
from engine.runs.approval_titles import subject, target
from engine.runs.approvals import Approval

_LONGEST = 60


def scheduled_mails(visit: Visit, limit: int, place: str) -> None:
    """Show the mails that are held, the next one first; nothing if there are none."""
    held = visit.orchestra.approvals.list(visit.who, "scheduled", limit + 1)
    if not held:
        return
    with st.container(key=f"scheduled-{place}"):
        with st.container(horizontal=True, vertical_alignment="center", key=f"heading-scheduled-{place}"):
            section(t("Scheduled"))
        with st.container(gap=None):
            for question in held[:limit]:
                held_row(visit, question, place)
        if len(held) > limit and place != "approvals":
            visit.link(t("All of them"), "approvals", icon=":material/arrow_forward:")
        elif len(held) > limit:
            st.caption(t("Only the first {count} are shown.", count=limit))


def goes_out_words(question: Approval) -> str:
    """Return when a mail goes out and to whom, as plain text: "Goes out at 10:05 CET to ann@example.org"."""
    at, to = short_time(str(question.expires_at)), _to(question)
    return t("Goes out at {time} to {to}", time=at, to=to) if to else t("Goes out at {time}", time=at)


def later_words(given: str) -> str:
    """Return the value of the field `send_after` for people: a time is one of the viewer's zone."""
    return given if duration_seconds(given) is not None else full_time(given)


def release_buttons(visit: Visit, question: Approval, place: str, comment: str = "") -> None:
    """Show the buttons that stop a mail and that send it at once, in an existing row."""
    approvals, key = visit.orchestra.approvals, f"{place}-{question.id}"
    action_button(
        t("Stop"),
        f"stop-{key}",
        lambda _key: approvals.reject(visit.who, question.id, comment),
        _answered,
        scope=comment,
        icon=":material/cancel_schedule_send:",
    )
    if not approvals.may_answer(visit.who, question):
        return
    action_button(
        t("Send now"),
        f"release-{key}",
        lambda _key: approvals.approve(visit.who, question.id, comment),
        _answered,
        scope=comment,
        icon=":material/send:",
        type="tertiary",
    )


def held_row(visit: Visit, question: Approval, place: str) -> None:
    """Show a mail that is held in a line, with its buttons."""
    call = question.call
    about = "" if call is None else subject(call, call.arguments)
    with st.container(
        horizontal=True, vertical_alignment="center", gap="small", key=f"line-waiting-held-{question.id}"
    ):
        more, words = first_words(about or question.message, _LONGEST), first_words(goes_out_words(question), _LONGEST)
        visit.title_link(words, "approvals", more=more, question=question.id)
        st.space("stretch")
        st.caption(plain(question.workflow), width="content")
        if visit.orchestra.approvals.may_reject(visit.who, question):
            release_buttons(visit, question, place)


def _to(question: Approval) -> str:
    return "" if question.call is None else target(question.call, question.call.arguments)


def _answered(question: Approval) -> None:
    tell_answered(question)
    st.rerun()
