"""The co-pilot beside the editor of a workflow's text: a button, and its panel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from dashboard.base.browser import owner_of
from dashboard.base.bundles_route import bundle_address
from dashboard.base.language import script_texts
from dashboard.base.page import Visit

_SCRIPT = (Path(__file__).parents[1] / "assets" / "copilot.js").read_text(encoding="utf-8")
_STYLE = """
.copilot-open {
  font: inherit; color: inherit; cursor: pointer; padding: 0.25rem 0.75rem; min-height: 2.5rem;
  background: transparent; border: 1px solid color-mix(in srgb, currentColor 35%, transparent); border-radius: 0.5rem;
}
.copilot-open:is(:hover, [aria-expanded="true"]) { border-color: currentColor; }
.copilot-open:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
"""
_mount = st.components.v2.component("ai-orchestra.copilot", js=_SCRIPT, css=_STYLE, isolate_styles=False)


def copilot_button(visit: Visit, workflow: str, editor: str, changed: Callable[[], None]) -> None:
    """Show the button. `editor` is the CSS class of the text; `changed` is called after a change of the draft."""
    texts = {name: script_texts(name) for name in ("copilot", "studio")}
    panel = {"workflow": workflow, "owner": owner_of(visit)}
    data = [{"address": bundle_address("studio"), "texts": texts, "panel": panel, "editor": editor}]
    _mount(key=f"copilot-{workflow}", data=data, on_changed_change=changed)
