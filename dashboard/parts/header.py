"""The top of a page: where it stands, what it is called, and one line about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

from dashboard.page import Visit
from dashboard.parts.plain import plain
from engine.errors import OrchestraError

PRODUCT = "AI-Orchestra"

T = TypeVar("T")


def page_header(visit: Visit, title: str, text: str = "", trail: Sequence[tuple[str, str]] = ()) -> None:
    """Show the title of a page, also on its tab of the browser.

    `trail` names the pages above it as (label, path); `text` stands in gray below.
    """
    st.set_page_config(page_title=f"{title} · {PRODUCT}")
    for label, path in trail:
        with st.container(key=f"titled-trail-{path}"):
            visit.link(label, path, icon=":material/arrow_back:")
    st.title(plain(title), anchor=False)
    if text:
        st.caption(plain(text))


def found(visit: Visit, find: Callable[[], T], title: str, trail: Sequence[tuple[str, str]]) -> T:
    """Return what the page is about; where it is not there, the error still stands below a header with a way back."""
    try:
        return find()
    except OrchestraError:
        page_header(visit, title, trail=trail)
        raise


def section(title: str) -> None:
    """Show the heading of a part of a page."""
    st.header(plain(title), anchor=False)
