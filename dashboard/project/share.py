"""What leaves a project: downloads, and a pull request on GitHub."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.project.building import start_button
from engine.projects.records import ProjectInfo
from engine.runs.projects.store import OPENS_PULL_REQUEST


def share_tab(visit: Visit, project: ProjectInfo) -> None:
    """Offer the files and the history as files, and a pull request."""
    projects, name = visit.orchestra.projects, project.name
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            t("Files as ZIP"),
            lambda: projects.archive(visit.who, name),
            file_name=f"{name}.zip",
            mime="application/octet-stream",  # saved, never displayed
            key=f"project-zip-{name}",
            icon=":material/folder_zip:",
            on_click="ignore",
        )
        st.download_button(
            t("History as Git bundle"),
            lambda: projects.bundle(visit.who, name),
            file_name=f"{name}.bundle",
            mime="application/octet-stream",
            key=f"project-bundle-{name}",
            icon=":material/history:",
            on_click="ignore",
        )
    st.caption(t("`git clone {name}.bundle` makes a repository of it.", name=name))
    if visit.may("run"):
        st.markdown(t("**Pull request**"))
        st.caption(
            t(
                "A workflow pushes the files to a branch of a repository, into the folder projects/{name}, and opens a "
                "pull request. You see the list of files and approve it first.",
                name=name,
            )
        )
        start_button(visit, t("Open a pull request"), OPENS_PULL_REQUEST, {"project": name, "title": project.title})
