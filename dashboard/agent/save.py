"""Save an agent: as the version that steps use, as a draft, or as a version that nothing uses yet."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard.agent.draft import begin, typed
from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.editing.draft import EditorDraft, differs
from dashboard.editing.saving import conflict
from dashboard.parts.buttons import action_button
from dashboard.parts.popover import close, popover
from engine.agents.agents import AgentSummary
from engine.base.errors import InvalidFile, OrchestraError, StaleEdit
from engine.prompts.prompt import DEFAULT_LABEL
from engine.workspace.versioned_files import SavedVersion

Save = Callable[[], AgentSummary | SavedVersion]


def save_bar(visit: Visit, agent: AgentSummary, draft: EditorDraft) -> None:
    """Show what can be saved; if somebody else has saved, show the choices."""
    if not visit.may("edit"):
        return
    with st.container():  # one place, so that nothing below it moves when a conflict is found
        _save_bar(visit, agent, draft)


def _save_bar(visit: Visit, agent: AgentSummary, draft: EditorDraft) -> None:
    now = typed(draft)
    if draft.etag != agent.etag:
        conflict(
            t("Somebody has saved this agent since you opened it. Your text is still below; nothing was overwritten."),
            draft,
            agent.text,
            now.text,
            lambda: _save_button(visit, agent, draft, t("Overwrite with mine"), "overwrite"),
            lambda: begin(agent),
        )
        return
    is_changed = differs(draft, now)
    with st.container(horizontal=True, vertical_alignment="center"):
        _version_button(visit, agent, draft, t("Save and use"), DEFAULT_LABEL)
        _save_button(visit, agent, draft, t("Save as draft"), "save")
        with popover(
            t("Save a version"), _version_place(agent.name), ":material/bookmark_add:", disabled=bool(now.wrong)
        ):
            st.markdown(t("A version never changes. Steps use this one once the tab *Versions* gives it their label."))
            _version_button(visit, agent, draft, t("Save this version"))
        if is_changed:
            _undo_popover(agent)
            st.caption(t("Not saved yet."))
    if is_changed and agent.runs is None:
        st.caption(t("No version is in production yet, so runs use the draft."))


def _undo_popover(agent: AgentSummary) -> None:
    """Ask before all unsaved changes are thrown away: nothing brings them back."""
    place = f"undo-agent-{agent.name}"
    with popover(t("Undo all"), place, ":material/undo:"):
        st.markdown(t("Everything that you have changed since it was saved is lost."))
        if st.button(t("Undo all"), key=f"agent-undo-{agent.name}", type="primary"):
            close(place)
            begin(agent)
            st.rerun()


def _save_button(visit: Visit, agent: AgentSummary, draft: EditorDraft, label: str, key: str) -> None:
    def after(saved: AgentSummary) -> None:
        begin(saved)
        session.tell(
            t("Saved. Runs that start from now on use it.")
            if saved.runs is None
            else t("Saved as draft. Steps go on using version {version}.", version=saved.runs)
        )

    now = typed(draft)
    action_button(
        label,
        f"{key}-agent-{draft.name}",
        lambda _key: _tried(lambda: visit.orchestra.agents.save(visit.who, draft.name, now.text, agent.etag)),
        lambda saved: _shown(saved, after),
        scope=f"{agent.etag} {hash(now.text)}",
        disabled=bool(now.wrong),
    )


def _version_button(visit: Visit, agent: AgentSummary, draft: EditorDraft, button: str, label: str = "") -> None:
    """Show a button that saves the text and a version of it, which `label` then names."""
    now = typed(draft)

    def save() -> SavedVersion:
        saved = agent
        if differs(draft, now):
            saved = visit.orchestra.agents.save(visit.who, draft.name, now.text, agent.etag)
        return visit.orchestra.agent_versions.save(visit.who, draft.name, label, saved.etag)

    def after(version: SavedVersion) -> None:
        close(_version_place(agent.name))
        begin(visit.orchestra.agents.get(visit.who, draft.name))
        said = t("Version {saved} is saved", saved=version.number)
        session.tell(said + (t(" and is {label} now.", label=label) if label else "."))

    action_button(
        button,
        f"save-and-use-agent-{draft.name}" if label else f"save-version-agent-{draft.name}",
        lambda _key: _tried(save),
        lambda saved: _shown(saved, after),
        scope=f"{agent.etag} {label} {hash(now.text)}",
        type="primary",
        disabled=bool(now.wrong),
    )


def _version_place(name: str) -> str:
    return f"agent-version-{name}"


def _tried(save: Save) -> AgentSummary | SavedVersion | OrchestraError:
    try:
        return save()
    except (StaleEdit, InvalidFile) as error:  # shown on the page; what is typed stays
        return error


def _shown(saved: AgentSummary | SavedVersion | OrchestraError, after: Callable[..., None]) -> None:
    if isinstance(saved, InvalidFile):
        st.error(t("Not saved: correct the problems below first."), icon=":material/error:")
        return
    if not isinstance(saved, OrchestraError):
        after(saved)
    st.rerun()  # even after a conflict: the next run finds the other text
