"""The script of every page: it keeps typed text in the browser, and sends back what the server does not have."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.base import fields, session
from dashboard.base.app_route import MANIFEST
from dashboard.base.bundles_route import bundle_address
from dashboard.base.language import language, script_texts, t
from dashboard.base.page import Visit

_SCRIPT = (Path(__file__).parents[1] / "assets" / "browser.js").read_text(encoding="utf-8")
_KEY = "browser"
_SEARCH_BUTTON = """
<button type="button" class="search-button" aria-haspopup="dialog" aria-keyshortcuts="Control+K Meta+K">
<span>{search}</span> <kbd aria-hidden="true">Ctrl K</kbd></button>
"""
_mount = st.components.v2.component("ai-orchestra.browser", js=_SCRIPT, isolate_styles=False)


def browser(visit: Visit, waiting: int) -> None:
    """Mount the script below a page, after its fields are drawn; `waiting`: how many questions the app's icon shows."""
    known = {slot: field.to_browser() for slot, field in fields.told().items()}
    data = {
        "owner": owner_of(visit),
        "fields": known,
        "forget": [*fields.forgotten(), *fields.sent_lately(owner_of(visit))],
        "editor": bundle_address("editor"),
        "search": bundle_address("search"),
        "manifest": MANIFEST,
        "waiting": waiting,
        "language": language(),
        "texts": {name: script_texts(name) for name in ("browser", "editor", "search")},
    }
    with st.container(key="search-button"):
        st.html(_SEARCH_BUTTON.format(search=escape(t("Search"))))
    with st.container(key="browser-script"):
        # In a list: Streamlit searches dicts for tables, and loads pandas and pyarrow (67 MiB) for that.
        _mount(key=_KEY, data=[data], height=1, on_found_change=_found)


def owner_of(visit: Visit) -> str:
    """Return a name for the person in this workspace, so that they do not get texts of others in the same browser."""
    return hashlib.sha256(f"{visit.orchestra.workspace.root}\n{visit.who.id}".encode()).hexdigest()[:16]


def _found() -> None:
    state: Any = session.widget_value(_KEY, None)
    found = state.get("found") if isinstance(state, Mapping) else None
    texts = found.get("texts") if isinstance(found, Mapping) else None
    if isinstance(texts, Mapping):
        fields.bring_back(texts)
