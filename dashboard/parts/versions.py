"""The saved versions of a file: a choice beside the chosen one, and a button that restores it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import streamlit as st

from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from dashboard.parts.times import ago, full_time
from engine.workspace.history import ListedVersion
from engine.workspace.versioned_files import SavedVersion

OneSaved = TypeVar("OneSaved", bound=ListedVersion)
Result = TypeVar("Result")


def versions_shown(
    versions: Sequence[OneSaved],
    key: str,
    name: Callable[[OneSaved], str],
    show: Callable[[OneSaved], object],
    narrowed: Callable[[Sequence[OneSaved]], Sequence[OneSaved]] = list,
    empty: str = "",
) -> None:
    """Show the saved texts of a file, and beside them what `show` shows of the chosen one.

    `name` returns what a version is called, beside its time; `narrowed`: those that somebody looks for; `empty`: what
    is said where nothing was saved.
    """
    if not versions:
        said = empty or t("Nothing has been saved here yet. Every save keeps the text it replaces.")
        st.info(said, icon=":material/history:")
        return
    choosing, showing = st.columns([2, 5], gap="large")
    with choosing:
        shown = narrowed(versions)
        labelled = _labelled(shown)
        captions = [plain(_caption(one, name(one))) for one in shown]
        chosen = labelled[st.radio(t("Saved versions"), list(labelled), captions=captions, key=key)]
    with showing:
        show(chosen)


def named_version(version: SavedVersion) -> str:
    """Return the labels and the number of a version: "before May, version 3"."""
    number = "" if version.number is None else t("version {version}", version=version.number)
    return ", ".join(filter(None, [*version.labels, number]))


def restore_button(
    label: str, key: str, scope: str, restore: Callable[[], Result], said: str, then: Callable[[Result], object] = id
) -> None:
    """Show the button that saves an earlier text again; then do `then`, and tell `said`."""

    def restored(result: Result) -> None:
        then(result)
        session.tell(said)
        st.rerun()

    action_button(label, key, lambda _key: restore(), restored, scope=scope, type="primary")


def _caption(version: ListedVersion, name: str) -> str:
    saved = ""
    if version.saved_at and version.words:
        saved = t("{saved_at}, by {saved_by}", saved_at=ago(version.saved_at), saved_by=version.words)
    return " · ".join(filter(None, [name, saved]))


def _labelled(versions: Sequence[OneSaved]) -> Mapping[str, OneSaved]:
    """Return the versions by a label that is stable and unique.

    Streamlit identifies a choice by its label: of equal labels, it would take the last for all.
    """
    found: dict[str, OneSaved] = {}
    for place, version in enumerate(versions):
        label = full_time(version.saved_at) if version.saved_at else t("An earlier text")
        more = version.saved_at[-5:-1] or str(len(versions) - place)
        found[label if label not in found else f"{label} {more}"] = version
    return found
