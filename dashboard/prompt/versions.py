"""The Versions tab of a prompt: the labels of each version, and its differences from the working text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from dashboard.base import session
from dashboard.base.page import Visit
from dashboard.base.plain import outside_code
from dashboard.parts.buttons import action_button
from dashboard.parts.popover import close, popover
from dashboard.parts.unsaved import difference
from dashboard.prompt.draft import Draft, document_of, relabelled, reseed, typed
from engine.prompts.prompt_files import PromptFile
from engine.prompts.prompts import DEFAULT_LABEL
from engine.workspace.canonical import canonical


def versions_tab(visit: Visit, file: PromptFile, draft: Draft) -> None:
    """Show one version at a time, compared with the current text."""
    if not file.versions:
        st.info("No saved version yet. Workflows need one.", icon=":material/bookmark:")
        return
    newest_first = sorted(file.versions, reverse=True)
    number = st.selectbox(
        "Version",
        newest_first,
        format_func=lambda one: name_of(one, file.labels),
        key=f"version-{file.name}",
        width=320,
    )
    version = visit.orchestra.prompts.get(visit.who, file.name, number)
    if visit.may("edit"):
        _actions(visit, file, draft, number, version)
    now = document_of(typed(draft).text)
    st.markdown("**From this version to the working text**")
    outside_code(difference(comparable(version.document), comparable(now), f"version {number}", "now"), "diff")
    with st.expander("Full version"):
        outside_code(version.text, "json")


def name_of(number: int, labels: Mapping[str, int]) -> str:
    """Return e.g. "Version 3 (production)"."""
    carried = [label for label, at in labels.items() if at == number]
    return f"Version {number}" + (f" ({', '.join(carried)})" if carried else "")


def _actions(visit: Visit, file: PromptFile, draft: Draft, number: int, version: PromptFile) -> None:
    is_production = file.labels.get(DEFAULT_LABEL) == number
    with st.container(horizontal=True, vertical_alignment="center"):
        action_button(
            "This is the production version" if is_production else "Make it the production version",
            f"label-{file.name}",
            lambda _key: visit.orchestra.prompts.set_label(visit.who, file.name, DEFAULT_LABEL, number),
            lambda _none: _labelled(visit, draft, number),
            scope=f"{number} {file.etag}",
            icon=":material/sell:",
            disabled=is_production,
        )
        _labels(visit, file, draft, number)
        st.button(
            "Load it into the editor",
            key=f"take-{file.name}",
            icon=":material/restore:",
            type="tertiary",
            on_click=lambda: reseed(draft, _with_labels(version.document or {}, file.labels)),
        )


def _labels(visit: Visit, file: PromptFile, draft: Draft, number: int) -> None:
    """Show the controls that put a label on this version, or remove those it has."""
    place = f"labels-{file.name}"
    with popover("Labels", place, ":material/new_label:"):
        st.markdown("A label points to one version. Workflows name it, as in `name@staging`.")
        label = st.selectbox(
            "Label",
            sorted({DEFAULT_LABEL, "staging", *file.labels}),
            index=None,
            accept_new_options=True,
            placeholder="Choose, or type a new one",
            key=f"label-name-{file.name}",
        )
        prompts = visit.orchestra.prompts

        def done(said: str) -> None:
            close(place)
            _relabelled(visit, draft, said)

        action_button(
            f"Set on version {number}",
            f"label-set-{file.name}",
            lambda _key: prompts.set_label(visit.who, file.name, label or "", number),
            lambda _none: done(f"The label {label} is on version {number} now."),
            scope=f"{label} {number} {file.etag}",
            type="primary",
            disabled=not label,
        )
        for carried in [one for one, at in file.labels.items() if at == number]:
            _remove_button(visit, file, carried, done)


def _remove_button(visit: Visit, file: PromptFile, label: str, done: Callable[[str], None]) -> None:
    action_button(
        f"Remove {label}",
        f"label-remove-{file.name}-{label}",
        lambda _key: visit.orchestra.prompts.remove_label(visit.who, file.name, label),
        lambda _none: done(f"The label {label} is removed."),
        scope=f"{label} {file.etag}",
        icon=":material/label_off:",
    )


def _labelled(visit: Visit, draft: Draft, number: int) -> None:
    _relabelled(visit, draft, f"Version {number} is now production: runs that start from now on use it.")


def _relabelled(visit: Visit, draft: Draft, said: str) -> None:
    relabelled(draft, visit.orchestra.prompts.get(visit.who, draft.name))
    session.tell(said)
    st.rerun()


def comparable(document: Mapping[str, Any] | None) -> str:
    """Return the text without labels, which belong to the prompt rather than to a version."""
    content = {name: value for name, value in (document or {}).items() if name not in ("labels", "version")}
    return canonical(content, "prompt")


def _with_labels(document: Mapping[str, Any], labels: Mapping[str, int]) -> str:
    return canonical({**document, **({"labels": dict(labels)} if labels else {})}, "prompt")
