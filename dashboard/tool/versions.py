"""The versions of a tool: what has changed since one, and going back to it."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import outside_code, plain
from dashboard.parts.versions import restore_button, versions_shown
from engine.tools.versions import ToolVersion


def versions_tab(visit: Visit, name: str) -> None:
    """Show the kept versions of a tool, and how its files differ now from the chosen one."""
    versions_shown(
        visit.orchestra.tools.versions(visit.who, name),
        f"tool-versions-{name}",
        _named,
        lambda chosen: _version(visit, name, chosen),
        empty=t("No version has passed its tests yet."),
    )


def _version(visit: Visit, name: str, chosen: ToolVersion) -> None:
    if chosen.is_current:
        st.badge(t("These are the current files"), icon=":material/check:", color="green")
        return
    if visit.may("edit"):
        restore_button(
            t("Restore this version"),
            f"tool-restore-{name}",
            chosen.id,
            lambda: visit.orchestra.tools.restore(visit.who, name, chosen.id),
            t("The earlier files are restored; those they replaced are kept, too."),
        )
    st.markdown(t("**What has changed since**"))
    for one in visit.orchestra.tools.changes(visit.who, name, chosen.id):
        how = {"added": t("added"), "removed": t("removed"), "changed": t("changed")}[one.change]
        st.markdown(f"{plain(one.path)}: {how}")
        if one.lines:
            outside_code(one.lines, "diff")


def _named(version: ToolVersion) -> str:
    return version.version if version.tested else t("{version}, not tested", version=version.version)
