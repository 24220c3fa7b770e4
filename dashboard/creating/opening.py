"""The dialog that creates an empty workflow, and what people see of a new one."""

from __future__ import annotations

import json
from contextlib import suppress
from hashlib import sha256

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, dialog, t
from dashboard.base.page import Visit
from dashboard.parts.buttons import action_button
from dashboard.parts.file_dialogs import WORKFLOW, free_name, name_field, names
from engine.base.names import usable_name
from engine.documents.json_file import parse
from engine.workflows.bundles.bundle import LARGEST_BYTES
from engine.workflows.bundles.bundles import Imported
from engine.workflows.workflow_files import CreatedWorkflow, WorkflowFile

JUST_MADE = "new"
"""The parameter of a workflow's address that has its page offer what makes it work."""


@dialog(N_("Empty workflow"), icon=":material/draft:")
def empty_workflow(visit: Visit) -> None:
    """Ask for a title and a name, and create a workflow of one step."""
    st.caption(t("One step that runs as it is."))
    title = st.text_input(t("Title"), key="empty-title").strip()
    named_after = usable_name(title)
    suggested = free_name(named_after or "my-workflow", names(visit, WORKFLOW))
    # Another title is another field, so that it begins with the name made of it.
    name = name_field(t("File name"), suggested, f"empty-name{named_after and f'-{named_after}'}")
    action_button(
        t("Create"),
        "empty-make",
        lambda _key: visit.orchestra.workflows.create(visit.who, name.strip(), title),
        lambda made: open_new(visit, made, tab="canvas"),
        scope=f"{title} {name}",
        type="primary",
    )


@dialog(N_("From a file"), icon=":material/upload_file:")
def imported_workflow(visit: Visit) -> None:
    """Ask for a file, and create the workflow in it."""
    st.markdown(
        t("A workflow that `orchestra workflows export` wrote, or that n8n has downloaded. Nothing runs by it.")
    )
    uploaded = st.file_uploader(t("File"), type="json", key="import-workflow-file")
    if uploaded is None:
        return
    text, file = uploaded.getvalue().decode("utf-8-sig", "replace"), uploaded.name
    digest = sha256(text.encode()).hexdigest()
    suggested = free_name(_name_in(text) or "my-workflow", names(visit, WORKFLOW))
    name = name_field(t("File name"), suggested, f"import-workflow-name-{digest[:8]}").strip()

    def make(_key: str) -> Imported:
        return visit.orchestra.bundles.imported(visit.who, parse(text, file, LARGEST_BYTES).value, name, file)

    action_button(
        t("Create"),
        "import-workflow-make",
        make,
        lambda made: open_new(visit, made.workflow, tab="canvas"),
        scope=f"{digest} {name}",
        type="primary",
    )


def _name_in(text: str) -> str:
    """Return a file name made of the name in a file of a workflow, "" if there is none."""
    with suppress(ValueError, RecursionError):
        found = json.loads(text)
        return usable_name(str(found.get("name", ""))) if isinstance(found, dict) else ""
    return ""


def open_new(visit: Visit, made: WorkflowFile, **where: str) -> None:
    """Go to the page of a new workflow, and say there which connections came with it; `where`: its tab."""
    added = made.added_connections if isinstance(made, CreatedWorkflow) else []
    if added:
        said = t("New connections: {names}. They use the demo until you give them your key.", names=", ".join(added))
        session.tell(said, icon=":material/power:")
    title = str((made.document or {}).get("title") or made.name)
    session.tell(t("{name} has been created.", name=title))
    visit.go(WORKFLOW.word, name=made.name, **where)
