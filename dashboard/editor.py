"""The Edit tab: a workflow's JSON, what is wrong with it line by line, and a Save that overwrites nobody."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from dashboard import session
from dashboard.page import Visit
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import problem_list
from dashboard.parts.plain import outside_code
from dashboard.unsaved import difference, is_asking, keep
from engine.errors import InvalidFile, OrchestraError, StaleEdit
from engine.workspace.drafts import Draft
from engine.workspace.workflow_files import WorkflowFile

_HEIGHT = 560


@dataclass(frozen=True)
class _Base:
    """The file as it was when editing began."""

    text: str
    etag: str


def edit_tab(visit: Visit, file: WorkflowFile) -> None:
    """Show the text of a workflow, to be changed by those who may."""
    if not visit.may("edit"):
        outside_code(file.text, "json")
        return
    if is_asking(visit, "workflow", file.name, file.text, lambda unsaved: _begin(file, unsaved)):
        return
    base = _opened(file)
    text = str(st.text_area("Workflow (JSON)", height=_HEIGHT, key=_key(file.name), persist_state="session"))
    keep(visit, "workflow", file.name, text if text != base.text else None, base.etag)
    if base.etag != file.etag:
        _conflict(visit, file, text)
    else:
        _save_bar(visit, file, base, text)
    _problems(visit, file, text)


def _key(name: str) -> str:
    return f"editor-{name}"


def _opened(file: WorkflowFile) -> _Base:
    """Return what is being edited; a file changed elsewhere replaces a text that nobody has touched."""
    base: _Base | None = session.draft(f"base.{file.name}", None)
    shown = session.widget_value(_key(file.name), None)
    if base is not None and shown is not None and (base.etag == file.etag or shown != base.text):
        return base
    return _begin(file)


def _begin(file: WorkflowFile, unsaved: Draft | None = None) -> _Base:
    """Begin with the file, or with a text that was not saved: where the file has changed since, that is a conflict."""
    base = _Base(file.text, unsaved.etag if unsaved is not None else file.etag)
    session.keep_draft(f"base.{file.name}", base)
    session.set_widget(_key(file.name), unsaved.text if unsaved is not None else file.text)
    return base


def _save_bar(visit: Visit, file: WorkflowFile, base: _Base, text: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        _save_button(visit, file.name, text, base.etag, "Save", f"save-{file.name}")
        if text != base.text:
            if st.button("Undo all", key=f"undo-{file.name}", type="tertiary"):
                forget(file.name)
                st.rerun()
            st.caption("Not saved yet.")


def _save_button(visit: Visit, name: str, text: str, etag: str, label: str, key: str) -> None:
    def save(_request_key: str) -> WorkflowFile | OrchestraError:
        try:
            return visit.orchestra.workflows.save(visit.who, name, text, etag)
        except (StaleEdit, InvalidFile) as error:  # told below the text, which stays as it is
            return error

    action_button(label, key, save, _after_save, scope=f"{etag} {hash(text)}", type="primary")


def _after_save(saved: WorkflowFile | OrchestraError) -> None:
    if isinstance(saved, InvalidFile):
        st.error("Not saved: this is not JSON yet. Correct the places below first.", icon=":material/error:")
        return
    if isinstance(saved, WorkflowFile):
        forget(saved.name)
        session.tell(f"{saved.name} is saved.")
    st.rerun()  # after a conflict, too: the next run finds the other version


def forget(name: str) -> None:
    """Let the editor begin again from the file."""
    session.drop_draft(f"base.{name}")


def _conflict(visit: Visit, file: WorkflowFile, text: str) -> None:
    """Say that somebody saved meanwhile, show both versions as a difference, and let the person choose."""
    st.error(
        "Somebody has saved this workflow since you opened it. Your text is still above; nothing was overwritten.",
        icon=":material/sync_problem:",
    )
    outside_code(difference(file.text, text, "saved meanwhile", "yours"), "diff")
    with st.expander("The version saved meanwhile"):
        outside_code(file.text, "json")
    with st.container(horizontal=True):
        # A key of its own: a press of Save that was on its way must not become a press of this one.
        _save_button(visit, file.name, text, file.etag, "Save mine over it", f"overwrite-{file.name}")
        if st.button("Take theirs", key=f"theirs-{file.name}"):
            forget(file.name)
            st.rerun()


def _problems(visit: Visit, file: WorkflowFile, text: str) -> None:
    problems = file.problems if text == file.text else visit.orchestra.workflows.check(visit.who, file.name, text)
    if problems:
        if all(problem.severity == "warning" for problem in problems):
            st.success("It can run. What else is worth a look:", icon=":material/check_circle:")
        problem_list(problems, text)
        with st.expander("The text with line numbers"):
            st.code(text, language="json", line_numbers=True, wrap_lines=True)
    else:
        st.success("No problems.", icon=":material/check_circle:")
