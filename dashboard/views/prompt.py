"""One prompt: its draft, what a model answers to it, and its versions."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import N_, t, tn
from dashboard.base.page import Page, Visit
from dashboard.base.plain import outside_badge, plain
from dashboard.editing.draft import EditorDraft
from dashboard.parts.errors import message_markdown
from dashboard.parts.file_dialogs import PROMPT, file_menu
from dashboard.parts.header import found, page_header
from dashboard.parts.tabs import page_tabs
from dashboard.parts.unsaved import elsewhere, is_asking, keep
from dashboard.prompt.cases import cases_tab
from dashboard.prompt.comparing import compare_tab
from dashboard.prompt.copilot.tab import copilot_tab
from dashboard.prompt.dialogs import download_text
from dashboard.prompt.draft import begin, is_changed, opened, typed
from dashboard.prompt.form import edit_tab
from dashboard.prompt.save import save_bar
from dashboard.prompt.tags import tag_badges, tag_button
from dashboard.prompt.trying import try_tab
from dashboard.prompt.versions import comparable, versions_tab
from engine.base.step_tree import AGENT_PREFIX
from engine.prompts.prompt import DEFAULT_LABEL
from engine.prompts.prompt_files import PromptFile

PAGE = Page(title=N_("Prompt"), icon=":material/chat:", path="prompt", order=41, section=N_("Prompts"), in_menu=False)

_TRAIL = [(N_("Prompts"), "prompts")]


def show(visit: Visit) -> None:
    """Show the prompt that `?name=` names."""
    name = st.query_params.get("name", "")
    if not name:
        page_header(visit, t("Prompt"), t("Choose a prompt from the list."), trail=_TRAIL)
        return
    file = found(visit, lambda: visit.orchestra.prompts.get(visit.who, name), PAGE.title, _TRAIL)
    document = file.document or {}
    page_header(
        visit,
        str(document.get("title") or name),
        str(document.get("description") or ""),
        trail=_TRAIL,
    )
    _labels(visit, file)
    _hurt_workflows(visit, file)
    _changed_fragments(visit, file)
    if visit.may("edit") and is_asking(visit, "prompt", name, file.text, lambda unsaved: begin(file, unsaved)):
        return
    draft = opened(file)
    if visit.may("edit"):
        keep(visit, "prompt", name, typed(draft).text if is_changed(draft) else None, draft.etag)
        elsewhere(visit, "prompt", name, typed(draft).text, draft.etag, lambda unsaved: begin(file, unsaved))
    save_bar(visit, file, draft)
    _tabs(visit, file, draft)


def _tabs(visit: Visit, file: PromptFile, draft: EditorDraft) -> None:
    labels = [N_("Edit"), N_("Try"), N_("Compare"), N_("Cases"), N_("Co-pilot"), N_("Versions")]
    edit, trying, comparing, cases, copilot, versions = page_tabs(labels, f"prompt-tabs-{file.name}")
    if edit.open:
        with edit:
            edit_tab(visit, draft)
    if trying.open:
        with trying:
            try_tab(visit, file, draft)
    if comparing.open:
        with comparing:
            compare_tab(visit, file, draft)
    if cases.open:
        with cases:
            cases_tab(visit, file, draft)
    if copilot.open:
        with copilot:
            copilot_tab(visit, file, draft)
    if versions.open:
        with versions:
            versions_tab(visit, file, draft)


def _hurt_workflows(visit: Visit, file: PromptFile) -> None:
    """Name the workflows and agents with problems among those that use the prompt: moving a label can cause them."""
    for name in visit.orchestra.prompts.users(visit.who, file.name):
        agent = name.removeprefix(AGENT_PREFIX)
        files = visit.orchestra.workflows if agent == name else visit.orchestra.agents
        problems = files.get(visit.who, agent).problems
        if problems:
            said = message_markdown(problems[0].message, problems[0].remedy)
            many = tn("{count} problem", "{count} problems", len(problems))
            st.warning(
                t("**{name}** uses this prompt and has {many_}: {said}", name=plain(name), many_=many, said=said),
                icon=":material/warning:",
            )


def _changed_fragments(visit: Visit, file: PromptFile) -> None:
    """Say which fragments have another text now than in the version that workflows use."""
    for fragment in file.changed_fragments:
        number = file.labels[DEFAULT_LABEL]
        said = t(
            "The fragment **{fragment}** has changed since version {number}, which is {default_label}.",
            fragment=plain(fragment),
            number=number,
            default_label=DEFAULT_LABEL,
        )
        st.info(t("{said} *Save and use* takes its new text.", said=said), icon=":material/update:")


def _differs_from_default(visit: Visit, file: PromptFile) -> bool:
    """Return whether workflows that use the usual label get a different text from the one saved here."""
    number = file.labels.get(DEFAULT_LABEL)
    if number not in file.versions:
        return False
    version = visit.orchestra.prompts.get(visit.who, file.name, number)
    working = visit.orchestra.prompts.resolved(visit.who, file.document or {})
    return comparable(version.document) != comparable(working)


def _labels(visit: Visit, file: PromptFile) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for label, number in file.labels.items():
            icon = ":material/lock:" if label in file.protected else ":material/sell:"
            outside_badge(t("{label}: version {number}", label=label, number=number), icon, color="green")
        tag_badges(file.tags)
        if _differs_from_default(visit, file):
            st.badge(
                t("The text below differs from {default_label}", default_label=DEFAULT_LABEL),
                icon=":material/difference:",
                color="orange",
            )
        if not file.versions:
            st.badge(t("No version yet"), icon=":material/bookmark:", color="orange")
        st.space("stretch")
        tag_button(visit, file)
        download_text(visit, file)
        file_menu(visit, PROMPT, file.name)
