"""The dashboard's script: runs at every click, checks who it is, and shows the page that the address names."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import streamlit as st

from dashboard import session, style
from dashboard.account import account_menu, signed_out
from dashboard.page import Page, Visit
from dashboard.pages import View, streamlit_pages
from dashboard.parts.errors import told
from dashboard.parts.header import PRODUCT
from dashboard.parts.plain import plain
from engine.errors import OrchestraError
from engine.people.access import Principal

_ASSETS = Path(__file__).with_name("assets")


def main() -> None:
    """Show one page to whoever is signed in."""
    # A file of ours: for an icon by name the browser would ask Google.
    st.set_page_config(page_title=PRODUCT, page_icon=str(_ASSETS / "icon.svg"), layout="wide")
    st.logo(str(_ASSETS / "logo.svg"), size="medium")
    style.apply()
    who = session.principal()
    if who is None:
        _refuse()
    else:
        _welcome(who)


def _refuse() -> None:
    # Every address stays known: else a deep link opens Streamlit's own "Page not found" over the message.
    st.navigation(list(streamlit_pages(lambda _view: None, lambda _page: 0).values()), position="hidden")
    with st.container(key="page"):
        signed_out()


def _welcome(who: Principal) -> None:
    def run(view: View) -> None:
        here = replace(visit, here=view.page.path)
        here.go_on()
        with st.container(key="page"), told():
            view.show(here)

    orchestra = session.orchestra()

    def count(page: Page) -> int:
        with suppress(OrchestraError):  # the page that is shown says what is wrong
            return page.count(orchestra, who) if page.count is not None else 0
        return 0

    visit = Visit(orchestra, who, pages := streamlit_pages(run, count))
    current = st.navigation(list(pages.values()), expanded=True)
    account_menu(visit)
    for text in session.told():
        st.toast(plain(text), icon=":material/check_circle:")
    current.run()
