"""Buttons that change something: however often they are pressed, it happens once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

import streamlit as st

from clients.errors import ServiceError
from dashboard import session
from dashboard.parts.errors import error_box
from engine.errors import OrchestraError

T = TypeVar("T")


def action_button(
    label: str,
    key: str,
    act: Callable[[str], T],
    then: Callable[[T], object] | None = None,
    *,
    scope: str = "",
    type: Literal["primary", "secondary", "tertiary"] = "secondary",  # noqa: A002 - Streamlit's word
    icon: str | None = None,
    disabled: bool = False,
) -> None:
    """Show a button that does `act(request_key)` once per press, then `then(result)`; an error is shown in words.

    A double click runs a handler twice: both get the same request key and the same result. `scope` is what else makes
    a press another one (a digest of the form's values). No `st` call may stand inside `act`.
    """
    if st.button(label, key=key, type=type, icon=icon, disabled=disabled):
        _do(f"{key} {scope}", act, then)


def submit_button(
    label: str, key: str, act: Callable[[str], T], then: Callable[[T], object] | None = None, *, scope: str = ""
) -> None:
    """Show the same for a form: there a field counts that was left by Tab, too, and not by Enter."""
    if st.form_submit_button(label, key=key, type="primary"):
        _do(f"{key} {scope}", act, then)


def _do(press: str, act: Callable[[str], T], then: Callable[[T], object] | None) -> None:
    try:
        result = session.once(press, act)
    except (OrchestraError, ServiceError) as error:
        error_box(error)
        return
    if then is not None:
        then(result)
