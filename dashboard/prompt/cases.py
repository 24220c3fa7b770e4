"""The Cases tab of a prompt: its cases, and whether the answers to them are as expected."""

from __future__ import annotations

import streamlit as st

from dashboard.base import fields
from dashboard.base.language import N_, t, tn
from dashboard.base.page import Visit
from dashboard.base.plain import outside_code
from dashboard.editing.draft import EditorDraft
from dashboard.parts.buttons import action_button
from dashboard.parts.errors import problem_list
from dashboard.prompt.asked import test_running
from dashboard.prompt.matrix import choice, ended, found_test
from dashboard.prompt.test_bar import test_bar
from dashboard.prompt.tuning import between_rounds, is_tuning, tune_popover, tuned
from engine.base.errors import InvalidInput
from engine.base.statuses import RunStatus
from engine.documents.json_file import typed_value
from engine.prompts.cases import Case
from engine.prompts.prompt_files import PromptFile
from engine.runs.prompt_tries.matrix import Matrix, MatrixFilter, shown

_HELP = N_(
    "Types: equals, contains, not_contains, similar, regex, valid_json, json_schema, "
    "field_equals, max_tokens, max_cost, max_seconds, judge (a model's opinion). A "
    "case without assertions expects an answer that fits the format."
)


def cases_tab(visit: Visit, file: PromptFile, draft: EditorDraft) -> None:
    """Show the cases; people with the right can test the text in the editor with them, and edit them."""
    found = visit.orchestra.cases.list(visit.who, file.name)
    if not found:
        st.info(
            t("No cases yet. Save one from an answer on the tab Try, or from a model step of a run."),
            icon=":material/fact_check:",
        )
    test = found_test(visit, file.name)
    if test is not None and test["status"] == RunStatus.RUNNING:
        test_running(visit, test)
    elif is_tuning(visit, file.name):
        between_rounds(visit, file.name)
    else:
        if visit.may("run"):
            test_bar(visit, file, draft, len(found))
        if visit.may("edit") and found:
            tune_popover(visit, file, draft)
        tuned(visit, file.name, draft)
        if test is not None:
            ended(visit, test)
            choice(visit, file.name, test)
    if found:
        _case(visit, file.name, found, test)


def _case(visit: Visit, name: str, found: list[Case], test: Matrix | None) -> None:
    failing = set(shown(test, MatrixFilter.FAILED)) if test is not None else set()
    known = {one.case: one for one in found}
    chosen = st.selectbox(
        tn("{count} case", "{count} cases", len(found)),
        list(known),
        format_func=lambda one: f"✕ {known[one].title}" if one in failing else known[one].title,
        key=f"case-{name}",
        persist_state="session",
    )
    case = known[chosen] if chosen in known else found[0]
    if case.problems:
        problem_list(case.problems, case.text)
    if not visit.may("edit"):
        outside_code(case.text, "json")
        return
    text = fields.text_area(
        t("Case (JSON)"), case.text, key=f"editor-case-{name}-{case.case}-{case.etag}", height=320, help=t(_HELP)
    )
    with st.container(horizontal=True):
        action_button(
            t("Save the case"),
            f"save-case-{name}",
            lambda _key: _save(visit, name, case, text),
            lambda _case: st.rerun(),
            scope=f"{case.etag} {hash(text)}",
            disabled=text == case.text,
        )
        action_button(
            t("Delete the case"),
            f"delete-case-{name}-{case.case}",
            lambda _key: visit.orchestra.cases.delete(visit.who, name, case.case),
            lambda _none: st.rerun(),
            scope=case.etag,
            type="tertiary",
            icon=":material/delete:",
        )


def _save(visit: Visit, name: str, case: Case, text: str) -> Case:
    document = typed_value(text, "The case")
    if not isinstance(document, dict):
        raise InvalidInput(t("A case is a JSON object."), remedy=t('Write it like {"name": …, "variables": {…}}.'))
    return visit.orchestra.cases.save(visit.who, name, case.case, document, case.etag)
