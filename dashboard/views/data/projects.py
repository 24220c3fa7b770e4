"""Programs that workflows and people write together: their files, history, commands and previews."""

from __future__ import annotations

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, dialog, size_text, t, tn
from dashboard.base.messages import translated
from dashboard.base.page import Page, PageAction, Visit
from dashboard.base.plain import one_line, plain
from dashboard.parts.buttons import action_button
from dashboard.parts.empty import empty
from dashboard.parts.errors import errors_shown
from dashboard.parts.file_dialogs import free_name, name_field
from dashboard.parts.header import page_header
from dashboard.parts.pick_table import pick_table
from dashboard.parts.tabs import page_tabs
from dashboard.parts.times import ago
from dashboard.project.building import build_tab
from dashboard.project.commands import commands_tab
from dashboard.project.files import files_tab
from dashboard.project.history import history_tab
from dashboard.project.preview import preview_tab
from dashboard.project.share import share_tab
from engine.base.clock import moment_of
from engine.base.names import usable_name
from engine.projects.records import ProjectInfo

PAGE = Page(
    title=N_("Projects"),
    icon=":material/deployed_code:",
    path="projects",
    order=59,
    section=N_("Library"),
    words=N_("program code files git commit preview website builder"),
    is_used=lambda orchestra, who: bool(orchestra.projects.list(who)),
    actions=(PageAction(N_("New project"), {"do": "new"}, "edit", N_("create add make")),),
)


def show(visit: Visit) -> None:
    """Show the projects, and the parts of the open one."""
    page_header(visit, t("Projects"), t("Programs that workflows write, and that you change, run and download."))
    if visit.may("edit"):
        is_new = st.button(t("New project"), key="new-project", icon=":material/add:")
        if is_new or visit.is_asked("new"):
            _new(visit)
    with errors_shown():
        found = visit.orchestra.projects.list(visit.who)
        if not found:
            empty(t("A project is a program that a workflow writes and tests."), ":material/deployed_code:")
            return
        columns = {"name": t("Project"), "title": t("Title"), "files": t("Files"), "changed": t("Changed")}
        opened = pick_table(
            "project", [one.name for one in found], [_row(one) for one in found], columns, alt=t("Projects")
        )
        for one in found:
            if one.name == opened:
                _project(visit, one)


def _row(one: ProjectInfo) -> dict[str, str]:
    if one.problem:
        return {"name": one.name, "title": t("It cannot be used"), "files": "", "changed": ""}
    files = tn("{count} file", "{count} files", one.files)
    changed = ago(moment_of(one.updated_at))
    return {"name": one.name, "title": one_line(one.title), "files": files, "changed": changed}


def _project(visit: Visit, one: ProjectInfo) -> None:
    with st.container(border=True, key=f"in-view-{one.name}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            known = "" if one.problem else f" · {size_text(one.size_bytes)} · {plain(one.head[:10])}"
            st.markdown(f"**{plain(one.title)}**{known}")
            st.space("stretch")
            if visit.may("edit") and st.button(
                t("Delete"), key=f"delete-project-{one.name}", type="tertiary", icon=":material/delete:"
            ):
                _delete(visit, one)
        if one.problem:
            st.error(plain(translated(one.problem)), icon=":material/error:")
            return
        names = [N_("Files"), N_("History"), N_("Run"), N_("Preview"), N_("Build"), N_("Share")]
        tabs = page_tabs(names, f"project-tabs-{one.name}")
        shows = (files_tab, history_tab, commands_tab, preview_tab, build_tab, share_tab)
        for tab, draw in zip(tabs, shows, strict=True):
            if tab.open:
                with tab:
                    draw(visit, one)


@dialog(N_("New project"), icon=":material/add:")
def _new(visit: Visit) -> None:
    """Ask for a name and a title."""
    title = st.text_input(t("Title"), key="new-project-title", max_chars=200)
    named_after = usable_name(title)
    taken = {one.name for one in visit.orchestra.projects.list(visit.who)}
    # Another title is another field, so that it begins with the name made of it.
    field = f"new-project-name{named_after and f'-{named_after}'}"
    name = name_field(t("Name"), free_name(named_after or "my-project", taken), field)

    def make(_request_key: str) -> str:
        return visit.orchestra.projects.create(visit.who, name.strip(), title).name

    action_button(t("Create"), "new-project-make", make, _made, scope=f"{name} {title}", type="primary")


@dialog(N_("Delete?"), icon=":material/delete:")
def _delete(visit: Visit, project: ProjectInfo) -> None:
    """Ask for confirmation."""
    st.write(plain(t("{name} moves to the trash of this workspace, .orchestra/trash.", name=project.name)))
    st.caption(t("Its history moves with it."))

    def delete(_request_key: str) -> str:
        visit.orchestra.projects.delete(visit.who, project.name)
        return project.name

    action_button(t("Delete"), "project-delete-do", delete, _deleted, scope=project.head, type="primary")


def _made(name: str) -> None:
    st.query_params["project"] = name
    session.tell(t("Made. Add files, or let a workflow write them."))
    st.rerun()


def _deleted(name: str) -> None:
    for param in ("project", "tab", "file", "commit", "run"):
        st.query_params.pop(param, None)
    session.tell(t("{name} is in the trash.", name=name))
    st.rerun()
