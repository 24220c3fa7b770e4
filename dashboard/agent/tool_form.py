"""One tool of an agent as fields: what it does, what is fixed, and what its model fills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.agent.draft import tool_key, typed, without_tool
from dashboard.agent.tool_fields import ROLES, AgentToolField, fields_of, first_value, value_widget
from dashboard.base import fields
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import field_label, plain
from dashboard.editing.draft import EditorDraft, reseed
from dashboard.parts.errors import message_markdown
from engine.base.errors import OrchestraError
from engine.base.problem import Problem
from engine.plugins.registry import step_type


def tool_title(uses: str) -> str:
    """Return what a step type is called, with its name."""
    try:
        return f"{t(step_type(uses).title)} · {uses}"
    except OrchestraError:
        return uses


def tool_card(
    visit: Visit,
    draft: EditorDraft,
    number: int,
    tool: Mapping[str, Any],
    now: Mapping[str, Any],
    problems: Sequence[Problem],
) -> None:
    """Show a tool; `tool` is what the widgets began with, `now` what they hold."""
    icon = ":material/error:" if problems else ":material/construction:"
    label = plain(f"{now.get('name') or t('without a name')} · {tool_title(str(tool['uses']))}")
    is_new = not tool.get("with") and not tool.get("give")
    with st.expander(label, expanded=is_new or bool(problems), key=draft.key(tool_key(number, "card")), icon=icon):
        with st.container():  # always there, so that nothing below it moves while somebody types
            for one in problems:
                st.error(message_markdown(one.message, one.remedy), icon=":material/error:")
        _head(visit, draft, number, tool)
        known = fields_of(str(tool["uses"]))
        given = [str(one) for one in now.get("give", [])]
        _fixed(visit, draft, number, tool, known, given)
        _given(draft, number, tool, known, [*now.get("with", {})])
        for name in given:
            if name in known and (known[name].is_strict or name in tool.get("choose_from", {})):
                _choices(draft, number, tool, known[name], is_approved=bool(now.get("approve")))
        st.toggle(
            t("A person approves every call"),
            bool(tool.get("approve")),
            key=draft.key(tool_key(number, "approve")),
            persist_state="session",
        )
        _explained(draft, number, known)
        _remove(draft, number)


def _head(visit: Visit, draft: EditorDraft, number: int, tool: Mapping[str, Any]) -> None:
    left, right = st.columns(2)
    with left:
        label = t("Name, for the model")
        fields.text_input(
            label, str(tool.get("name") or ""), persist_state="session", **draft.kept(tool_key(number, "name"))
        )
    with right:
        _connection(visit, draft, number, tool)
    fields.text_input(
        t("What it does, for the model"),
        str(tool.get("description") or ""),
        persist_state="session",
        **draft.kept(tool_key(number, "description")),
    )


def _connection(visit: Visit, draft: EditorDraft, number: int, tool: Mapping[str, Any]) -> None:
    """Offer the connections of the service, if the step type has one."""
    chosen = str(tool.get("connection") or "")
    try:
        offered = [one.name for one in visit.orchestra.connections.for_type(visit.who, str(tool["uses"]))]
        has_service = step_type(str(tool["uses"])).service is not None
    except OrchestraError:  # the problem of the tool says what is wrong
        offered, has_service = [], False
    if not has_service and not chosen:
        return
    options = list(dict.fromkeys(["", *offered, *([chosen] if chosen else [])]))
    st.selectbox(
        t("Connection"),
        options,
        options.index(chosen),
        format_func=lambda one: one or t("the one of this service"),
        key=draft.key(tool_key(number, "connection")),
        persist_state="session",
    )


def _fixed(
    visit: Visit,
    draft: EditorDraft,
    number: int,
    tool: Mapping[str, Any],
    known: Mapping[str, AgentToolField],
    given: Sequence[str],
) -> None:
    values = tool.get("with", {})
    names = st.multiselect(
        t("Fixed here"),
        [*dict.fromkeys([*values, *(one for one in known if one not in given)])],
        [*values],
        format_func=lambda name: _named(known, name),
        key=draft.key(tool_key(number, "fix")),
        placeholder=t("Choose fields that are the same in every call"),
        help=t("A value can have expressions, such as `{{ inputs.variables.to }}` or `{{ inputs.task }}`."),
        persist_state="session",
    )
    for name in names:
        if name in known:
            value = values[name] if name in values else first_value(known[name])
            agents = _other_agents(visit, draft) if known[name].schema.get("format") == "agent" else ()
            value_widget(draft, tool_key(number, f"with-{name}"), known[name], value, agents)


def _other_agents(visit: Visit, draft: EditorDraft) -> list[str]:
    return [one for one in visit.orchestra.agents.names(visit.who) if one != draft.name]


def _given(
    draft: EditorDraft, number: int, tool: Mapping[str, Any], known: Mapping[str, AgentToolField], fixed: Sequence[str]
) -> None:
    given = tool.get("give", [])
    st.multiselect(
        t("Filled by the model in each call"),
        [*dict.fromkeys([*given, *(one for one in known if one not in fixed)])],
        given,
        format_func=lambda name: _named(known, name),
        key=draft.key(tool_key(number, "give")),
        placeholder=t("Choose fields"),
        persist_state="session",
    )


def _named(known: Mapping[str, AgentToolField], name: str) -> str:
    """Return the title of a field as a choice, and what it is if the model must not decide it on its own."""
    field = known.get(name)
    if field is None or not field.is_strict:
        return name if field is None else t(field.title)
    return f"{t(field.title)} ({t('destination') if field.role == 'destination' else t('instruction')})"


def _choices(
    draft: EditorDraft, number: int, tool: Mapping[str, Any], field: AgentToolField, *, is_approved: bool
) -> None:
    """Say why the model must not fill a field on its own, and offer what makes it safe: a list to choose from."""
    known = [str(one) for one in tool.get("choose_from", {}).get(field.name, [])]
    if field.is_strict and not is_approved:
        st.caption(
            t(
                ":material/lock: **{title}** {role}. A mail that the model reads could talk it into another one. "
                "So list what it may choose from, fix it, or have a person approve every call.",
                title=plain(t(field.title)),
                role=t(ROLES[field.role]),
            )
        )
    st.multiselect(
        t("{title}: one of", title=field_label(t(field.title))),
        known,
        known,
        key=draft.key(tool_key(number, f"choose-{field.name}")),
        accept_new_options=True,
        placeholder=t("Type one and press Enter"),
        persist_state="session",
    )


def _explained(draft: EditorDraft, number: int, known: Mapping[str, AgentToolField]) -> None:
    """List all fields with what each decides."""
    opened = st.expander(
        t("What each field decides"), key=draft.key(tool_key(number, "roles")), type="compact", on_change="rerun"
    )
    if opened.open:
        with opened:
            for one in known.values():
                lock = ":material/lock: " if one.is_strict else ""
                st.markdown(f"{lock}**{plain(t(one.title))}** `{one.name}` :gray[{t(ROLES[one.role])}]")


def _remove(draft: EditorDraft, number: int) -> None:
    st.button(
        t("Remove this tool"),
        key=draft.key(tool_key(number, "remove")),
        icon=":material/delete:",
        type="tertiary",
        on_click=lambda: reseed(draft, without_tool(typed(draft).text, number)),
    )
