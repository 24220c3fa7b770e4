"""The accounts that workflows work with, and whether each connection works."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import N_, t
from dashboard.base.page import Page, PageAction, Visit
from dashboard.connection.card import connection_card
from dashboard.connection.local_models import look_for_models
from dashboard.connection.new import new_connection
from dashboard.connection.tool_servers import server_tools
from dashboard.parts.header import page_header

PAGE = Page(
    title=N_("Connections"),
    icon=":material/cable:",
    path="connections",
    order=60,
    words=N_("accounts keys passwords sign in log in services models mailbox"),
    actions=(PageAction(N_("Add a connection"), {"do": "new"}, "admin", N_("new account key")),),
)


def show(visit: Visit) -> None:
    """Show a card for each connection of config.yaml."""
    page_header(
        visit,
        t("Connections"),
        t("Each service uses the demo or your own account. A key that is found is offered, never used automatically."),
    )
    found = visit.orchestra.connections.list(visit.who)
    if visit.is_asked("model") and visit.may("admin"):
        look_for_models(visit)
    if visit.may("admin"):
        new_connection(visit, {one.name for one in found})
    if not found:
        st.info(t("config.yaml has no connections yet."), icon=":material/cable:")
    for index in range(0, len(found), 2):  # row by row, so that neighbours have the same height
        for column, status in zip(st.columns(2, gap="medium"), found[index : index + 2], strict=False):
            with column:
                connection_card(visit, status)
    if visit.may("admin"):
        server_tools(visit)
