"""The first page: what ran, what failed, what waits."""

from __future__ import annotations

from dashboard.page import Page, Visit
from dashboard.parts.header import page_header

PAGE = Page(title="Home", icon=":material/home:", path="", order=10)


def show(visit: Visit) -> None:
    """Show the state of the workspace at a glance."""
    page_header(visit, "Home")
