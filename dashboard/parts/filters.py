"""The filter of a list: its fields, which a narrow screen folds away so that the list itself is visible."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from dashboard.base.language import t


@contextmanager
def filter_fields(in_use: int) -> Iterator[None]:
    """Show what is drawn inside as the fields of a filter; `in_use` of them are filled.

    The style sheet shows the switch only on narrow screens, and hides the fields there until it is on.
    """
    with st.container(key="filter"):
        st.toggle(t("Filter ({in_use} in use)", in_use=in_use) if in_use else t("Filter"), key="filter-shown")
        with st.container(key="filter-fields"):
            yield
