"""The form that makes an environment."""

from __future__ import annotations

import streamlit as st

from dashboard.base import session
from dashboard.base.page import Visit
from dashboard.parts.buttons import submit_button

_OTHERS = {"current": "run their file as it is", "none": "do not run there"}


def new_environment(visit: Visit) -> None:
    """Offer to make one."""
    with st.expander("New environment", icon=":material/add:"), st.form("new-environment", border=False):
        name = st.text_input("Name", key="env-new-name", placeholder="staging")
        title = st.text_input("Title", key="env-new-title", placeholder="Staging")
        others = st.selectbox(
            "Workflows that are not promoted", list(_OTHERS), format_func=_OTHERS.__getitem__, key="env-new-others"
        )
        submit_button(
            "Create",
            "env-new",
            lambda _: visit.orchestra.environments.create(visit.who, name.strip(), title.strip(), others),
            lambda made: _made(made.name),
            scope=f"{name} {title} {others}",
        )


def _made(name: str) -> None:
    session.tell(f"The environment {name} is made.")
    st.rerun()
