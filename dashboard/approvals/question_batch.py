"""Answers to many questions at once: each is marked, by mouse or by the keys a and r, then one button sends all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from dashboard.approvals.edit import (
    ArgumentsEdit,
    comment_field,
    comment_key,
    discard_button,
    edit_of,
    gaps_consent,
    tell_answered,
)
from dashboard.base import fields, session
from dashboard.base.language import t, tn
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from engine.runs.approval_titles import about, target
from engine.runs.approvals import Approval, Decided, Decision
from engine.runs.call_texts import gaps

PLACE = "list"
Mark = Literal["Approve", "Reject"]
_MARKS: Sequence[Mark] = ("Approve", "Reject")
_AT = "approvals.at"
_TOLD = 3
_NAMED = 3
_LETTERS = 24


@dataclass(frozen=True)
class _Marked:
    """A question with its mark, and what was made of its call."""

    question: Approval
    mark: Mark
    edit: ArgumentsEdit

    @property
    def is_approved(self) -> bool:
        return self.mark == "Approve"

    @property
    def gaps(self) -> Sequence[str]:
        """The gaps in what would be approved."""
        call = self.question.call
        return gaps(call, self.edit.arguments or call.arguments) if self.is_approved and call is not None else ()

    @property
    def name(self) -> str:
        """To whom or what it goes, short: `layla@…`."""
        call = self.question.call
        to = "" if call is None else target(call, self.edit.arguments or call.arguments)
        found = to or about(self.question) or self.question.message
        first, *others = to.split(", ") if to else [found]
        name, at, _ = first.partition("@")
        short = f"{name}@…" if at and " " not in name else first if len(first) <= _LETTERS else f"{first[:_LETTERS]}…"
        return f"{short} (+{len(others)})" if others else short


def batch_bar(visit: Visit, questions: Sequence[Approval]) -> None:
    """Show the buttons that mark the selected question, and the one that sends all marks.

    The letter in a button's key is its key on the keyboard (dashboard/assets/browser.js).
    """
    found: dict[str, Mark | None] = {one.id: session.widget_value(_key(one), None) for one in questions}
    marked = [_Marked(one, mark, edit_of(one)) for one in questions if (mark := found[one.id]) is not None]
    with st.container(border=True, key="batch-bar"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="batch-keys"):
            _press(t("Mark to approve"), "a", questions, "Approve")
            _press(t("Mark to reject"), "r", questions, "Reject")
            _press(t("Next"), "j", questions, None)
            _press(t("Previous"), "k", questions, None, -1)
            place = questions.index(selected(questions)) + 1
            st.caption(t("{place} of {count}", place=place, count=len(questions)), width="content")
        if marked:
            _send(visit, marked)
        else:
            st.caption(
                t(
                    "Nothing is sent yet. Mark questions below, or with the keys a and r, which also "
                    "move on to the next one; move with j and k. Then send all answers at once."
                )
            )


def selected(questions: Sequence[Approval]) -> Approval:
    """Return the question that the keys are about."""
    at = session.draft(_AT, "")
    return next((one for one in questions if one.id == at), questions[0])


def selected_badge(question: Approval) -> None:
    """Show that the keys are about the question below."""
    with st.container(key=f"in-view-question-{question.id}", width="content"):
        st.badge(t("Selected"), icon=":material/keyboard:", color="violet")


def mark_field(visit: Visit, question: Approval, edit: ArgumentsEdit, place: str) -> None:
    """Show the mark of a question, in place of the buttons that answer it at once."""
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"answer-{place}-{question.id}"):
        comment_field(question, place)
        st.segmented_control(
            t("Your answer, sent with the others"),
            _MARKS,
            key=_key(question),
            format_func=lambda mark: edit.label if mark == "Approve" else t(mark),
            width="content",
        )
        discard_button(question, edit)


def _key(question: Approval) -> str:
    return f"mark-{question.id}"


def _press(label: str, letter: str, questions: Sequence[Approval], mark: Mark | None, by: int = 1) -> None:
    st.button(f"{label} ({letter})", key=f"press-{letter}", on_click=_pressed, args=(questions, mark, by))


def _pressed(questions: Sequence[Approval], mark: Mark | None, by: int) -> None:
    """Mark the selected question, and select the next one."""
    current = selected(questions)
    if mark is not None:
        session.set_widget(_key(current), mark)
    place = questions.index(current) + by
    session.keep_draft(_AT, questions[max(0, min(place, len(questions) - 1))].id)


def _send(visit: Visit, marked: Sequence[_Marked]) -> None:
    wrong = [one for one in marked if one.is_approved and one.edit.error is not None]
    reason = ""
    found = [f"{one.name}: {', '.join(one.gaps)}" for one in marked if one.gaps]
    if found:
        text = t(
            "Not finished: {questions} marked to approve, with gaps to fill in: ",
            questions=tn("{count} question", "{count} questions", len(found)),
        )
        st.warning(plain(text + "; ".join(found)), icon=":material/edit:")
    with_gaps = bool(found) and gaps_consent(found, "batch")
    with st.container(key="batch-send"):
        if not all(one.is_approved for one in marked):
            reason = fields.text_input(t("Reason for the rejected ones"), key="batch-reason", placeholder=t("Optional"))
        action_button(
            plain(_label(marked)),
            "batch-answer",
            lambda _key: visit.orchestra.approvals.decide(
                visit.who, [_decision(one, reason, with_gaps=with_gaps) for one in marked]
            ),
            _sent,
            scope=f"{[(one.question.id, one.mark, one.edit.arguments) for one in marked]} {reason} {with_gaps}",
            type="primary",
            icon=":material/done_all:",
            disabled=bool(wrong) or (bool(found) and not with_gaps),
        )
    if wrong:
        st.error(
            t(
                "Nothing can be sent: {edits} cannot be used. Correct or discard it below.",
                edits=tn("{count} edit", "{count} edits", len(wrong)),
            )
        )


def _decision(one: _Marked, reason: str, *, with_gaps: bool) -> Decision:
    """Return the decision on one question. Raises InvalidInput if its edit is not valid, before anything is sent."""
    said = str(session.widget_value(comment_key(one.question, PLACE), ""))
    if one.is_approved:
        return Decision(
            one.question.id, approve=True, reason=said, arguments=one.edit.to_approve(), with_gaps=with_gaps
        )
    return Decision(one.question.id, approve=False, reason=said or reason)


def _label(marked: Sequence[_Marked]) -> str:
    """Return what the button does: "Approve 2 (1 as edited): to layla@…, brandt@…; reject 1"."""
    approved = [one for one in marked if one.is_approved]
    edited = sum(one.edit.is_pending for one in approved)
    how = t(" as edited") if edited == len(approved) else t(" ({edited} as edited)", edited=edited) if edited else ""
    said = [f"{t('approve {count}{how}', count=len(approved), how=how)}: {_named(approved)}"] if approved else []
    rejected = [one for one in marked if not one.is_approved]
    if rejected:
        words = t("reject {count}", count=len(rejected))
        said.append(words if approved else f"{words}: {_named(rejected)}")
    label = "; ".join(said)
    return f"{label[0].upper()}{label[1:]}"


def _named(marked: Sequence[_Marked]) -> str:
    """Return the recipients or targets of the calls of questions."""
    names = list(dict.fromkeys(one.name for one in marked))
    more = t(" and {count} more", count=len(names) - _NAMED) if len(names) > _NAMED else ""
    shown = ", ".join(names[:_NAMED])
    return (t("to {names}", names=shown) if all("@" in name for name in names) else shown) + more


def _sent(found: Sequence[Decided]) -> None:
    answered = [one.approval for one in found if one.approval is not None]
    for question in answered[:_TOLD]:
        tell_answered(question)
    if len(answered) > _TOLD:
        session.tell(
            t(
                "{more_questions} answered.",
                more_questions=tn("{count} more question", "{count} more questions", len(answered) - _TOLD),
            )
        )
    refused = [one.error.message for one in found if one.error is not None]
    for message in refused[:_TOLD]:
        session.tell(message, ":material/error:")
    st.rerun()
