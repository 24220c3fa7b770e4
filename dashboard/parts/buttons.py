"""Buttons that change something: it happens once, however often they are pressed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

import streamlit as st

from clients.errors import ServiceError
from dashboard.base import session
from dashboard.base.language import t
from dashboard.parts.errors import error_box
from engine.base.errors import OrchestraError

T = TypeVar("T")


def action_button(  # noqa: PLR0913 - it takes the parameters of st.button, too
    label: str,
    key: str,
    act: Callable[[str], T],
    then: Callable[[T], object] | None = None,
    *,
    scope: str = "",
    type: Literal["primary", "secondary", "tertiary"] = "secondary",  # noqa: A002 - Streamlit's word
    icon: str | None = None,
    disabled: bool = False,
    help: str | None = None,  # noqa: A002 - Streamlit's word
) -> None:
    """Show a button that does `act(request_key)` once per press, then `then(result)`; errors are shown as messages.

    A double click runs a handler twice: both get the same request key and the same result. `scope` is anything else
    that makes a press a different one (e.g. a digest of the form's values). `act` must not call `st`.
    """
    if st.button(label, key=key, type=type, icon=icon, disabled=disabled, help=help):
        _do(f"{key} {scope}", act, then)


def submit_button(
    label: str, key: str, act: Callable[[str], T], then: Callable[[T], object] | None = None, *, scope: str = ""
) -> None:
    """Show the same for a form: it also reads a field that was left by Tab, without Enter."""
    if st.form_submit_button(label, key=key, type="primary"):
        _do(f"{key} {scope}", act, then)


def remove_button(key: str, slot: str, rest: object) -> None:
    """Show the button that takes an entry out of a list: the draft in `slot` becomes `rest`."""
    st.button(
        t("Remove"),
        key=key,
        type="tertiary",
        icon=":material/delete:",
        on_click=session.keep_draft,
        args=(slot, rest),
    )


def _do(press: str, act: Callable[[str], T], then: Callable[[T], object] | None) -> None:
    try:
        result = session.once(press, act)
    except (OrchestraError, ServiceError) as error:
        error_box(error)
        return
    if then is not None:
        then(result)
