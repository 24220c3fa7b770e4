"""The filter of a list: its fields, which a narrow screen folds away so that the list itself is visible."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st


@contextmanager
def filter_fields(in_use: int) -> Iterator[None]:
    """Show what is drawn inside as the fields of a filter, of which `in_use` are filled.

    The style sheet shows the switch only on narrow screens, and hides the fields there until it is on.
    """
    with st.container(key="filter"):
        st.toggle(f"Filter ({in_use} in use)" if in_use else "Filter", key="filter-shown")
        with st.container(key="filter-fields"):
            yield
