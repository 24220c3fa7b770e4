"""The demo services as people would see them, and controls for them."""

from __future__ import annotations

from dashboard.base.language import N_, t
from dashboard.base.page import Page, Visit
from dashboard.demo.controls import demo_controls
from dashboard.demo.github import github_tab
from dashboard.demo.mail import mail_tab
from dashboard.demo.notion import notion_tab
from dashboard.parts.header import page_header
from dashboard.parts.kill import kill_note
from dashboard.parts.tabs import page_tabs

PAGE = Page(
    title=N_("Demo"),
    icon=":material/science:",
    path="demo",
    order=12,
    in_menu=False,
    words=N_("mailbox Notion GitHub stand-ins sample data"),
)


def show(visit: Visit) -> None:
    """Show mailbox, Notion and GitHub of the demo, which exist only on this machine."""
    page_header(visit, t("Demo"), t("Stand-ins on this machine. They behave like the real services; nothing goes out."))
    kill_note()
    demo_controls(visit)
    shown = visit.orchestra.demo.show(visit.who)
    mailbox, notion, github = page_tabs([N_("Mailbox"), "Notion", "GitHub"], "demo-tabs")
    if mailbox.open:
        with mailbox:
            mail_tab(visit, shown["gmail"])
    if notion.open:
        with notion:
            notion_tab(visit, shown["notion"])
    if github.open:
        with github:
            github_tab(shown["github"])
