"""The run document as JSON, to read and to download."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import t
from dashboard.base.plain import outside_code
from dashboard.parts.values import cut, json_text
from engine.record.types.run import Run

_SHOWN_LETTERS = 100_000
_HEIGHT = 560


def run_json(run: Run) -> None:
    """Show the document, shortened if it is long, and a button to download all of it."""
    text = json_text(run)
    st.download_button(
        t("Download"),
        text,
        file_name=f"{run['run_id']}.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
    )
    outside_code(cut(text, _SHOWN_LETTERS), "json", height=_HEIGHT)
