"""The Edit tab of an agent: its instructions, tools and limits as fields, or all of it as JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.agent.draft import LIMITS, ON_LIMIT, has_form, typed, with_tool
from dashboard.agent.tool_form import tool_card, tool_title
from dashboard.base import fields, session
from dashboard.base.code import EditorMode, marks_of
from dashboard.base.language import N_, t
from dashboard.base.page import Visit
from dashboard.base.plain import outside_code, plain
from dashboard.editing.draft import FIELDS, JSON, EditorDraft, field_text, reseed
from dashboard.parts.errors import problem_list
from dashboard.parts.header import section
from engine.agents.tool_check import is_usable
from engine.base.problem import Problem
from engine.base.services import is_model
from engine.documents.json_file import object_in
from engine.plugins.registry import step_types

_JSON_HEIGHT, _TALL = 560, 220
_MOST_FITTING = 5
_LIMITS = {
    "turns": (N_("Turns, at most 20"), N_("How often its model is asked.")),
    "tokens": (N_("Tokens of all turns"), N_("Empty: no limit.")),
    "dollars": (N_("US dollars"), N_("Empty: no limit. At this limit the run waits until somebody raises it.")),
    "seconds": (N_("Seconds"), N_("Empty: no limit.")),
}
_ON_LIMIT = {
    "ask": N_("Ask a person, who gives it more, a hint, or an end"),
    "stop": N_("End its step without a result"),
    "fail": N_("Fail"),
}


def edit_tab(visit: Visit, draft: EditorDraft) -> None:
    """Show the text that is being edited, and its problems; people without the right see the file."""
    if not visit.may("edit"):
        outside_code(draft.base, "json")
        return
    document = object_in(draft.seed)
    is_form = document is not None and has_form(document)
    _mode(draft, is_form=is_form)
    now = typed(draft)
    with st.container():  # always there, so that nothing below it moves while somebody types
        if now.wrong:
            st.error(plain(now.wrong), icon=":material/error:")
    found = [] if now.wrong else visit.orchestra.agents.check(visit.who, draft.name, now.text)
    others = found
    if document is not None and is_form and draft.mode == FIELDS:
        _fields(visit, draft, document, object_in(now.text) or document, found)
        others = [one for one in found if _tool_of(one) is None]
    else:
        code = EditorMode("json", is_document=True, marks=marks_of(found))
        fields.text_area(
            t("Agent (JSON)"),
            draft.seed,
            height=_JSON_HEIGHT,
            code=code,
            persist_state="session",
            **draft.kept("text"),
        )
    if others:
        problem_list(others, now.text)
    elif not found and not now.wrong:
        st.success(t("No problems."), icon=":material/check_circle:")


def _mode(draft: EditorDraft, *, is_form: bool) -> None:
    def switch() -> None:
        reseed(draft, typed(draft).text, mode=JSON if draft.mode == FIELDS else FIELDS)

    if not is_form:
        st.caption(t("This text does not have the structure of an agent, so it is edited as JSON."))
        return
    label = t("Edit as JSON") if draft.mode == FIELDS else t("Edit as fields")
    icon = ":material/data_object:" if draft.mode == FIELDS else ":material/edit_note:"
    st.button(label, key=f"agent-mode-{draft.name}", on_click=switch, type="tertiary", icon=icon)


def _fields(
    visit: Visit, draft: EditorDraft, document: Mapping[str, Any], now: Mapping[str, Any], found: Sequence[Problem]
) -> None:
    """Show the fields; `document` is what the widgets began with, `now` what they hold."""
    fields.text_area(
        t("Instructions"),
        str(document.get("instructions") or ""),
        height=_TALL,
        help=t("Instructions that its model gets in every turn: what to do, and how."),
        persist_state="session",
        **draft.kept("instructions"),
    )
    section(t("Tools"))
    st.caption(
        t("What it may do. Its model decides which tool it calls, and fills only the fields that you leave to it.")
    )
    tools = document.get("tools") or []
    for number, (tool, held) in enumerate(zip(tools, now.get("tools") or tools, strict=True)):
        tool_card(visit, draft, number, tool, held, [one for one in found if _tool_of(one) == number])
    _add_tool(visit, draft)
    section(t("Limits"))
    _limits(draft, document.get("limits") or {}, document)
    section(t("More"))
    _more(visit, draft, document)


def _tool_of(problem: Problem) -> int | None:
    """Return the number of the tool that a problem is about."""
    first, _, rest = (problem.field or "").partition(".")
    number = rest.partition(".")[0]
    return int(number) if first == "tools" and number.isdigit() else None


def _add_tool(visit: Visit, draft: EditorDraft) -> None:
    key = draft.key("add-tool")
    known = [*visit.orchestra.own_step_types(visit.who), *(name for name in step_types() if is_usable(name))]

    def add(uses: str) -> None:
        if uses in known:
            reseed(draft, with_tool(typed(draft).text, uses))

    chosen = st.selectbox(
        t("Add a tool"),
        known,
        None,
        format_func=tool_title,
        key=key,
        placeholder=t("Choose what it may do, or say it: send an answer"),
        on_change=lambda: add(session.widget_value(key, "")),
        accept_new_options=True,
    )
    if chosen is not None and chosen not in known:
        _fitting(visit, chosen, known, add)


def _fitting(visit: Visit, said: str, known: Sequence[str], add: Callable[[str], None]) -> None:
    """Offer the tools that fit what somebody says that it should do."""
    found = [one for one in visit.orchestra.fitting_step_types(visit.who, said) if one in known][:_MOST_FITTING]
    st.caption(t("These may do it:") if found else t("No tool fits these words. Try the name of a service."))
    with st.container(horizontal=True, gap="small"):
        for uses in found:
            st.button(plain(tool_title(uses)), key=f"fitting-{uses}", icon=":material/add:", on_click=add, args=[uses])


def _limits(draft: EditorDraft, limits: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    for column, name in zip(st.columns(4), LIMITS, strict=True):
        label, advice = _LIMITS[name]
        value, is_money = limits.get(name), name == "dollars"
        with column:
            st.number_input(
                t(label),
                value=float(value) if is_money and value is not None else value,
                step=0.1 if is_money else 1,
                help=t(advice),
                key=draft.key(f"limit-{name}"),
                placeholder="8" if name == "turns" else t("none"),
                persist_state="session",
            )
    st.selectbox(
        t("At a limit, and when it is stuck"),
        ON_LIMIT,
        ON_LIMIT.index(document.get("on_limit", ON_LIMIT[0])),
        format_func=lambda one: t(_ON_LIMIT[one]),
        key=draft.key("on_limit"),
        persist_state="session",
    )


def _more(visit: Visit, draft: EditorDraft, document: Mapping[str, Any]) -> None:
    left, right = st.columns(2)
    with left:
        fields.text_input(t("Title"), str(document.get("title") or ""), persist_state="session", **draft.kept("title"))
        _connection(visit, draft, str(document.get("connection") or ""))
    with right:
        described = str(document.get("description") or "")
        fields.text_input(t("Description"), described, persist_state="session", **draft.kept("description"))
        model, advice = str(document.get("model") or ""), t("Leave empty for the model of the connection.")
        fields.text_input(t("Model"), model, help=advice, persist_state="session", **draft.kept("model"))
    names = list(document.get("variables") or {})
    st.multiselect(
        t("Variables"),
        names,
        names,
        key=draft.key("variables"),
        accept_new_options=True,
        placeholder=t("Type one and press Enter"),
        help=t("Texts that a step gives besides the task, such as an address. Fixed fields of tools can use them."),
        persist_state="session",
    )
    fields.text_area(
        t("Format of its result (JSON)"),
        field_text(document, "output"),
        help=t("A JSON Schema. Empty: it ends with a text."),
        code=EditorMode("json"),
        persist_state="session",
        **draft.kept("output"),
    )


def _connection(visit: Visit, draft: EditorDraft, chosen: str) -> None:
    offered = [one.name for one in visit.orchestra.connections.list(visit.who) if is_model(one.service)]
    options = list(dict.fromkeys(["", *offered, *([chosen] if chosen else [])]))
    st.selectbox(
        t("Connection to a model"),
        options,
        options.index(chosen),
        format_func=lambda one: one or t("the usual one"),
        key=draft.key("connection"),
        persist_state="session",
    )
