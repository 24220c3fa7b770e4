"""The dashboard's script: on every click it checks who is signed in, and shows the page of the address."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base import fields, session, style
from dashboard.base.browser import browser
from dashboard.base.language import t, use
from dashboard.base.page import Page, Visit
from dashboard.base.plain import plain
from dashboard.pages import PageView, all_views, counted, menu_entries, pages_beside, streamlit_pages
from dashboard.parts.errors import errors_shown
from dashboard.parts.header import PRODUCT
from dashboard.parts.notices import held_notice
from dashboard.people.account import account_menu, signed_out
from engine.base.errors import OrchestraError
from engine.people.access import Principal, may

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.orchestra import Orchestra

_ASSETS = Path(__file__).with_name("assets")
_IN_BAR = 4
_MORE = '<button type="button" class="phone-more"><span aria-hidden="true">☰</span>{more}</button>'


def main(orchestra: Orchestra) -> None:
    """Show a page of a workspace to the signed-in person."""
    # A file of ours: for an icon by name the browser would ask Google.
    st.set_page_config(page_title=PRODUCT, page_icon=str(_ASSETS / "icon.svg"), layout="wide")
    st.logo(str(_ASSETS / "logo.svg"), size="medium")
    style.apply()
    who = session.principal(orchestra)
    if who is None:
        _refuse()
    else:
        _welcome(orchestra, who)


def _refuse() -> None:
    # Every address stays registered: otherwise a deep link opens Streamlit's own "Page not found" over the message.
    st.navigation(list(streamlit_pages(lambda _view: None, {}).values()), position="hidden")
    with st.container(key="page"):
        signed_out()


def _welcome(orchestra: Orchestra, who: Principal) -> None:
    def run(view: PageView) -> None:
        here = replace(visit, here=view.page.path)
        here.go_on()
        session.show_address(view.page.path)
        with st.container(key="page"), errors_shown():
            _tabs(here, view.page, count)
            held_notice(here)
            view.show(here)

    waiting: dict[str, int] = {}

    def count(page: Page) -> int:
        if page.path not in waiting:
            waiting[page.path] = 0
            with suppress(OrchestraError):  # the page itself shows the error
                waiting[page.path] = page.count(orchestra, who) if page.count is not None else 0
        return waiting[page.path]

    with suppress(OrchestraError):  # a state that cannot be read: the page shows the error
        use(orchestra.languages.get(who.id))
    menu = menu_entries(count, partial(may, who))
    pages = streamlit_pages(run, menu)
    visit = Visit(orchestra, who, pages)
    current = st.navigation(list(pages.values()), expanded=True)
    account_menu(visit)
    told = session.messages()
    for text, icon, link in told:
        st.toast(f"{plain(text)} {link}".rstrip(), icon=icon, duration="long" if link else "short")
    fields.begin()
    current.run()
    _phone_bar(visit, menu)
    browser(visit, count(next(view.page for view in all_views() if view.page.path == "approvals")))
    session.drop_messages(told)


def _phone_bar(visit: Visit, menu: Mapping[str, str]) -> None:
    """Show the first places of the menu at the bottom of a phone, which hides the menu itself; *More* opens it."""
    icons = {view.page.path: view.page.icon for view in all_views()}
    with st.container(horizontal=True, gap=None, key="phone-bar"):
        for path, title in list(menu.items())[:_IN_BAR]:
            visit.link(title, path, icon=icons[path])
        st.html(_MORE.format(more=escape(t("More"))))


def _tabs(visit: Visit, page: Page, count: Callable[[Page], int]) -> None:
    """Show the pages of the same section as links in a row, and mark the section in the menu."""
    beside = pages_beside(page, visit.may)
    if not beside:
        return
    if page is not beside[0]:
        style.mark_place(beside[0].path)
    used = [one for one in beside if one is page or _is_used(visit, one)] if page.in_menu else []
    if len(used) > 1:
        with st.container(horizontal=True, gap="small", key="places"):
            for one in used:
                visit.link(counted(t(one.title), count(one)), one.path)


def _is_used(visit: Visit, page: Page) -> bool:
    with suppress(OrchestraError):  # the page itself shows the error
        return page.is_used is None or page.is_used(visit.orchestra, visit.who)
    return True
