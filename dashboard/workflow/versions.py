"""The History tab: the last saved texts of a workflow, to view and to restore."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import streamlit as st

from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import outside_code, plain
from dashboard.parts.buttons import action_button
from dashboard.parts.times import ago, full_time
from dashboard.workflow.editor import forget
from engine.base.errors import InvalidFile
from engine.workflows.workflow_files import CURRENT, WorkflowFile
from engine.workspace.history import Version


def history_tab(visit: Visit, file: WorkflowFile) -> None:
    """Show the last 20 saved texts, newest first."""
    versions = visit.orchestra.workflows.versions(visit.who, file.name)
    if not versions:
        st.info(t("Nothing has been saved here yet. Every save keeps the text it replaces."), icon=":material/history:")
        return
    choosing, showing = st.columns([2, 5], gap="large")
    with choosing:
        chosen = version_choice(versions, f"versions-{file.name}")
    with showing:
        _version(visit, file, chosen)


def version_choice(versions: Sequence[Version], key: str) -> Version:
    """Show the saved texts of a file; return the chosen one."""
    labelled = _labelled(versions)
    captions = [
        plain(t("{saved_at}, by {saved_by}", saved_at=ago(one.saved_at), saved_by=one.words)) for one in versions
    ]
    return labelled[st.radio(t("Saved versions"), list(labelled), captions=captions, key=key)]


def _labelled(versions: Sequence[Version]) -> dict[str, Version]:
    """Return the versions by a label that is stable and unique.

    Streamlit identifies a choice by its label: of equal labels, it would take the last for all.
    """
    found: dict[str, Version] = {}
    for version in versions:
        label = full_time(version.saved_at)
        found[label if label not in found else f"{label} {version.saved_at[-5:-1]}"] = version
    return found


def _version(visit: Visit, file: WorkflowFile, version: Version) -> None:
    text = visit.orchestra.workflows.version_text(visit.who, file.name, version.id)
    if text == file.text:
        st.badge(t("This is the current text"), icon=":material/check:", color="green")
        outside_code(text, "json")
        return
    if visit.may("edit"):
        _restore_button(visit, file, version)
    changes, lines_of_text, whole = st.tabs([t("What a restore would change"), t("Lines"), t("Full text")])
    with changes:
        _sentences(visit, file, version)
    with lines_of_text:
        lines = difflib.unified_diff(
            file.text.splitlines(), text.splitlines(), "now", t("this version"), lineterm="", n=2
        )
        outside_code("\n".join(lines), "diff")
    with whole:
        outside_code(text, "json")


def _sentences(visit: Visit, file: WorkflowFile, version: Version) -> None:
    try:
        said = visit.orchestra.workflows.differences(visit.who, file.name, CURRENT, version.id)
    except InvalidFile as error:
        st.warning(
            plain(
                t(
                    "One of the two texts is not JSON, so only their lines can be compared. {message}",
                    message=error.message,
                )
            )
        )
        return
    if not said:
        st.caption(t("Only the layout of the text differs."))
    st.markdown("\n".join(f"- {plain(one)}" for one in said))


def _restore_button(visit: Visit, file: WorkflowFile, version: Version) -> None:
    def restore(_request_key: str) -> WorkflowFile:
        return visit.orchestra.workflows.restore(visit.who, file.name, version.id, file.etag)

    def restored(saved: WorkflowFile) -> None:
        forget(saved.name)
        session.tell(t("The earlier version is restored; the text it replaced is kept, too."))
        st.rerun()

    action_button(
        t("Restore this version"), f"restore-{file.name}", restore, restored, scope=version.id, type="primary"
    )
