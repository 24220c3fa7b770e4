"""The tests of a tool, run from its page, and the packages that are locked for it."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from dashboard.base import session
from dashboard.base.code import EditorMark
from dashboard.base.language import t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import outside_code, plain, plain_with_code
from dashboard.base.remedies import with_pages
from dashboard.parts.buttons import action_button
from engine.tools.editing import ToolText
from engine.tools.tools import Locked, ToolInfo, ToolTest


@dataclass(frozen=True)
class _Outcome:
    """How the tests went, and the file of the code that was tested."""

    found: ToolTest
    code: ToolText | None


def tests_and_packages(visit: Visit, tool: ToolInfo) -> None:
    """Show the packages and how the last tests of this session went; people with the right lock and test."""
    if tool.dependencies:
        st.caption(t("Needs {names}.", names=plain(", ".join(tool.dependencies))))
        locked = plain(", ".join(tool.packages)) or t("nothing yet")
        st.caption(t("Locked: {packages}.", packages=locked))
    if visit.may("edit"):
        with st.container(horizontal=True, gap="small"):
            _test_button(visit, tool)
            if tool.dependencies:
                _lock_button(visit, tool)
    outcome: _Outcome | None = session.draft(_slot(tool.name), None)
    if outcome is not None and not (outcome.found.passed and tool.state != "tested"):  # changed since
        _told(outcome.found, is_unsaved=visit.may("edit") and _is_unsaved(visit, tool))


def _is_unsaved(visit: Visit, tool: ToolInfo) -> bool:
    """Return whether the person has typed something in a file of the tool that is not saved."""
    for one in visit.orchestra.tool_files.list(visit.who, tool.name):
        draft = visit.orchestra.drafts.get(visit.who, "tool", f"{tool.name}/{one.path}")
        if draft is not None and draft.text != one.text:
            return True
    return False


def marks(tool: ToolInfo, file: ToolText) -> list[EditorMark]:
    """Return the lines at which the code failed in the last tests of this session, while it is the same code."""
    outcome: _Outcome | None = session.draft(_slot(tool.name), None)
    if outcome is None or outcome.code != file:
        return []
    failed = [(one, one.line) for one in outcome.found.tests if one.line]
    return [EditorMark(line, 1, "error", f"{one.name}: {one.said}") for one, line in failed]


def _test_button(visit: Visit, tool: ToolInfo) -> None:
    def run(_request_key: str) -> _Outcome:
        files = {one.path: one for one in visit.orchestra.tool_files.list(visit.who, tool.name)}
        found = visit.orchestra.tools.test(visit.who, tool.name)
        return _Outcome(found, files.get(tool.entry))

    def after(outcome: _Outcome) -> None:
        session.keep_draft(_slot(tool.name), outcome)
        st.rerun()

    label, key = t("Run the tests"), f"tools-test-{tool.name}"
    action_button(label, key, run, after, scope=tool.state, type="primary", icon=":material/play_arrow:")


def _lock_button(visit: Visit, tool: ToolInfo) -> None:
    def after(found: Locked) -> None:
        session.tell(
            t("Locked {packages}. Run the tests with them.", packages=", ".join(found.packages))
            if found.changed
            else t("The packages are as they were.")
        )
        st.rerun()

    action_button(
        t("Lock the packages"),
        f"tools-lock-{tool.name}",
        lambda _: visit.orchestra.tools.lock(visit.who, tool.name),
        after,
        icon=":material/lock:",
    )


def _told(found: ToolTest, *, is_unsaved: bool) -> None:
    if is_unsaved:
        st.warning(t("The saved text was tested; your changes are not saved yet."), icon=":material/edit_note:")
    for one in found.tests:
        icon = ":material/check_circle:" if one.passed else ":material/cancel:"
        st.markdown(f"{icon} {plain(one.name)}" + (f": {plain(translated(one.said))}" if one.said else ""))
        if one.trace:
            outside_code(one.trace)
        if one.remedy:
            st.markdown(plain_with_code(with_pages(translated(one.remedy))))
    if found.passed:
        st.success(t("All tests have passed: workflows can use what was tested."))
    else:
        st.error(t("Not all tests have passed: no workflow can use the tool as it is now."))


def _slot(name: str) -> str:
    return f"tool-tests.{name}"
