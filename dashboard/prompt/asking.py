"""The button that asks models: before a real account is asked for the first time, the person agrees to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from engine.people.access import Principal

T = TypeVar("T")


@dataclass(frozen=True)
class Asking(Generic[T]):
    """What the button does."""

    at: str
    """Distinguishes two such buttons, in their keys."""
    label: str
    start: Callable[[Principal], T]
    begun: Callable[[T], object]
    """Called before the page is drawn again."""
    scope: str
    """What makes a press a different one: a digest of what is asked."""


def ask_button(visit: Visit, asking: Asking[T], needed: Sequence[str], place: DeltaGenerator) -> None:
    """Show the button in a place, and below the current one the accounts that the person agrees to first."""
    if not needed:
        with place:
            _button(visit, asking, needed, asking.label, "ask")
        return
    with place:
        if st.button(f"{asking.label} …", key=f"look-{asking.at}", type="primary", icon=":material/send:"):
            session.keep_draft(f"ask.{asking.at}", needed)
    if session.draft(f"ask.{asking.at}", []) == needed:
        _first(visit, asking, needed)


def digest(asked: Mapping[str, Any]) -> str:
    """Return a short text that differs when what is asked differs."""
    return hashlib.sha256(repr(sorted(asked.items())).encode("utf-8", "replace")).hexdigest()[:16]


def _first(visit: Visit, asking: Asking[T], needed: Sequence[str]) -> None:
    """Ask before a prompt is tried on a real account for the first time."""
    with st.container(border=True, key=f"first-try-{asking.at}"):
        st.markdown(
            plain(t("This asks a real model for the first time with this prompt: {needed}.", needed=", ".join(needed)))
        )
        st.caption(t("It may cost money, and the values above are sent there."))
        with st.container(horizontal=True):
            _button(visit, asking, needed, t("Ask it"), "confirm-ask")
            if st.button(t("Not now"), key=f"not-now-{asking.at}", type="tertiary"):
                session.drop_draft(f"ask.{asking.at}")
                st.rerun()


def _button(visit: Visit, asking: Asking[T], needed: Sequence[str], label: str, key: str) -> None:
    def begun(one: T) -> None:
        session.drop_draft(f"ask.{asking.at}")
        asking.begun(one)
        st.rerun()

    action_button(
        label,
        f"{key}-{asking.at}",
        lambda _key: asking.start(visit.who.agreeing(needed)),
        begun,
        scope=asking.scope,
        type="primary",
        icon=":material/send:",
    )
