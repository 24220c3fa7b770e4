"""All prompts: what each is for, and which version is in use."""

from __future__ import annotations

import streamlit as st

from clients.counting import counted
from dashboard.page import Page, Visit
from dashboard.parts.header import page_header
from dashboard.parts.plain import plain
from engine.prompts.prompt_files import PromptSummary

PAGE = Page(title="Prompts", icon=":material/chat:", path="prompts", order=40)


def show(visit: Visit) -> None:
    """Show the list."""
    page_header(visit, "Prompts", "What the model is told. Each is a plain JSON file in the folder prompts.")
    found = visit.orchestra.prompts.list(visit.who)
    if not found:
        st.info("There is no prompt yet; a workflow made from a sample brings its own.", icon=":material/chat:")
    for summary in found:
        _card(visit, summary)


def _card(visit: Visit, summary: PromptSummary) -> None:
    with st.container(border=True, key=f"prompt-{summary.name}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"titled-{summary.name}"):
            visit.title_link(summary.title, "prompt", name=summary.name)
            if summary.problems:
                words = counted(summary.problems, "problem")
                st.badge(words, icon=":material/error:", color="red")
            for label, number in summary.labels.items():
                st.badge(plain(f"{label}: version {number}"), icon=":material/sell:", color="green")
            if not summary.versions:
                st.badge("No version yet", icon=":material/bookmark:", color="orange")
        if summary.description:
            st.markdown(plain(summary.description))
        count = len(summary.versions)
        st.caption(plain(f"{summary.name} · {counted(count, 'version')}"))
