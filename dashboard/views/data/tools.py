"""The step types that people of the workspace have written: their files, their tests, and who uses them."""

from __future__ import annotations

import streamlit as st

from dashboard.base.language import N_, t
from dashboard.base.page import Page, Visit
from dashboard.base.plain import outside_code, outside_text, plain
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import error_box
from dashboard.parts.header import page_header
from dashboard.parts.pick_table import pick_table
from engine.base.errors import OrchestraError
from engine.tools.tools import ToolInfo, ToolTest

PAGE = Page(
    title=N_("Tools"),
    icon=":material/construction:",
    path="tools",
    order=43,
    section=N_("Build"),
    words="tool step type code test sandbox version",
)


def show(visit: Visit) -> None:
    """Show the tools, and the files and tests of the open one."""
    page_header(visit, t("Tools"), t("Step types that you write yourself, in the folder tools of the workspace."))
    try:
        found = visit.orchestra.tools.list(visit.who)
        if not found:
            said = t("There is no tool yet. `orchestra tools new NAME` makes one, with a first test.")
            st.info(said, icon=":material/construction:")
            return
        columns = {"name": t("Tool"), "version": t("Version"), "state": t("State"), "used": t("Used by")}
        opened = pick_table("tool", [one.name for one in found], [_row(one) for one in found], columns, alt=t("Tools"))
        for one in found:
            if one.name == opened:
                _tool(visit, one)
    except OrchestraError as error:
        error_box(error)


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
        st.markdown(f"**{plain(f'tool.{one.name}')}** {plain(one.version)}")
        if one.problem:
            st.error(plain(one.problem), icon=":material/error:")
            return
        outside_text(one.description)
        if one.network:
            st.caption(t("It may reach {hosts}.", hosts=plain(", ".join(one.network))))
        if visit.may("edit"):
            key = f"tools-test-{one.name}"
            action_button(
                t("Run the tests"),
                key,
                lambda _: visit.orchestra.tools.test(visit.who, one.name),
                _tested,
                type="primary",
                icon=":material/play_arrow:",
            )
        files = visit.orchestra.tool_files.list(visit.who, one.name)
        for tab, file in zip(st.tabs([plain(file.path) for file in files]), files, strict=True):
            with tab:
                outside_code(file.text or "")


def _tested(found: ToolTest) -> None:
    for one in found.tests:
        icon = ":material/check_circle:" if one.passed else ":material/cancel:"
        st.markdown(f"{icon} {plain(one.name)}" + (f": {plain(one.said)}" if one.said else ""))
    if found.passed:
        st.success(t("All tests have passed: workflows can use the tool as it is now."))
    else:
        st.error(t("Not all tests have passed: no workflow can use the tool as it is now."))
