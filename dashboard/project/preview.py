"""The preview of the static pages of a project, in a frame that nothing gets out of."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import one_line
from dashboard.project.frame import mount
from engine.projects.records import ProjectInfo

_PAGES = (".html", ".htm", ".svg")


def preview_tab(visit: Visit, project: ProjectInfo) -> None:
    """Let the person choose a page, and show it once they ask for it: it may be a script."""
    files = [one.path for one in visit.orchestra.projects.files(visit.who, project.name)]
    pages = sorted((one for one in files if one.lower().endswith(_PAGES)), key=lambda one: (_rank(one), one))
    if not pages:
        st.info(t("There is no static page to preview: none of its files is HTML or SVG."), icon=":material/web:")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        page = st.selectbox(t("Page"), pages, key=f"project-page-{project.name}", width=420, format_func=one_line)
        is_shown = st.toggle(t("Show it"), key=f"project-preview-{project.name}-{project.head}")
    st.caption(
        t(
            "It runs in a locked frame: without your sign-in, without network, and without the rest of this page. "
            "Do not type passwords into it."
        )
    )
    if is_shown:
        address = visit.orchestra.project_previews.address(visit.who, project.name, page, project.head)
        frame = {"part": "preview", "address": address, "commit": project.head, "title": one_line(page)}
        mount(f"project-frame-{project.name}", frame)


def _rank(path: str) -> int:
    return 0 if path == "index.html" else 1 if path.endswith("/index.html") else 2
