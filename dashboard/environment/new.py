"""The form that makes an environment."""

from __future__ import annotations

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, t
from dashboard.base.page import Visit
from dashboard.parts.buttons import submit_button

_OTHERS = {"current": N_("run their file as it is"), "none": N_("do not run there")}


def new_environment(visit: Visit) -> None:
    """Offer to make one."""
    with st.expander(t("New environment"), icon=":material/add:"), st.form("new-environment", border=False):
        name = st.text_input(t("Name"), key="env-new-name", placeholder="staging")
        title = st.text_input(t("Title"), key="env-new-title", placeholder=t("Staging"))
        others = st.selectbox(
            t("Workflows that are not promoted"),
            list(_OTHERS),
            format_func=lambda one: t(_OTHERS[one]),
            key="env-new-others",
        )
        submit_button(
            t("Create"),
            "env-new",
            lambda _: visit.orchestra.environments.create(visit.who, name.strip(), title.strip(), others),
            lambda made: _made(made.name),
            scope=f"{name} {title} {others}",
        )


def _made(name: str) -> None:
    session.tell(t("The environment {name} is made.", name=name))
    st.rerun()
