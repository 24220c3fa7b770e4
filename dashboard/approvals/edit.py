"""The edit of a call before it is approved: fields in place of the letter's lines and texts, and the rest as JSON.

What the fields hold decides what is approved, whichever button is pressed: `edit_of` reads them before they are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

import streamlit as st

from clients.errors import ServiceError
from dashboard.base import fields, session
from dashboard.base.language import N_, t
from dashboard.base.plain import field_label
from dashboard.parts.errors import error_box
from dashboard.parts.times import short_time, viewer_zone
from dashboard.parts.values import json_text
from engine.base.clock import duration_seconds, moment_of, moment_with_offset, timestamp
from engine.base.errors import InvalidInput, OrchestraError
from engine.base.json_text import JsonObject, JsonSchema
from engine.documents.json_file import typed_value
from engine.mail.schedule import LATER, goes_out_at
from engine.plugins.step import Role
from engine.record.types.approval import AskedCall
from engine.runs.approval_titles import title_of
from engine.runs.approvals import Approval, checked_edit
from engine.runs.call_texts import field_schemas, text_fields

PARAM = "edit"
"""The parameter of the address that names the question whose letter is edited."""
Kind = Literal["text", "lines", "choice", "switch", "number", "time"]
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


def is_editing(question: Approval, edit: ArgumentsEdit) -> bool:
    """Return whether the letter shows fields: because of the button Edit, or because they hold an edit.

    The address has it, so that a reload draws the fields, and the browser can bring back what was typed.
    """
    call = question.call
    return call is not None and not call.plan and (edit.is_pending or st.query_params.get(PARAM) == question.id)


def edit_button(question: Approval, edit: ArgumentsEdit, place: str) -> None:
    """Show the button that turns the letter into fields."""
    if question.call is not None and not question.call.plan and not is_editing(question, edit):
        st.button(
            t("Edit"), key=f"edit-{place}-{question.id}", icon=":material/edit:", on_click=_begin, args=(question.id,)
        )


def discard_button(question: Approval, call: AskedCall, edit: ArgumentsEdit) -> None:
    """Show the button that turns fields back into what was asked; beside them, so that no answer is in its place."""
    label, icon = (t("Discard the edit"), ":material/undo:") if edit.is_pending else (t("Stop editing"), None)
    st.button(label, key=f"discard-{question.id}", icon=icon, on_click=_discard, args=(question.id, call))


def edit_field(question: Approval, call: AskedCall, name: str, edit: ArgumentsEdit) -> None:
    """Show the field of an argument, with what is wrong with it."""
    _widget(question.id, call, name, editable(call)[name])
    with st.container():  # always there, so that the next field does not move while somebody types
        if edit.error is not None and edit.error.details.get("field") == name:
            error_box(edit.error)


def other_fields(question: Approval, call: AskedCall, edit: ArgumentsEdit) -> None:
    """Show the arguments without a field of their own, as JSON, with what is wrong with them."""
    error = edit.error if edit.error is not None and edit.error.details.get("field") not in editable(call) else None
    with st.expander(
        t("Other fields, as JSON"),
        icon=":material/data_object:",
        key=f"others-{question.id}",
        expanded=error is not None,
        type="compact",
    ):
        how = {"key": _key(question.id, _OTHERS), "slot": _slot(question.id, _OTHERS), "persist_state": "session"}
        label = t("Other fields, as JSON")
        fields.text_area(label, _others(call), height="content", label_visibility="collapsed", **how)
    with st.container():
        if error is not None:
            error_box(error)


def amount_fields(question: Approval, give: Mapping[str, float]) -> None:
    """Show a field for each amount that the person may give."""
    with st.container(horizontal=True):
        for name, proposed in give.items():
            label = t(_MORE[name]) if name in _MORE else field_label(name)
            st.number_input(label, min_value=type(proposed)(0), value=proposed, key=_key(question.id, name), width=160)


def comment_field(question: Approval, place: str) -> str:
    """Show the field for the reason or comment of an answer, and return its text."""
    label = t("Reason or comment")
    return fields.text_input(
        label,
        key=f"comment-{place}-{question.id}",
        placeholder=t("Reason or comment (optional)"),
        label_visibility="collapsed",
    )


def gaps_consent(found: Sequence[str], place: str) -> bool:
    """Return whether the person says that what would be approved may be sent with its gaps.

    The tick covers exactly these gaps in this place: others ask again.
    """
    return st.checkbox(
        t("Send it with these gaps"), key=f"gaps-{place}-{sha256(repr(found).encode()).hexdigest()[:12]}"
    )


def answered_here(question: str) -> str:
    """Return the name under which the session keeps that a question was answered in it."""
    return f"answered.{question}"


def tell_answered(question: Approval) -> None:
    """Report what was answered and whom it concerns; the browser can forget what was typed for it."""
    fields.forget(_slot(question.id, ""))
    session.keep_draft(answered_here(question.id), value=True)
    how = t(" as edited") if question.edited is not None else ""
    text = " ".join(title_of(question).split())
    word = t(question.state.capitalize())
    if question.is_scheduled:
        word = t("Stopped") if question.state == "rejected" else t("Released")
    told, link = f"{word}{how}: {text[:_TOLD]}{' …' * (len(text) > _TOLD)}", ""
    if at := _goes_out_at(question):
        told = f"{told}. {t('Goes out at {time}', time=short_time(at))}."
        link = f"[{t('Stop')}](approvals?question={question.id})"
    session.tell(told, link=link)


def _goes_out_at(question: Approval) -> str:
    """Return until when a mail is held that was just approved; empty if it is none, or goes out at once."""
    if question.call is None or question.state != "approved" or question.is_scheduled or not question.answered_at:
        return ""
    arguments = question.call.arguments if question.edited is None else question.edited
    with suppress(ServiceError):  # a time too far away: the run says so
        due_at = goes_out_at(arguments, moment_of(question.answered_at))
        return timestamp(due_at) if due_at is not None else ""
    return ""


def editable(call: AskedCall) -> Mapping[str, Kind]:
    """Return the arguments that have a field of their own, and of which kind."""
    texts, schemas = text_fields(call), field_schemas(call)
    kinds = {
        name: _kind(value, schemas.get(name, {}), is_text=name in texts) if name != LATER else "time"
        for name, value in call.arguments.items()
    }
    return {name: kind for name, kind in kinds.items() if kind is not None}


def _kind(value: Any, schema: JsonSchema, *, is_text: bool) -> Kind | None:
    if is_text:
        return "text"
    role = schema.get("role")
    if role not in (Role.CONTENT, Role.OPTION, Role.DESTINATION) or "format" in schema:
        return None  # an id, or an instruction
    if isinstance(value, list) and value and all(isinstance(one, str) and "\n" not in one for one in value):
        return "lines"
    if role == Role.DESTINATION:
        return None
    if isinstance(value, bool):
        return "switch"
    if isinstance(value, int | float):
        return "number"
    return ("choice" if "enum" in schema else "text") if isinstance(value, str) else None


def _typed(question: str, call: AskedCall) -> JsonObject:
    """Return the arguments as the fields hold them, in their order. Raises InvalidInput."""
    held = {name: _held(question, call, name, kind) for name, kind in editable(call).items()}
    others = _read(_text_held(question, _OTHERS, _others(call)))
    for name in held:
        if name in others:
            raise InvalidInput(
                t("{name} has a field of its own.", name=name), remedy=t("Remove it here, and write it there.")
            )
    known = {**held, **others}
    return {**{name: known[name] for name in call.arguments if name in known}, **others}


def _held(question: str, call: AskedCall, name: str, kind: Kind) -> Any:
    value = call.arguments[name]
    if kind == "text":
        return _text_held(question, name, value)
    if kind == "lines":
        initial = "\n".join(value)
        text = _text_held(question, name, initial)
        return value if text == initial else [one.strip() for one in text.splitlines() if one.strip()]
    if kind == "time":
        picked = session.widget_value(_key(question, name), at := _local(value))
        return value if picked in (at, None) else picked.replace(tzinfo=viewer_zone()).isoformat()
    return session.widget_value(_key(question, name), value)


def _local(given: str) -> datetime | None:
    """Return the time of a mail's schedule to the minute, on a clock of the viewer; None for a duration."""
    if not given or duration_seconds(given) is not None:
        return None
    return moment_with_offset(given).astimezone(viewer_zone()).replace(second=0, microsecond=0, tzinfo=None)


def _text_held(question: str, name: str, initial: str) -> str:
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


def _others(call: AskedCall) -> str:
    """Return the arguments without a field of their own, as JSON."""
    known = editable(call)
    return json_text({name: value for name, value in call.arguments.items() if name not in known})


def _widget(question: str, call: AskedCall, name: str, kind: Kind) -> None:
    schema, value = field_schemas(call).get(name, {}), call.arguments[name]
    label, key = field_label(t(str(schema.get("title") or name))), _key(question, name)
    if kind == "switch":
        st.toggle(label, value, key=key, persist_state="session")
    elif kind == "number":
        st.number_input(label, value=value, key=key, persist_state="session")
    elif kind == "choice":
        options = schema["enum"]
        st.selectbox(label, options, options.index(value), key=key, persist_state="session")
    elif kind == "time":
        if duration_seconds(value) is not None:
            st.caption(t("Held for {time}, unless you pick a time.", time=value))
        label = t("Scheduled for ({zone})", zone=viewer_zone().key)
        st.datetime_input(label, _local(value), key=key, persist_state="session")
    else:
        _text_widget(label, key, _slot(question, name), value, is_written="widget" in schema or "markup" in schema)


def _text_widget(label: str, key: str, slot: str, value: str | list[str], *, is_written: bool) -> None:
    text = value if isinstance(value, str) else "\n".join(value)
    is_long = is_written or isinstance(value, list) or "\n" in text or len(text) > _LONG
    show = fields.text_area if is_long else fields.text_input
    help_ = t("One on each line.") if isinstance(value, list) else None
    height = {"height": "content"} if is_long else {}
    show(label, text, key=key, slot=slot, persist_state="session", help=help_, **height)


def _begin(question: str) -> None:
    st.query_params[PARAM] = question


def _discard(question: str, call: AskedCall) -> None:
    for name, kind in editable(call).items():
        value = call.arguments[name]
        as_shown = "\n".join(value) if kind == "lines" else _local(value) if kind == "time" else value
        session.set_widget(_key(question, name), as_shown)
    session.set_widget(_key(question, _OTHERS), _others(call))
    fields.forget(_slot(question, ""))
    st.query_params.pop(PARAM, None)


def _key(question: str, name: str) -> str:
    return f"edit-{question}-{name.replace(' ', '-')}"


def _slot(question: str, name: str) -> str:
    """Return the place in the browser where a text is kept: the same on every page that shows the question."""
    return f"question/{question}/{name}"
