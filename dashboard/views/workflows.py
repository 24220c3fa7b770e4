"""All workflows: what each does, whether it is sound, how it last went."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from clients.counting import counted
from dashboard.page import Page, Visit
from dashboard.parts.accounts import service_badges, service_title
from dashboard.parts.header import page_header
from dashboard.parts.plain import plain
from dashboard.parts.status import status_markdown
from dashboard.parts.times import ago, full_time
from dashboard.workflow_dialogs import new_workflow, workflow_menu
from engine.workspace.workflow_files import WorkflowSummary

PAGE = Page(title="Workflows", icon=":material/account_tree:", path="workflows", order=20)
_SEARCH_FROM = 8
"""So many can be seen at a glance."""


def show(visit: Visit) -> None:
    """Show the list, and the way to a new one."""
    page_header(visit, "Workflows", "What runs here. Each is a plain JSON file in the folder workflows.")
    if visit.may("edit") and st.button("New from sample", key="new", type="primary", icon=":material/add:"):
        new_workflow(visit)
    found = visit.orchestra.workflows.list(visit.who)
    if not found:
        st.info("There is no workflow yet.", icon=":material/account_tree:")
    for summary in _sought(found) if len(found) > _SEARCH_FROM else found:
        _card(visit, summary)


def _sought(found: Sequence[WorkflowSummary]) -> list[WorkflowSummary]:
    """Ask for a text, and return the workflows that have all of its words."""
    text = st.text_input("Search", key="search", placeholder="A word of the title, the description or a service")
    words = text.casefold().split()
    fitting = [one for one in found if all(word in _searched(one) for word in words)]
    if not fitting:
        st.info("No workflow has these words.", icon=":material/search_off:")
    return fitting


def _searched(summary: WorkflowSummary) -> str:
    services = (service_title(service) for service in summary.services)
    return " ".join([summary.name, summary.title, summary.description, *services]).casefold()


def _card(visit: Visit, summary: WorkflowSummary) -> None:
    with st.container(border=True, key=f"workflow-{summary.name}", gap="small"):
        with st.container(
            horizontal=True,
            vertical_alignment="center",
            horizontal_alignment="distribute",
            key=f"titled-{summary.name}",
        ):
            visit.title_link(summary.title, "workflow", name=summary.name)
            workflow_menu(visit, summary.name)
        if summary.description:
            st.markdown(plain(summary.description))
        if summary.problems or summary.warnings or summary.services:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                _soundness(summary)
                service_badges(summary.services)
        _last_run(visit, summary)


def _soundness(summary: WorkflowSummary) -> None:
    if summary.problems:
        words = counted(summary.problems, "problem")
        st.badge(words, icon=":material/error:", color="red")
    if summary.warnings:
        st.badge(counted(summary.warnings, "warning"), icon=":material/warning:", color="orange")


def _last_run(visit: Visit, summary: WorkflowSummary) -> None:
    steps = counted(summary.steps, "step")
    rows = visit.orchestra.runs.list(visit.who, workflow=summary.name, limit=1).rows
    if not rows:
        st.caption(f"{steps} · never run")
        return
    row = rows[0]
    at = row.started_at or row.queued_at
    st.caption(f"{steps} · {status_markdown(row.status, row.counts)} · {ago(at)}", help=full_time(at))
