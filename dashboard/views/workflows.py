"""All workflows: what each does, whether it is valid, how it last ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base.language import N_, t, tn
from dashboard.base.page import Page, Visit
from dashboard.base.plain import beginning, plain
from dashboard.base.prose import outside_description
from dashboard.parts.accounts import service_title
from dashboard.parts.empty import empty
from dashboard.parts.file_dialogs import WORKFLOW, file_menu
from dashboard.parts.filters import sought
from dashboard.parts.header import page_header
from dashboard.parts.status import status_markdown
from dashboard.parts.times import ago, full_time

if TYPE_CHECKING:
    from engine.workflows.workflow_files import WorkflowSummary

PAGE = Page(
    title=N_("Workflows"),
    icon=":material/account_tree:",
    path="workflows",
    order=20,
    section=N_("Workflows"),
    words=N_("automations flows jobs"),
)
_SEARCH_FROM = 8
"""Fewer than this can be seen at a glance."""
_OF_DRAFT = N_("You have changed it without saving. Runs use the saved file.")


def show(visit: Visit) -> None:
    """Show the list, and a button to create one."""
    page_header(
        visit, t("Workflows"), t("The workflows of this workspace. Each is a plain JSON file in the folder workflows.")
    )
    if visit.may("edit"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if st.button(t("New workflow"), key="new", type="primary", icon=":material/add:"):
                visit.go("new-workflow")
            visit.link(t("Gallery"), "gallery", icon=":material/grid_view:")
    found = visit.orchestra.workflows.list(visit.who)
    if not found:
        words = t("A workflow says what happens with each mail, form or file.")
        label = t("Begin with one of the samples") if visit.may("edit") else ""
        empty(words, ":material/account_tree:", visit, label, "gallery")
    unsaved = visit.orchestra.editing.unsaved(visit.who)
    titles = Counter(one.title for one in found)
    for summary in _sought(found) if len(found) > _SEARCH_FROM else found:
        _row(visit, summary, is_unsaved=summary.name in unsaved, is_repeated=titles[summary.title] > 1)


def _sought(found: Sequence[WorkflowSummary]) -> list[WorkflowSummary]:
    hint = t("A word in the title, the description or a service")
    return sought(found, _words, hint, t("No workflows match these words."))


def _words(one: WorkflowSummary) -> list[str]:
    return [one.name, one.title, one.description, *map(service_title, one.services)]


def _row(visit: Visit, summary: WorkflowSummary, *, is_unsaved: bool, is_repeated: bool) -> None:
    """Show a workflow, with the name of its file if another one has the same title."""
    with st.container(key=f"row-workflow-{summary.name}", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"titled-{summary.name}"):
            visit.title_link(summary.title, "workflow", name=summary.name)
            if is_repeated:
                st.caption(plain(f"{summary.name}.json"), width="content")
            _soundness(summary)
            if is_unsaved:
                st.badge(t("unsaved draft"), icon=":material/edit_note:", color="orange", help=t(_OF_DRAFT))
            st.space("stretch")
            _last_run(visit, summary)
            file_menu(visit, WORKFLOW, summary.name)
        if summary.description:
            outside_description(beginning(summary.description), is_quiet=True)


def _soundness(summary: WorkflowSummary) -> None:
    if summary.problems:
        words = tn("{count} problem", "{count} problems", summary.problems)
        st.badge(words, icon=":material/error:", color="red")
    if summary.warnings:
        st.badge(tn("{count} warning", "{count} warnings", summary.warnings), icon=":material/warning:", color="orange")


def _last_run(visit: Visit, summary: WorkflowSummary) -> None:
    rows = visit.orchestra.runs.list(visit.who, workflow=summary.name, limit=1).rows
    if not rows:
        st.caption(t("never run"), width="content")
        return
    row = rows[0]
    at = row.started_at or row.queued_at
    st.caption(f"{status_markdown(row.status, row.counts)} · {ago(at)}", help=full_time(at), width="content")
