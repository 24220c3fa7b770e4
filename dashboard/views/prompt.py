"""One prompt: its working text, what a model would get, and its versions."""

from __future__ import annotations

import streamlit as st

from dashboard.page import Page, Visit
from dashboard.parts.header import found, page_header
from dashboard.parts.plain import plain
from dashboard.prompt_draft import begin, is_changed, opened, typed
from dashboard.prompt_form import edit_tab
from dashboard.prompt_preview import preview_tab
from dashboard.prompt_save import save_bar
from dashboard.prompt_versions import versions_tab
from dashboard.unsaved import is_asking, keep
from engine.prompts.prompt_files import PromptFile

PAGE = Page(title="Prompt", icon=":material/chat:", path="prompt", order=41, in_menu=False)

_TRAIL = [("Prompts", "prompts")]


def show(visit: Visit) -> None:
    """Show the prompt that `?name=` names."""
    name = st.query_params.get("name", "")
    if not name:
        page_header(visit, "Prompt", "Choose a prompt from the list.", trail=_TRAIL)
        return
    file = found(visit, lambda: visit.orchestra.prompts.get(visit.who, name), PAGE.title, _TRAIL)
    document = file.document or {}
    page_header(
        visit,
        str(document.get("title") or name),
        str(document.get("description") or ""),
        trail=_TRAIL,
    )
    _labels(file)
    if visit.may("edit") and is_asking(visit, "prompt", name, file.text, lambda unsaved: begin(file, unsaved)):
        return
    draft = opened(file)
    if visit.may("edit"):
        keep(visit, "prompt", name, typed(draft).text if is_changed(draft) else None, draft.etag)
    save_bar(visit, file, draft)
    edit, preview, versions = st.tabs(["Edit", "Preview", "Versions"], key=f"prompt-tabs-{name}", on_change="rerun")
    if edit.open:
        with edit:
            edit_tab(visit, draft)
    if preview.open:
        with preview:
            preview_tab(visit, draft)
    if versions.open:
        with versions:
            versions_tab(visit, file, draft)


def _labels(file: PromptFile) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for label, number in file.labels.items():
            st.badge(plain(f"{label}: version {number}"), icon=":material/sell:", color="green")
        if not file.versions:
            st.badge("No version yet", icon=":material/bookmark:", color="orange")
