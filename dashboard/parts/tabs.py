"""Tabs whose open one is in the address: reload and Back restore it, and links can name it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base import session
from dashboard.base.language import t

if TYPE_CHECKING:
    from streamlit.elements.lib.mutable_tab_container import TabContainer

PARAM = "tab"
_ICON = re.compile(r":material/\w+:\s*")


def page_tabs(
    labels: Sequence[str], key: str, counts: Mapping[str, int] = MappingProxyType({})
) -> Sequence[TabContainer]:
    """Show the tabs of a page; `?tab=` names the open one, the first by default.

    The labels are in English, which the address has too, and are translated here. `counts`: how many things wait in
    the tab of a label.
    """
    shown = {label: f"{t(label)} ({counts[label]})" if counts.get(label) else t(label) for label in labels}
    english = {label: name for name, label in shown.items()}

    def opened() -> None:
        name = tab_name(english.get(session.widget_value(key, ""), labels[0]))
        if name == tab_name(labels[0]):
            st.query_params.pop(PARAM, None)
        else:
            st.query_params[PARAM] = name

    wanted = st.query_params.get(PARAM, "")
    label = next((one for one in labels if tab_name(one) == wanted), labels[0])
    # The address decides: Back in the browser changes it, and not the widget.
    if session.widget_value(key, shown[labels[0]]) != shown[label]:
        session.set_widget(key, shown[label])
    return st.tabs(list(shown.values()), key=key, on_change=opened)


def open_tab(name: str) -> None:
    """Open a tab of the page, when it is drawn next."""
    st.query_params[PARAM] = name


def tab_name(label: str) -> str:
    """Return the name of a tab in the address: `needs-a-look` for ":material/report: Needs a look"."""
    return _ICON.sub("", label).strip().lower().replace(" ", "-")
