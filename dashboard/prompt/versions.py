"""The Versions tab of a prompt: the labels of each version, and its differences from the draft."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from dashboard.base import session
from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.base.plain import outside_changes, outside_code, plain
from dashboard.editing.draft import EditorDraft, reseed
from dashboard.parts.buttons import action_button
from dashboard.parts.popover import close, popover
from dashboard.prompt.draft import relabelled, typed, with_labels
from dashboard.prompt.protected import after_move, move, moves_shown, protection_button, refusal_shown
from engine.base.errors import ProtectedLabel
from engine.documents.json_file import object_in
from engine.prompts.prompt import DEFAULT_LABEL
from engine.prompts.prompt_files import PromptFile
from engine.prompts.protected import OF_THE_PROMPT
from engine.runs.prompt_tries.prompt_differences import in_context, prompt_differences
from engine.workspace.canonical import canonical

_OF_NO_TEXT = (*OF_THE_PROMPT, "version", "fragments")
_WORKING_TEXT = 0
"""In the choice of versions, whose numbers begin at 1."""


def versions_tab(visit: Visit, file: PromptFile, draft: EditorDraft) -> None:
    """Show one version at a time, compared with the current text."""
    if not file.versions:
        st.info(t("No saved version yet. Workflows need one."), icon=":material/bookmark:")
        return
    newest_first = sorted(file.versions, reverse=True)
    number = st.selectbox(
        t("Version"),
        newest_first,
        format_func=lambda one: name_of(one, file.labels),
        key=f"version-{file.name}",
        width=320,
    )
    version = visit.orchestra.prompts.get(visit.who, file.name, number)
    if visit.may("edit"):
        _actions(visit, file, draft, number, version)
        refusal_shown(visit, file, number, lambda label: _labelled(visit, draft, label, number))
    _differences(visit, file, draft, version, [one for one in newest_first if one != number])
    with st.expander(t("Full version")):
        outside_code(version.text, "json")
    moves_shown(file)


def _differences(
    visit: Visit, file: PromptFile, draft: EditorDraft, version: PromptFile, others: Sequence[int]
) -> None:
    """Show by word how a chosen text differs from this version."""
    other = st.selectbox(
        t("From this version to"),
        [_WORKING_TEXT, *others],
        format_func=lambda one: name_of(one, file.labels) if one else t("The draft"),
        key=f"version-to-{file.name}",
        width=320,
    )
    if other:
        to = visit.orchestra.prompts.get(visit.who, file.name, other).document or {}
    else:
        to = visit.orchestra.prompts.resolved(visit.who, object_in(typed(draft).text) or {})
    found = prompt_differences(version.document or {}, to)
    if not found:
        st.caption(t("Both texts are the same."))
    for one in found:
        st.markdown(f"**{plain(one['part'])}**")
        outside_changes((part["text"], part["change"]) for part in in_context(one["texts"]))


def name_of(number: int, labels: Mapping[str, int]) -> str:
    """Return e.g. "Version 3 (production)"."""
    carried = [label for label, at in labels.items() if at == number]
    return t("Version {number}", number=number) + (f" ({', '.join(carried)})" if carried else "")


def _actions(visit: Visit, file: PromptFile, draft: EditorDraft, number: int, version: PromptFile) -> None:
    is_production = file.labels.get(DEFAULT_LABEL) == number
    with st.container(horizontal=True, vertical_alignment="center"):
        action_button(
            t("This is the production version") if is_production else t("Make it the production version"),
            f"label-{file.name}",
            lambda _key: move(visit, file.name, DEFAULT_LABEL, number),
            lambda refused: after_move(
                visit, file.name, DEFAULT_LABEL, number, refused, lambda: _labelled(visit, draft, DEFAULT_LABEL, number)
            ),
            scope=f"{number} {file.etag}",
            icon=":material/lock:" if DEFAULT_LABEL in file.protected else ":material/sell:",
            disabled=is_production,
        )
        _labels(visit, file, draft, number)
        st.button(
            t("Load it into the editor"),
            key=f"take-{file.name}",
            icon=":material/restore:",
            type="tertiary",
            on_click=lambda: reseed(draft, with_labels(version.document or {}, file.document or {})),
        )


def _labels(visit: Visit, file: PromptFile, draft: EditorDraft, number: int) -> None:
    """Show the controls that put a label on this version, or remove those it has."""
    place = f"labels-{file.name}"
    with popover(t("Labels"), place, ":material/new_label:"):
        st.markdown(t("A label points to one version. Workflows name it, as in `name@staging`."))
        label = st.selectbox(
            t("Label"),
            sorted({DEFAULT_LABEL, "staging", *file.labels}),
            index=None,
            accept_new_options=True,
            placeholder=t("Choose, or type a new one"),
            key=f"label-name-{file.name}",
        )

        def done(said: str) -> None:
            close(place)
            _relabelled(visit, draft, said)

        def set_or_refused(label: str, refused: ProtectedLabel | None) -> None:
            close(place)
            said = t("The label {label} is on version {number} now.", label=label, number=number)
            after_move(visit, file.name, label, number, refused, lambda: done(said))

        action_button(
            t("Set on version {number}", number=number),
            f"label-set-{file.name}",
            lambda _key: move(visit, file.name, label or "", number),
            lambda refused: set_or_refused(label or "", refused),
            scope=f"{label} {number} {file.etag}",
            type="primary",
            disabled=not label,
        )
        for carried in [one for one, at in file.labels.items() if at == number]:
            protection_button(visit, file, carried, done)
            if carried not in file.protected:
                _remove_button(visit, file, carried, done)


def _remove_button(visit: Visit, file: PromptFile, label: str, done: Callable[[str], None]) -> None:
    action_button(
        t("Remove {label}", label=label),
        f"label-remove-{file.name}-{label}",
        lambda _key: visit.orchestra.prompts.remove_label(visit.who, file.name, label),
        lambda _none: done(t("The label {label} is removed.", label=label)),
        scope=f"{label} {file.etag}",
        icon=":material/label_off:",
    )


def _labelled(visit: Visit, draft: EditorDraft, label: str, number: int) -> None:
    _relabelled(
        visit,
        draft,
        t("Version {number} is now {label}: runs that start from now on use it.", number=number, label=label),
    )


def _relabelled(visit: Visit, draft: EditorDraft, said: str) -> None:
    relabelled(draft, visit.orchestra.prompts.get(visit.who, draft.name))
    session.tell(said)
    st.rerun()


def comparable(document: Mapping[str, Any] | None) -> str:
    """Return the text without labels, which belong to the prompt rather than to a version."""
    content = {name: value for name, value in (document or {}).items() if name not in _OF_NO_TEXT}
    return canonical(content, "prompt")
