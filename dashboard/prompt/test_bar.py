"""What a test on the Cases tab of a prompt asks: texts, models, and how often."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import streamlit as st
from msgspec.structs import replace

from dashboard.base import fields
from dashboard.base.language import t, tn
from dashboard.base.page import Visit
from dashboard.editing.draft import EditorDraft
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import errors_shown
from dashboard.parts.popover import popover
from dashboard.prompt.asking import cases_agreed, cases_needed, model_named
from dashboard.prompt.draft import is_changed, typed
from dashboard.prompt.versions import name_of
from engine.documents.json_file import object_in
from engine.prompts.prompt_files import PromptFile
from engine.prompts.takeover import TakeoverRequest, expectations
from engine.runs.prompt_tries.columns import TriedColumn
from engine.runs.prompt_tries.matrix import (
    DEFAULT_CONCURRENCY,
    MOST_COLUMNS,
    MOST_CONCURRENCY,
    MOST_REPEAT,
    Matrix,
    MatrixRequest,
)

PARAM = "test"
"""The parameter of the address that names the test shown: a reload shows it again."""
_TYPED = 0
"""In the choice of texts: the one in the editor."""


def test_bar(visit: Visit, file: PromptFile, draft: EditorDraft, cases: int) -> None:
    """Show what to test, and the buttons that test it with the cases of the prompt, or with takeover mails."""
    name = file.name
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key=f"test-bar-{name}"):
        texts = st.multiselect(
            t("Texts to test"),
            [_TYPED, *sorted(file.versions, reverse=True)],
            default=[*sorted(file.versions, reverse=True)[:1], _TYPED],
            format_func=lambda one: name_of(one, file.labels) if one else t("The text in the editor"),
            key=f"test-texts-{name}",
            persist_state="session",
            help=t("The first is what the others are compared with."),
        )
        options = popover(t("Options"), f"test-options-{name}", ":material/tune:")
    with options:
        columns = _columns(visit, file, draft, texts)
        wanted = _wanted(name, columns)
    with errors_shown(), st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if cases:
            label = (
                t("Test")
                if len(wanted.columns) < 2
                else t("Test {columns}", columns=tn("{count} column", "{count} columns", len(wanted.columns)))
            )
            _run(visit, name, wanted, label, "test")
        with popover(t("Test against takeover mails"), f"takeover-{name}", ":material/security:"):
            _takeover(visit, file, wanted)


def _takeover(visit: Visit, file: PromptFile, wanted: MatrixRequest) -> None:
    """Show how the mails go into the prompt, and the button that tests it with them."""
    st.markdown(
        t("40 mails report a fault and try to take over the model. Their words must not come out in the answer.")
    )
    variable = fields.text_input(
        t("Variable that gets the mail"),
        key=f"takeover-variable-{file.name}",
        placeholder=t("text, or the only one"),
        persist_state="session",
        help=t("A variable, or a path in the first sample, such as commits.0.message."),
    )
    expect = fields.text_input(
        t("The answer must say"),
        key=f"takeover-expect-{file.name}",
        placeholder="kind=bug",
        persist_state="session",
        help=t("Optional: a field, and its value for a mail that reports a fault."),
    )
    with errors_shown():
        mails = TakeoverRequest(variable.strip(), expectations([expect] if expect.strip() else []))
        _run(visit, file.name, replace(wanted, takeover=mails), t("Test against 40 mails"), "takeover")


def _columns(visit: Visit, file: PromptFile, draft: EditorDraft, texts: Sequence[int]) -> list[TriedColumn]:
    """Return each text with each model and each connection."""
    offered = visit.orchestra.tries.connections(visit.who)
    connections = [""] * min(len(offered), 1)
    if len(offered) > 1:
        connections = st.multiselect(
            t("Connections"), offered, default=offered[:1], key=f"test-connections-{file.name}", persist_state="session"
        )
    models = fields.text_input(
        t("Models"),
        key=f"test-models-{file.name}",
        placeholder=t("That of the prompt, else of the connection"),
        persist_state="session",
        help=t("Several with commas between them: each text is tested with each model."),
    )
    wanted = [one.strip() for one in models.split(",") if one.strip()] or [""]
    found = [TriedColumn(str(one)) if one else _of_editor(draft) for one in texts]
    return [
        replace(column, connection=connection, model=model)
        for column, connection, model in itertools.product(found, connections, wanted)
    ]


def _of_editor(draft: EditorDraft) -> TriedColumn:
    return (
        TriedColumn(text=typed(draft).text, text_name=t("text in the editor"))
        if is_changed(draft)
        else TriedColumn(is_draft=True)
    )


def _model(visit: Visit, name: str, column: TriedColumn) -> str:
    """Return the model that a column names, or else its text; "" if that is the connection's own."""
    if column.model:
        return column.model
    if column.text is not None:
        return model_named(object_in(column.text))
    return model_named(
        visit.orchestra.prompts.get(visit.who, name, None if column.is_draft else int(column.version)).document
    )


def _wanted(name: str, columns: Sequence[TriedColumn]) -> MatrixRequest:
    repeat = st.number_input(
        t("Times to ask each question"),
        1,
        MOST_REPEAT,
        key=f"test-repeat-{name}",
        persist_state="session",
        help=t("A case passes if all its answers do."),
    )
    at_once = st.number_input(
        t("Questions at the same time"),
        1,
        MOST_CONCURRENCY,
        DEFAULT_CONCURRENCY,
        key=f"test-concurrency-{name}",
        persist_state="session",
        help=t("The setting limits.calls_at_once bounds the calls to one connection, too."),
    )
    is_fresh = st.checkbox(t("Ask again what is recorded"), key=f"test-fresh-{name}", persist_state="session")
    return MatrixRequest(columns, int(repeat), int(at_once), is_fresh=is_fresh)


def _run(visit: Visit, name: str, wanted: MatrixRequest, label: str, key: str) -> None:
    needed = cases_needed(visit, name, ((one.connection, _model(visit, name, one)) for one in wanted.columns))
    is_agreed = cases_agreed(needed, f"{key}-agree-{name}")
    if len(wanted.columns) > MOST_COLUMNS:
        st.warning(
            t(
                "These are {count} columns; a test has at most {most_columns}.",
                count=len(wanted.columns),
                most_columns=MOST_COLUMNS,
            )
        )

    def begun(matrix: Matrix) -> None:
        st.query_params[PARAM] = matrix["id"]
        st.rerun()

    action_button(
        label,
        f"{key}-{name}",
        lambda _key: visit.orchestra.case_tests.start(visit.who.agreeing(needed.names), name, wanted),
        begun,
        scope=str(hash(repr(wanted))),
        type="primary",
        icon=":material/fact_check:",
        disabled=not is_agreed or not 0 < len(wanted.columns) <= MOST_COLUMNS,
    )
