"""A question from a run to a person: what it is about, the step that asks, the accounts used, and the buttons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import streamlit as st

from dashboard.approvals.asked_call import answered_edit, asked_call
from dashboard.approvals.edit import (
    ArgumentsEdit,
    amount_fields,
    comment_field,
    discard_button,
    edit_of,
    editor,
    gaps_consent,
    tell_answered,
)
from dashboard.approvals.outline import shown_outline
from dashboard.base.language import N_, t
from dashboard.base.page import Visit
from dashboard.base.plain import link_markdown, outside_text, plain
from dashboard.parts.accounts import account_badges, accounts_of
from dashboard.parts.buttons import action_button
from dashboard.parts.times import ago, full_time
from engine.base.errors import OrchestraError
from engine.base.step_path import StepPath, items_around
from engine.plugins.registry import link_word
from engine.record.types.run import Run
from engine.runs.approval_titles import about, title_of
from engine.runs.approvals import Approval, named
from engine.runs.call_texts import gaps

Color = Literal["orange", "green", "red", "gray"]

_LOOKS: Mapping[str, tuple[str, str, Color]] = {
    "open": (N_("Open"), ":material/help:", "orange"),
    "approved": (N_("Approved"), ":material/check_circle:", "green"),
    "rejected": (N_("Rejected"), ":material/cancel:", "red"),
    "expired": (N_("Expired"), ":material/timer_off:", "gray"),
    "withdrawn": (N_("Withdrawn"), ":material/undo:", "gray"),
}
_SHORT = 120
_NOBODY = {"expired": N_("nobody answered in time"), "withdrawn": N_("its run is no longer waiting")}
"""What ended a question that nobody answered."""


Buttons = Callable[[Visit, Approval, ArgumentsEdit, str], object]
"""Shows how a question is answered, at a place."""


def question_card(
    visit: Visit, question: Approval, run: Run | None, place: str, buttons: Buttons | None = None
) -> None:
    """Show an open question with its buttons; `place` distinguishes the same card on two pages.

    Question and details may contain text from outside: nothing in them is rendered.
    """
    with st.container(border=True, key=f"question-{place}-{question.id}"):
        _asked(question)
        if question.call is not None:
            asked_call(visit, question, question.call, run, place)
        elif question.details not in (None, "", {}, []):
            shown_outline(question.details)
        _where(visit, question, run, place)
        if visit.orchestra.approvals.may_answer(visit.who, question):
            _answer(visit, question, place, buttons or _buttons)
        elif visit.may("run"):
            st.caption(plain(t("This question waits for {named}.", named=named(question.by))))
        else:
            st.caption(t("With the role {role} you can view questions, but not answer them.", role=t(visit.who.role)))


def answered_row(visit: Visit, question: Approval) -> None:
    """Show a question that is no longer open: the answer, by whom and when."""
    word, icon, color = _LOOKS[question.state]
    with st.container(key=f"row-answered-{question.id}", gap="xsmall"):
        with st.container(
            horizontal=True, vertical_alignment="center", gap="small", key=f"titled-answered-{question.id}"
        ):
            visit.title_link(_cut(title_of(question)), "run", id=question.run_id, **opened_at(question.path))
            st.badge(t(word), icon=icon, color=color)
        if question.comment:
            outside_text(question.comment)
        by = (
            t("by {answered_by}", answered_by=question.answered_by)
            if question.answered_by
            else t(_NOBODY[question.state])
        )
        by += t(", edited") if question.edited is not None else ""
        said = [question.workflow, question.path, by, ago(question.answered_at)]
        st.caption(plain(" · ".join(said)), help=full_time(question.answered_at) or None)
        if question.edited is not None and question.call is not None:
            answered_edit(question, question.edited)


def run_of(visit: Visit, question: Approval) -> Run | None:
    """Return the run that asks, or None if its log is gone."""
    try:
        return visit.orchestra.runs.get(visit.who, question.run_id)
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
    if found := about(question):
        st.markdown(f":material/help: **{plain(_cut(found))}**")
        st.caption(plain(question.message))
    elif "\n" in question.message.strip() or len(question.message) > _SHORT:
        st.markdown(t(":material/help: **A run asks:**"))
        outside_text(question.message)
    else:
        st.markdown(f":material/help: **{plain(question.message)}**")


def _where(visit: Visit, question: Approval, run: Run | None, place: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        facts = [*_titles(question, run), t("asked {asked_at}", asked_at=ago(question.asked_at))]
        if question.expires_at is not None:
            facts.append(t("expires {expires_at}", expires_at=full_time(question.expires_at)))
        st.caption(plain(" · ".join(facts)), help=full_time(question.asked_at), width="content")
        if run is not None:
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
            label = t("Open the {kind}", kind=_noun(link_word(question.call.uses)))
            st.markdown(link_markdown(label, question.call.preview.url), width="content")


def _titles(question: Approval, run: Run | None) -> list[str]:
    """Return the titles of the workflow, the item and the step."""
    if run is None:
        return [question.workflow, question.path]
    titles = {step["path"]: str(step["title"] or "") for step in run["steps"]}
    items = [one for one in items_around(question.path) if one != question.path]
    found = [str(run["definition"]["workflow"].get("title") or question.workflow)]
    found += [_cut(titles.get(one, ""), 60) for one in items[-1:]]
    found.append(titles.get(question.path) or question.path)
    return [one for one in found if one]


def _answer(visit: Visit, question: Approval, place: str, buttons: Buttons) -> None:
    edit, call = edit_of(question), question.call
    if question.give:
        amount_fields(question, question.give)
    if call is not None:
        if call.plan:
            st.caption(
                plain(
                    t(
                        "A part of the plan {plan}, only made as the plan has shown it: it cannot be edited.",
                        plan=call.plan,
                    )
                )
            )
        else:
            editor(question, call, edit)
        with st.container():  # always there, so that the comment does not move while somebody types
            if found := gaps(call, edit.arguments or call.arguments):
                text = t("Not finished: the text still has gaps to fill in: {found}", found=", ".join(found))
                st.warning(plain(text), icon=":material/edit:")
    buttons(visit, question, edit, place)


def _buttons(visit: Visit, question: Approval, edit: ArgumentsEdit, place: str) -> None:
    key = f"{place}-{question.id}"
    approvals, call = visit.orchestra.approvals, question.call
    found = () if call is None else gaps(call, edit.arguments or call.arguments)
    with st.container():
        with_gaps = bool(found) and gaps_consent(found, key)
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"answer-{key}"):
        comment = comment_field(question, place)
        action_button(
            edit.label,
            f"approve-{key}",
            lambda _key: approvals.approve(visit.who, question.id, comment, edit.to_approve(), with_gaps=with_gaps),
            _answered,
            scope=f"{comment} {edit.arguments} {with_gaps}",
            type="primary",
            icon=":material/check:",
            disabled=edit.error is not None or (bool(found) and not with_gaps),
        )
        action_button(
            t("Reject"),
            f"reject-{key}",
            lambda _key: approvals.reject(visit.who, question.id, comment),
            _answered,
            scope=comment,
            icon=":material/close:",
        )
        discard_button(question, edit)


def _noun(word: str) -> str:
    """Return a kind of link inside a sentence; in English without its capital."""
    return word.lower() if t(word) == word else t(word)


def _answered(question: Approval) -> None:
    tell_answered(question)
    st.rerun()


def _cut(text: str, most: int = _SHORT) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else f"{text[:most].rstrip()} …"
