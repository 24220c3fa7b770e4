"""One workflow: run it, see and change it on the canvas, edit its text, restore an earlier version."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base.language import N_, t
from dashboard.base.page import Page, Visit
from dashboard.creating.opening import JUST_MADE
from dashboard.drawing.steps import steps_of
from dashboard.environment.tab import environments_tab
from dashboard.parts.accounts import service_badges
from dashboard.parts.errors import error_box, problem_list
from dashboard.parts.file_dialogs import WORKFLOW, file_menu
from dashboard.parts.header import found, page_header, page_line, section
from dashboard.parts.run_rows import run_rows
from dashboard.parts.tabs import page_tabs
from dashboard.parts.unsaved import draft_notice
from dashboard.run.form import run_form
from dashboard.trigger.tab import next_act, triggers_tab
from dashboard.workflow.branches import branch_badge, branches_tab
from dashboard.workflow.canvas import canvas_tab
from dashboard.workflow.editor import edit_tab
from dashboard.workflow.reach import reach_badge
from dashboard.workflow.rules import may_have_rules, rules_tab
from dashboard.workflow.versions import history_tab
from engine.base.errors import InvalidFile, OrchestraError
from engine.base.names import is_branch
from engine.record.types.run import Run

if TYPE_CHECKING:
    from engine.workflows.workflow_files import WorkflowFile

PAGE = Page(
    title=N_("Workflow"),
    icon=":material/account_tree:",
    path="workflow",
    order=21,
    section=N_("Workflows"),
    in_menu=False,
)

RUN = N_(":material/play_arrow: Run")
TRIGGERS = N_(":material/sensors: Triggers")
CANVAS = N_(":material/account_tree: Canvas")
EDIT = N_(":material/edit: Edit")
RULES = N_(":material/rule: Rules")
HISTORY = N_(":material/history: History")
BRANCHES = N_(":material/call_split: Branches")
ENVIRONMENTS = N_(":material/layers: Environments")
_SHOWN_RUNS = 10
_TRAIL = [(N_("Workflows"), "workflows")]


def show(visit: Visit) -> None:
    """Show the workflow that `?name=` names, with the inputs of the run that `?inputs_of=` names."""
    name = st.query_params.get("name", "")
    file = found(visit, lambda: visit.orchestra.workflows.get(visit.who, name), PAGE.title, _TRAIL)
    head = st.container()
    contents = _contents(visit, file)
    tabs = page_tabs(list(contents), f"tabs-{name}")
    with head:
        _head(visit, file, is_whole=bool(tabs[0].open))
        if st.query_params.get(JUST_MADE):
            next_act(visit, file)
    for tab, content in zip(tabs, contents.values(), strict=True):
        if tab.open:  # only the open tab is drawn and sent
            with tab:
                content(visit, file)


def _head(visit: Visit, file: WorkflowFile, *, is_whole: bool) -> None:
    """Show what the workflow is; `is_whole`: not in one line, which leaves the room to the open tab."""
    document = file.document or {}
    title, description = (str(document.get(key) or "") for key in ("title", "description"))
    if is_whole:
        page_header(visit, title or file.name, description, trail=_TRAIL)
        line = st.container(horizontal=True, vertical_alignment="center")
    else:
        line = page_line(visit, title or file.name, _TRAIL)
    with line:
        service_badges(_services(visit, file))
        if file.reach:
            reach_badge(visit, file, is_short=not is_whole)
        if is_branch(file.name):
            branch_badge(visit, file.name)
        else:
            st.space("stretch")
            file_menu(visit, WORKFLOW, file.name)


def _contents(visit: Visit, file: WorkflowFile) -> dict[str, Callable[[Visit, WorkflowFile], None]]:
    """Return the tabs of a workflow, or of a branch of one, which no trigger and no other environment runs."""
    contents: dict[str, Callable[[Visit, WorkflowFile], None]] = {RUN: _run_tab, CANVAS: canvas_tab, EDIT: edit_tab}
    if is_branch(file.name):
        return {**contents, HISTORY: history_tab, BRANCHES: branches_tab}
    contents[TRIGGERS] = triggers_tab
    if may_have_rules(file):
        contents[RULES] = rules_tab
    contents = {**contents, HISTORY: history_tab, BRANCHES: branches_tab}
    if visit.orchestra.environments.names(visit.who):
        contents[ENVIRONMENTS] = environments_tab
    return contents


def _services(visit: Visit, file: WorkflowFile) -> list[str]:
    services = {info.name: info.service for info in visit.orchestra.step_types(visit.who)}
    used = (services.get(entry.step.uses) for entry in steps_of(file.document))
    return list(dict.fromkeys(service for service in used if service))


def _run_tab(visit: Visit, file: WorkflowFile) -> None:
    if visit.may("run"):
        _form(visit, file)
    else:
        st.info(
            t("With the role {role} you can view workflows, but not run them.", role=t(visit.who.role)),
            icon=":material/visibility:",
        )
    section(t("Last runs"))
    rows = visit.orchestra.runs.list(visit.who, workflow=file.name, limit=_SHOWN_RUNS).rows
    if rows:
        run_rows(visit, rows, "workflow")
    else:
        st.caption(t("Never run."))


def _form(visit: Visit, file: WorkflowFile) -> None:
    environment = "" if is_branch(file.name) else _environment(visit, file.name)
    try:
        plan = visit.orchestra.plan(visit.who, file.name, environment)
    except InvalidFile as error:
        st.error(t("It cannot run until these places are corrected on the tab Edit."), icon=":material/error:")
        problem_list(error.problems, file.text)
        draft_notice(visit, file.name)
        return
    except OrchestraError as error:  # it is not in this environment
        error_box(error)
        return
    run_form(visit, plan, _earlier(visit, file.name))


def _environment(visit: Visit, name: str) -> str:
    """Ask in which environment to run, if there are several; return its name, "" for the default one."""
    names = visit.orchestra.environments.names(visit.who)
    if len(names) < 2:
        return ""
    key = f"environment-{name}"
    return st.segmented_control(t("Environment"), names, default=names[0], key=key, required=True)


def _earlier(visit: Visit, name: str) -> Run | None:
    """Return the run that `?inputs_of=` names, if it is a run of this workflow."""
    run_id = st.query_params.get("inputs_of", "")
    with suppress(OrchestraError):
        run = visit.orchestra.runs.get(visit.who, run_id) if run_id else None
        return run if run is not None and run["workflow"] == name else None
    return None
