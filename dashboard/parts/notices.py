"""What needs a person: accounts that refuse, sign-ins that are about to end, triggers that are silent."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from dashboard.parts.errors import message_markdown
from engine.connections.statuses import ConnectionStatus
from engine.triggering.status import Alarm

_OF_DEAD = "Each can be tried again or dismissed, on the page Triggers."
"""On a page nobody is told a command for it."""


def account_notices(connections: Iterable[ConnectionStatus]) -> bool:
    """Show them, and tell whether there were any."""
    shown = [account_notice(one) for one in connections]  # each of them, not only the first
    return any(shown)


def trigger_notices(alarms: Iterable[Alarm]) -> bool:
    """Show what is the matter with triggers, and tell whether there was anything.

    What an account refuses has a notice of its own.
    """
    told = [one for one in alarms if one.kind != "account"]
    for one in told:
        remedy = _OF_DEAD if one.kind == "dead" else one.remedy
        st.error(message_markdown(one.message, remedy), icon=":material/notifications_active:")
    return bool(told)


def account_notice(one: ConnectionStatus) -> bool:
    """Show what is the matter with one account, and tell whether something is."""
    if one.trouble is not None:
        st.error(message_markdown(one.trouble.sentence, one.trouble.remedy), icon=":material/lock:")
        return True
    sign_in = one.sign_in
    if one.mode == "mine" and sign_in is not None and sign_in.warns:
        whose = f" ({sign_in.account})" if sign_in.account else ""
        advice = "Press Sign in again on the page Connections before that."
        st.warning(
            message_markdown(f"The connection {one.name}{whose}: {sign_in.note}", advice), icon=":material/timer:"
        )
        return True
    return False
