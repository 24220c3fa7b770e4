"""A question from a run to a person: what it is about, the step that asks, the accounts used, and the buttons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import streamlit as st

from dashboard.approvals.asked_again import AskedAgain
from dashboard.approvals.asked_call import account_line, answered_edit, asked_call, details, headline, open_words
from dashboard.approvals.edit import (
    ArgumentsEdit,
    amount_fields,
    comment_field,
    edit_button,
    edit_of,
    gaps_consent,
    tell_answered,
)
from dashboard.approvals.outline import shown_outline
from dashboard.approvals.scheduled import goes_out_words, release_buttons
from dashboard.base import session
from dashboard.base.language import N_, t, tn
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import first_words, link_markdown, outside_text, plain
from dashboard.parts.accounts import account_badges, accounts_of
from dashboard.parts.buttons import action_button
from dashboard.parts.times import ago, full_time, short_time
from engine.base.errors import OrchestraError
from engine.base.step_path import StepPath, items_around
from engine.record.types.run import Run
from engine.runs.approval_titles import title_of
from engine.runs.approvals import Approval, Decided, named
from engine.runs.asked_letter import letter_of
from engine.runs.call_texts import gaps

Color = Literal["orange", "green", "red", "gray"]
LIST = "list"
"""The place of a card whose buttons have keys on the keyboard: the letters a, r and e."""

_LOOKS: Mapping[str, tuple[str, str, Color]] = {
    "open": (N_("Open"), ":material/help:", "orange"),
    "approved": (N_("Approved"), ":material/check_circle:", "green"),
    "rejected": (N_("Rejected"), ":material/cancel:", "red"),
    "expired": (N_("Expired"), ":material/timer_off:", "gray"),
    "withdrawn": (N_("Withdrawn"), ":material/undo:", "gray"),
}
_SHORT = 120
_TOLD = 3
_LOOK_SECONDS = 60.0
_HELD_LOOKS: Mapping[str, tuple[str, str, Color]] = {
    "approved": (N_("Released"), ":material/send:", "green"),
    "rejected": (N_("Stopped"), ":material/cancel_schedule_send:", "red"),
    "expired": (N_("Released"), ":material/send:", "green"),
}
"""The same of mails that were held until their time."""
_NOBODY = {"expired": N_("nobody answered in time"), "withdrawn": N_("its run is no longer waiting")}
"""What ended a question that nobody answered."""


def question_card(
    visit: Visit, question: Approval, run: Run | None, place: str, again: AskedAgain | None = None
) -> None:
    """Show an open question with its buttons; `place` distinguishes the same card on two pages.

    `again`: another open question about the same.

    Question and details may contain text from outside: nothing in them is rendered.
    """
    key, call = f"{place}-{question.id}", question.call
    with st.container(border=True, key=f"question-{key}"):
        edit = edit_of(question)
        _asked(question)
        _where(visit, question, run, place)
        if again is not None:
            words = translated(again.words)
            visit.link(words[:1].upper() + words[1:], "approvals", icon=":material/file_copy:", question=again.other.id)
        if call is not None:
            asked_call(visit, question, call, edit, run, place)
        elif question.details not in (None, "", {}, []):
            shown_outline(question.details)
        may_answer = visit.orchestra.approvals.may_reject(visit.who, question)
        if may_answer:
            _before_answer(question, edit)
        if call is not None:
            details(call, key)
        if may_answer:
            if question.is_scheduled:
                _release(visit, question, place)
            else:
                _answer(visit, question, edit, place)
        elif visit.may("run"):
            st.caption(plain(t("This question waits for {named}.", named=named(question.by))))
        else:
            st.caption(t("With the role {role} you can view questions, but not answer them.", role=t(visit.who.role)))


def can_approve_as_asked(question: Approval) -> bool:
    """Return whether a question can be approved without a look at it alone: no gaps, no edit, nothing to warn of."""
    call = question.call
    if question.gaps or edit_of(question).is_pending or call is None:
        return False
    is_warned = call.again or call.notes or call.unreadable or any(one.is_warning for one in letter_of(call).parts)
    return not is_warned


def held_after(question: Approval, held: Sequence[Approval]) -> Approval | None:
    """Return the mail that is held now and that the answer to a question was about."""
    same = (question.run_id, question.path)
    is_approved = question.state == "approved" and not question.is_scheduled
    return next((one for one in held if is_approved and (one.run_id, one.path) == same), None)


def answered_row(visit: Visit, question: Approval, held: Sequence[Approval] = ()) -> None:
    """Show a question that is no longer open: the answer, by whom and when; `held` are the mails held now."""
    looks = {**_LOOKS, **_HELD_LOOKS} if question.is_scheduled else _LOOKS
    word, icon, color = looks[question.state]
    badge, later = t(word), held_after(question, held)
    if later is not None:
        badge = t("Approved, goes out at {time}", time=short_time(str(later.expires_at)))
    with st.container(key=f"row-answered-{question.id}", gap="xsmall"):
        with st.container(
            horizontal=True, vertical_alignment="center", gap="small", key=f"titled-answered-{question.id}"
        ):
            visit.title_link(
                first_words(title_of(question), _SHORT), "run", id=question.run_id, **opened_at(question.path)
            )
            st.badge(badge, icon=icon, color=color)
            if later is not None:
                visit.link(t("Stop"), "approvals", icon=":material/cancel_schedule_send:", question=later.id)
        if question.comment:
            outside_text(question.comment)
        nobody = {**_NOBODY, "expired": N_("nobody stopped it")} if question.is_scheduled else _NOBODY
        is_answered = bool(question.answered_by)
        by = t("by {answered_by}", answered_by=question.answered_by) if is_answered else t(nobody[question.state])
        by += t(", edited") if question.edited is not None else ""
        said = [*_titles(question, _look_of(visit, question)), by, ago(question.answered_at)]
        st.caption(plain(" · ".join(said)), help=full_time(question.answered_at) or None)
        if question.edited is not None and question.call is not None:
            answered_edit(question, question.edited)


def run_of(visit: Visit, question: Approval) -> Run | None:
    """Return the run that asks, or None if its log is gone."""
    try:
        return visit.orchestra.runs.get(visit.who, question.run_id)
    except OrchestraError:
        return None


def _look_of(visit: Visit, question: Approval) -> Run | None:
    """Return the run that asked as it was read a moment ago: many answers are of one run."""
    try:
        return visit.orchestra.runs.look(visit.who, question.run_id, _LOOK_SECONDS).run
    except OrchestraError:
        return None


def opened_at(path: str) -> dict[str, str]:
    """Return the parameters that open the row of a step and the step in it on a run's page."""
    step = StepPath.parse(path)
    row = next((item for item in step.items() if item != step), None)
    if row is None:
        return {"open": path}
    return {"open": str(row), "step": f"{row.in_workflow}.{step.below(row)}"}


def _asked(question: Approval) -> None:
    if question.is_scheduled:
        st.header(plain(goes_out_words(question)), anchor=False)
    elif question.call is not None:
        headline(question.call)
    elif "\n" in question.message.strip() or len(question.message) > _SHORT:
        st.markdown(t(":material/help: **A run asks:**"))
        outside_text(question.message)
    else:
        st.markdown(f":material/help: **{plain(question.message)}**")


def _where(visit: Visit, question: Approval, run: Run | None, place: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if question.call is not None:
            account_line(question.call)
        facts = [*_titles(question, run), t("asked {asked_at}", asked_at=ago(question.asked_at))]
        if question.expires_at is not None and not question.is_scheduled:
            facts.append(t("expires {expires_at}", expires_at=short_time(question.expires_at)))
        st.caption(plain(" · ".join(facts)), help=full_time(question.asked_at), width="content")
        if run is not None and question.call is None:
            account_badges(accounts_of(run))
            if run["demo"] and not run["accounts"]:
                st.badge(t("Demo"), color="gray")
        if place != "run":
            visit.link(
                t("Open its step"),
                "run",
                icon=":material/arrow_forward:",
                id=question.run_id,
                **opened_at(question.path),
            )
        if question.call is not None and question.call.preview is not None and question.call.preview.url:
            st.markdown(link_markdown(open_words(question.call), question.call.preview.url), width="content")


def _titles(question: Approval, run: Run | None) -> list[str]:
    """Return the titles of the workflow, the item and the step."""
    if run is None:
        return [question.workflow, question.path]
    titles = {step["path"]: str(step["title"] or "") for step in run["steps"]}
    items = [one for one in items_around(question.path) if one != question.path]
    found = [str(run["definition"]["workflow"].get("title") or question.workflow)]
    found += [first_words(titles.get(one, ""), 60) for one in items[-1:]]
    found.append(titles.get(question.path) or question.path)
    return [one for one in found if one]


def _before_answer(question: Approval, edit: ArgumentsEdit) -> None:
    call = question.call
    if question.give:
        amount_fields(question, question.give)
    if call is not None and call.plan:
        told = t("A part of the plan {plan}, only made as the plan has shown it: it cannot be edited.", plan=call.plan)
        st.caption(plain(told))
    with st.container():  # always there, so that what is below does not move while somebody types
        found = () if call is None else gaps(call, edit.arguments or call.arguments)
        if found:
            text = t("Not finished: the text still has gaps to fill in: {found}", found=", ".join(found))
            st.warning(plain(text), icon=":material/edit:")


def _answer(visit: Visit, question: Approval, edit: ArgumentsEdit, place: str) -> None:
    """Show the buttons, in the list each in a container for its letter (dashboard/assets/browser.js)."""
    key = f"{place}-{question.id}"
    letters = "press" if place == LIST else "act"
    approvals, call = visit.orchestra.approvals, question.call
    found = () if call is None else gaps(call, edit.arguments or call.arguments)
    with st.container(key=f"answer-{key}", gap="small"):
        with st.container():  # always there, so that the comment does not move while somebody types
            with_gaps = bool(found) and gaps_consent(found, key)
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"buttons-{key}"):
            buttons = st.container(horizontal=True, gap="small", width="content", key=f"acts-{key}")
            comment = comment_field(question, place)
        with buttons:
            with st.container(key=f"{letters}-a-{key}", width="content"):
                action_button(
                    edit.label,
                    f"approve-{key}",
                    lambda _key: approvals.approve(
                        visit.who, question.id, comment, edit.to_approve(), with_gaps=with_gaps
                    ),
                    _answered,
                    scope=f"{comment} {edit.arguments} {with_gaps}",
                    type="primary",
                    icon=":material/check:",
                    disabled=edit.error is not None or (bool(found) and not with_gaps),
                )
            with st.container(key=f"{letters}-r-{key}", width="content"):
                action_button(
                    t("Reject"),
                    f"reject-{key}",
                    lambda _key: approvals.reject(visit.who, question.id, comment),
                    _answered,
                    scope=comment,
                    icon=":material/close:",
                )
            with st.container(key="press-e" if letters == "press" else f"act-e-{key}", width="content"):
                edit_button(question, edit, place)


def _release(visit: Visit, question: Approval, place: str) -> None:
    """Show the buttons of a mail that goes out by itself."""
    key = f"{place}-{question.id}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"buttons-{key}"):
        buttons = st.container(horizontal=True, gap="small", width="content", key=f"acts-{key}")
        comment = comment_field(question, place)
    with buttons:
        release_buttons(visit, question, place, comment)


def tell_all(found: Sequence[Decided]) -> None:
    """Report what became of several decisions, and draw the page again."""
    answered = [one.approval for one in found if one.approval is not None]
    for question in answered[:_TOLD]:
        tell_answered(question)
    if len(answered) > _TOLD:
        more = tn("{count} more question", "{count} more questions", len(answered) - _TOLD)
        session.tell(t("{more_questions} answered.", more_questions=more))
    for message in [one.error.message for one in found if one.error is not None][:_TOLD]:
        session.tell(message, ":material/error:")
    st.rerun()


def _answered(question: Approval) -> None:
    tell_answered(question)
    st.rerun()
