"""The edit of a call before it is approved: a field for each text, and the other fields as JSON.

What the fields hold decides what is approved, whichever button is pressed: `edit_of` reads them before they are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

import streamlit as st

from dashboard.base import fields, session
from dashboard.base.language import N_, t
from dashboard.base.plain import field_label
from dashboard.parts.errors import error_box
from dashboard.parts.values import json_text
from engine.base.errors import InvalidInput, OrchestraError
from engine.base.json_text import JsonObject
from engine.documents.json_file import typed_value
from engine.record.types.approval import AskedCall
from engine.runs.approval_titles import title_of
from engine.runs.approvals import Approval, checked_edit
from engine.runs.call_texts import field_schemas, text_fields

_OTHERS = "other fields"
"""The name of the field with all arguments that have none of their own; no argument has a space in its name."""
_LONG = 120
_TOLD = 160
_MORE = {"turns": N_("More turns"), "tokens": N_("More tokens"), "seconds": N_("More seconds")}


@dataclass(frozen=True)
class ArgumentsEdit:
    """What a person has made of the arguments of a call."""

    arguments: JsonObject | None = None
    """The arguments as edited; None: unchanged, or not valid."""
    error: OrchestraError | None = None
    """Why the edit is not valid."""

    @property
    def is_pending(self) -> bool:
        """Return whether the fields hold something other than the arguments."""
        return self.arguments is not None or self.error is not None

    @property
    def label(self) -> str:
        """Return the label of the button that approves."""
        return t("Approve as edited") if self.is_pending else t("Approve")

    def to_approve(self) -> JsonObject | None:
        """Return the arguments to approve; None: as the call has them. Raises InvalidInput if the edit is not valid."""
        if self.error is not None:
            raise self.error
        return self.arguments


def edit_of(question: Approval) -> ArgumentsEdit:
    """Return what the fields of a question hold, whether or not they are drawn already."""
    if question.give is not None:
        amounts = {name: session.widget_value(_key(question.id, name), one) for name, one in question.give.items()}
        return ArgumentsEdit(amounts) if checked_edit(question, amounts) else ArgumentsEdit()
    call = question.call
    if call is None:
        return ArgumentsEdit()
    try:
        arguments = _typed(question.id, call)
        return ArgumentsEdit(arguments) if checked_edit(question, arguments) else ArgumentsEdit()
    except OrchestraError as error:  # not valid, or the step type is of an earlier release
        return ArgumentsEdit(error=error)


def editor(question: Approval, call: AskedCall, edit: ArgumentsEdit) -> None:
    """Show the fields, each with what is wrong with it."""
    names = text_fields(call)
    field = "" if edit.error is None else str(edit.error.details.get("field", ""))
    wrong = field if field in names else _OTHERS
    with st.expander(
        t("Edit before you approve"), icon=":material/edit:", key=f"edit-open-{question.id}", expanded=edit.is_pending
    ):
        st.caption(t("What you write here is sent instead of what is shown above."))
        for name, text in _initial(call).items():
            _field(question.id, call, name, text)
            with st.container():  # always there, so that the next field does not move while somebody types
                if edit.error is not None and name == wrong:
                    error_box(edit.error)


def amount_fields(question: Approval, give: Mapping[str, float]) -> None:
    """Show a field for each amount that the person may give."""
    with st.container(horizontal=True):
        for name, proposed in give.items():
            label = t(_MORE[name]) if name in _MORE else field_label(name)
            st.number_input(label, min_value=type(proposed)(0), value=proposed, key=_key(question.id, name), width=160)


def discard_button(question: Approval, edit: ArgumentsEdit) -> None:
    """Offer to put the fields back to the arguments of the call, if they hold an edit."""
    if edit.is_pending and question.call is not None:
        st.button(
            t("Discard the edit"),
            key=f"discard-{question.id}",
            icon=":material/undo:",
            on_click=_discard,
            args=(question.id, question.call),
        )


def comment_field(question: Approval, place: str) -> str:
    """Show the field for the reason or comment of an answer, and return its text."""
    return fields.text_input(t("Reason or comment"), key=comment_key(question, place), placeholder=t("Optional"))


def comment_key(question: Approval, place: str) -> str:
    """Return the key of that field."""
    return f"comment-{place}-{question.id}"


def gaps_consent(found: Sequence[str], place: str) -> bool:
    """Return whether the person says that what would be approved may be sent with its gaps.

    The tick covers exactly these gaps in this place: others ask again.
    """
    return st.checkbox(
        t("Send it with these gaps"), key=f"gaps-{place}-{sha256(repr(found).encode()).hexdigest()[:12]}"
    )


def tell_answered(question: Approval) -> None:
    """Report what was answered and whom it concerns; the browser can forget what was typed for it."""
    fields.forget(_slot(question.id, ""))
    how = t(" as edited") if question.edited is not None else ""
    text = " ".join(title_of(question).split())
    session.tell(f"{t(question.state.capitalize())}{how}: {text[:_TOLD]}{' …' * (len(text) > _TOLD)}")


def _typed(question: str, call: AskedCall) -> JsonObject:
    """Return the arguments as the fields hold them, in their order. Raises InvalidInput."""
    held = {name: _held(question, name, text) for name, text in _initial(call).items()}
    others = _read(held.pop(_OTHERS))
    for name in held:
        if name in others:
            raise InvalidInput(
                t("{name} has a field of its own.", name=name), remedy=t("Remove it here, and write it there.")
            )
    known = {**held, **others}
    return {**{name: known[name] for name in call.arguments if name in known}, **others}


def _held(question: str, name: str, initial: str) -> str:
    """Return the text of a field; a browser turns the line breaks of mails into its own, which is no edit."""
    text = session.widget_value(_key(question, name), initial)
    return initial if text.replace("\r\n", "\n") == initial.replace("\r\n", "\n") else text


def _read(text: str) -> JsonObject:
    found: JsonObject = typed_value(text, "This")
    if not isinstance(found, dict):
        raise InvalidInput(
            t("This is not a JSON object."), remedy=t('Write { "name": value, … }, or {} for no other field.')
        )
    return found


def _initial(call: AskedCall) -> Mapping[str, str]:
    """Return the texts of the untouched fields."""
    names = text_fields(call)
    others = {name: value for name, value in call.arguments.items() if name not in names}
    return {**{name: call.arguments[name] for name in names}, _OTHERS: json_text(others)}


def _field(question: str, call: AskedCall, name: str, text: str) -> None:
    schema = field_schemas(call).get(name, {})
    label = t("Other fields, as JSON") if name == _OTHERS else field_label(str(schema.get("title") or name))
    how = {"key": _key(question, name), "slot": _slot(question, name), "persist_state": "session"}
    is_long = name == _OTHERS or "widget" in schema or "markup" in schema or "\n" in text or len(text) > _LONG
    if is_long:
        fields.text_area(label, text, height="content", **how)
    else:
        fields.text_input(label, text, **how)


def _discard(question: str, call: AskedCall) -> None:
    for name, text in _initial(call).items():
        session.set_widget(_key(question, name), text)
    fields.forget(_slot(question, ""))


def _key(question: str, name: str) -> str:
    return f"edit-{question}-{name.replace(' ', '-')}"


def _slot(question: str, name: str) -> str:
    """Return the place in the browser where a text is kept: the same on every page that shows the question."""
    return f"question/{question}/{name}"
