"""Badges that say whose account a service means: the demo's, or one's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import streamlit as st

from dashboard.parts.plain import plain

TITLES = {
    "openai": "Model",
    "github": "GitHub",
    "notion": "Notion",
    "gmail": "Gmail",
    "imap": "Mailbox (IMAP)",
    "http": "HTTP",
}
ICONS = {
    "openai": ":material/auto_awesome:",
    "github": ":material/bug_report:",
    "notion": ":material/description:",
    "gmail": ":material/mail:",
    "imap": ":material/alternate_email:",
    "http": ":material/public:",
}


class Connected(Protocol):
    """What a badge needs to know; a ConnectionBadge or ConnectionStatus of the engine."""

    @property
    def service(self) -> str:
        """The service."""

    @property
    def mode(self) -> str:
        """`demo` or `mine`."""

    @property
    def account(self) -> str:
        """Whose account it is, or an empty text as long as nobody asked."""


@dataclass(frozen=True)
class Used:
    """An account that a run has touched, as a badge needs it."""

    service: str
    mode: str
    account: str


def accounts_of(run: Mapping[str, Any]) -> list[Used]:
    """Return whose accounts a run touches, one for each of its connections."""
    return [
        Used(str(one.get("service", name)), str(one.get("mode", "mine")), str(one.get("account") or ""))
        for name, one in run["accounts"].items()
    ]


def service_title(service: str) -> str:
    """Return what people call a service."""
    return TITLES.get(service, service.capitalize())


def service_icon(service: str) -> str:
    """Return the icon of a service."""
    return ICONS.get(service, ":material/extension:")


def account_words(connected: Connected) -> str:
    """Return "Demo", "Mine" or "Mine: who"."""
    if connected.mode == "demo":
        return "Demo"
    return f"Mine: {connected.account}" if connected.account else "Mine"


def account_badge(connected: Connected) -> None:
    """Show one service with its account."""
    words = f"{service_title(connected.service)} · {account_words(connected)}"
    st.badge(plain(words), icon=service_icon(connected.service), color="gray" if connected.mode == "demo" else "violet")


def account_badges(connections: Iterable[Connected]) -> None:
    """Show several, in a row that is there already: each wraps by itself on a narrow screen."""
    for one in connections:
        account_badge(one)


def service_badges(services: Iterable[str]) -> None:
    """Show services without saying whose."""
    with st.container(horizontal=True, gap="xsmall"):
        for one in services:
            st.badge(plain(service_title(one)), icon=service_icon(one), color="gray")
