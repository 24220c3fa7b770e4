"""One fragment: its text, and the prompts that share it."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import N_, t
from dashboard.base.page import Page, Visit
from dashboard.base.plain import outside_changes, outside_code, plain
from dashboard.parts.file_dialogs import FRAGMENT, file_menu
from dashboard.parts.header import found, page_header
from dashboard.parts.tabs import page_tabs
from dashboard.parts.versions import restore_button, versions_shown
from dashboard.prompt.fragment import fragment_editor
from engine.prompts.fragment_files import Fragment
from engine.runs.prompt_tries.prompt_differences import fragment_differences, in_context

PAGE = Page(
    title=N_("Fragment"), icon=":material/extension:", path="fragment", order=42, section=N_("Prompts"), in_menu=False
)

_TRAIL = [(N_("Prompts"), "prompts")]


def show(visit: Visit) -> None:
    """Show the fragment that `?name=` names."""
    name = st.query_params.get("name", "")
    if not name:
        page_header(visit, t("Fragment"), t("Choose a fragment from the page Prompts."), trail=_TRAIL)
        return
    file = found(visit, lambda: visit.orchestra.fragments.get(visit.who, name), PAGE.title, _TRAIL)
    page_header(visit, name, t("A text that several prompts share."), trail=_TRAIL)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(t('Prompts name it as `{{{{ fragment("{name}") }}}}`.', name=name))
        st.space("stretch")
        file_menu(visit, FRAGMENT, name)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"titled-users-{name}"):
        if not file.used_by and not file.used_in:
            st.caption(t("No prompt uses it yet."))
        else:
            st.caption(t("Used by"))
        for user in file.used_by:
            visit.title_link(user, "prompt", name=user)
        for user in file.used_in:
            visit.title_link(t("fragment {user}", user=user), "fragment", name=user)
    _outdated(visit, file.used_by, name)
    edit, history = page_tabs([N_("Edit"), N_("History")], f"fragment-tabs-{name}")
    if edit.open:
        with edit:
            fragment_editor(visit, file)
    if history.open:
        with history:
            _history(visit, file)


def _history(visit: Visit, file: Fragment) -> None:
    """Show the last 20 texts, and how the current one differs from each."""
    versions_shown(
        visit.orchestra.fragments.versions(visit.who, file.name),
        f"fragment-versions-{file.name}",
        lambda _version: "",
        lambda chosen: _version(visit, file, chosen.id),
    )


def _version(visit: Visit, file: Fragment, version_id: str) -> None:
    fragments = visit.orchestra.fragments
    text = fragments.version_text(visit.who, file.name, version_id)
    if text == file.text:
        st.badge(t("This is the current text"), icon=":material/check:", color="green")
        outside_code(text)
        return
    if visit.may("edit"):
        restore_button(
            t("Restore this text"),
            f"restore-fragment-{file.name}",
            f"{version_id} {file.etag}",
            lambda: fragments.restore(visit.who, file.name, version_id, file.etag),
            t("The earlier text is restored; the one it replaced is kept, too."),
        )
    st.markdown(t("**What has changed since**"))
    parts = fragment_differences(fragments, visit.who, file.name, version_id)
    outside_changes((part["text"], part["change"]) for part in in_context(parts))
    with st.expander(t("Full text")):
        outside_code(text)


def _outdated(visit: Visit, prompts: list[str], name: str) -> None:
    """Name the prompts whose production version has another text of the fragment."""
    found = visit.orchestra.prompts.list(visit.who)
    old = [one.name for one in found if one.name in prompts and name in one.changed_fragments]
    if old:
        said = t(
            "Workflows still get an older text of it, in {old}: save a version of each.", old=plain(", ".join(old))
        )
        st.info(said, icon=":material/update:")
