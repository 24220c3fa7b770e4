"""The Compare tab of a prompt: the same values asked with several texts or models, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st
from msgspec.structs import replace

from dashboard.base.language import t
from dashboard.base.page import Visit
from dashboard.editing.draft import EditorDraft
from dashboard.parts.accounts import account_badges
from dashboard.parts.errors import errors_shown
from dashboard.prompt.asking import Asking, ask_button, digest, model_named, needed_for
from dashboard.prompt.column_fields import chosen_columns
from dashboard.prompt.compared import PARAM, comparison, shown_comparison
from dashboard.prompt.draft import typed
from dashboard.prompt.values import TryValues, given_values
from engine.documents.json_file import object_in
from engine.prompts.prompt_files import PromptFile
from engine.runs.prompt_tries.try_requests import TryRequest

if TYPE_CHECKING:
    from engine.runs.prompt_tries.columns import TriedColumn
    from engine.runs.prompt_tries.comparing import Comparison


def compare_tab(visit: Visit, file: PromptFile, draft: EditorDraft) -> None:
    """Show the last comparison; people with the right can ask for another one."""
    shown = shown_comparison(visit, file.name)
    if visit.may("run"):
        with errors_shown():
            _ask(visit, file, draft, is_first=shown is None)
    comparison(visit, file.name, shown)


def _ask(visit: Visit, file: PromptFile, draft: EditorDraft, *, is_first: bool) -> None:
    name, comparisons = file.name, visit.orchestra.comparisons
    connections = visit.orchestra.tries.connections(visit.who)
    if not connections:
        st.info(t("There is no connection to a model yet: add one on the page Connections."), icon=":material/cable:")
        return
    offered = connections if len(connections) > 1 else [""]  # the only one goes without saying
    columns = [_with_text(one, draft) for one in chosen_columns(file, offered)]
    asked = [one.connection or connections[0] for one in columns]
    documents = [_document(visit, name, one) for one in columns]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"compare-bar-{name}"):
        place = st.empty()
        account_badges(one for one in visit.orchestra.connections.list(visit.who) if one.name in asked)
    whole = [one for one in documents if one is not None]
    if len(whole) < len(documents):
        st.info(t("Correct the text in the editor first: it is not JSON."), icon=":material/data_object:")
        return
    with st.expander(t("Values"), expanded=is_first, icon=":material/input:"):
        values = _try_request(given_values(visit, name, _together(whole)))
    models = [one.model or model_named(document) for one, document in zip(columns, documents, strict=True)]
    needed = needed_for(visit, name, zip(asked, models, strict=True))
    asking = Asking(
        f"compare-{name}",
        t("Ask all columns"),
        lambda who: comparisons.start(who, name, columns, values),
        _begun,
        digest({"values": values, "columns": columns}),
    )
    ask_button(visit, asking, needed, place)


def _begun(one: Comparison) -> None:
    st.query_params[PARAM] = one["id"]


def _with_text(column: TriedColumn, draft: EditorDraft) -> TriedColumn:
    if not column.is_draft:
        return column
    return replace(column, is_draft=False, text=typed(draft).text, text_name=t("text in the editor"))


def _document(visit: Visit, name: str, column: TriedColumn) -> Mapping[str, Any] | None:
    """Return the document of a column, None if its text is not JSON."""
    if column.text is not None:
        return object_in(column.text)
    return visit.orchestra.prompts.get(visit.who, name, int(column.version)).document


def _together(documents: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return a document with the variables and samples of all texts; the first that has one counts."""
    variables: dict[str, Any] = {}
    samples: list[Any] = []
    for one in documents:
        own, known = one.get("variables"), one.get("samples")
        variables = {**(own if isinstance(own, Mapping) else {}), **variables}
        samples += known if isinstance(known, list) else []
    order = [name for one in documents for name in _names(one)]
    first = {str(one["name"]): one for one in reversed(samples) if isinstance(one, Mapping) and "name" in one}
    return {"variables": {name: variables[name] for name in order}, "samples": [*reversed(first.values())]}


def _names(document: Mapping[str, Any]) -> Sequence[str]:
    variables = document.get("variables")
    return list(variables) if isinstance(variables, Mapping) else []


def _try_request(given: TryValues) -> TryRequest:
    return TryRequest(variables=given.variables, sample=given.sample, run_id=given.run_id, step=given.step)
