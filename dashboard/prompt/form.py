"""The Edit tab of a prompt: its messages and settings as fields, or all of it as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from dashboard.base import fields
from dashboard.base.code import EditorMode
from dashboard.base.language import N_, t, tn
from dashboard.base.page import Visit
from dashboard.base.plain import outside_code, plain
from dashboard.editing.draft import FIELDS, JSON, EditorDraft, TypedDraft, field_text, reseed
from dashboard.parts.errors import problem_list
from dashboard.prompt.draft import ROLES, has_form, typed, with_message, without_message
from dashboard.prompt.marks import mark_problems, mark_unreadable, variables_in
from engine.documents.json_file import object_in
from engine.prompts.prompt import text_of

_JSON_HEIGHT = 560
_LINE_PIXELS = 20
_LABELS = {
    "title": N_("Title"),
    "description": N_("Description"),
    "model": N_("Model"),
    "parameters": N_("Parameters"),
    "variables": N_("Variables"),
    "output_schema": N_("Format of the answer"),
    "samples": N_("Samples"),
}
_HELP = {
    "parameters": N_("Settings for the model besides the messages, such as temperature."),
    "variables": N_("Variables in the messages by name, each with a JSON Schema."),
    "output_schema": N_("The JSON Schema of the answer, for steps that need structured data."),
    "samples": N_("Values to try the prompt with."),
}


def edit_tab(visit: Visit, draft: EditorDraft) -> None:
    """Show the draft; people with the right can change it."""
    if not visit.may("edit"):
        outside_code(draft.base, "json")
        return
    document = object_in(draft.seed)
    is_form = document is not None and has_form(document)
    _mode(draft, is_form=is_form)
    now = typed(draft)
    code = EditorMode("prompt", names=variables_in(now.text), fragments=visit.orchestra.fragments.names(visit.who))
    if document is not None and is_form and draft.mode == FIELDS:
        _fields(draft, document, code)
    else:
        fields.text_area(
            t("Prompt (JSON)"),
            draft.seed,
            height=_JSON_HEIGHT,
            code=replace(code, language="json", is_document=True),
            persist_state="session",
            **draft.kept("text"),
        )
    _problems(visit, draft, now)


def _problems(visit: Visit, draft: EditorDraft, now: TypedDraft) -> None:
    """Show the problems of the current text, by line."""
    if now.wrong:
        mark_unreadable(draft, now.wrong_field)
        st.error(
            plain(t("{label_of} is not JSON: {wrong}", label_of=label_of(now.wrong_field), wrong=now.wrong)),
            icon=":material/error:",
        )
        return
    found = visit.orchestra.prompts.check(visit.who, draft.name, now.text)
    mark_problems(draft, now.text, found)
    if found:
        if any(one.code == "undeclared_variable" for one in found):
            _declare_button(visit, draft, now.text)
        problem_list(found, now.text)
    else:
        st.success(t("No problems."), icon=":material/check_circle:")


def _declare_button(visit: Visit, draft: EditorDraft, text: str) -> None:
    names = visit.orchestra.prompts.with_declared(visit.who, draft.name, text).names
    if not names:
        return

    def declare() -> None:
        now = typed(draft).text  # with what was typed since the button was drawn
        reseed(draft, visit.orchestra.prompts.with_declared(visit.who, draft.name, now).text)

    few = ", ".join(names[:3]) if len(names) <= 3 else tn("{count} variable", "{count} variables", len(names))
    st.button(
        plain(t("Declare {few}", few=few)),
        key=f"declare-{draft.name}",
        icon=":material/add:",
        on_click=declare,
        help=t('Add `{"type": "string"}` for each undeclared variable.'),
    )


def label_of(field: str) -> str:
    """Return the label of a field."""
    return t(_LABELS[field])


def _mode(draft: EditorDraft, *, is_form: bool) -> None:
    def switch() -> None:
        reseed(draft, typed(draft).text, mode=JSON if draft.mode == FIELDS else FIELDS)

    if not is_form:
        st.caption(t("This text does not have the structure of a prompt, so it is edited as JSON."))
        return
    label = t("Edit as JSON") if draft.mode == FIELDS else t("Edit as fields")
    icon = ":material/data_object:" if draft.mode == FIELDS else ":material/edit_note:"
    st.button(label, key=f"mode-{draft.name}", on_click=switch, type="tertiary", icon=icon)


def _fields(draft: EditorDraft, document: Mapping[str, Any], code: EditorMode) -> None:
    for number, message in enumerate(document["messages"]):
        _message(draft, number, message, len(document["messages"]), code)
    st.button(
        t("Add a message"),
        key=f"add-message-{draft.name}",
        icon=":material/add:",
        type="tertiary",
        on_click=lambda: reseed(draft, with_message(typed(draft).text)),
    )
    left, right = st.columns(2)
    with left:
        _text(draft, document, "title")
    with right:
        _text(draft, document, "model", t("Leave empty for the model of the connection."))
    _text(draft, document, "description")
    left, right = st.columns(2)
    for column, names in ((left, ("variables", "samples")), (right, ("output_schema", "parameters"))):
        with column:
            for name in names:
                _json(draft, document, name)


def _message(draft: EditorDraft, number: int, message: Mapping[str, Any], count: int, code: EditorMode) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", horizontal_alignment="distribute"):
        st.selectbox(
            t("Message {count}", count=number + 1),
            ROLES,
            index=ROLES.index(message["role"]),
            key=draft.key(f"role-{number}"),
            width=160,
            persist_state="session",
        )
        st.button(
            t("Remove"),
            key=f"remove-{draft.name}-{draft.revision}-{number}",
            icon=":material/delete:",
            type="tertiary",
            disabled=count == 1,
            on_click=lambda: reseed(draft, without_message(typed(draft).text, number)),
        )
    text = text_of(message["content"])
    lines = text.count("\n") + sum(len(line) // 100 for line in text.splitlines()) + 3
    fields.text_area(
        t("Text of message {count}", count=number + 1),
        text,
        height=min(max(_LINE_PIXELS * lines, 110), 420),
        label_visibility="collapsed",
        code=code,
        persist_state="session",
        **draft.kept(f"message-{number}"),
    )


def _text(draft: EditorDraft, document: Mapping[str, Any], name: str, advice: str | None = None) -> None:
    before = str(document.get(name) or "")
    fields.text_input(t(_LABELS[name]), before, persist_state="session", help=advice, **draft.kept(name))


def _json(draft: EditorDraft, document: Mapping[str, Any], name: str) -> None:
    text = field_text(document, name)
    fields.text_area(
        f"{label_of(name)} (JSON)",
        text,
        height=min(max(_LINE_PIXELS * (text.count("\n") + 2), 96), 300),
        help=t(_HELP[name]),
        code=EditorMode("json"),
        persist_state="session",
        **draft.kept(name),
    )
