"""The dialog that creates a workflow, blank or from a sample, and what people see of a new one."""

from __future__ import annotations

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, dialog, t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from dashboard.parts.file_dialogs import WORKFLOW, free_name, name_field, names, open_file
from dashboard.workflow.canvas import WIZARD
from engine.base.names import usable_name
from engine.workflows.workflow_files import CopiedSample, WorkflowFile

_BLANK, _GUIDED = "", "step by step"


@dialog(N_("New workflow"), icon=":material/add:")
def new_workflow(visit: Visit) -> None:
    """Ask for a template, a title and a name, and create a workflow."""
    samples = {sample.name: sample for sample in visit.orchestra.workflows.samples(visit.who)}
    own = {_BLANK: t("Blank"), _GUIDED: t("Step by step, with the co-pilot")}
    start = st.selectbox(
        t("Start with"),
        [*own, *samples],
        format_func=lambda name: own[name] if name in own else samples[name].title,
        key="new-sample",
    )
    chosen = "" if start in own else start
    st.caption(plain(samples[chosen].description) if chosen else _told(start))
    title = "" if chosen else st.text_input(t("Title"), key="new-title").strip()
    named_after = usable_name(title)
    suggested = free_name(chosen or named_after or "my-workflow", names(visit, WORKFLOW))
    # Another title is another field, so that it begins with the name made of it.
    field = f"new-name-{chosen or 'blank'}{named_after and f'-{named_after}'}"
    name = name_field(t("File name"), suggested, field)

    where = {_BLANK: {"tab": "canvas"}, _GUIDED: {"tab": "canvas", "do": WIZARD}}.get(start, {})

    def make(_request_key: str) -> WorkflowFile:
        workflows = visit.orchestra.workflows
        if not chosen:
            return workflows.create(visit.who, name.strip(), title)
        return workflows.create_from_sample(visit.who, chosen, name.strip())

    action_button(
        t("Create"),
        "new-make",
        make,
        lambda made: open_new(visit, made, **where),
        scope=f"{start} {title} {name}",
        type="primary",
    )


def _told(start: str) -> str:
    """Return what a workflow that is not a sample begins with."""
    if start == _GUIDED:
        return t("Choose what is read and what becomes of it, or say it in words. It works without a model, too.")
    return t("One step that runs as it is.")


def open_new(visit: Visit, made: WorkflowFile, **where: str) -> None:
    """Go to the page of a new workflow, and say there which connections came with it; `where`: its tab."""
    added = made.added_connections if isinstance(made, CopiedSample) else []
    if added:
        said = t("New connections: {names}. They use the demo until you give them your key.", names=", ".join(added))
        session.tell(said, icon=":material/power:")
    open_file(visit, WORKFLOW, made.name, N_("{name} is made."), **where)
