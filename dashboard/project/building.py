"""Workflows that work on a project: a person says what they want, and starts one in its form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import streamlit as st

from dashboard.base import fields, session
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from dashboard.run.form import fill_in
from engine.base.statuses import AccountMode
from engine.projects.records import ProjectInfo
from engine.runs.projects.store import BUILDS


def build_tab(visit: Visit, project: ProjectInfo) -> None:
    """Ask what to change, and lead to the form that starts the workflow with it."""
    if not visit.may("run"):
        st.caption(t("Operators and editors can let a workflow work on it."))
        return
    request = fields.text_area(
        t("What should change?"),
        key=f"project-request-{project.name}",
        height=120,
        max_chars=10_000,
        persist_state="session",
        placeholder=t("In your words, such as: add a page with the opening hours"),
    )
    st.caption(
        t(
            "A model plans it, and you approve the plan. Then an agent writes until the tests of the plan pass; "
            "what it wrote stays a commit that you can look at."
        )
    )
    models = visit.orchestra.connections.for_type(visit.who, "llm.extract")
    if models and all(one.mode == AccountMode.DEMO for one in models):
        st.info(
            t(
                "The demo's model knows only three programs: a page that converts degrees, a list of things to do for "
                "the shell, and a command that counts words. Connect a model of your own for anything else."
            ),
            icon=":material/science:",
        )
    start_button(visit, t("Continue"), BUILDS, {"project": project.name, "request": request.strip()})


def start_button(visit: Visit, label: str, workflow: str, inputs: Mapping[str, str]) -> None:
    """Lead to the form of a workflow of the gallery with these inputs; offer to make it if it does not exist."""
    key, scope = f"project-start-{workflow}", hashlib.sha256(json.dumps(inputs).encode()).hexdigest()
    if workflow in visit.orchestra.workflows.names(visit.who):
        if st.button(label, key=key, type="primary", icon=":material/play_arrow:"):
            _open(visit, workflow, inputs)
        return
    missing = plain(t("The workflow {name} of the gallery does this; this workspace has none yet.", name=workflow))
    if not visit.may("edit"):
        st.caption(missing)
        return

    def make(_request_key: str) -> str:
        return visit.orchestra.workflows.create_from_sample(visit.who, workflow, workflow).name

    st.caption(missing)
    action_button(t("Make it, then go on"), key, make, lambda made: _made(visit, made, inputs), scope=scope)


def _made(visit: Visit, workflow: str, inputs: Mapping[str, str]) -> None:
    session.tell(t("{name} has been created.", name=workflow))
    _open(visit, workflow, inputs)


def _open(visit: Visit, workflow: str, inputs: Mapping[str, str]) -> None:
    fill_in(workflow, {name: one for name, one in inputs.items() if one})
    visit.go("workflow", name=workflow, tab="run")
