"""The little CSS that Streamlit's theme cannot express; only for elements that carry a key of ours."""

from __future__ import annotations

import streamlit as st

_CSS = """
<style>
.st-key-page { max-width: 68rem; margin-inline: auto; padding-bottom: 3rem; }
[class*="st-key-row-"] { padding: .15rem .25rem; }
</style>
"""


def apply() -> None:
    """Add the style sheet to the page."""
    st.html(_CSS)
