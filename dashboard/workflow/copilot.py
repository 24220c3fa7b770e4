"""The co-pilot beside the editor of a workflow's text, or beside a run: a button, and its panel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.base import session
from dashboard.base.browser import owner_of
from dashboard.base.bundles_route import bundle_address
from dashboard.base.language import script_texts
from dashboard.base.page import Visit
from engine.agents.conversation import is_agent
from engine.base.statuses import RunStatus
from engine.record.types.run import Run

_PARAM, _OPEN = "copilot", "open"
"""What the address of a run's page has while the panel is open there."""
_SCRIPT = (Path(__file__).parents[1] / "assets" / "copilot.js").read_text(encoding="utf-8")
_STYLE = """
.copilot-open {
  font: inherit; font-size: 0.875rem; color: inherit; cursor: pointer; padding: 0.25rem 0.75rem; min-height: 2.5rem;
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


def run_copilot(visit: Visit, run: Run) -> None:
    """Show the button beside a run if its workflow still exists; `?copilot=open` keeps the panel open.

    In a fragment of its own: while the run goes on and the page is redrawn, the panel and what is typed there stay.
    """
    workflow = str(run["workflow"] or "")
    if is_agent(run) or not visit.may("edit") or not visit.orchestra.editing.saved_text(visit.who, workflow):
        return
    key = f"copilot-run-{run['run_id']}"

    @st.fragment
    def body() -> None:
        _mount(key=key, data=[_beside(visit, run)], on_turned_change=lambda: _turned(key))

    body()


def _beside(visit: Visit, run: Run) -> dict[str, Any]:
    """Return what the script needs of a run; the texts of the panel only once it is open."""
    is_open = st.query_params.get(_PARAM) == _OPEN
    is_failed = run["status"] == RunStatus.FAILED or bool(run["counts"]["failed_items"])
    has_failed = is_failed and not run["counts"].get("rejected")
    about = {"id": str(run["run_id"]), "hasFailed": has_failed}
    return {
        "address": bundle_address("studio"),
        "texts": {name: script_texts(name) for name in ("copilot", *(["studio"] if is_open else []))},
        "panel": {"workflow": str(run["workflow"]), "owner": owner_of(visit), "run": about},
        "isOpen": is_open,
    }


def _turned(key: str) -> None:
    state: Any = session.widget_value(key, None)
    turned = state.get("turned") if isinstance(state, Mapping) else None
    if turned == _OPEN:
        st.query_params[_PARAM] = _OPEN
    else:
        st.query_params.pop(_PARAM, None)
