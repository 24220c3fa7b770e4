"""The fields of a tool: what each decides, and the widget for a value that the agent's file fixes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from dashboard.base import fields, session
from dashboard.base.language import N_, t
from dashboard.base.plain import field_label
from dashboard.editing.draft import EditorDraft
from engine.agents.tool_check import strict_role
from engine.base.errors import OrchestraError
from engine.documents.json_file import typed_value
from engine.plugins.registry import step_type
from engine.plugins.step import fields_schema

Way = Literal["text", "lines", "list", "number", "flag", "choice", "json"]

ROLES = {
    "destination": N_("decides where something goes"),
    "instruction": N_("is an instruction to a model, code, a query or HTML"),
    "content": N_("content"),
    "option": N_("setting"),
}


@dataclass(frozen=True)
class AgentToolField:
    """A field of a step type; `is_strict`: text from outside must not decide it."""

    name: str
    title: str
    role: str
    schema: Mapping[str, Any]

    @property
    def is_strict(self) -> bool:
        """Whether the model must not decide it on its own."""
        return self.role in ("destination", "instruction")


def fields_of(uses: str) -> dict[str, AgentToolField]:
    """Return the fields of a step type by name, {} if there is no such type."""
    try:
        kind = step_type(uses)
    except OrchestraError:
        return {}
    found = {}
    for name, schema in fields_schema(kind.fields).get("properties", {}).items():
        role = strict_role(kind, name) or str(schema.get("role") or "option")
        found[name] = AgentToolField(name, str(schema.get("title") or name), role, schema)
    return found


def way_of(field: AgentToolField, value: Any) -> Way:
    """Return how a value of a field is edited; an expression is a text, whatever the field holds."""
    kinds = {one.get("type"): one for one in (field.schema, *field.schema.get("anyOf", ()))}
    if isinstance(value, str) and "{{" in value:
        return "text"
    if "enum" in field.schema:
        return "choice"
    if kinds.get("array", {}).get("items", {}).get("type") == "string" and isinstance(value, list):
        return "list"
    if "string" in kinds:
        return "lines" if field.schema.get("widget") == "text" else "text"
    if {"integer", "number"} & kinds.keys() and not isinstance(value, dict | list):
        return "number"
    return "flag" if "boolean" in kinds else "json"


def first_value(field: AgentToolField) -> Any:
    """Return what a field is fixed to before anybody has typed a value."""
    default = field.schema.get("default")
    if default is not None:
        return default
    if "enum" in field.schema:
        return field.schema["enum"][0]
    kinds = [one.get("type") for one in (field.schema, *field.schema.get("anyOf", ()))]
    firsts = {"array": [], "boolean": False, "object": {}, "integer": 1, "number": 1}
    return "" if "string" in kinds else next((firsts[one] for one in kinds if one in firsts), None)


def text_of_value(value: Any) -> str:
    """Return a value as its text field shows it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def value_widget(
    draft: EditorDraft, place: str, field: AgentToolField, value: Any, offered: Sequence[str] = ()
) -> None:
    """Show the field for a fixed value; `offered` are names that a text may have, others can be typed."""
    label, key = field_label(t(field.title)), draft.key(place)
    if offered and isinstance(value, str):
        options = list(dict.fromkeys([*([value] if value else []), *offered]))
        st.selectbox(label, options, 0 if value else None, key=key, accept_new_options=True, persist_state="session")
        return
    match way_of(field, value):
        case "flag":
            st.toggle(label, bool(value), key=key, persist_state="session")
        case "number":
            number = value if isinstance(value, int | float) else None
            st.number_input(label, value=number, key=key, persist_state="session")
        case "choice":
            options = field.schema["enum"]
            at = options.index(value) if value in options else 0
            st.selectbox(label, options, at, key=key, persist_state="session")
        case "list":
            named = t("Type one and press Enter")
            st.multiselect(
                label, value, value, key=key, accept_new_options=True, placeholder=named, persist_state="session"
            )
        case "lines":
            fields.text_area(label, text_of_value(value), persist_state="session", **draft.kept(place))
        case "json":
            fields.text_area(f"{label} (JSON)", text_of_value(value), persist_state="session", **draft.kept(place))
        case "text":
            fields.text_input(label, text_of_value(value), persist_state="session", **draft.kept(place))


def value_typed(draft: EditorDraft, place: str, field: AgentToolField | None, before: Any) -> Any:
    """Return the value that the field holds now. Raises InvalidInput for a text that is not JSON."""
    if field is None:  # a field that the step type does not have: the problem names it
        return before
    way = way_of(field, before)
    if way in ("flag", "number", "choice", "list"):
        found = session.widget_value(draft.key(place), before)
        return before if found is None else _whole(field, found)
    text = str(session.widget_value(draft.key(place), text_of_value(before)) or "")
    if text == text_of_value(before):
        return before
    return typed_value(text, field.title) if way == "json" and "{{" not in text and text.strip() else text


def _whole(field: AgentToolField, value: Any) -> Any:
    """Return a number without a fraction as an integer, unless the field takes fractions."""
    is_whole = isinstance(value, float) and value.is_integer() and field.schema.get("type") != "number"
    return int(value) if is_whole else value
