"""The History tab: the kept texts of a workflow, to view, to label and to restore."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from dashboard.base.language import t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import outside_code, plain
from dashboard.parts.errors import errors_shown
from dashboard.parts.versions import named_version, restore_button, versions_shown
from dashboard.workflow.editor import forget
from dashboard.workflow.labels import labels_row
from engine.base.errors import InvalidFile
from engine.base.names import is_branch
from engine.compiler.definition.environment import CURRENT
from engine.documents.line_differences import unified
from engine.workspace.versioned_files import SavedVersion

if TYPE_CHECKING:
    from engine.workflows.workflow_files import WorkflowFile


def history_tab(visit: Visit, file: WorkflowFile) -> None:
    """Show the last 20 saved texts, newest first, and the older ones that have a number."""
    with errors_shown():
        versions_shown(
            visit.orchestra.versions.list(visit.who, file.name),
            f"versions-{file.name}",
            named_version,
            lambda chosen: _version(visit, file, chosen),
            lambda versions: _found(versions, file.name),
        )


def _found(versions: Sequence[SavedVersion], name: str) -> Sequence[SavedVersion]:
    """Ask for a text in a label, if there are labels; return the versions that have it, all if none does."""
    if not any(one.labels for one in versions):
        return versions
    text = st.text_input(t("Find a label"), key=f"find-label-{name}", icon=":material/search:").casefold()
    found = [one for one in versions if not text or any(text in label.casefold() for label in one.labels)]
    if not found:
        st.caption(t("No label has this text."))
    return found or versions


def _version(visit: Visit, file: WorkflowFile, version: SavedVersion) -> None:
    text = visit.orchestra.versions.text(visit.who, file.name, version.id)
    if not is_branch(file.name):
        labels_row(visit, file.name, version)
    if text == file.text:
        st.badge(t("This is the current text"), icon=":material/check:", color="green")
        outside_code(text, "json")
        return
    if visit.may("edit"):
        _restore_button(visit, file, version)
    changes, lines_of_text, whole = st.tabs([t("After a restore"), t("Lines"), t("Full text")])
    with changes:
        _sentences(visit, file, version)
    with lines_of_text:
        lines = unified(file.text.splitlines(), text.splitlines(), "now", t("this version"), 2)
        outside_code("\n".join(lines), "diff")
    with whole:
        outside_code(text, "json")


def _sentences(visit: Visit, file: WorkflowFile, version: SavedVersion) -> None:
    try:
        said = visit.orchestra.versions.differences(visit.who, file.name, CURRENT, version.id)
    except InvalidFile as error:
        st.warning(
            plain(
                t(
                    "One of the two texts is not JSON, so only their lines can be compared. {message}",
                    message=translated(error.message),
                )
            )
        )
        return
    if not said:
        st.caption(t("Only the layout of the text differs."))
    st.markdown("\n".join(f"- {plain(translated(one))}" for one in said))


def _restore_button(visit: Visit, file: WorkflowFile, version: SavedVersion) -> None:
    restore_button(
        t("Restore this version"),
        f"restore-{file.name}",
        version.id,
        lambda: visit.orchestra.versions.restore(visit.who, file.name, version.id, file.etag),
        t("The earlier version is restored; the text it replaced is kept, too."),
        lambda saved: forget(saved.name),
    )
