"""The small windows that make, copy, rename and delete workflows."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.page import Visit
from dashboard.parts.buttons import action_button
from dashboard.parts.plain import plain
from engine.workspace.samples import Sample
from engine.workspace.workflow_files import WorkflowFile

_NAME_HELP = "Lower-case letters, digits, '-' and '_'. It is the name of the file."


@st.dialog("New workflow from a sample", icon=":material/add:")
def new_workflow(visit: Visit) -> None:
    """Ask for a sample and a name, and make a workflow of it."""
    samples = {sample.name: sample for sample in visit.orchestra.workflows.samples(visit.who)}
    chosen = st.radio(
        "Sample",
        list(samples),
        format_func=lambda name: plain(samples[name].title),
        captions=[plain(_first_sentence(sample)) for sample in samples.values()],
        key="new-sample",
    )
    taken = set(visit.orchestra.workflows.names(visit.who))
    name = st.text_input("Name", value=_free_name(chosen, taken), help=_NAME_HELP, key=f"new-name-{chosen}")

    def make(_request_key: str) -> WorkflowFile:
        return visit.orchestra.workflows.create_from_sample(visit.who, chosen, name.strip())

    action_button("Make it", "new-make", make, lambda file: _open(visit, file, "made"), scope=name, type="primary")


@st.dialog("Duplicate", icon=":material/content_copy:")
def duplicate(visit: Visit, name: str) -> None:
    """Ask for a name and make a second workflow like the first."""
    taken = set(visit.orchestra.workflows.names(visit.who))
    new = st.text_input("Name of the copy", value=_free_name(name, taken), help=_NAME_HELP, key=f"copy-name-{name}")

    def copy(_request_key: str) -> WorkflowFile:
        return visit.orchestra.workflows.duplicate(visit.who, name, new.strip())

    action_button("Duplicate", "copy-make", copy, lambda file: _open(visit, file, "made"), scope=new, type="primary")


@st.dialog("Rename", icon=":material/edit:")
def rename(visit: Visit, name: str) -> None:
    """Ask for another name of a workflow."""
    new = st.text_input("New name", value=name, help=_NAME_HELP, key=f"rename-name-{name}")
    st.caption("Runs that were made under the old name keep it.")

    def change(_request_key: str) -> WorkflowFile:
        return visit.orchestra.workflows.rename(visit.who, name, new.strip())

    action_button(
        "Rename", "rename-make", change, lambda file: _open(visit, file, "renamed"), scope=new, type="primary"
    )


@st.dialog("Delete this workflow?", icon=":material/delete:")
def delete(visit: Visit, name: str) -> None:
    """Ask once more, then move a workflow to the trash."""
    st.write(
        plain(f"workflows/{name}.json goes to the trash folder of this workspace, .orchestra/trash. Its runs stay.")
    )

    def remove(_request_key: str) -> str:
        visit.orchestra.workflows.delete(visit.who, name)
        return name

    def gone(_name: str) -> None:
        session.tell(f"{name} is in the trash.")
        visit.go("workflows")

    action_button("Delete", "delete-make", remove, gone, scope=name, type="primary", icon=":material/delete:")


def workflow_menu(visit: Visit, name: str) -> None:
    """Show the button behind which Duplicate, Rename and Delete are."""
    if not visit.may("edit"):
        return
    actions = {"Duplicate": duplicate, "Rename": rename, "Delete": delete}
    chosen = st.menu_button("More", list(actions), key=f"menu-{name}", type="tertiary", icon=":material/more_horiz:")
    if chosen:
        actions[chosen](visit, name)


def _open(visit: Visit, file: WorkflowFile, done: str) -> None:
    session.tell(f"{file.name} is {done}.")
    visit.go("workflow", name=file.name)


def _free_name(wanted: str, taken: set[str]) -> str:
    if wanted not in taken:
        return wanted
    return next(name for number in range(2, len(taken) + 3) if (name := f"{wanted[:60]}-{number}") not in taken)


def _first_sentence(sample: Sample) -> str:
    return sample.description.split(". ")[0].rstrip(".") + "."
