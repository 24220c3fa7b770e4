"""Popovers that close after use: Streamlit leaves them open."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import streamlit as st

from dashboard.base import session


def popover(label: str, name: str, icon: str, *, disabled: bool = False) -> AbstractContextManager[Any]:
    """Show a popover; `close(name)` before a rerun closes it."""
    return st.popover(label, icon=icon, disabled=disabled, key=f"popover-{name}-{_times(name)}")


def close(name: str) -> None:
    """Close the popover when the page is next drawn: a new key makes a new, closed one."""
    session.keep_draft(f"popover.{name}", _times(name) + 1)


def finish(sentence: str, *names: str) -> None:
    """Say what was done, and draw the page again with these popovers closed."""
    for name in names:
        close(name)
    session.tell(sentence)
    st.rerun()


def _times(name: str) -> int:
    return session.draft(f"popover.{name}", 0)
