"""The parts of a run's page that the browser updates by itself (`assets/run_page.js`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.base.language import script_texts

_ASSETS = Path(__file__).parents[1] / "assets"
_component = st.components.v2.component(
    "ai-orchestra.run",
    js=(_ASSETS / "run_page.js").read_text(encoding="utf-8"),
    css=(_ASSETS / "run_page.css").read_text(encoding="utf-8"),
    isolate_styles=False,
)


def mount(key: str, data: Mapping[str, Any], on_told: Callable[[], None] = lambda: None) -> None:
    """Draw the part of the page that `data` names; the widget gets what it sends back as `told`."""
    # In a list: Streamlit searches dicts for tables, and loads pandas and pyarrow for that.
    _component(key=key, data=[{**data, "texts": script_texts("run_page")}], on_told_change=on_told)
