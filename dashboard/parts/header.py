"""The top of a page: its place in the site, its title and a line about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import streamlit as st

from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import beginning, plain, rest
from dashboard.base.prose import outside_description
from engine.base.errors import OrchestraError

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

PRODUCT = "AI-Orchestra"

T = TypeVar("T")


def page_header(visit: Visit, title: str, text: str = "", trail: Sequence[tuple[str, str]] = ()) -> None:
    """Show the title of a page, also as the title of its browser tab.

    `trail` names the pages above it as (label, path); `text` is shown below in gray.
    """
    _title(visit, title, trail)
    if text:
        outside_description(beginning(text), is_quiet=True)
        rest(text, "page-text")


def page_line(visit: Visit, title: str, trail: Sequence[tuple[str, str]] = ()) -> DeltaGenerator:
    """Show the same in one line, on a page that needs its room; return the line, for what belongs beside the title."""
    line = st.container(horizontal=True, vertical_alignment="center", gap="small", key="head-line")
    with line:
        _title(visit, title, trail)
    return line


def found(visit: Visit, find: Callable[[], T], title: str, trail: Sequence[tuple[str, str]]) -> T:
    """Return the subject of the page; if it does not exist, show the error below a header with a way back."""
    try:
        return find()
    except OrchestraError:
        page_header(visit, t(title), trail=trail)
        raise


def _title(visit: Visit, title: str, trail: Sequence[tuple[str, str]]) -> None:
    st.set_page_config(page_title=f"{title} · {PRODUCT}")
    for label, path in trail:
        with st.container(key=f"titled-trail-{path}", width="content"):
            visit.link(t(label), path, icon=":material/arrow_back:")
    st.title(plain(title), anchor=False, width="content")


def section(title: str) -> None:
    """Show the heading of a section."""
    st.header(plain(title), anchor=False)
