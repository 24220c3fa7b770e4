"""The page contract: what a page declares, and what it gets when it is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

import streamlit as st

from dashboard.base import session
from dashboard.base.plain import plain
from engine.people.access import Principal, Right, may

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

    from engine.orchestra import Orchestra


@dataclass(frozen=True)
class PageAction:
    """Something to do on a page, which the search offers; `params` is the address that opens it on that page.

    People without the `right` are not offered it; `words` are further words by which they may look for it.
    """

    title: str
    params: Mapping[str, str]
    right: Right = "view"
    words: str = ""


@dataclass(frozen=True)
class Page:
    """The declaration of a page: a file of `dashboard/views/` has one as `PAGE`, and a function `show(visit)`.

    `path` is its address without the slash, empty for the first page. The menu has one entry for each `section`, in
    the order of their first pages; the pages of a section are tabs, by `order`. Without a section, a page is an entry
    by itself. Pages with `in_menu` False are reached from others, and by the search if they have `words`; `icon` is
    like `:material/home:`. `count` returns how many things on the page wait for somebody; the menu shows it beside the
    title, so it must be quick. Pages for which a person lacks the `right` are left out, and so is the tab of a page
    while `is_used` returns False. `words` are further words by which people may look for the page, `actions` what the
    search offers beside it.
    """

    title: str
    icon: str
    path: str
    order: int
    section: str = ""
    in_menu: bool = True
    right: Right = "view"
    count: Callable[[Orchestra, Principal], int] | None = None
    is_used: Callable[[Orchestra, Principal], bool] | None = None
    words: str = ""
    actions: tuple[PageAction, ...] = ()


CHECKED_SECONDS = 1.0
"""For how long after a check a person counts as signed in, with the same role."""


@dataclass
class _Check:
    """When it was last seen that the person is still signed in."""

    at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Visit:
    """One view of a page: the open workspace, the person looking at it, and the way to other pages."""

    orchestra: Orchestra
    signed_in: Principal
    """Who looked at the page when it was drawn as a whole."""
    pages: Mapping[str, StreamlitPage] = field(repr=False, default_factory=dict)
    here: str = ""
    """The path of the page being shown."""
    _check: _Check = field(repr=False, default_factory=_Check)

    @property
    def who(self) -> Principal:
        """Return the person at the page; if the session has ended, or the role has changed, redraw the page.

        Fragments, dialogs and callbacks run later than the page, and without its own check.
        """
        if time.monotonic() - self._check.at > CHECKED_SECONDS:
            if session.principal(self.orchestra) != self.signed_in:
                st.rerun()
                st.stop()  # within a callback, st.rerun does nothing
            self._check.at = time.monotonic()
        return self.signed_in

    def may(self, right: Right) -> bool:
        """Return whether the person has this right; pages hide what would be refused."""
        return may(self.who, right)

    def go(self, path: str, **params: str) -> NoReturn:
        """Leave for another page, e.g. `visit.go("run", id=run_id)`."""
        session.leave(self.here, path, params)
        st.switch_page(self.pages[path], query_params=params)

    def is_asked(self, what: str) -> bool:
        """Return whether the address asks for something on this page (`?do=`); it does so once."""
        if st.query_params.get("do") != what:
            return False
        del st.query_params["do"]
        return True

    def go_on(self) -> None:
        """Leave again if a second click has brought back the page just left."""
        if (stray := session.stray(self.here)) is not None:
            path, params = stray
            st.switch_page(self.pages[path], query_params=params)

    def link(self, label: str, path: str, *, icon: str = "", **params: str | list[str]) -> None:
        """Show a link to another page; the label is text, not Markdown. A list repeats its parameter in the address."""
        st.page_link(self.pages[path], label=plain(label), icon=icon, query_params=params)

    def title_link(self, label: str, path: str, *, more: str = "", **params: str) -> None:
        """Show a link as the title of its target; `more` follows in the same link, less prominent."""
        st.page_link(
            self.pages[path],
            label=f"**{plain(label)}**\u2002{plain(more)}".rstrip(),
            icon=":material/chevron_right:",
            icon_position="right",
            query_params=params,
        )
