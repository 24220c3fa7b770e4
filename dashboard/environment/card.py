"""An environment as people see it: its workflows, connections and variables."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from clients.plural import counted
from dashboard.base import session
from dashboard.base.page import Visit
from dashboard.base.plain import plain, plain_with_code
from dashboard.parts.buttons import action_button, submit_button
from dashboard.parts.times import ago
from engine.base.services import has_stand_in, is_model
from engine.runs.environments.environments import EnvironmentStatus

_OTHERS = {"current": "Other workflows run their file as it is.", "none": "Other workflows do not run here."}
_ITSELF, _DEMO = "itself", "its demo"
_VARIABLE = (
    "Expressions use it as `{{ env.NAME }}`. A number, true, or a list is written as JSON; everything else is text."
)


def environment_card(visit: Visit, one: EnvironmentStatus) -> None:
    """Show an environment."""
    with st.container(border=True, key=f"environment-{one.name}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.subheader(plain(one.name), anchor=False, width="content")
            if one.is_default:
                st.badge("Default", icon=":material/check:", color="green")
            if one.title:
                st.caption(plain(one.title), width="content")
        if one.error:
            st.error(plain_with_code(one.error), icon=":material/error:")
            return
        _workflows(visit, one)
        _connections(visit, one)
        _variables(visit, one)
        _actions(visit, one)


def _workflows(visit: Visit, one: EnvironmentStatus) -> None:
    for name, entry in one.workflows.items():
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            visit.link(name, "workflow", icon=":material/account_tree:", name=name)
            st.caption(plain(_entry_words(entry)), width="content")
    st.caption(_OTHERS.get(one.others, one.others))


def _entry_words(entry: Any) -> str:
    words = "the file as it is" if entry.version == "current" else f"version {entry.version}"
    if entry.promoted_at:
        words += f", promoted {ago(entry.promoted_at)} by {entry.promoted_by}"
    return words + ("; its triggers start runs here" if entry.triggers else "")


def _connections(visit: Visit, one: EnvironmentStatus) -> None:
    if not visit.may("edit"):
        for written, target in one.connections.items():
            st.markdown(plain(f"Connection {written} is {_DEMO if target == 'demo' else target}."))
        return
    known = {status.name: status.service for status in visit.orchestra.connections.list(visit.who)}
    label = f"Connections ({counted(len(one.connections), 'stand-in')})"
    with st.expander(label, icon=":material/cable:"), st.form(f"connections-{one.name}", border=False):
        st.caption("What each name in a workflow means in this environment.")
        chosen: dict[str, str | None] = {}
        for written in dict.fromkeys([*known, *one.connections]):
            choices = _choices(written, known)
            now = one.connections.get(written, written)
            options = {name: _words(name, written) for name in [*choices, now]}
            found = st.selectbox(
                written,
                list(options),
                list(options).index(now),
                format_func=options.__getitem__,
                key=f"env-connection-{one.name}-{written}",
            )
            if found != now:
                chosen[written] = found
        submit_button(
            "Save connections",
            f"env-connect-{one.name}",
            lambda _: visit.orchestra.environments.connect(visit.who, one.name, chosen),
            lambda _: _told(f"The connections of {one.name} are saved."),
            scope=json.dumps(chosen),
        )


def _words(name: str, own: str) -> str:
    return {own: _ITSELF, "demo": _DEMO}.get(name, name)


def _choices(written: str, known: dict[str, str]) -> list[str]:
    service = known.get(written, "")
    same = [
        name
        for name, other in known.items()
        if name != written and (other == service or (is_model(other) and is_model(service)))
    ]
    return [written, *(["demo"] if service and has_stand_in(service) else []), *same]


def _variables(visit: Visit, one: EnvironmentStatus) -> None:
    for name, value in one.variables.items():
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"`env.{name}`", width="content")
            st.markdown(plain(json.dumps(value, ensure_ascii=False)), width="content")
            if visit.may("edit"):
                _remove_button(visit, one.name, name)
    if not visit.may("edit"):
        return
    with st.expander("Set a variable", icon=":material/data_object:"), st.form(f"variable-{one.name}", border=False):
        st.caption(_VARIABLE)
        name = st.text_input("Name", key=f"env-variable-{one.name}", placeholder="DATABASE")
        text = st.text_input("Value", key=f"env-value-{one.name}", placeholder="Tasks")
        submit_button(
            "Set",
            f"env-set-{one.name}",
            lambda _: visit.orchestra.environments.set_variables(visit.who, one.name, {name.strip(): _typed(text)}),
            lambda _: _told(f"{name.strip()} is set in {one.name}."),
            scope=f"{name} {text}",
        )


def _remove_button(visit: Visit, environment: str, name: str) -> None:
    action_button(
        f"Remove {name}",
        f"env-unset-{environment}-{name}",
        lambda _: visit.orchestra.environments.set_variables(visit.who, environment, {name: None}),
        lambda _: _told(f"{name} is removed from {environment}."),
        type="tertiary",
        icon=":material/close:",
    )


def _typed(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if value is None else value


def _actions(visit: Visit, one: EnvironmentStatus) -> None:
    with st.container(horizontal=True, gap="small"):
        if st.button("Check", key=f"env-check-{one.name}", icon=":material/fact_check:"):
            _check(visit, one)
        if visit.may("admin") and not one.is_default:
            action_button(
                "Make it the default",
                f"env-default-{one.name}",
                lambda _: visit.orchestra.environments.set_default(visit.who, one.name),
                lambda _: _told(f"{one.name} is the default now."),
            )
        if visit.may("edit") and not one.is_default:
            action_button(
                "Delete",
                f"env-delete-{one.name}",
                lambda _: visit.orchestra.environments.delete(visit.who, one.name),
                lambda _: _told(f"{one.name} is in the trash."),
                type="tertiary",
                icon=":material/delete:",
            )


def _check(visit: Visit, one: EnvironmentStatus) -> None:
    problems = visit.orchestra.environments.problems(visit.who, one.name)
    if not problems:
        st.success("Every workflow can run here.", icon=":material/check_circle:")
    for problem in problems:
        st.error(plain_with_code(f"{problem.file}: {problem.message} {problem.remedy}"), icon=":material/error:")


def _told(words: str) -> None:
    session.tell(words)
    st.rerun()
