"""Sign in to a service from the page: the guide to what it needs, and the sign-in that runs beside the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import outside_link
from dashboard.connection.check import tell_tested, try_own
from dashboard.parts.accounts import service_icon, service_title
from dashboard.parts.buttons import action_button, submit_button
from dashboard.parts.errors import error_box
from engine.base.errors import InvalidInput
from engine.base.services import client_class
from engine.connections.sign_ins import SignIn

if TYPE_CHECKING:
    from engine.connections.statuses import ConnectionStatus

_LOOK_SECONDS = 2.0


def browser_sign_in(visit: Visit, status: ConnectionStatus) -> None:
    """Show how to connect the service, and the sign-in in progress."""
    under_way: SignIn | None = session.draft(_slot(status.name), None)
    if under_way is not None:
        _waiting(visit, under_way, status)
        return
    connect = t("Connect {service}", service=service_title(status.service))
    label = t("Sign in again") if status.own_key_found else connect
    if client_class(status.service).sign_in_way is None and status.own_key_source != "signed in":  # beside a key
        label = t("Sign in with {sign_in_at}", sign_in_at=status.sign_in_at)
    if st.button(label, key=f"sign-in-open-{status.name}", icon=":material/login:"):
        st.dialog(connect, width="large", icon=service_icon(status.service))(_dialog)(visit, status)


def _dialog(visit: Visit, status: ConnectionStatus) -> None:
    way, name = client_class(status.service).sign_in_for(status.beside_key), status.name
    if way is not None:
        st.markdown(t(way.guide))
        question, answer = way.more
        with st.expander(t(question), icon=":material/help:"):
            st.markdown(t(answer))
    if way is not None and way.id_label:
        _with_id(visit, status, way.id_label)
        return
    uploaded = st.file_uploader(t("Client secret file (JSON)"), type="json", key=f"secret-file-{name}")
    path = st.text_input(t("… or its path on this machine"), key=f"secret-path-{name}")
    content = uploaded.getvalue() if uploaded is not None else b""
    action_button(
        t("Sign in with {sign_in_at}", sign_in_at=status.sign_in_at),
        f"sign-in-{name}",
        lambda _key: visit.orchestra.connections.begin_sign_in(visit.who, name, content or _read(path.strip())),
        lambda sign_in: _begun(name, sign_in),
        scope=f"{hash(content)} {path}",
        type="primary",
    )


def _with_id(visit: Visit, status: ConnectionStatus, label: str) -> None:
    name = status.name
    client_id = st.text_input(label, key=f"client-id-{name}", autocomplete="off")
    action_button(
        t("Sign in with {sign_in_at}", sign_in_at=status.sign_in_at),
        f"sign-in-{name}",
        lambda _key: visit.orchestra.connections.begin_sign_in(visit.who, name, _content_of(client_id, label)),
        lambda sign_in: _begun(name, sign_in),
        scope=client_id,
        type="primary",
    )


def _content_of(client_id: str, label: str) -> bytes:
    if not client_id.strip():
        raise InvalidInput(t("There is no {label} yet.", label=label), remedy=t("Copy it as the guide above says."))
    return json.dumps({"client_id": client_id.strip()}).encode()


def _slot(name: str) -> str:
    return f"sign-in.{name}"


def _read(path: str) -> bytes:
    """Return the content of the client secret file on this machine. Raises InvalidInput."""
    if not path:
        raise InvalidInput(t("There is no client secret file yet."), remedy=t("Upload it, or enter its path."))
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise InvalidInput(
            t("There is no file {path} that can be read ({strerror}).", path=path, strerror=error.strerror)
        ) from error


def _begun(name: str, sign_in: SignIn) -> None:
    session.keep_draft(_slot(name), sign_in)
    st.rerun()


def _waiting(visit: Visit, sign_in: SignIn, status: ConnectionStatus) -> None:
    name = status.name
    if sign_in.ended.is_set():
        session.drop_draft(_slot(name))
        if sign_in.error is not None:
            error_box(sign_in.error)
        else:
            with st.spinner(t("Testing …")):
                try_own(visit, status)
            tell_tested(status)
            st.rerun()
        return
    st.info(
        t("Sign in at {sign_in_at}. This page continues when you come back.", sign_in_at=status.sign_in_at),
        icon=":material/hourglass_empty:",
    )
    outside_link(t("Sign in with {sign_in_at}", sign_in_at=status.sign_in_at), sign_in.address)

    @st.fragment(run_every=_LOOK_SECONDS)
    def look() -> None:
        if sign_in.ended.is_set():
            st.rerun()

    look()
    with st.popover(t("The browser is on another machine"), type="tertiary"):
        st.caption(
            t("There, the sign-in ends at a page at 127.0.0.1 that does not open. Paste the address of that page here.")
        )
        with st.form(f"sign-in-back-form-{name}", border=False):
            pasted = st.text_input(t("Address"), key=f"sign-in-back-{name}", autocomplete="off")
            submit_button(
                t("Continue"),
                f"sign-in-back-go-{name}",
                lambda _key: visit.orchestra.connections.bring_back(visit.who, name, pasted),
                scope=str(hash(pasted)),
            )
    if st.button(t("Cancel this sign-in"), key=f"sign-in-forget-{name}", type="tertiary"):
        session.drop_draft(_slot(name))
        st.rerun()
