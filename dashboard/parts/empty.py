"""What replaces an empty list: what belongs here, and the first step to it."""

from __future__ import annotations

import streamlit as st

from dashboard.base.page import Visit


def empty(text: str, icon: str, visit: Visit | None = None, label: str = "", path: str = "") -> None:
    """Say in Markdown what belongs here; with `label`, link to the page where it begins."""
    with st.container(border=True, horizontal_alignment="center"):
        st.markdown(icon, text_alignment="center")
        st.caption(text, text_alignment="center")
        if visit is not None and label:
            visit.link(label, path, icon=":material/arrow_forward:")
