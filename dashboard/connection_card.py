"""One connection: whose account it is, the switch between Demo and Mine, how to give a key, and a check."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.gmail_sign_in import gmail_sign_in
from dashboard.page import Visit
from dashboard.parts.accounts import service_icon, service_title
from dashboard.parts.buttons import action_button
from dashboard.parts.plain import plain
from dashboard.parts.popover import close, popover
from engine.connections.accounts import Mode
from engine.connections.doctor import CheckLine
from engine.connections.statuses import ConnectionStatus

_BESIDE = {
    "base_url": ("Address", "Empty: the service's own. For a model on this machine: http://127.0.0.1:11434/v1"),
    "model": ("Model", "Empty: the one of config.yaml"),
}
"""What the settings beside a key are called, and what leaving them empty means."""


def connection_card(visit: Visit, status: ConnectionStatus) -> None:
    """Show one connection."""
    with st.container(border=True, height="stretch", key=f"connection-{status.name}"):
        _head(status)
        _whose(status)
        _buttons(visit, status)
        _check_lines(status)


def _head(status: ConnectionStatus) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        title = f"{service_icon(status.service)} {plain(service_title(status.service))}"
        st.subheader(title, anchor=False, width="content")
        if status.mode == "demo":
            st.badge("Demo", icon=":material/science:", color="gray")
        else:
            st.badge("Mine", icon=":material/person:", color="violet")
        st.caption(plain(f"connection {status.name}"), width="content")


def _whose(status: ConnectionStatus) -> None:
    who = status.account.partition(":")[2] or status.account
    if status.mode == "mine":
        st.markdown(f"Your own account{': **' + plain(who) + '**' if who else ''}, with {plain(_source(status))}.")
    else:
        st.markdown("The stand-in on this machine. Nothing goes out.")
    if not status.ready:
        st.warning(plain(status.note), icon=":material/key_off:")
    elif status.mode == "demo":
        st.markdown(f":material/key: {plain(_found(status))}")


def _buttons(visit: Visit, status: ConnectionStatus) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if status.has_stand_in and status.mode == "mine":
            _switch(visit, status, "demo", "Back to Demo")
        elif status.has_stand_in and status.own_key_found:
            _switch(visit, status, "mine", "Use it")
        if status.has_stand_in and visit.may("admin"):
            _give(visit, status)
        if visit.may("run"):
            _check(visit, status)


def _source(status: ConnectionStatus) -> str:
    return "the sign-in" if status.own_key_source == "signed in" else f"the key in {status.own_key_source}"


def _found(status: ConnectionStatus) -> str:
    if not status.own_key_found:
        return _how(status)
    if status.own_key_source == "signed in":
        return "You are signed in."
    if status.own_key_source == "config.yaml":
        return "The settings in config.yaml need no key."
    return f"A key was found in {status.own_key_source}."


def _how(status: ConnectionStatus) -> str:
    """Return how to come to a key of one's own."""
    if status.sign_in_at:
        return f"For your own account sign in at {status.sign_in_at}."
    return f"For your own account put {status.key_variable} into the environment or into .env, or give it here."


def _switch(visit: Visit, status: ConnectionStatus, mode: Mode, label: str) -> None:
    if not visit.may("admin"):
        st.caption("An owner can switch it.")
        return
    action_button(
        label,
        f"mode-{mode}-{status.name}",  # a double click on "Use it" must not press "Back to Demo"
        lambda _key: visit.orchestra.connections.set_mode(visit.who, status.service, mode),
        lambda _none: _switched(status, mode),
        scope=mode,
        type="primary" if mode == "mine" else "secondary",
    )


def _switched(status: ConnectionStatus, mode: Mode) -> None:
    session.drop_draft(_slot(status.name))
    whose = "your own account" if mode == "mine" else "the demo"
    session.tell(f"{service_title(status.service)} is {whose} from here on. Runs under way keep theirs.")
    st.rerun()


def _give(visit: Visit, status: ConnectionStatus) -> None:
    """Say how to give a key, and take one here, or offer the sign-in that takes its place."""
    if status.sign_in_at:
        gmail_sign_in(visit, status.name)
        return
    again = "Change" if status.beside_key else "Give another key"
    label = again if status.own_key_found else "Use my own account"
    with popover(label, f"key-{status.name}", ":material/key:"):
        if status.key_url:
            st.markdown(f"You get a key here: [{plain(status.key_place)}]({status.key_url})")
        st.caption("It is kept in the file .env of the workspace, which only you can read.")
        key = st.text_input("Key", type="password", key=_key_field(status), autocomplete="off")
        beside = {name: _beside_field(status, name, value) for name, value in status.beside_key.items()}
        action_button(
            "Save" if beside else "Save the key",
            f"key-save-{status.name}",
            lambda _key: visit.orchestra.connections.give_key(visit.who, status.name, key, beside),
            lambda _status: _given(status),
            scope=str(hash((key, *beside.values()))),
            type="primary",
        )


def _key_field(status: ConnectionStatus) -> str:
    """Return the key of the field; another one after saving, so that no secret stays on the page."""
    return f"key-{status.name}-{session.draft(f'key-form.{status.name}', 0)}"


def _beside_field(status: ConnectionStatus, name: str, value: str) -> str:
    label, advice = _BESIDE.get(name, (name.capitalize(), ""))
    return str(st.text_input(label, value, key=f"beside-{_key_field(status)}-{name}", placeholder=advice))


def _given(status: ConnectionStatus) -> None:
    close(f"key-{status.name}")
    session.keep_draft(f"key-form.{status.name}", session.draft(f"key-form.{status.name}", 0) + 1)
    advice = "" if status.mode == "mine" else " Switch it to your account when you are ready."
    session.tell(f"It is saved for {service_title(status.service)}.{advice}")
    st.rerun()


def _slot(name: str) -> str:
    return f"check.{name}"


def _check(visit: Visit, status: ConnectionStatus) -> None:
    def keep(lines: list[CheckLine]) -> None:
        session.keep_draft(_slot(status.name), lines)
        st.rerun()  # the account may be known now

    action_button(
        "Check",
        f"check-{status.name}",
        lambda _key: visit.orchestra.connections.check(visit.who, status.name),
        keep,
        scope=status.mode,
        icon=":material/fact_check:",
    )


def _check_lines(status: ConnectionStatus) -> None:
    lines: list[CheckLine] = session.draft(_slot(status.name), [])
    for line in lines:
        icon = ":green[:material/check_circle:]" if line.ok else ":red[:material/error:]"
        works = ":green[works]" if line.ok else ":red[does not work]"
        st.markdown(f"{icon} **{plain(line.what.capitalize())}** {works}: {plain(line.text)}")
