"""The step types that people of the workspace have written: their files, their tests, and who uses them."""

from __future__ import annotations

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, dialog, t
from dashboard.base.messages import translated
from dashboard.base.page import Page, PageAction, Visit
from dashboard.base.plain import beginning, outside_text, plain, rest
from dashboard.parts.buttons import action_button
from dashboard.parts.empty import empty
from dashboard.parts.errors import errors_shown
from dashboard.parts.file_dialogs import TOOL, file_menu, name_field
from dashboard.parts.header import page_header
from dashboard.parts.pick_table import pick_table
from dashboard.parts.tabs import page_tabs
from dashboard.tool.files import files_tab
from dashboard.tool.tests import tests_and_packages
from dashboard.tool.versions import versions_tab
from engine.base.step_tree import AGENT_PREFIX
from engine.tools.tools import ToolInfo

PAGE = Page(
    title=N_("Tools"),
    icon=":material/construction:",
    path="tools",
    order=58,
    section=N_("Library"),
    words=N_("tool step type code test sandbox version packages dependencies"),
    is_used=lambda orchestra, who: bool(orchestra.tools.list(who)),
    actions=(PageAction(N_("New tool"), {"do": "new"}, "edit", N_("create add make")),),
)


def show(visit: Visit) -> None:
    """Show the tools, and the files, tests and versions of the open one."""
    page_header(visit, t("Tools"), t("Step types that you write yourself, in the folder tools of the workspace."))
    if visit.may("edit"):
        is_new = st.button(t("New tool"), key="new-tool", icon=":material/add:")
        if is_new or visit.is_asked("new"):
            _new_tool(visit)
    with errors_shown():
        found = visit.orchestra.tools.list(visit.who)
        if not found:
            words = t("A tool is a step of your own: code with a test, which workflows and agents use.")
            first = t("A new one has a first test.") if visit.may("edit") else ""
            empty(f"{words} {first}".rstrip(), ":material/construction:")
            return
        columns = {"name": t("Tool"), "version": t("Version"), "state": t("State"), "used": t("Used by")}
        opened = pick_table("tool", [one.name for one in found], [_row(one) for one in found], columns, alt=t("Tools"))
        for one in found:
            if one.name == opened:
                _tool(visit, one)


def _row(one: ToolInfo) -> dict[str, str]:
    return {"name": one.name, "version": one.version, "state": _state(one), "used": ", ".join(one.used_by)}


def _state(one: ToolInfo) -> str:
    return {
        "tested": t("tested"),
        "changed": t("changed after its last test"),
        "untested": t("not tested yet"),
        "invalid": t("invalid"),
    }[one.state]


def _tool(visit: Visit, one: ToolInfo) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{plain(f'tool.{one.name}')}** {plain(one.version)} · {_state(one)}")
            st.space("stretch")
            file_menu(visit, TOOL, one.name)
        if one.problem:
            st.error(plain(translated(one.problem)), icon=":material/error:")
        outside_text(beginning(one.description), empty=" ")
        rest(one.description, f"tool-text-{one.name}")
        if one.network:
            st.caption(t("It may reach {hosts}.", hosts=plain(", ".join(one.network))))
        if one.used_by:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.caption(t("Used by"))
                for user in one.used_by:
                    agent = user.removeprefix(AGENT_PREFIX)
                    visit.title_link(agent, "workflow" if agent == user else "agent", name=agent)
        tests_and_packages(visit, one)
        files, versions = page_tabs([N_("Files"), N_("Versions")], f"tool-tabs-{one.name}")
        if files.open:
            with files:
                files_tab(visit, one)
        if versions.open:
            with versions:
                versions_tab(visit, one.name)


@dialog(N_("New tool"), icon=":material/add:")
def _new_tool(visit: Visit) -> None:
    """Ask for a name, and whether it is a copy of a shipped tool."""
    samples = visit.orchestra.tools.samples(visit.who)
    sample = st.selectbox(
        t("Begin with"), ["", *samples], key="new-tool-sample", format_func=lambda one: one or t("A small tool")
    )
    name = name_field(t("Name"), sample or "my-tool", f"new-tool-name-{sample}")

    def make(_request_key: str) -> str:
        visit.orchestra.tools.new(visit.who, name.strip(), sample)
        return name.strip()

    action_button(t("Create"), "new-tool-make", make, _made, scope=f"{name} {sample}", type="primary")


def _made(name: str) -> None:
    st.query_params["tool"] = name
    session.tell(t("Made. Run its tests; then workflows can use it as `tool.{name}`.", name=name))
    st.rerun()
