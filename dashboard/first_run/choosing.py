"""Choose a mailbox, a model, or where tasks go: what is there already, or the connection that has to be set up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.connection.card import connection_card
from dashboard.connection.check import check_line
from dashboard.connection.new import add_connection
from dashboard.first_run.mailbox import mailbox_form
from dashboard.first_run.mails import choose
from dashboard.parts.buttons import action_button
from engine.base.services import client_class, declaration
from engine.connections.statuses import ConnectionStatus
from engine.first_run.steps import DEMO, NONE, FirstRunState, FirstRunStep

if TYPE_CHECKING:
    from engine.first_run.progress import StepId

_WHAT = {
    "mailbox": N_("Which mailbox is read? Nothing is changed in it before you have seen what would be."),
    "model": N_("Which model reads the mails? With a key of your own, or on this machine."),
    "tasks": N_("Where do mails go that call for something?"),
}
_NONE_WORDS = {
    "model": N_("No model: every mail counts as a task"),
    "tasks": N_("Nowhere: mark such mails in the mailbox"),
}
_OWN_SERVER = N_("{service}, or your own server with the same API, such as Ollama or LM Studio on this machine")
_USED: dict[StepId, str] = {
    "mailbox": N_("Use this mailbox"),
    "model": N_("Use this model"),
    "tasks": N_("Send tasks there"),
}


def choosing(visit: Visit, state: FirstRunState, step: FirstRunStep) -> None:
    """Show what can be chosen, and what the chosen one still needs."""
    options = step["choices"]
    chosen = st.radio(
        t(_WHAT[step["id"]]),
        options,
        index=options.index(step["choice"]) if step["choice"] in options else _first_ready(visit, options),
        format_func=lambda one: _words(step["id"], one),
        key=f"first-run-choice-{step['id']}",
    )
    for line in step["lines"] if chosen == step["choice"] else ():
        if not line.ok:
            check_line(chosen, line)
    if chosen in (DEMO, NONE):
        _button(visit, step["id"], chosen, "", t("Look at the demo first") if chosen == DEMO else t("Continue without"))
        return
    found = [one for one in visit.orchestra.connections.list(visit.who) if one.service == chosen]
    status = next((one for one in found if one.own_key_found), next(iter(found), None))
    is_demo = step["id"] != "mailbox" and _choice(state, "mailbox") == DEMO
    has_failed = step["state"] == "failed" and chosen == step["choice"]
    if step["id"] == "mailbox" and visit.may("admin") and _has_form(chosen) and (has_failed or not _is_found(status)):
        mailbox_form(visit, chosen, status)
    elif status is None:
        _missing(visit, chosen)
    elif is_demo or status.own_key_found:
        target = _target(visit, chosen, state) if step["id"] == "tasks" else ""
        _button(visit, step["id"], chosen, target, t(_USED[step["id"]]))
        if has_failed:
            connection_card(visit, status)
    else:
        _not_ready(visit, status)


def _has_form(service: str) -> bool:
    """Return whether people enter a key for a service, instead of signing in with a browser."""
    return client_class(service).sign_in_way is None and declaration(service).key is not None


def _is_found(status: ConnectionStatus | None) -> bool:
    return status is not None and status.own_key_found


def _first_ready(visit: Visit, options: list[str]) -> int:
    """Return the place of the first choice that has a key already, or else takes one, or has a connection."""
    known = visit.orchestra.connections.list(visit.who)
    ready = [one.service for one in known if one.own_key_found]
    ready += [options[0]] if options[-1] == DEMO else [one.service for one in known]
    return next((options.index(one) for one in ready if one in options), 0)


def _words(step: StepId, choice: str) -> str:
    if choice == DEMO:
        return t("Look at the demo first: sample mails, no account")
    if choice == NONE:
        return t(_NONE_WORDS[step])
    service = declaration(choice)
    if step == "mailbox" and _has_form(choice):
        return plain(t("{service}: your address and an app password", service=service.offered_as))
    return plain(t(_OWN_SERVER, service=service.offered_as) if service.runs_locally else service.offered_as)


def _choice(state: FirstRunState, step: StepId) -> str:
    return next(one["choice"] for one in state["steps"] if one["id"] == step)


def _missing(visit: Visit, service: str) -> None:
    if visit.may("admin"):
        add_connection(visit, service, {one.name for one in visit.orchestra.connections.list(visit.who)})
    else:
        st.caption(t("An owner can add this connection."))


def _not_ready(visit: Visit, status: ConnectionStatus) -> None:
    st.caption(t("Set the account up here; then you can use it."))
    connection_card(visit, status)


def _target(visit: Visit, service: str, state: FirstRunState) -> str:
    """Ask for the repository or database; what the account has is offered, anything else can be typed."""
    offered = visit.orchestra.first_run.targets(visit.who, service)
    index = offered.index(state["target"]) if state["target"] in offered else 0 if offered else None
    chosen = st.selectbox(
        t("Where"),
        offered,
        index=index,
        accept_new_options=True,
        key=f"first-run-target-{service}",
        placeholder=t("Name it"),
    )
    return str(chosen or "")


def _button(visit: Visit, step: StepId, choice: str, target: str, label: str) -> None:
    def done(state: FirstRunState) -> None:
        chosen = next(one for one in state["steps"] if one["id"] == step)
        if chosen["state"] == "done":
            session.tell(t("{title}: done.", title=t(chosen["title"])))
        st.rerun()

    action_button(
        label,
        f"first-run-use-{step}",
        lambda _key: choose(visit, step, choice, target),
        done,
        scope=f"{choice} {target}",
        type="primary",
        icon=":material/check:",
    )
