"""The rows of the page: each is a link, a line about it, and when it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import streamlit as st

from dashboard.approvals.asked_again import AskedAgain, OpenQuestions
from dashboard.approvals.edit import tell_answered
from dashboard.approvals.question_list import LONGEST, question_link
from dashboard.base.language import t, tc, tn
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from dashboard.parts.header import section
from dashboard.parts.status import look_of
from dashboard.parts.times import ago, short_time
from engine.base.statuses import RunStatus
from engine.operations.attention import Attention
from engine.runs.approval_titles import about, subject, target
from engine.runs.approvals import Approval
from engine.runs.asked_letter import letter_of
from engine.runs.happened import Happened
from engine.runs.run_list import RunRow

_QUESTIONS, _LOOKED_AT, _WORKFLOWS, _UNDER_WAY = 8, 4, 5, 2


def questions(visit: Visit, state: Attention) -> None:
    """Show the questions of runs, newest first; keys move along and answer them (assets/browser.js)."""
    asked = visit.orchestra.approvals.list(visit.who, "open", _QUESTIONS) if state.questions else []
    if not asked:
        return
    whole = {one.id for one in asked if _says_all(one) and visit.orchestra.approvals.may_answer(visit.who, one)}
    with _heading(t("Waits for your answer") if visit.may("run") else t("Waits for an answer"), "waiting"):
        if visit.may("run"):
            with st.container(width="content", key="waiting-keys"):
                st.caption(
                    t("Keys: j and k move, Enter opens, a approves") if whole else t("Keys: j and k move, Enter opens")
                )
    titles, known = {row.run_id: row.title for row in state.recent}, OpenQuestions(asked)
    with st.container(gap=None, key="waiting"):
        for question in asked:
            _question(visit, question, titles, known.again(question), can_approve=question.id in whole)
        if (more := state.questions - len(asked)) > 0:
            label = t("{questions} more", questions=tn("{count} question", "{count} questions", more))
            visit.link(label, "approvals", icon=":material/arrow_forward:")


def _question(
    visit: Visit, question: Approval, titles: Mapping[str, str], again: AskedAgain | None, *, can_approve: bool
) -> None:
    with _row(f"waiting-{question.id}"):
        question_link(visit, question)
        st.space("stretch")
        told = [] if again is None else [translated(again.words)]
        words = " · ".join([titles.get(question.run_id, question.workflow), ago(question.asked_at), *told])
        st.caption(plain(words), width="content")
        if can_approve:
            action_button(
                t("Approve"),
                f"approve-home-{question.id}",
                lambda _key: visit.orchestra.approvals.approve(visit.who, question.id),
                _answered,
                icon=":material/check:",
            )
        else:
            visit.link(tc("button", "Open"), "approvals", question=question.id)


def _says_all(question: Approval) -> bool:
    """Return whether a row tells all of a call: nothing but its target and its subject, each as the row shows it."""
    call, what = question.call, about(question) or question.message
    if question.give or question.gaps or len(" ".join(what.split())) > LONGEST:
        return False
    if call is None:
        return question.details in (None, "", {}, [])
    letter, shown = letter_of(call), [target(call, call.arguments), subject(call, call.arguments)]
    if call.again or call.notes or call.unreadable or call.outside or letter.changes or not shown[0]:
        return False
    for part in letter.parts:
        if part.value == "":
            continue
        if part.is_warning or part.is_outside or part.value not in shown:
            return False
        shown.remove(part.value)  # a text that repeats the subject is a text of its own
    return True


def _answered(question: Approval) -> None:
    tell_answered(question)
    st.rerun()


def needs_a_look(visit: Visit, state: Attention) -> Sequence[str]:
    """Show the runs that failed or were interrupted, and return the ids of those that are shown."""
    found = list({row.run_id: row for row in [*state.failed, *state.interrupted]}.values())
    if not found:
        return ()
    with _heading(t("Needs a look"), "look"):
        pass
    with st.container(gap=None):
        for row in found[:_LOOKED_AT]:
            _run(visit, row, "look")
        if len(found) > _LOOKED_AT:
            label = t("{count} more", count=len(found) - _LOOKED_AT)
            statuses = [look_of(one).word for one in (RunStatus.FAILED, RunStatus.INTERRUPTED)]
            visit.link(label, "runs", icon=":material/arrow_forward:", status=statuses)
    return [row.run_id for row in found[:_LOOKED_AT]]


def happened(visit: Visit, title: str, found: Sequence[Happened], under_way: Sequence[RunRow]) -> None:
    """Show what runs have done, by workflow, below what is being done."""
    with _heading(title, "happened"):
        visit.link(t("All runs"), "runs", icon=":material/arrow_forward:")
    is_mixed = len({one.demo for one in found}) > 1
    with st.container(gap=None):
        for row in under_way[:_UNDER_WAY]:
            _run(visit, row, "now")
        for one in found[:_WORKFLOWS]:
            _workflow(visit, one, is_mixed=is_mixed)
        if not found and not under_way:
            st.caption(t("No runs."))


def _run(visit: Visit, row: RunRow, place: str) -> None:
    when = row.ended_at or row.started_at or row.queued_at
    with _row(f"{place}-{row.run_id}"):
        _mark(row.status, row.counts)
        visit.title_link(row.title, "run", id=row.run_id)
        st.markdown(plain(translated(row.sentence) or look_of(row.status).word))
        st.space("stretch")
        st.caption(plain(ago(when)), width="content")


def _workflow(visit: Visit, one: Happened, *, is_mixed: bool) -> None:
    with _row(f"did-{one.newest}"):
        _mark(one.status, None)
        if one.runs == 1:
            visit.title_link(one.title, "run", id=one.newest)
        else:
            visit.title_link(one.title, "runs", workflow=one.workflow)
        st.markdown(plain(translated(one.sentence)))
        st.space("stretch")
        said = [
            tn("{count} run", "{count} runs", one.runs) if one.runs > 1 else "",
            t("Demo") if is_mixed and one.demo else "",
        ]
        st.caption(plain(" · ".join(filter(None, said))), width="content")


def _row(key: str) -> st.delta_generator.DeltaGenerator:
    return st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"line-{key}")


def _mark(status: str, counts: Mapping[str, object] | None) -> None:
    look = look_of(status, counts)
    st.markdown(f":{look.color}[{look.icon}]", width="content")


@contextmanager
def _heading(title: str, key: str) -> Iterator[None]:
    """Show the heading of a section, and beside it what is drawn inside."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"heading-{key}"):
        section(title)
        st.space("stretch")
        yield


def since_words(visit_ended: str | None) -> str:
    """Return the title of what has happened since the previous visit, or else in the last day."""
    if visit_ended is None:
        return t("In the last 24 hours")
    return t("Since you were here: {when}", when=short_time(visit_ended))
