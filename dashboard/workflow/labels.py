"""The labels of a version on the History tab: shown, given, renamed and removed."""

from __future__ import annotations

import streamlit as st

from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import plain
from dashboard.parts.buttons import action_button
from dashboard.parts.popover import close, popover
from engine.workspace.versioned_files import SavedVersion


def labels_row(visit: Visit, name: str, version: SavedVersion) -> None:
    """Show the labels of a version, and controls to change them."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"labels-{version.id}"):
        for label in version.labels:
            st.badge(plain(label), icon=":material/sell:", color="blue")
        if not visit.may("edit"):
            return
        place = f"label-{name}-{version.id}"
        with popover(t("Label"), place, ":material/new_label:"):
            _new(visit, name, version, place)
        for label in version.labels:
            place = f"label-{name}-{label}"
            with popover(t("Change {label}", label=plain(label)), place, ":material/edit:"):
                _change(visit, name, label, place)


def _new(visit: Visit, name: str, version: SavedVersion, place: str) -> None:
    st.markdown(t("A label names a version. A version with a label is never removed."))
    label = st.text_input(t("Label"), key=f"new-{place}", placeholder=t("before the rewrite"))
    action_button(
        t("Save the label"),
        f"save-{place}",
        lambda _: visit.orchestra.versions.label(visit.who, name, label, version.id),
        lambda _: _told(place, t("The version is now called {label}.", label=label)),
        scope=label,
        type="primary",
        disabled=not label.strip(),
    )


def _change(visit: Visit, name: str, label: str, place: str) -> None:
    new = st.text_input(t("Label"), label, key=f"text-{place}")
    with st.container(horizontal=True, gap="small"):
        action_button(
            t("Rename"),
            f"rename-{place}",
            lambda _: visit.orchestra.versions.rename_label(visit.who, name, label, new),
            lambda _: _told(place, t("The version is now called {label}.", label=new)),
            scope=new,
            disabled=new.strip() in ("", label),
        )
        action_button(
            t("Remove"),
            f"remove-{place}",
            lambda _: visit.orchestra.versions.remove_label(visit.who, name, label),
            lambda _: _told(place, t("The label {label} is removed; the version stays.", label=label)),
            scope=label,
            type="tertiary",
            icon=":material/delete:",
        )


def _told(place: str, words: str) -> None:
    close(place)
    session.tell(words)
    st.rerun()
