"""The top of a page: where it stands, what it is called, and one line about it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard.page import Visit
from dashboard.parts.plain import plain


def page_header(visit: Visit, title: str, text: str = "", trail: Sequence[tuple[str, str]] = ()) -> None:
    """Show the title of a page; `trail` names the pages above it as (label, path), text stands in gray below."""
    for label, path in trail:
        with st.container(key=f"titled-trail-{path}"):
            visit.link(label, path, icon=":material/arrow_back:")
    st.title(plain(title), anchor=False)
    if text:
        st.caption(plain(text))


def section(title: str) -> None:
    """Show the heading of a part of a page."""
    st.header(plain(title), anchor=False)
