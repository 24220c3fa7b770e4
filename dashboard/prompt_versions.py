"""The Versions tab of a prompt: which carries which label, and how each differs from the working text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import session
from dashboard.page import Visit
from dashboard.parts.buttons import action_button
from dashboard.parts.plain import outside_code
from dashboard.prompt_draft import Draft, document_of, relabelled, reseed, typed
from dashboard.unsaved import difference
from engine.prompts.prompt_files import PromptFile
from engine.prompts.prompts import DEFAULT_LABEL
from engine.workspace.canonical import canonical


def versions_tab(visit: Visit, file: PromptFile, draft: Draft) -> None:
    """Show one version at a time, compared with what is typed now."""
    if not file.versions:
        st.info("No version is saved yet. Workflows need one.", icon=":material/bookmark:")
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
    outside_code(difference(_comparable(version.document), _comparable(now), f"version {number}", "now"), "diff")
    with st.expander("The whole version"):
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
        st.button(
            "Take it into the editor",
            key=f"take-{file.name}",
            icon=":material/restore:",
            type="tertiary",
            on_click=lambda: reseed(draft, _with_labels(version.document or {}, file.labels)),
        )


def _labelled(visit: Visit, draft: Draft, number: int) -> None:
    relabelled(draft, visit.orchestra.prompts.get(visit.who, draft.name))
    session.tell(f"Version {number} is production now: what starts from here on uses it.")
    st.rerun()


def _comparable(document: Mapping[str, Any] | None) -> str:
    """Return the text without labels, which belong to the prompt and not to a version."""
    content = {name: value for name, value in (document or {}).items() if name not in ("labels", "version")}
    return canonical(content, "prompt")


def _with_labels(document: Mapping[str, Any], labels: Mapping[str, int]) -> str:
    return canonical({**document, **({"labels": dict(labels)} if labels else {})}, "prompt")
