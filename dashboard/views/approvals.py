"""Questions that runs ask a person: the open ones, and those answered."""

from __future__ import annotations

import streamlit as st

from dashboard.approvals.edit import answered_here
from dashboard.approvals.question_list import PARAM, question_list
from dashboard.approvals.questions import LIST, answered_row, held_after, question_card, run_of
from dashboard.approvals.scheduled import scheduled_mails
from dashboard.base import session
from dashboard.base.language import N_, t, tn
from dashboard.base.page import Page, Visit
from dashboard.base.plain import plain
from dashboard.parts.errors import errors_shown
from dashboard.parts.header import page_header
from dashboard.parts.tabs import page_tabs
from engine.runs.approvals import Approval

PAGE = Page(
    title=N_("Approvals"),
    icon=":material/how_to_reg:",
    path="approvals",
    order=35,
    count=lambda orchestra, who: orchestra.approvals.count_open(who),
    words=N_("questions answers confirm allow letters"),
)

OPEN = N_(":material/help: Open")
ANSWERED = N_(":material/done_all: Answered")
_NOTHING = N_("No questions. Steps that need approval, and steps `flow.approve`, ask here before their run continues.")
_SHOWN = 20
_HELD = 100
"""The most mails that are shown."""
_COMPARED = 200
"""The most questions among which those about the same are looked for."""
_LOOK_SECONDS = 5.0
_ANSWERS = ("approved", "rejected", "expired", "withdrawn")


def show(visit: Visit) -> None:
    """Show both lists, each in its tab; a new question appears by itself."""
    page_header(
        visit,
        t("Approvals"),
        t("Questions that runs ask people. A run waits until somebody answers or its question expires."),
    )
    for warning in visit.orchestra.approvals.warnings(visit.who):
        st.warning(plain(str(warning)), icon=":material/rule:")
    count = visit.orchestra.approvals.count_open(visit.who)
    held = _held(visit)
    asked, answered = page_tabs([OPEN, ANSWERED], "approvals-tabs")
    if asked.open:
        with asked:
            _open(visit, count)
            st.fragment(_look_again, run_every=_LOOK_SECONDS)(visit, count, held)
    if answered.open:
        with answered:
            _answered(visit)


def _look_again(visit: Visit, count: int, held: int) -> None:
    """Redraw the page when the number of questions or mails changes; until then a half-typed text is left alone."""
    with errors_shown():
        if (visit.orchestra.approvals.count_open(visit.who), _held(visit)) != (count, held):
            st.rerun()


def _held(visit: Visit) -> int:
    """Return how many mails go out by themselves, as far as they are counted."""
    return len(visit.orchestra.approvals.list(visit.who, "scheduled", _HELD))


def _open(visit: Visit, count: int) -> None:
    shown = _shown("open")
    questions = visit.orchestra.approvals.list(visit.who, "open", shown)
    _named(visit, questions)
    if not questions:
        st.info(t(_NOTHING), icon=":material/done_all:")
    elif len(questions) > 1:
        every = questions if len(questions) >= count else visit.orchestra.approvals.list(visit.who, "open", _COMPARED)
        question_list(visit, questions, every)
    else:
        question_card(visit, questions[0], run_of(visit, questions[0]), LIST)
    if count > len(questions):
        _more(
            "open", t("{questions} more", questions=tn("{count} question", "{count} questions", count - len(questions)))
        )
    scheduled_mails(visit, _HELD, "approvals")


def _named(visit: Visit, questions: list[Approval]) -> None:
    """Add the question that the address names, if it is not among the newest; if it was answered, say how."""
    wanted = st.query_params.get(PARAM, "")
    if wanted in {"", *(one.id for one in questions)}:
        return
    with errors_shown():
        found = visit.orchestra.approvals.get(visit.who, wanted)
        if found.state == "open":
            questions.append(found)
        elif (held := _mail(visit, found)) is not None:
            question_card(visit, held, run_of(visit, held), "held")
        elif not session.draft(answered_here(wanted), default=False):
            answered_row(visit, found)


def _mail(visit: Visit, question: Approval) -> Approval | None:
    """Return the mail that is held and that a question is, or was, about."""
    if question.state == "scheduled":
        return question
    return held_after(question, visit.orchestra.approvals.list(visit.who, "scheduled", _HELD))


def _answered(visit: Visit) -> None:
    shown = _shown("answered")
    found: list[Approval] = []
    for state in _ANSWERS:
        found += visit.orchestra.approvals.list(visit.who, state, shown + 1)
    found.sort(key=lambda one: str(one.answered_at), reverse=True)
    if not found:
        st.caption(t("Answered questions will appear here."))
    held = visit.orchestra.approvals.list(visit.who, "scheduled", _HELD)
    for question in found[:shown]:
        answered_row(visit, question, held)
    if len(found) > shown:
        _more("answered", t("Older ones"))


def _shown(state: str) -> int:
    return session.draft(f"approvals.{state}", _SHOWN)


def _more(state: str, label: str) -> None:
    if st.button(label, key=f"more-{state}", icon=":material/expand_more:"):
        session.keep_draft(f"approvals.{state}", _shown(state) + _SHOWN)
        st.rerun()
