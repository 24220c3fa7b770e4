"""An environment as people see it: its workflows, connections and variables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, t, tn
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import plain, plain_with_code
from dashboard.environment.removing import deletion_popover, removal_popover
from dashboard.parts.buttons import action_button, submit_button
from dashboard.parts.times import ago
from engine.base.services import has_stand_in, is_for

if TYPE_CHECKING:
    from engine.runs.environments.reader import EnvironmentStatus

_OTHERS = {"current": N_("Other workflows run their file as it is."), "none": N_("Other workflows do not run here.")}
_ALL = {"current": N_("Each workflow runs its file as it is."), "none": N_("No workflow runs here yet.")}
_ITSELF, _DEMO = N_("itself"), N_("its demo")
_VARIABLE = N_(
    "Expressions use it as `{{ env.NAME }}`. A number, true, or a list is written as JSON; everything else is text."
)


def environment_card(visit: Visit, one: EnvironmentStatus) -> None:
    """Show an environment."""
    with st.container(border=True, key=f"environment-{one.name}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.subheader(plain(one.name), anchor=False, width="content")
            if one.is_default:
                st.badge(t("Default"), icon=":material/check:", color="green")
            if one.title:
                st.caption(plain(one.title), width="content")
        if one.error:
            st.error(plain_with_code(translated(one.error)), icon=":material/error:")
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
            if visit.may("edit"):
                removal_popover(visit, name, one.name)
    if words := _others(visit, one):
        st.caption(words)


def _others(visit: Visit, one: EnvironmentStatus) -> str:
    """Return what becomes of the workflows that are not named; "" if all are."""
    if not set(visit.orchestra.workflows.names(visit.who)) - one.workflows.keys():
        return ""
    if one.workflows:
        return t(_OTHERS.get(one.others, one.others))
    words = t(_ALL.get(one.others, one.others))
    is_offered = one.others == "none" and visit.may("edit")
    return f"{words} {t('Promote one on its tab Environments.')}" if is_offered else words


def _entry_words(entry: Any) -> str:
    words = t("the file as it is") if entry.version == "current" else t("version {version}", version=entry.version)
    if entry.promoted_at:
        words += t(
            ", promoted {promoted_at} by {promoted_by}",
            promoted_at=ago(entry.promoted_at),
            promoted_by=entry.promoted_by,
        )
    return words + (t("; its triggers start runs here") if entry.triggers else "")


def _connections(visit: Visit, one: EnvironmentStatus) -> None:
    if not visit.may("edit"):
        for written, target in one.connections.items():
            st.markdown(
                plain(
                    t("Connection {written} is {demo}.", written=written, demo=t(_DEMO) if target == "demo" else target)
                )
            )
        return
    known = {status.name: status.service for status in visit.orchestra.connections.list(visit.who)}
    label = t("Connections ({stand_ins})", stand_ins=tn("{count} stand-in", "{count} stand-ins", len(one.connections)))
    with st.expander(label, icon=":material/cable:"), st.form(f"connections-{one.name}", border=False):
        st.caption(t("What each name in a workflow means in this environment."))
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
            t("Save connections"),
            f"env-connect-{one.name}",
            lambda _: visit.orchestra.environments.connect(visit.who, one.name, chosen),
            lambda _: _told(t("The connections of {name} are saved.", name=one.name)),
            scope=json.dumps(chosen),
        )


def _words(name: str, own: str) -> str:
    return {own: t(_ITSELF), "demo": t(_DEMO)}.get(name, name)


def _choices(written: str, known: dict[str, str]) -> list[str]:
    service = known.get(written, "")
    same = [name for name, other in known.items() if name != written and is_for(other, service)]
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
    with st.expander(t("Set a variable"), icon=":material/data_object:"), st.form(f"variable-{one.name}", border=False):
        st.caption(t(_VARIABLE))
        name = st.text_input(t("Name"), key=f"env-variable-{one.name}", placeholder="DATABASE")
        text = st.text_input(t("Value"), key=f"env-value-{one.name}", placeholder=t("Tasks"))
        submit_button(
            t("Set"),
            f"env-set-{one.name}",
            lambda _: visit.orchestra.environments.set_variables(visit.who, one.name, {name.strip(): _typed(text)}),
            lambda _: _told(t("{name} is set in {name_2}.", name=name.strip(), name_2=one.name)),
            scope=f"{name} {text}",
        )


def _remove_button(visit: Visit, environment: str, name: str) -> None:
    action_button(
        t("Remove {name}", name=name),
        f"env-unset-{environment}-{name}",
        lambda _: visit.orchestra.environments.set_variables(visit.who, environment, {name: None}),
        lambda _: _told(t("{name} is removed from {environment}.", name=name, environment=environment)),
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
        if st.button(t("Check"), key=f"env-check-{one.name}", icon=":material/fact_check:"):
            _check(visit, one)
        if visit.may("admin") and not one.is_default:
            action_button(
                t("Make it the default"),
                f"env-default-{one.name}",
                lambda _: visit.orchestra.environments.set_default(visit.who, one.name),
                lambda _: _told(t("{name} is the default now.", name=one.name)),
            )
        if visit.may("edit") and not one.is_default:
            deletion_popover(visit, one, [f"{name}: {_entry_words(entry)}" for name, entry in one.workflows.items()])


def _check(visit: Visit, one: EnvironmentStatus) -> None:
    problems = visit.orchestra.environments.problems(visit.who, one.name)
    if not problems:
        st.success(t("Every workflow can run here."), icon=":material/check_circle:")
    for problem in problems:
        st.error(
            plain_with_code(f"{problem.file}: {translated(f'{problem.message} {problem.remedy}')}"),
            icon=":material/error:",
        )


def _told(words: str) -> None:
    session.tell(words)
    st.rerun()
