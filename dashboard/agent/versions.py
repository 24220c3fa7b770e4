"""The Versions tab of an agent: its kept texts, how they differ from the editor's, and restoring one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from dashboard.agent.draft import typed
from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import outside_changes, outside_code, plain
from dashboard.editing.draft import EditorDraft, reseed
from dashboard.parts.buttons import action_button
from dashboard.parts.versions import named_version, versions_shown
from engine.agents.differences import agent_differences
from engine.documents.json_file import object_in
from engine.prompts.prompt import DEFAULT_LABEL
from engine.runs.prompt_tries.prompt_differences import in_context
from engine.workspace.versioned_files import SavedVersion

if TYPE_CHECKING:
    from engine.agents.agents import AgentSummary


def versions_tab(visit: Visit, agent: AgentSummary, draft: EditorDraft) -> None:
    """Show the last 20 saved texts, newest first, and the older ones that have a number."""
    versions_shown(
        visit.orchestra.agent_versions.list(visit.who, agent.name),
        f"agent-versions-{agent.name}",
        named_version,
        lambda chosen: _version(visit, agent, draft, chosen),
    )


def _version(visit: Visit, agent: AgentSummary, draft: EditorDraft, version: SavedVersion) -> None:
    text = visit.orchestra.agents.get(visit.who, agent.name, version.id).text
    if visit.may("edit"):
        _actions(visit, agent, draft, version, text)
    st.markdown(t("**What it would change** in the text of the editor"))
    found = agent_differences(object_in(typed(draft).text), object_in(text))
    if not found:
        st.caption(t("Both texts are the same."))
    for one in found:
        st.markdown(f"**{plain(one['part'])}**")
        outside_changes((part["text"], part["change"]) for part in in_context(one["texts"]))
    with st.expander(t("Full text")):
        outside_code(text, "json")


def _actions(visit: Visit, agent: AgentSummary, draft: EditorDraft, version: SavedVersion, text: str) -> None:
    label = DEFAULT_LABEL
    is_production = label in version.labels

    def labelled(saved: SavedVersion) -> None:
        said = t(
            "Version {number} is now {label}: runs that start from now on use it.",
            number=saved.number,
            label=DEFAULT_LABEL,
        )
        session.tell(said)
        st.rerun()

    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            t("Load it into the editor"),
            key=f"agent-take-{agent.name}",
            icon=":material/restore:",
            on_click=lambda: reseed(draft, text),
            help=t("Nothing is saved by this: look at it on the tab Edit, then press Save."),
        )
        action_button(
            t("This is the production version") if is_production else t("Make it the production version"),
            f"agent-label-{agent.name}",
            lambda _key: visit.orchestra.agent_versions.label(visit.who, agent.name, label, version.id),
            labelled,
            scope=f"{version.id} {agent.etag}",
            icon=":material/sell:",
            disabled=is_production,
        )
