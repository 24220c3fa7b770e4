"""What needs a person about accounts: one notice for each that refuses, or whose sign-in is about to end."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from dashboard.parts.errors import message_markdown
from engine.connections.statuses import ConnectionStatus


def account_notices(connections: Iterable[ConnectionStatus]) -> bool:
    """Show them, and tell whether there were any."""
    shown = [account_notice(one) for one in connections]  # each of them, not only the first
    return any(shown)


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
