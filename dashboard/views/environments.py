"""Environments: which version of each workflow runs where, with which connections and variables."""

from __future__ import annotations

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, t
from dashboard.base.page import Page, Visit
from dashboard.environment.card import environment_card
from dashboard.environment.new import new_environment
from dashboard.parts.buttons import action_button
from dashboard.parts.header import page_header

PAGE = Page(
    title=N_("Environments"),
    icon=":material/layers:",
    path="environments",
    order=24,
    section=N_("Workflows"),
    words=N_("dev prod production staging variables promote versions"),
)
_NONE = N_("There are no environments: every run uses the file as it is.")
_MAKE = N_(
    "With `dev` and `prod` you can go on changing a workflow while `prod` runs the version that you "
    "promoted, with accounts and variables of its own. Nothing that runs today "
    "changes: `dev` is the default."
)


def show(visit: Visit) -> None:
    """Show a card for each environment."""
    page_header(
        visit,
        t("Environments"),
        t("The version of each workflow that runs in each environment, and the connections that it uses there."),
    )
    found = visit.orchestra.environments.list(visit.who)
    if not found:
        st.info(f"{t(_NONE)} {t(_MAKE) if visit.may('edit') else ''}".rstrip(), icon=":material/layers:")
        if visit.may("edit"):
            action_button(
                t("Make dev and prod"),
                "env-init",
                lambda _: visit.orchestra.environments.init(visit.who),
                lambda _: _made(),
                type="primary",
                icon=":material/add:",
            )
        return
    for one in found:
        environment_card(visit, one)
    if visit.may("edit"):
        new_environment(visit)


def _made() -> None:
    session.tell(t("dev and prod are made. Promote a workflow on its tab Environments."))
    st.rerun()
