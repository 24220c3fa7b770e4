"""Add a connection from the page: a service, a name, its key and other settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from clients.service import Service
from dashboard.base import session
from dashboard.base.language import N_, dialog, t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import outside_link, plain
from dashboard.connection.check import forget_check, show_wrong, tell_tested, try_own, wrong
from dashboard.connection.fetched_model import choose_model, model_under_way
from dashboard.parts.accounts import service_icon, service_title
from dashboard.parts.buttons import submit_button
from dashboard.parts.connection_fields import beside_fields, key_facts, key_hint, key_label, settings_of
from engine.base.services import declaration
from engine.base.statuses import AccountMode

if TYPE_CHECKING:
    from engine.connections.statuses import ConnectionStatus

_SAVED = "new-connection.not-working"
"""Name and service of the connection that the open dialog has saved, although it does not work yet."""


def new_connection(visit: Visit, taken: set[str]) -> None:
    """Show the button that adds a connection; `taken` are the names in use."""
    model_under_way(visit)
    is_new = st.button(t("Add a connection"), icon=":material/add:", key="new-connection")
    if is_new or visit.is_asked("new"):
        session.drop_draft(_SAVED)
        _dialog(visit, taken)


def add_connection(visit: Visit, service: str, taken: set[str]) -> None:
    """Show the button that adds a connection to one service."""
    model_under_way(visit)
    if st.button(
        t("Add {service}", service=service_title(service)), icon=":material/add:", key=f"new-connection-{service}"
    ):
        session.drop_draft(_SAVED)
        _dialog(visit, taken, service)


def fetched_model_button(visit: Visit, beside: str) -> None:
    """Show the button that takes a small model on this machine; `beside`: the connection on whose card it stands."""
    service = next((kind.name for kind in visit.orchestra.connections.kinds() if kind.models and kind.is_model), "")
    if service and st.button(
        t("Use a small model on this machine"),
        key=f"fetched-model-{beside}",
        type="tertiary",
        icon=service_icon(service),
    ):
        _dialog(visit, {one.name for one in visit.orchestra.connections.list(visit.who)}, service)


@dialog(N_("Add a connection"), icon=":material/cable:", on_dismiss="rerun")
def _dialog(visit: Visit, taken: set[str], only: str = "") -> None:
    connections = visit.orchestra.connections
    signed_in = {kind.name for kind in connections.signed_in_kinds()}
    offered = [*connections.kinds(), *connections.signed_in_kinds()]
    kinds = {kind.name: kind for kind in offered if only in ("", kind.name)}
    service = st.selectbox(t("Service"), list(kinds), format_func=service_title, key=f"new-connection-service{only}")
    kind = kinds[service]
    name = st.text_input(
        t("Name"), _free(kind, taken), key=f"new-connection-name-{service}", help=t("The name that steps use.")
    )
    if service in signed_in:
        _signed_in(visit, service, name)
        return
    if kind.models:
        choose_model(visit, kind, name.strip())
        return
    beside = beside_fields(kind, {}, f"new-connection-{service}")
    page = visit.orchestra.connections.key_page(service, beside)
    if page:
        outside_link(t("Where to create the {key_label}", key_label=key_label(kind)), page)
    key_facts(kind)
    with st.form(f"new-connection-form-{service}", border=False):
        key = st.text_input(
            key_label(kind),
            type="password",
            key=_secret_field(service),
            autocomplete="off",
            placeholder=key_hint(kind),
            help=plain(t(kind.key.place)) if kind.key else None,
        )
        submit_button(
            t("Add and test"),
            f"new-connection-add-{service}",
            lambda _: _saved(visit, name.strip(), kind, key, beside),
            lambda status: _added(visit, status, is_typed=bool(key.strip() or any(beside.values()))),
            scope=str(hash((name, key, *beside.values()))),
        )
    if _is_saved_here(name.strip(), service):
        show_wrong(name.strip(), service)


def _signed_in(visit: Visit, service: str, name: str) -> None:
    """Show the button for a connection without a key: people sign in on its card."""
    kind = declaration(service)
    st.caption(t("Add it, then press Connect on its card to sign in."))
    with st.form(f"new-connection-form-{service}", border=False):
        beside = beside_fields(kind, {}, f"new-connection-{service}")
        submit_button(
            t("Add"),
            f"new-connection-add-{service}",
            lambda _: visit.orchestra.connections.add(visit.who, name.strip(), service, settings_of(kind, "", beside)),
            _waits,
            scope=str(hash((name, *beside.values()))),
        )


def _free(service: Service, taken: set[str]) -> str:
    """Return a name that no connection has yet."""
    wanted = service.usual_name
    return next(one for one in (wanted, *(f"{wanted}-{number}" for number in range(2, 1000))) if one not in taken)


def _secret_field(service: str) -> str:
    """Return the key of the field; it changes after saving, so that no secret stays on the page."""
    return f"new-connection-key-{service}-{session.draft('new-connection.saved', 0)}"


def _saved(visit: Visit, name: str, kind: Service, key: str, beside: Mapping[str, str]) -> ConnectionStatus:
    """Add the connection; if this dialog has added it before, change what was corrected since."""
    connections = visit.orchestra.connections
    if _is_saved_here(name, kind.name):
        return connections.give_key(visit.who, name, key, beside)
    return connections.add(visit.who, name, kind.name, settings_of(kind, key, beside))


def _is_saved_here(name: str, service: str) -> bool:
    return bool(session.draft(_SAVED, ("", "")) == (name, service))


def _added(visit: Visit, status: ConnectionStatus, *, is_typed: bool) -> None:
    """Test a person's own account: the dialog stays open, with what was typed, until it works."""
    if status.note and status.ready:
        session.tell(translated(status.note), ":material/warning:")
    if is_typed or status.mode == AccountMode.MINE:  # else there is the demo until a person gives a key
        with st.spinner(t("Testing …")):
            try_own(visit, status)
        if wrong(status.name, status.service):
            session.keep_draft(_SAVED, (status.name, status.service))
            return
        tell_tested(status)
    else:
        forget_check(status.name)
        session.tell(t("{name} was added. It uses the demo until you give it your key.", name=status.name))
    session.drop_draft(_SAVED)
    session.keep_draft("new-connection.saved", session.draft("new-connection.saved", 0) + 1)
    st.rerun()


def _waits(status: ConnectionStatus) -> None:
    session.tell(t("{name} was added. Press Connect on its card to sign in.", name=status.name))
    if status.note:
        session.tell(translated(status.note), ":material/warning:")
    st.rerun()
