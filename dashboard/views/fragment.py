"""One fragment: its text, and the prompts that share it."""

from __future__ import annotations

import streamlit as st

from dashboard.base.page import Page, Visit
from dashboard.base.plain import plain
from dashboard.parts.file_dialogs import FRAGMENT, file_menu
from dashboard.parts.header import found, page_header
from dashboard.prompt.fragment import fragment_editor

PAGE = Page(title="Fragment", icon=":material/extension:", path="fragment", order=42, section="Build", in_menu=False)

_TRAIL = [("Prompts", "prompts")]


def show(visit: Visit) -> None:
    """Show the fragment that `?name=` names."""
    name = st.query_params.get("name", "")
    if not name:
        page_header(visit, "Fragment", "Choose a fragment from the page Prompts.", trail=_TRAIL)
        return
    file = found(visit, lambda: visit.orchestra.fragments.get(visit.who, name), PAGE.title, _TRAIL)
    page_header(visit, name, "A text that several prompts share.", trail=_TRAIL)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f'Prompts name it as `{{{{ fragment("{name}") }}}}`.')
        st.space("stretch")
        file_menu(visit, FRAGMENT, name)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"titled-users-{name}"):
        if not file.used_by and not file.used_in:
            st.caption("No prompt uses it yet.")
        else:
            st.caption("Used by")
        for user in file.used_by:
            visit.title_link(user, "prompt", name=user)
        for user in file.used_in:
            visit.title_link(f"fragment {user}", "fragment", name=user)
    _outdated(visit, file.used_by, name)
    fragment_editor(visit, file)


def _outdated(visit: Visit, prompts: list[str], name: str) -> None:
    """Name the prompts whose production version has another text of the fragment."""
    found = visit.orchestra.prompts.list(visit.who)
    old = [one.name for one in found if one.name in prompts and name in one.changed_fragments]
    if old:
        said = f"Workflows still get an older text of it, in {plain(', '.join(old))}: save a version of each."
        st.info(said, icon=":material/update:")
