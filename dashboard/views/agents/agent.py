"""One agent: its file in fields, a try in the demo, its versions, and who uses it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.agent.draft import begin, opened, typed
from dashboard.agent.form import edit_tab
from dashboard.agent.save import save_bar
from dashboard.agent.trying import try_tab
from dashboard.agent.versions import versions_tab
from dashboard.base.language import N_, t
from dashboard.base.page import Page, Visit
from dashboard.editing.draft import EditorDraft, differs
from dashboard.parts.file_dialogs import AGENT, file_menu
from dashboard.parts.header import found, page_header
from dashboard.parts.run_rows import run_rows
from dashboard.parts.tabs import page_tabs
from dashboard.parts.unsaved import elsewhere, is_asking, keep
from dashboard.views.agents.agents import agent_badges
from engine.base.step_tree import AGENT_PREFIX, agent_workflow

if TYPE_CHECKING:
    from engine.agents.agents import AgentSummary

PAGE = Page(
    title=N_("Agent"),
    icon=":material/smart_toy:",
    path="agent",
    order=57,
    section=N_("Library"),
    in_menu=False,
)

_TRAIL = [(N_("Agents"), "agents")]
_RUNS = 10


def show(visit: Visit) -> None:
    """Show the agent that `?name=` names."""
    name = st.query_params.get("name", "")
    if not name:
        page_header(visit, t("Agent"), t("Choose an agent from the list."), trail=_TRAIL)
        return
    agent = found(visit, lambda: visit.orchestra.agents.get(visit.who, name), PAGE.title, _TRAIL)
    page_header(visit, agent.title, agent.description, trail=_TRAIL)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        agent_badges(agent)
        st.space("stretch")
        file_menu(visit, AGENT, name)
    if visit.may("edit") and is_asking(visit, "agent", name, agent.text, lambda unsaved: begin(agent, unsaved)):
        return
    draft = opened(agent)
    if visit.may("edit"):
        now = typed(draft)
        keep(visit, "agent", name, now.text if differs(draft, now) else None, draft.etag)
        elsewhere(visit, "agent", name, now.text, draft.etag, lambda unsaved: begin(agent, unsaved))
    save_bar(visit, agent, draft)
    _tabs(visit, agent, draft)


def _tabs(visit: Visit, agent: AgentSummary, draft: EditorDraft) -> None:
    labels = [N_("Edit"), N_("Try"), N_("Versions"), N_("Used by"), N_("Runs")]
    shown: Sequence[Callable[[], None]] = (
        lambda: edit_tab(visit, draft),
        lambda: try_tab(visit, draft),
        lambda: versions_tab(visit, agent, draft),
        lambda: _used_by(visit, agent),
        lambda: _runs(visit, agent),
    )
    for tab, show_tab in zip(page_tabs(labels, f"agent-tabs-{agent.name}"), shown, strict=True):
        if tab.open:
            with tab:
                show_tab()


def _used_by(visit: Visit, agent: AgentSummary) -> None:
    if not agent.used_by:
        st.info(
            t("Nothing uses it yet. Add the step *Run an agent* to a workflow, and choose this agent."),
            icon=":material/account_tree:",
        )
    for user in agent.used_by:
        if user.startswith(AGENT_PREFIX):
            name = user.removeprefix(AGENT_PREFIX)
            visit.link(name, "agent", icon=":material/smart_toy:", name=name)
        else:
            visit.link(user, "workflow", icon=":material/account_tree:", name=user)


def _runs(visit: Visit, agent: AgentSummary) -> None:
    rows = visit.orchestra.runs.list(visit.who, workflow=agent_workflow(agent.name), limit=_RUNS).rows
    if not rows:
        st.info(t("It has not worked yet: try it in the demo."), icon=":material/history:")
    run_rows(visit, rows, "agent")
