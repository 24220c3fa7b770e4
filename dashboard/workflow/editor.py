"""The Edit tab: a workflow's JSON, its problems line by line, and a Save that never overwrites somebody else's text."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from dashboard.base import fields, session
from dashboard.base.code import EditorMode, marks_of
from dashboard.base.language import t, tn
from dashboard.base.page import Visit
from dashboard.base.plain import outside_code
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import problem_list
from dashboard.parts.unsaved import adopt, difference, elsewhere, is_asking, keep, prefix
from dashboard.workflow.copilot import copilot_button
from engine.base.errors import InvalidFile, OrchestraError, StaleEdit
from engine.documents.json_file import parse
from engine.workflows.workflow_files import WorkflowFile
from engine.workspace.canonical import canonical
from engine.workspace.drafts import Draft

_HEIGHT = 560
_STEP_TYPES = "/api/step-types"
"""Where the editor asks for the step types to complete."""


@dataclass(frozen=True)
class _Base:
    """The file as it was when editing began."""

    text: str
    etag: str


def edit_tab(visit: Visit, file: WorkflowFile) -> None:
    """Show the text of a workflow; people with the right can change it."""
    if not visit.may("edit"):
        outside_code(file.text, "json")
        return
    if is_asking(visit, "workflow", file.name, file.text, lambda unsaved: _begin(file, unsaved)):
        return
    base = _opened(file)
    copilot_button(visit, file.name, fields.css_class(_key(file.name)), lambda: _take_over(visit, file))
    text = fields.text_area(
        t("Workflow (JSON)"),
        initial=base.text,
        height=_HEIGHT,
        key=_key(file.name),
        slot=_slot(file.name),
        base=base.etag,
        restored=lambda etag: _restored(file, etag),
        code=EditorMode("json", is_document=True, uses=_STEP_TYPES, scope=f"/api/workflows/{file.name}/names"),
        persist_state="session",
    )
    keep(visit, "workflow", file.name, text if text != base.text else None, base.etag)
    elsewhere(visit, "workflow", file.name, text, base.etag, lambda unsaved: _begin(file, unsaved))
    if base.etag != file.etag:
        _conflict(visit, file, text)
    else:
        _save_bar(visit, file, base, text)
    _problems(visit, file, text)


def _take_over(visit: Visit, file: WorkflowFile) -> None:
    """Show the draft that the co-pilot's panel has changed."""
    shown = session.widget_value(_key(file.name), file.text)
    adopt(visit, "workflow", file.name, shown, file.text, lambda changed: _begin(file, changed))


def _key(name: str) -> str:
    return f"editor-{name}"


def _slot(name: str) -> str:
    return f"{prefix('workflow', name)}text"


def _opened(file: WorkflowFile) -> _Base:
    """Return the current base; a file changed elsewhere replaces a text that nobody has edited."""
    base: _Base | None = session.draft(f"base.{file.name}", None)
    shown = session.widget_value(_key(file.name), None)
    if base is not None and shown is not None and (base.etag == file.etag or shown != base.text):
        return base
    return _begin(file)


def _restored(file: WorkflowFile, etag: str) -> None:
    """Restore a text that was typed over the file with this etag: a conflict, if the file was saved since."""
    if etag and etag != file.etag:
        session.keep_draft(f"base.{file.name}", _Base(file.text, etag))


def _begin(file: WorkflowFile, unsaved: Draft | None = None) -> _Base:
    """Start from the file, or from an unsaved text: a conflict, if the file has changed since."""
    base = _Base(file.text, unsaved.etag if unsaved is not None else file.etag)
    session.keep_draft(f"base.{file.name}", base)
    session.set_widget(_key(file.name), unsaved.text if unsaved is not None else file.text)
    return base


def _save_bar(visit: Visit, file: WorkflowFile, base: _Base, text: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        _save_button(visit, file.name, text, base.etag, t("Save"), f"save-{file.name}")
        _format_button(file.name, text)
        if text != base.text:
            if st.button(t("Undo all"), key=f"undo-{file.name}", type="tertiary"):
                forget(file.name)
                st.rerun()
            st.caption(t("Not saved yet."))


def _format_button(name: str, text: str) -> None:
    """Offer the format of `orchestra fmt`; saving alone leaves a text as it is typed."""

    def reformat() -> None:
        formatted = _formatted(session.widget_value(_key(name), text))  # what was typed since the button was drawn
        if formatted is not None:
            fields.forget(prefix("workflow", name))
            session.set_widget(_key(name), formatted)

    st.button(
        t("Format"),
        key=f"format-{name}",
        icon=":material/format_align_left:",
        type="tertiary",
        on_click=reformat,
        disabled=_formatted(text) in (None, text),
        help=t("Order and indent the text as `orchestra fmt` does."),
    )


def _formatted(text: str) -> str | None:
    """Return a text in canonical form, or None if it is not a JSON object."""
    try:
        document = parse(text, "workflow").value
    except InvalidFile:
        return None
    return canonical(document, "workflow") if isinstance(document, dict) else None


def _save_button(visit: Visit, name: str, text: str, etag: str, label: str, key: str) -> None:
    def save(_request_key: str) -> WorkflowFile | OrchestraError:
        try:
            return visit.orchestra.workflows.save(visit.who, name, text, etag)
        except (StaleEdit, InvalidFile) as error:  # shown below the text, which stays as it is
            return error

    action_button(label, key, save, _after_save, scope=f"{etag} {hash(text)}", type="primary")


def _after_save(saved: WorkflowFile | OrchestraError) -> None:
    if isinstance(saved, InvalidFile):
        st.error(t("Not saved: this is not JSON yet. Correct the places below first."), icon=":material/error:")
        return
    if isinstance(saved, WorkflowFile):
        forget(saved.name)
        _tell_saved(saved)
    st.rerun()  # even after a conflict: the next run finds the other version


def _tell_saved(saved: WorkflowFile) -> None:
    errors = sum(one.severity == "error" for one in saved.problems)
    if errors:
        session.tell(
            t(
                "{name} is saved with {errors}. It cannot run yet.",
                name=saved.name,
                errors=tn("{count} error", "{count} errors", errors),
            ),
            ":material/warning:",
        )
    else:
        session.tell(t("{name} is saved.", name=saved.name))


def forget(name: str) -> None:
    """Make the editor start again from the file."""
    session.drop_draft(f"base.{name}")
    fields.forget(prefix("workflow", name))


def _conflict(visit: Visit, file: WorkflowFile, text: str) -> None:
    """Report that somebody has saved meanwhile, show the difference, and let the person choose."""
    st.error(
        t("Somebody has saved this workflow since you opened it. Your text is still above; nothing was overwritten."),
        icon=":material/sync_problem:",
    )
    outside_code(difference(file.text, text, t("saved meanwhile"), t("yours")), "diff")
    with st.expander(t("The version saved meanwhile")):
        outside_code(file.text, "json")
    with st.container(horizontal=True):
        # A key of its own, so that a late press of Save does not count as a press of this button.
        _save_button(visit, file.name, text, file.etag, t("Overwrite with mine"), f"overwrite-{file.name}")
        if st.button(t("Use theirs"), key=f"theirs-{file.name}"):
            forget(file.name)
            st.rerun()


def _problems(visit: Visit, file: WorkflowFile, text: str) -> None:
    problems = file.problems if text == file.text else visit.orchestra.workflows.check(visit.who, file.name, text)
    fields.mark(_slot(file.name), marks_of(problems))
    if problems:
        if all(problem.severity == "warning" for problem in problems):
            st.success(t("It can run. Also worth a look:"), icon=":material/check_circle:")
        problem_list(problems, text)
        with st.expander(t("The text with line numbers")):
            st.code(text, language="json", line_numbers=True, wrap_lines=True)
    else:
        st.success(t("No problems."), icon=":material/check_circle:")
