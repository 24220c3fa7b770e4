"""The History tab: the kept texts of a workflow, to view, to label and to restore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import streamlit as st

from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import outside_code, plain
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import errors_shown
from dashboard.parts.times import ago, full_time
from dashboard.workflow.editor import forget
from dashboard.workflow.labels import labels_row
from engine.base.errors import InvalidFile
from engine.base.names import is_branch
from engine.compiler.definition.environment import CURRENT
from engine.documents.line_differences import unified
from engine.workspace.versioned_files import SavedVersion

if TYPE_CHECKING:
    from engine.workflows.workflow_files import WorkflowFile


class ListedVersion(Protocol):
    """A saved text, as it is listed."""

    @property
    def saved_at(self) -> str:
        """Return the time, RFC 3339; "" if unknown."""

    @property
    def words(self) -> str:
        """Return who saved it."""


OneSaved = TypeVar("OneSaved", bound=ListedVersion)


def history_tab(visit: Visit, file: WorkflowFile) -> None:
    """Show the last 20 saved texts, newest first, and the older ones that have a number."""
    with errors_shown():
        versions = visit.orchestra.versions.list(visit.who, file.name)
        if not versions:
            st.info(
                t("Nothing has been saved here yet. Every save keeps the text it replaces."), icon=":material/history:"
            )
            return
        choosing, showing = st.columns([2, 5], gap="large")
        with choosing:
            shown = _found(versions, file.name)
            chosen = version_choice(shown, f"versions-{file.name}", {one.id: named_version(one) for one in shown})
        with showing:
            _version(visit, file, chosen)


def _found(versions: Sequence[SavedVersion], name: str) -> Sequence[SavedVersion]:
    """Ask for a text in a label, if there are labels; return the versions that have it, all if none does."""
    if not any(one.labels for one in versions):
        return versions
    text = st.text_input(t("Find a label"), key=f"find-label-{name}", icon=":material/search:").casefold()
    found = [one for one in versions if not text or any(text in label.casefold() for label in one.labels)]
    if not found:
        st.caption(t("No label has this text."))
    return found or versions


def named_version(version: SavedVersion) -> str:
    """Return the labels and the number of a version: "before May, version 3"."""
    number = "" if version.number is None else t("version {version}", version=version.number)
    return ", ".join(filter(None, [*version.labels, number]))


def version_choice(versions: Sequence[OneSaved], key: str, names: Mapping[str, str] | None = None) -> OneSaved:
    """Show the saved texts of a file; return the chosen one. `names`: what each is called, by its id."""
    labelled = _labelled(versions)
    captions = [plain(_caption(one, (names or {}).get(getattr(one, "id", ""), ""))) for one in versions]
    return labelled[st.radio(t("Saved versions"), list(labelled), captions=captions, key=key)]


def _caption(version: ListedVersion, name: str) -> str:
    saved = ""
    if version.saved_at and version.words:
        saved = t("{saved_at}, by {saved_by}", saved_at=ago(version.saved_at), saved_by=version.words)
    return " · ".join(filter(None, [name, saved]))


def _labelled(versions: Sequence[OneSaved]) -> dict[str, OneSaved]:
    """Return the versions by a label that is stable and unique.

    Streamlit identifies a choice by its label: of equal labels, it would take the last for all.
    """
    found: dict[str, OneSaved] = {}
    for place, version in enumerate(versions):
        label = full_time(version.saved_at) if version.saved_at else t("An earlier text")
        more = version.saved_at[-5:-1] or str(len(versions) - place)
        found[label if label not in found else f"{label} {more}"] = version
    return found


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
                    message=error.message,
                )
            )
        )
        return
    if not said:
        st.caption(t("Only the layout of the text differs."))
    st.markdown("\n".join(f"- {plain(one)}" for one in said))


def _restore_button(visit: Visit, file: WorkflowFile, version: SavedVersion) -> None:
    def restore(_request_key: str) -> WorkflowFile:
        return visit.orchestra.versions.restore(visit.who, file.name, version.id, file.etag)

    def restored(saved: WorkflowFile) -> None:
        forget(saved.name)
        session.tell(t("The earlier version is restored; the text it replaced is kept, too."))
        st.rerun()

    action_button(
        t("Restore this version"), f"restore-{file.name}", restore, restored, scope=version.id, type="primary"
    )
