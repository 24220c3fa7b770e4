"""The open questions as a list, one row each, of which one is open beside it; and the answer to several alike at once.

The keys j, k, a, r and e are the buttons in containers `press-<letter>` (dashboard/assets/browser.js). Each button
belongs to the question that the browser shows, so that a key never answers another one.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.approvals.asked_again import AskedAgain, OpenQuestions
from dashboard.approvals.questions import LIST, can_approve_as_asked, question_card, run_of, tell_all
from dashboard.base import session
from dashboard.base.language import N_, dialog, t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import first_words, plain
from dashboard.parts.buttons import action_button
from dashboard.parts.times import ago
from engine.base.step_path import in_workflow
from engine.runs.approval_titles import about, subject, target
from engine.runs.approvals import Approval, Decision
from engine.runs.asked_letter import letter_of

PARAM = "question"
"""The parameter of the address that names the open question."""
LONGEST = 90
"""The most letters that a line says of a question."""
_LETTERS = 60
_NEXT = "approvals.next"


def question_link(visit: Visit, question: Approval) -> None:
    """Show a question in a line, as a link to it: to whom or to what its call goes, and what it is about."""
    what, call = first_words(about(question) or question.message, LONGEST), question.call
    to = "" if call is None else target(call, call.arguments)
    if to and what.startswith(f"{to} · "):
        visit.title_link(to, "approvals", more=what.removeprefix(f"{to} · "), question=question.id)
    else:
        visit.title_link(what, "approvals", question=question.id)


def opened(questions: Sequence[Approval]) -> Approval:
    """Return the question that the address names; if it is answered, the one that came after it, or the first."""
    wanted, found = st.query_params.get(PARAM, ""), {one.id: one for one in questions}
    known, after = session.draft(_NEXT, ("", ""))
    return found.get(wanted) or (found.get(after) if wanted == known else None) or questions[0]


def question_list(visit: Visit, questions: Sequence[Approval], every: Sequence[Approval]) -> None:
    """Show the questions: the rows, and beside them the one that is open. Below each other on a phone, it first.

    `every` open question, also those that have no row yet, may be about the same as one of them.
    """
    current = opened(questions)
    place = questions.index(current)
    after = questions[place + 1] if place + 1 < len(questions) else questions[place - 1]
    session.keep_draft(_NEXT, (current.id, after.id))
    st.query_params[PARAM] = current.id
    with st.container(key="wide"), st.container(key="question-list"):
        rows, card = st.columns([1, 3], gap="medium")
    known = OpenQuestions(every)
    with card:
        question_card(visit, current, run_of(visit, current), LIST, known.again(current))
    with rows:
        _alike_button(visit, alike(visit, questions, current))
        _rows(visit, questions, current, known)
        with st.container(key="question-keys", horizontal=True, gap="small"):
            _move("j", t("Next"), questions[min(place + 1, len(questions) - 1)])
            _move("k", t("Previous"), questions[max(place - 1, 0)])


def _rows(visit: Visit, questions: Sequence[Approval], current: Approval, known: OpenQuestions) -> None:
    with st.container(key="question-rows", gap=None):
        for one in questions:
            name = "picked" if one is current else "pick"
            st.button(
                _row(one, known.again(one)),
                key=f"{name}-{one.id}",
                type="tertiary",
                width="stretch",
                on_click=_open,
                args=(one.id,),
            )
    if visit.may("run"):
        with st.container(key="question-hint"):
            st.caption(t("Keys: j and k move, a approves, r rejects, e edits, Escape leaves a text."))


def alike(visit: Visit, questions: Sequence[Approval], current: Approval) -> Sequence[Approval]:
    """Return the questions of the same step of the same workflow that this person can approve as they were asked."""
    kind = _kind(current)
    same = [one for one in questions if one.call is not None and _kind(one) == kind and can_approve_as_asked(one)]
    return [one for one in same if visit.orchestra.approvals.may_answer(visit.who, one)]


def _alike_button(visit: Visit, questions: Sequence[Approval]) -> None:
    """Offer to approve several at once, after a look at where they go."""
    if len(questions) < 2:
        return
    label = t("Approve all like this ({count})", count=len(questions))
    if st.button(label, key="approve-alike", icon=":material/done_all:"):
        _approve_all(visit, questions)


@dialog(N_("Approve all like this"), width="medium", icon=":material/done_all:")
def _approve_all(visit: Visit, questions: Sequence[Approval]) -> None:
    st.markdown(t("Each is approved exactly as it was asked:"))
    with st.container(key="alike-rows", gap="xsmall", height=min(420, 40 * len(questions) + 40)):
        for one in questions:
            st.markdown(f"**{plain(_name(one))}**  \n:gray[{plain(_whole(one))}]")
    action_button(
        t("Approve {count}", count=len(questions)),
        "approve-all",
        lambda _key: visit.orchestra.approvals.decide(visit.who, [Decision(one.id, approve=True) for one in questions]),
        tell_all,
        scope=" ".join(one.id for one in questions),
        type="primary",
        icon=":material/done_all:",
    )


def _row(one: Approval, again: AskedAgain | None) -> str:
    gaps = f":orange[:material/edit: {plain(t('gaps'))}] · " if one.gaps else ""
    name, words = (plain(first_words(text, _LETTERS)) for text in (_name(one), _words(one)))
    told = "" if again is None else f" · {plain(translated(again.words))}"
    return f"**{name}**  \n:gray[{gaps}{words} · {plain(ago(one.asked_at))}{told}]"


def _name(one: Approval) -> str:
    """Return to whom or what it goes."""
    to = "" if one.call is None else target(one.call, one.call.arguments)
    return to or (one.message if one.call is None else letter_of(one.call).what or t(one.call.title))


def _words(one: Approval) -> str:
    """Return its subject, or else how its text begins."""
    if one.call is None:
        return one.workflow
    texts = (part.value for part in letter_of(one.call).parts if not part.is_line and isinstance(part.value, str))
    return subject(one.call, one.call.arguments) or next(texts, "")


def _whole(one: Approval) -> str:
    """Return every line of its letter, above all where it goes, and how its text begins."""
    parts = [] if one.call is None else letter_of(one.call).parts
    lines = [f"{t(part.title)}: {part.value}" for part in parts if part.is_line]
    return " · ".join(dict.fromkeys([*lines, first_words(_words(one), _LETTERS)]))


def _kind(one: Approval) -> tuple[str, str]:
    return one.workflow, in_workflow(one.path)


def _move(letter: str, label: str, question: Approval) -> None:
    with st.container(key=f"press-{letter}", width="content"):
        st.button(label, key=f"move-{letter}-{question.id}", on_click=_open, args=(question.id,))


def _open(question: str) -> None:
    st.query_params[PARAM] = question
