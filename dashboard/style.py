"""The little CSS that Streamlit's theme cannot express; only for elements that carry a key of ours."""

from __future__ import annotations

import streamlit as st

_CSS = """
<style>
.st-key-page { max-width: 68rem; margin-inline: auto; padding-bottom: 3rem; }
@media (min-width: 640px) { .st-key-page { margin-top: -3rem; } }
.st-key-page:has(.st-key-wide) { max-width: 100rem; }
@media (min-width: 640px) { .stMainBlockContainer:has(.st-key-wide) { padding-inline: 2rem; } }
[class*="st-key-row-"] { padding: .6rem 0 .7rem; border-bottom: 1px solid rgba(128, 134, 150, .22); }
[class*="st-key-row-look-"] { border-bottom: 0; padding: 0; }
[class*="st-key-titled-"] [data-testid="stPageLink-NavLink"] { padding-inline: 0; background: none; }
[class*="st-key-editor-"] textarea { font-family: ui-monospace, "Source Code Pro", monospace; font-size: .82rem; }
</style>
"""


def apply() -> None:
    """Add the style sheet to the page."""
    st.html(_CSS)
