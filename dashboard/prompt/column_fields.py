"""The fields that choose the columns of a comparison; the address keeps the choice."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from msgspec.structs import replace

from dashboard.base import fields, session
from dashboard.base.language import t
from dashboard.prompt.versions import name_of
from engine.base.errors import InvalidInput
from engine.prompts.prompt import DEFAULT_LABEL
from engine.prompts.prompt_files import PromptFile
from engine.runs.prompt_tries.columns import TriedColumn, parsed
from engine.runs.prompt_tries.comparing import FEWEST_COLUMNS, MOST_COLUMNS

PARAM = "columns"
_EDITOR = 0
"""In the choice of a text: the one in the editor, which is `draft` in the address."""


def chosen_columns(file: PromptFile, connections: Sequence[str]) -> list[TriedColumn]:
    """Show the fields; return the columns. A column with `is_draft` is the text in the editor.

    `connections`: those to choose from; only `""` if there is nothing to choose.
    """
    wanted = _wanted(file, connections)
    counts, key = range(FEWEST_COLUMNS, MOST_COLUMNS + 1), f"compare-count-{file.name}"
    if session.widget_value(key, None) not in counts:
        session.set_widget(key, len(wanted))
    count = (
        st.segmented_control(t("Columns"), counts, required=True, key=key, persist_state="session") or FEWEST_COLUMNS
    )
    others = [_editor(connections)] * count
    found = []
    for at, (place, column) in enumerate(zip(st.columns(count), [*wanted, *others], strict=False)):
        with place:
            found.append(_column(file, connections, at, column))
    _keep(file, connections, found)
    return found


def _column(file: PromptFile, connections: Sequence[str], at: int, wanted: TriedColumn) -> TriedColumn:
    text = _EDITOR if wanted.is_draft else int(wanted.version)
    keys = {field: f"compare-{field}-{file.name}-{at}" for field in ("text", "connection", "model")}
    for field, value in (("text", text), ("connection", wanted.connection), ("model", wanted.model)):
        if value != "" and session.widget_value(keys[field], None) is None:
            session.set_widget(keys[field], value)
    text = st.selectbox(
        t("Text {count}", count=at + 1),
        [_EDITOR, *sorted(file.versions, reverse=True)],
        format_func=lambda one: name_of(one, file.labels) if one else t("As it is in the editor"),
        key=keys["text"],
        persist_state="session",
    )
    connection = wanted.connection
    if len(connections) > 1:
        label = t("Connection {count}", count=at + 1)
        connection = st.selectbox(label, connections, key=keys["connection"], persist_state="session")
    model = fields.text_input(
        t("Model {count}", count=at + 1),
        key=keys["model"],
        placeholder=t("That of the prompt"),
        persist_state="session",
    )
    chosen = TriedColumn(connection=connection or connections[0], model=model.strip())
    return replace(chosen, version=str(text)) if text else replace(chosen, is_draft=True)


def _wanted(file: PromptFile, connections: Sequence[str]) -> list[TriedColumn]:
    """Return the columns that the address names, or the usual ones."""
    try:
        found = [parsed(one) for one in st.query_params.get(PARAM, "").split()]
    except InvalidInput:
        found = []
    texts = {str(number) for number in file.versions}
    is_known = all((one.is_draft or one.version in texts) and one.connection in connections for one in found)
    return found if is_known and FEWEST_COLUMNS <= len(found) <= MOST_COLUMNS else _usual(file, connections)


def _usual(file: PromptFile, connections: Sequence[str]) -> list[TriedColumn]:
    """Return the version that workflows use, or the newest, and the text in the editor."""
    editor = _editor(connections)
    number = file.labels.get(DEFAULT_LABEL, max(file.versions, default=_EDITOR))
    is_there = number in file.versions
    return [TriedColumn(str(number), connection=editor.connection) if is_there else editor, editor]


def _editor(connections: Sequence[str]) -> TriedColumn:
    return TriedColumn(is_draft=True, connection=connections[0])


def _keep(file: PromptFile, connections: Sequence[str], columns: Sequence[TriedColumn]) -> None:
    """Put the choice into the address, unless it is the usual one, which needs none."""
    written = " ".join(one.written for one in columns)
    if st.query_params.get(PARAM, "") != written and (PARAM in st.query_params or columns != _usual(file, connections)):
        st.query_params[PARAM] = written
