"""Help: the documentation of this version, without a network."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import ENGLISH, N_, language, t
from dashboard.base.page import Page, Visit
from dashboard.base.plain import plain
from dashboard.help.documents import START, headings, shown, titles
from dashboard.parts.header import page_header

PAGE = Page(
    title=N_("Help"),
    icon=":material/help:",
    path="help",
    order=80,
    words=N_("documentation docs manual guide reference"),
)


def show(visit: Visit) -> None:
    """Show the page of the documentation that `?page=` names, beside the list of all."""
    known = titles()
    name = st.query_params.get("page", START)
    if name not in known:
        page_header(visit, t(PAGE.title))
        st.info(
            t("The documentation has no such page. Find one with the search (Ctrl K)."), icon=":material/search_off:"
        )
        return
    page_header(visit, known[name], trail=[] if name == START else [(known[START], PAGE.path)])
    if name == START:
        visit.link(t("First run: five steps to your own mail"), "first-run", icon=":material/flag:")
    with st.expander(t("On this page"), icon=":material/toc:"):
        places = [f"- [{plain(one.title)}](#{one.anchor})" for one in headings(name) if one.anchor]
        st.markdown("\n".join(places))
    if language() != ENGLISH:
        st.caption(t("The documentation is in English."))
    _, _, text = shown(name).partition("\n")  # without the title
    st.markdown(text)
