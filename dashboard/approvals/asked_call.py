"""The call that a question is about, as a letter: what happens, to whom, and beside it what it answers.

Text from outside is marked; the exact arguments, and all that they come from, are behind *Details*.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.approvals.edit import ArgumentsEdit, discard_button, edit_field, editable, is_editing, other_fields
from dashboard.approvals.scheduled import later_words
from dashboard.base.language import ENGLISH, N_, language, number, t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import (
    isolated,
    outside_badge,
    outside_code,
    outside_letter,
    outside_lines,
    plain,
    plain_with_code,
)
from dashboard.base.run_files import run_files
from dashboard.parts.times import full_time, short_time
from dashboard.parts.unconfirmed import unconfirmed_words
from dashboard.parts.values import json_text
from engine.base.json_text import JsonObject
from engine.base.statuses import AccountMode
from engine.budgets.limits import money
from engine.mail.schedule import LATER
from engine.plugins.registry import link_word
from engine.record.differences import is_reference, shown
from engine.record.plans.previews import difference
from engine.record.types.approval import AskedCall, AskedSource
from engine.record.types.run import Run
from engine.runs.asked_letter import AskedLetter, LetterPart, letter_of

if TYPE_CHECKING:
    from engine.runs.approvals import Approval

_MOST_LETTERS = 100_000
_TITLES = (
    *(N_("To"), N_("Cc"), N_("Bcc"), N_("Reply-To"), N_("Subject"), N_("Attachment"), N_("Attachments"), N_("Text")),
    *(N_("Body"), N_("Key of the row"), N_("Commit message"), N_("Event"), N_("Row"), N_("Comment")),
    *(N_("Pull request"), N_("From"), N_("Scheduled for"), N_("Held for")),
)
"""What letters have most, for the catalogue."""


def headline(call: AskedCall) -> None:
    """Show what happens if the person agrees, and from which account."""
    letter = letter_of(call)
    if letter.agreed:
        st.header(t(letter.agreed, to=_bold(letter.to), what=_bold(letter.what)), anchor=False)
    else:
        about = " · ".join(dict.fromkeys(filter(None, [letter.to, letter.what])))
        words = f"{plain(t(call.title))} · {_bold(about)}" if about else plain(t(call.title))
        st.header(t("If you agree: {call}", call=words), anchor=False)


def account_line(call: AskedCall) -> None:
    """Show whose account is used, in an existing row."""
    is_demo = call.mode == AccountMode.DEMO
    account = call.account_name or call.account
    if account:
        st.caption(plain(t("From your account {account}", account=account)), width="content")
    if is_demo:
        st.badge(t("Demo"), color="green")


def asked_call(
    visit: Visit, question: Approval, call: AskedCall, edit: ArgumentsEdit, run: Run | None, place: str
) -> None:
    """Show a call; nothing in it is rendered. What is too long for the page can be saved."""
    key = f"{place}-{question.id}"
    _warnings(call, key)
    letter, source = letter_of(call), call.source
    if source is not None and source.text:
        left, right = st.columns(2, gap="medium")
        with left:
            _original(source, key)
        with right:
            st.caption(plain(t(call.title)))
    else:
        right = st.container()
    with right, st.container(key=f"letter-{key}", gap="small"):
        if is_editing(question, edit):
            _edited(question, call, letter, edit, key)
        else:
            _letter(letter, source, key, question.gaps)
        if run is not None:
            run_files(visit, run, call.arguments, key)


def details(call: AskedCall, key: str) -> None:
    """Show the exact arguments, where their text comes from, the preview, and what the run has cost."""
    with st.expander(t("Details"), icon=":material/data_object:", key=f"details-{key}"):
        facts = [call.uses, t("Cost so far: {cost_text}", cost_text=cost_text(call.cost_usd))]
        st.caption(plain(" · ".join(facts)))
        st.caption(t("The exact arguments of the call:"))
        for name, value in call.arguments.items():
            _field(name, value, call.outside.get(name), f"exact-{name}-{key}")
        if call.preview is not None:
            changes = difference(call.preview.before, call.preview.text)
            st.markdown(t(":gray[What it does] **{title}**", title=plain(call.preview.title)))
            _code(changes or call.preview.text, f"effect-{key}", "diff" if changes else None)


def answered_edit(question: Approval, edited: JsonObject) -> None:
    """Show with which arguments a call was approved, and how they differ from the original ones."""
    key = f"edited-{question.id}"
    with st.expander(
        plain(t("Edited by {answered_by}", answered_by=question.answered_by)), icon=":material/edit:", key=key
    ):
        _code(question.difference, f"difference-{key}", "diff")
        st.caption(t("Approved with these arguments:"))
        for name, value in edited.items():
            _field(name, value, None, f"{name}-{key}")


def open_words(call: AskedCall) -> str:
    """Return the label of the link to what a call is about; only English writes nouns small."""
    word = link_word(call.uses)
    return t("Open the {kind}", kind=word.lower() if language() == ENGLISH else t(word))


def cost_text(cost_usd: float | None) -> str:
    """Return an amount in words."""
    return t("not known") if cost_usd is None else money(cost_usd)


def _bold(text: str) -> str:
    return isolated(text, f"**{plain(text)}**")


def _warnings(call: AskedCall, key: str) -> None:
    if call.again:
        st.warning(
            t("This was approved before, and asks again, because something has changed:"), icon=":material/sync:"
        )
        _code(call.again, f"again-{key}", "diff")
    if call.notes:
        st.info(plain(" ".join(map(translated, call.notes))), icon=":material/content_cut:")
    if call.unreadable:
        st.warning(
            plain(t("What it is about could not be read: {unreadable}", unreadable=translated(call.unreadable))),
            icon=":material/visibility_off:",
        )


def _original(source: AskedSource, key: str) -> None:
    """Show the mail or other object that the text comes from; on a phone, once it is wanted."""
    with st.container(key=f"original-{key}", gap="small"):
        st.caption(t(source.thing.capitalize()))
        lines = {t("From"): source.sender, t("Subject"): source.subject, t("Date"): full_time(source.at or None)}
        outside_lines([(name, value) for name, value in lines.items() if value])
        if source.is_unconfirmed:
            st.caption(f":orange[:material/gpp_maybe: {plain(unconfirmed_words())}]")
        st.checkbox(t("Show the text"), key=f"original-shown-{key}")
        outside_letter(source.text)


def _letter(letter: AskedLetter, source: AskedSource | None, key: str, gaps: Sequence[str]) -> None:
    for is_head, parts in groupby(letter.parts, _is_head):
        if is_head:
            _head(list(parts), source)
            continue
        for part in parts:
            _text(part, source, f"{part.argument or 'text'}-{key}", gaps)
    if letter.changes:
        _code(letter.changes, f"changes-{key}", "diff")


def head_lines(parts: Sequence[LetterPart]) -> list[tuple[str, str]]:
    """Return the title and the text of each line in the head of a letter, with times in the viewer's zone."""
    lines = [(one.title, later_words(one.value) if one.argument == LATER else one.value) for one in parts]
    return [(t(title), str(value or t("(empty)"))) for title, value in lines]


def _is_head(part: LetterPart) -> bool:
    return part.is_line and not part.is_warning


def _head(parts: Sequence[LetterPart], source: AskedSource | None) -> None:
    """Show lines; those with text from outside are named below them."""
    outside_lines(head_lines(parts))
    if names := [t(one.title) for one in parts if one.is_outside]:
        _origin(f"{', '.join(names)}: {source_words(source)}")


def _text(part: LetterPart, source: AskedSource | None, key: str, gaps: Sequence[str] = ()) -> None:
    if part.is_warning:
        st.warning(plain(part.value), icon=":material/alt_route:")
        return
    if part.title:
        st.caption(plain(t(part.title)))
    if not isinstance(part.value, str):
        _code(json_text(part.value), key, "json")
    elif len(part.value) > _MOST_LETTERS:
        _code(part.value, key)
    else:
        outside_letter(part.value, is_marked=part.is_outside, gaps=gaps)
    if part.is_outside:
        _origin(source_words(source))


def _origin(words: str) -> None:
    st.caption(f":material/public: {plain(words)}")


def source_words(source: AskedSource | None) -> str:
    """Return where text comes from: "from the mail of ann@example.org, 9:14"."""
    if source is None:
        return t("text from outside")
    thing, at = t(source.thing.capitalize()), short_time(source.at) if source.at else ""
    if source.thing == "mail" and source.sender and at:
        return t("from the mail of {sender}, {at}", sender=source.sender, at=at)
    return t("text from outside: {thing}", thing=" · ".join(one for one in (thing, source.sender, at) if one))


def _edited(question: Approval, call: AskedCall, letter: AskedLetter, edit: ArgumentsEdit, key: str) -> None:
    """Show the letter with fields in place of what can be changed."""
    fields = editable(call)
    shown = list(dict.fromkeys(one.argument for one in letter.parts if one.argument in fields))
    fixed = [one for one in letter.parts if one.argument not in fields]
    if head := [one for one in fixed if _is_head(one)]:
        _head(head, call.source)
    for name in [*shown, *(one for one in fields if one not in shown)]:
        edit_field(question, call, name, edit)
    for part in fixed:
        if not _is_head(part):
            _text(part, call.source, f"{part.argument or 'text'}-{key}")
    if letter.changes:
        _code(letter.changes, f"changes-{key}", "diff")
    other_fields(question, call, edit)
    discard_button(question, call, edit)


def _code(text: str, key: str, language: str | None = None) -> None:
    """Show a text; if it is too long for the page, offer the whole of it."""
    outside_code(text[:_MOST_LETTERS] or " ", language)
    if len(text) > _MOST_LETTERS:
        st.warning(
            t("This is not all of it: {count} more characters.", count=number(len(text) - _MOST_LETTERS)),
            icon=":material/content_cut:",
        )
        st.download_button(
            t("Download all {count} characters", count=number(len(text))),
            text,
            file_name="whole.txt",
            mime="text/plain",
            key=f"whole-{key}",
            icon=":material/download:",
            on_click="ignore",
        )


def _field(name: str, value: Any, origin: str | None, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f":gray[{plain(name)}]", width="content")
        if origin is not None:
            outside_badge(t("text from outside"), ":material/public:", color="orange")
            st.caption(plain_with_code(origin), width="content")
    if isinstance(value, dict) and is_reference(value):
        st.text(shown(value))
    elif isinstance(value, str):
        _code(value, key)
    else:
        _code(json_text(value), key, "json")
