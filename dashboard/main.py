"""The dashboard's script: runs at every click, checks who it is, and shows the page that the address names."""

from __future__ import annotations

import streamlit as st

from dashboard import session, style
from dashboard.account import account_menu, signed_out
from dashboard.page import Visit
from dashboard.pages import View, streamlit_pages
from dashboard.parts.errors import told
from engine.access import Principal


def main() -> None:
    """Show one page to whoever is signed in."""
    st.set_page_config(page_title="AI-Orchestra", page_icon=":material/graph_2:", layout="wide")
    style.apply()
    who = session.principal()
    if who is None:
        _refuse()
    else:
        _welcome(who)


def _refuse() -> None:
    # Every address stays known: else a deep link opens Streamlit's own "Page not found" over the message.
    st.navigation(list(streamlit_pages(lambda _view: None).values()), position="hidden")
    with st.container(key="page"):
        signed_out()


def _welcome(who: Principal) -> None:
    def run(view: View) -> None:
        with st.container(key="page"), told():
            view.show(visit)

    visit = Visit(session.orchestra(), who, pages := streamlit_pages(run))
    current = st.navigation(list(pages.values()), expanded=True)
    account_menu(visit)
    current.run()
