"""The mailbox of the first run by its address and a password: the server follows from the address where it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from clients.check_line import CheckLine
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import outside_link, plain, plain_with_code
from dashboard.first_run.mails import choose
from dashboard.parts.buttons import submit_button
from dashboard.parts.connection_fields import key_facts, key_label, settings_of
from engine.base.errors import InvalidInput
from engine.base.services import declaration

if TYPE_CHECKING:
    from clients.service import Service
    from engine.connections.statuses import ConnectionStatus
    from engine.first_run.steps import FirstRunState


def mailbox_form(visit: Visit, service: str, status: ConnectionStatus | None) -> None:
    """Ask for what a mailbox needs, save and choose it; `status`: of its connection, if there is one."""
    kind = declaration(service)
    beside, ahead = _beside(visit, kind, status)
    if ahead is not None and not beside.get(ahead.field):
        is_asked = ahead.field in {one.name for one in kind.beside_key[1:]}
        show, icon = (st.info, ":material/info:") if is_asked else (st.warning, ":material/warning:")
        show(plain_with_code(ahead.text), icon=icon)
    page = visit.orchestra.connections.key_page(service, beside)
    if page and all(beside.get(one.name) for one in kind.beside_key[:1]):  # which page depends on the address
        outside_link(t("Where to create the {key_label}", key_label=key_label(kind)), page)
    key_facts(kind)
    with st.form(f"first-run-mailbox-{service}", border=False):
        key = st.text_input(
            key_label(kind), type="password", key=f"first-run-key-{service}", autocomplete="off", help=_place(kind)
        )
        submit_button(
            t("Connect and test"),
            f"first-run-connect-{service}",
            lambda _key: _connected(visit, kind, status, key, beside),
            lambda _state: st.rerun(),
            scope=str(hash((key, *beside.values()))),
        )


def _beside(visit: Visit, kind: Service, status: ConnectionStatus | None) -> tuple[dict[str, str], CheckLine | None]:
    """Show the first field and the others that are needed; return the values, and what is known to be wrong."""
    first, *others = kind.beside_key
    known = status.beside_key if status is not None else {}
    given = dict(known) | {first.name: _field(kind, first.name, known.get(first.name, ""), t(first.hint))}
    ahead = visit.orchestra.connections.foreseen(kind.name, {first.name: given[first.name]})
    for one in others:
        if known.get(one.name) or (ahead is not None and ahead.field == one.name):
            given[one.name] = _field(kind, one.name, known.get(one.name, ""), "")
    return given, ahead


def _field(kind: Service, name: str, value: str, hint: str) -> str:
    label = t(kind.label_of(name))
    return str(st.text_input(label, value, key=f"first-run-{kind.name}-{name}", placeholder=hint))


def _place(kind: Service) -> str | None:
    return plain(t(kind.key.place)) if kind.key is not None else None


def _connected(
    visit: Visit, kind: Service, status: ConnectionStatus | None, key: str, beside: dict[str, str]
) -> FirstRunState:
    """Save the account, so that nothing typed is lost, and choose it, which checks it."""
    connections = visit.orchestra.connections
    if not key.strip() and not (status is not None and status.own_key_found):
        raise InvalidInput(t("There is no {label} yet.", label=key_label(kind)), remedy=t("Enter it."))
    if status is not None:
        connections.give_key(visit.who, status.name, key, beside)
    else:
        connections.add(visit.who, kind.usual_name, kind.name, settings_of(kind, key, beside))
    return choose(visit, "mailbox", kind.name)
