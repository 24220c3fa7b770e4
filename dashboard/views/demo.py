"""The demo services as a person would see them there, and what can be done to them."""

from __future__ import annotations

import streamlit as st

from dashboard.demo_controls import demo_controls
from dashboard.demo_github import github_tab
from dashboard.demo_mail import mail_tab
from dashboard.demo_notion import notion_tab
from dashboard.kill import kill_note
from dashboard.page import Page, Visit
from dashboard.parts.header import page_header

PAGE = Page(title="Demo", icon=":material/science:", path="demo", order=60)


def show(visit: Visit) -> None:
    """Show mailbox, Notion and GitHub of the demo, which live on this machine only."""
    page_header(visit, "Demo", "Stand-ins on this machine. They speak as the real services do; nothing goes out.")
    kill_note()
    demo_controls(visit)
    shown = visit.orchestra.demo.show(visit.who)
    mailbox, notion, github = st.tabs(["Mailbox", "Notion", "GitHub"], key="demo-tabs", on_change="rerun")
    if mailbox.open:
        with mailbox:
            mail_tab(visit, shown["gmail"])
    if notion.open:
        with notion:
            notion_tab(visit, shown["notion"])
    if github.open:
        with github:
            github_tab(shown["github"])
