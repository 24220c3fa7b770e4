"""The versions of a tool: what has changed since one, and going back to it."""

from __future__ import annotations

import streamlit as st

from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import outside_code, plain
from dashboard.parts.buttons import action_button
from dashboard.workflow.versions import version_choice
from engine.tools.versions import ToolVersion


def versions_tab(visit: Visit, name: str) -> None:
    """Show the kept versions of a tool, and how its files differ now from the chosen one."""
    versions = visit.orchestra.tool_files.versions(visit.who, name)
    if not versions:
        st.info(t("No version has passed its tests yet."), icon=":material/history:")
        return
    choosing, showing = st.columns([2, 5], gap="large")
    with choosing:
        chosen = version_choice(versions, f"tool-versions-{name}", {one.id: _named(one) for one in versions})
    with showing:
        if chosen.is_current:
            st.badge(t("These are the current files"), icon=":material/check:", color="green")
            return
        if visit.may("edit"):
            _restore_button(visit, name, chosen)
        st.markdown(t("**What has changed since**"))
        for one in visit.orchestra.tool_files.changes(visit.who, name, chosen.id):
            how = {"added": t("added"), "removed": t("removed"), "changed": t("changed")}[one.change]
            st.markdown(f"{plain(one.path)}: {how}")
            if one.lines:
                outside_code(one.lines, "diff")


def _named(version: ToolVersion) -> str:
    return version.version if version.tested else t("{version}, not tested", version=version.version)


def _restore_button(visit: Visit, name: str, version: ToolVersion) -> None:
    def restored(_result: None) -> None:
        session.tell(t("The earlier files are restored; those they replaced are kept, too."))
        st.rerun()

    action_button(
        t("Restore this version"),
        f"tool-restore-{name}",
        lambda _key: visit.orchestra.tool_files.restore(visit.who, name, version.id),
        restored,
        scope=version.id,
        type="primary",
    )
