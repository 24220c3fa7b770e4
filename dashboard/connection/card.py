"""One connection: whose account it uses, the switch between Demo and Mine, its key, and a check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import plain, plain_with_code
from dashboard.connection.check import (
    check_lines,
    forget_check,
    keep_check,
    show_wrong,
    tell_tested,
    try_own,
    wrong,
)
from dashboard.connection.local_models import local_models
from dashboard.connection.sign_in import browser_sign_in
from dashboard.connection.tool_servers import tools_button
from dashboard.parts.accounts import service_icon, service_title
from dashboard.parts.buttons import action_button, submit_button
from dashboard.parts.connection_fields import beside_fields, key_facts, key_hint, key_label
from dashboard.parts.notices import account_notice
from dashboard.parts.popover import close, finish, popover
from engine.base.services import client_class, declaration, offers_tools, runs_locally
from engine.base.statuses import AccountMode

if TYPE_CHECKING:
    from clients.check_line import CheckLine
    from engine.connections.statuses import ConnectionStatus


def connection_card(visit: Visit, status: ConnectionStatus) -> None:
    """Show one connection."""
    with st.container(border=True, height="stretch", key=f"connection-{status.name}"):
        _head(visit, status)
        _whose(status, may_change=visit.may("admin"))
        account_notice(status, may_change=visit.may("admin"))
        _buttons(visit, status)
        check_lines(status)


def _head(visit: Visit, status: ConnectionStatus) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        title = f"{service_icon(status.service)} {plain(service_title(status.service))}"
        st.header(title, anchor=False, width="content")
        if status.mode == AccountMode.DEMO:
            visit.link(t("Demo"), "demo", icon=":material/science:")
        else:
            st.badge(t("Mine"), icon=":material/person:", color="violet")
        st.caption(plain(t("connection {name}", name=status.name)), width="content")


def _whose(status: ConnectionStatus, *, may_change: bool) -> None:
    who = status.account
    if declaration(status.service).models:
        st.markdown(t("A model that runs on this machine; nothing leaves it."))
    elif status.mode == AccountMode.MINE:
        who = who or (status.sign_in.account if status.sign_in else "")
        own = t(
            "Your own account{account}, with {source}.",
            account=": **" + plain(who) + "**" if who else "",
            source=plain(_source(status)),
        )
        st.markdown(own if status.own_key_found else plain(_how(status)))
        _sign_in(status)
    else:
        st.markdown(t("The stand-in on this machine. Nothing leaves it."))
    if not status.ready:
        st.warning(plain_with_code(translated(status.note)), icon=":material/key_off:")
    elif status.note:
        st.info(plain_with_code(translated(status.note)), icon=":material/info:")
    elif status.mode == AccountMode.DEMO:
        said = _found(status) if may_change or status.own_key_found else t("An owner can connect an account.")
        st.markdown(f":material/key: {plain(said)}")


def _sign_in(status: ConnectionStatus) -> None:
    """Show what was granted, and how long it lasts."""
    known = status.sign_in
    if known is None:
        return
    granted = t("Granted: {scopes}.", scopes=", ".join(known.scopes)) if known.scopes else ""
    st.caption(plain(" ".join(filter(None, [granted, "" if known.warns else translated(known.note)]))))


def _buttons(visit: Visit, status: ConnectionStatus) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if status.has_stand_in and status.mode == AccountMode.MINE:
            _switch(visit, status, AccountMode.DEMO, t("Back to Demo"))
        elif status.has_stand_in and status.own_key_found:
            _switch(visit, status, AccountMode.MINE, t("Use it"))
        if status.key_variable and visit.may("admin"):
            _give(visit, status)
        if visit.may("run"):
            _checks(visit, status)
        if offers_tools(status.service) and visit.may("admin"):
            tools_button(visit, status.name)
        if visit.may("admin"):
            _removal(visit, status)
    if runs_locally(status.service) and visit.may("admin"):
        local_models(visit, status)


def _source(status: ConnectionStatus) -> str:
    whose = {"signed in": t("the sign-in"), "kept": t("the stored key")}
    of_owner = {
        "signed in": t("the sign-in of {owner}", owner=status.owner),
        "kept": t("the stored key of {owner}", owner=status.owner),
    }
    said = of_owner if status.owner else whose
    return said.get(status.own_key_source, t("the key in {own_key_source}", own_key_source=status.own_key_source))


def _found(status: ConnectionStatus) -> str:
    if not status.own_key_found:
        return _how(status)
    if status.own_key_source == "signed in":
        return t("You are signed in.")
    if status.own_key_source == "config.yaml":
        return t("The settings in config.yaml need no key.")
    if status.own_key_source == "kept":
        return t("A key is stored.")
    return t("A key was found in {own_key_source}.", own_key_source=status.own_key_source)


def _how(status: ConnectionStatus) -> str:
    """Return how to get a key of your own."""
    if status.sign_in_at:
        return t("To use your own account, sign in at {sign_in_at}.", sign_in_at=status.sign_in_at)
    return t("Your own account is not connected yet.")


def _switch(visit: Visit, status: ConnectionStatus, mode: AccountMode, label: str) -> None:
    if not visit.may("admin"):
        st.caption(t("An owner can switch it."))
        return
    action_button(
        label,
        f"mode-{mode}-{status.name}",  # a double click on "Use it" must not press "Back to Demo"
        lambda _key: visit.orchestra.connections.set_mode(visit.who, status.service, mode),
        lambda _none: _switched(status, mode),
        scope=mode,
        type="primary" if mode == AccountMode.MINE else "secondary",
    )


def _switched(status: ConnectionStatus, mode: AccountMode) -> None:
    forget_check(status.name)
    whose = t("your own account") if mode == AccountMode.MINE else t("the demo")
    session.tell(
        t(
            "{service} now uses {whose}. Runs in progress keep theirs.",
            service=service_title(status.service),
            whose=whose,
        )
    )
    st.rerun()


def _give(visit: Visit, status: ConnectionStatus) -> None:
    """Show how to provide a key, and take one here; or offer the sign-in instead."""
    if status.sign_in_at:
        browser_sign_in(visit, status)
    service = client_class(status.service).service
    if client_class(status.service).sign_in_way is not None:
        if service.beside_key:
            _settings(visit, status)
        return
    again = t("Change") if status.beside_key else t("Enter another key")
    first = t("Enter a key") if status.mode == AccountMode.MINE else t("Use my own account")
    label = again if status.own_key_found else first
    with popover(label, f"key-{status.name}", ":material/key:"):
        page = visit.orchestra.connections.key_page(status.service, status.beside_key)
        if page:
            st.markdown(
                t("Create a key here: [{key_place}]({key_url})", key_place=plain(t(status.key_place)), key_url=page)
            )
        key_facts(service)
        if status.key_variable:
            st.caption(
                t("Or set {key_variable} in the environment or in .env.", key_variable=plain(status.key_variable))
            )
        with st.form(f"key-form-{status.name}", border=False):
            _key_form(visit, status)
        show_wrong(status.name, status.service)
        if status.own_key_source == "kept":
            _remove(visit, status)


def _settings(visit: Visit, status: ConnectionStatus) -> None:
    """Show the settings of a connection that people sign in to."""
    service = client_class(status.service).service
    with popover(t("Settings"), f"key-{status.name}", ":material/tune:"):
        with st.form(f"key-form-{status.name}", border=False):
            beside = beside_fields(service, status.beside_key, f"beside-{_key_field(status)}")
            submit_button(
                t("Save and test") if status.own_key_found else t("Save"),
                f"key-save-{status.name}",
                lambda _key: visit.orchestra.connections.give_key(visit.who, status.name, "", beside),
                lambda saved: _given(visit, saved) if saved.own_key_found else _kept(saved),
                scope=str(hash((*beside.values(),))),
            )
        show_wrong(status.name, status.service)


def _kept(status: ConnectionStatus) -> None:
    """Say that settings are saved which cannot be tested before the sign-in."""
    close(f"key-{status.name}")
    session.tell(t("{title} is saved as {name}, not tested.", title=service_title(status.service), name=status.name))
    st.rerun()


def _remove(visit: Visit, status: ConnectionStatus) -> None:
    def removed(_status: ConnectionStatus) -> None:
        close(f"key-{status.name}")
        forget_check(status.name)
        session.tell(t("The stored key of {service} is removed.", service=service_title(status.service)))
        st.rerun()

    action_button(
        t("Remove the stored key"),
        f"key-remove-{status.name}",
        lambda _key: visit.orchestra.connections.remove_key(visit.who, status.name),
        removed,
        type="tertiary",
        icon=":material/delete:",
    )


def _removal(visit: Visit, status: ConnectionStatus) -> None:
    place = f"remove-connection-{status.name}"
    with popover(t("Remove"), place, ":material/delete:"):
        st.markdown(plain(t("{name} leaves this workspace, and its stored key is deleted.", name=status.name)))
        action_button(
            t("Remove {name}", name=status.name),
            f"connection-remove-{status.name}",
            lambda _key: visit.orchestra.connections.remove(visit.who, status.name),
            lambda _none: finish(t("{name} is removed.", name=status.name), place),
            type="primary",
            icon=":material/delete:",
        )


def _key_form(visit: Visit, status: ConnectionStatus) -> None:
    service = client_class(status.service).service
    key = st.text_input(
        key_label(service),
        type="password",
        key=_key_field(status),
        autocomplete="off",
        placeholder=key_hint(service),
    )
    beside = beside_fields(service, status.beside_key, f"beside-{_key_field(status)}")
    submit_button(
        t("Save and test"),
        f"key-save-{status.name}",
        lambda _key: visit.orchestra.connections.give_key(visit.who, status.name, key, beside),
        lambda saved: _given(visit, saved),
        scope=str(hash((key, *beside.values()))),
    )


def _key_field(status: ConnectionStatus) -> str:
    """Return the key of the field; it changes after saving, so that no secret stays on the page."""
    return f"key-{status.name}-{session.draft(f'key-form.{status.name}', 0)}"


def _given(visit: Visit, status: ConnectionStatus) -> None:
    with st.spinner(t("Testing …")):
        try_own(visit, status)
    if not wrong(status.name, status.service):
        close(f"key-{status.name}")
        session.keep_draft(f"key-form.{status.name}", session.draft(f"key-form.{status.name}", 0) + 1)
    tell_tested(status)
    st.rerun()


def _checks(visit: Visit, status: ConnectionStatus) -> None:
    """Offer to check the account in use, and a person's own one that waits to be used."""
    if status.mode == AccountMode.MINE or not status.own_key_found:
        _check(visit, status, status.mode, t("Check"), f"check-{status.name}")
        return
    _check(visit, status, AccountMode.MINE, t("Check your account"), f"check-mine-{status.name}")
    _check(visit, status, AccountMode.DEMO, t("Check the demo"), f"check-{status.name}")


def _check(visit: Visit, status: ConnectionStatus, mode: AccountMode, label: str, key: str) -> None:
    def keep(lines: list[CheckLine]) -> None:
        keep_check(status.name, mode, lines)
        st.rerun()  # the account may be known now

    action_button(
        label,
        key,
        lambda _key: visit.orchestra.connections.check(visit.who, status.name, mode),
        keep,
        scope=mode,
        icon=":material/fact_check:",
    )
