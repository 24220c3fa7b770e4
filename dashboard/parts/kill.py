"""Kill the engine on purpose: the button, and what the page says before and after."""

from __future__ import annotations

import os
import threading

import streamlit as st

from dashboard.base.language import N_, t
from dashboard.base.page import Visit
from dashboard.parts.buttons import action_button

_MARK = "killed"
_DELAY_SECONDS = 1.0
"""Time for the page to announce what is about to happen."""


def kill_button(visit: Visit, place: str, *, label: str = N_("Kill the engine now")) -> None:
    """Show the button to those who may press it, if a parent process would start the engine again."""
    is_dying = st.query_params.get(_MARK) == str(os.getpid())
    if visit.orchestra.demo.can_kill and visit.may("run") and not is_dying:
        action_button(t(label), f"kill-{place}", lambda _key: _kill_soon(visit), _marked, icon=":material/bolt:")


def kill_note() -> None:
    """Say that the engine is being killed, or that it was and is back; the page's address remembers which."""
    killed = st.query_params.get(_MARK)
    if killed == str(os.getpid()):
        st.warning(
            t("The engine is being killed now (SIGKILL). It comes back by itself, and this page with it."),
            icon=":material/bolt:",
        )
    elif killed:
        st.success(t("The engine was killed and is back. Open runs continue where they were."), icon=":material/bolt:")


def _kill_soon(visit: Visit) -> str:
    threading.Timer(_DELAY_SECONDS, visit.orchestra.demo.kill_engine, [visit.who]).start()
    return str(os.getpid())


def _marked(pid: str) -> None:
    st.query_params[_MARK] = pid
    st.rerun()
