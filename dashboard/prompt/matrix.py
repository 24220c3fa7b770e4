"""A test of a prompt: its cases beside the columns that answered them, and one cell in full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from dashboard.base import session
from dashboard.base.language import N_, t
from dashboard.base.messages import translated
from dashboard.base.page import Visit
from dashboard.base.plain import outside_marked, plain
from dashboard.base.prose import outside_answer
from dashboard.parts.accounts import scripted_badge
from dashboard.parts.errors import errors_shown
from dashboard.parts.status import status_badge
from dashboard.parts.times import ago, full_time
from dashboard.parts.usage import usage_words
from dashboard.parts.values import cut, shown_value
from dashboard.prompt.asked import earlier
from dashboard.prompt.test_bar import PARAM
from engine.base.errors import OrchestraError
from engine.base.statuses import RunStatus
from engine.prompts.assertions import is_favourable, opinion_words
from engine.runs.prompt_tries.matrix import (
    CellAnswer,
    Matrix,
    MatrixColumn,
    MatrixFilter,
    is_failed,
    mark,
    opinions_of,
    shown,
)

if TYPE_CHECKING:
    from engine.runs.prompt_tries.case_tests import TestRow

_CELL = "cell"
"""The parameter of the address that names the open cell: the number of its column, and its case."""
_TALLEST, _MOST_ROWS = 460, 12
_CASE_WIDTH = 150
"""In pixels: on a phone, a column with answers fits beside it."""


def found_test(visit: Visit, name: str) -> Matrix | None:
    """Return the test that the address names, else the last one; None if there was none."""
    tests, wanted = visit.orchestra.case_tests, st.query_params.get(PARAM, "")
    try:
        return tests.get(visit.who, name, wanted) if wanted else tests.last(visit.who, name)
    except OrchestraError:  # it is too old, or of another prompt
        return tests.last(visit.who, name)


def ended(visit: Visit, matrix: Matrix) -> None:
    """Show what came of a test."""
    with st.container(border=True, key=f"report-{matrix['prompt']}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            status_badge(matrix["status"])
            if any(one["demo"] for one in matrix["columns"]):
                scripted_badge()
            times = [t("each asked {repeat} times", repeat=matrix["repeat"])] if matrix["repeat"] > 1 else []
            counts = [
                t("{asked} asked", asked=matrix["asked"]),
                t("{reused} recorded", reused=matrix["reused"]),
                *times,
            ]
            st.caption(plain(" · ".join([ago(matrix["ended_at"]), *counts, *usage_words(matrix["usage"])])))
        if matrix["status"] in (RunStatus.CANCELLED, RunStatus.INTERRUPTED):
            st.info(t("Not everything was asked. The answers that came cost nothing again."), icon=":material/info:")
        st.markdown("\n".join(_line(matrix, number) for number in range(len(matrix["columns"]))))
        if any(one.get("unsure") for one in matrix["columns"]):
            st.dataframe([_shares(one) for one in matrix["columns"]], hide_index=True)
        only = _filter(matrix)
        cases = shown(matrix, only)
        if cases:
            number, case = _table(matrix, cases, only)
            if case:
                _cell(visit, matrix, number, case)
        else:
            st.caption(t("No case is like that."))


def _line(matrix: Matrix, number: int) -> str:
    column = matrix["columns"][number]
    model = column["model"] or t("no model")
    known = [] if model in column["title"] else [model]
    baseline = [t("the others are compared with it")] if number == 0 and len(matrix["columns"]) > 1 else []
    facts = f" :gray[{plain(', '.join(known + baseline))}]" if known or baseline else ""
    return f"- **{plain(translated(column['title']))}**{facts}: {plain(translated(column['summary']))}"


def _shares(column: MatrixColumn) -> dict[str, object]:
    """Return how many cases are right, unsure and wrong in a column."""
    unsure = column.get("unsure", 0)
    wrong = sum(is_failed(cell) for cell in column["cells"].values()) - unsure
    shares = {t("right"): column["passed"], t("unsure"): unsure, t("wrong"): wrong}
    return {t("Text"): translated(column["title"]), **shares}


_ONLY = {
    MatrixFilter.FAILED: N_("Failed"),
    MatrixFilter.CHANGED: N_("Changed"),
    MatrixFilter.DIFFERENT: N_("Different"),
}


def _filter(matrix: Matrix) -> MatrixFilter | None:
    words = {one.value: f"{t(_ONLY[one])} ({len(shown(matrix, one))})" for one in MatrixFilter}
    words = words if len(matrix["columns"]) > 1 else {MatrixFilter.FAILED.value: words[MatrixFilter.FAILED]}
    chosen = st.segmented_control(
        t("Cases"),
        ["all", *words],
        format_func=lambda one: words.get(one, t("All")),
        default="all",
        key=f"test-only-{matrix['id']}",
        label_visibility="collapsed",
        required=True,
    )
    return MatrixFilter(chosen) if chosen in words else None


def _table(matrix: Matrix, cases: Sequence[str], only: MatrixFilter | None) -> tuple[int, str]:
    """Show the cases beside the columns; return the open cell, ("" for none) as the address names it."""
    columns, titles = matrix["columns"], {one["case"]: one["title"] for one in matrix["cases"]}
    key = f"test-table-{matrix['id']}-{only or 'all'}"
    rows = [
        {"case": titles[case], **{f"{at}": _mark(matrix, at, case) for at in range(len(columns))}} for case in cases
    ]

    def opened() -> None:
        state: Any = session.widget_value(key, None) or {}
        picked = state.get("selection", {}).get("cells")
        if picked:
            row, column = picked[0]
            # A click on the case itself opens the first column after the baseline.
            number = int(column) if str(column).isdecimal() else len(columns[:2]) - 1
            st.query_params[_CELL] = f"{number}.{cases[row]}"
        else:
            st.query_params.pop(_CELL, None)

    st.dataframe(
        rows,
        key=key,
        on_select=opened,
        selection_mode="single-cell",
        hide_index=True,
        height="content" if len(rows) <= _MOST_ROWS else _TALLEST,
        column_config={
            "case": st.column_config.TextColumn(t("Case"), width=_CASE_WIDTH),
            **{f"{at}": st.column_config.TextColumn(translated(one["title"])) for at, one in enumerate(columns)},
        },
        placeholder="",
        alt=t("The cases of {prompt} and what came of them in each column", prompt=matrix["prompt"]),
    )
    number, _, case = st.query_params.get(_CELL, "").partition(".")
    is_known = case in cases and number.isdecimal() and int(number) < len(columns)
    return (int(number), case) if is_known else (0, "")


def _cell(visit: Visit, matrix: Matrix, number: int, case: str) -> None:
    """Show what was asked and answered in a cell, beside the answer of the baseline."""
    columns = matrix["columns"]
    tested = next(one for one in matrix["cases"] if one["case"] == case)
    with st.container(key=f"cell-{matrix['prompt']}"):
        st.markdown(f"**{plain(tested['title'])}**")
        places = st.columns(2) if number else [st.container()]
        for place, at in zip(places, dict.fromkeys((0, number)), strict=True):
            with place:
                st.caption(plain(f"{translated(columns[at]['title'])}: {_mark(matrix, at, case)}"))
                for which, answer in enumerate(columns[at]["cells"].get(case, [])):
                    _answer(answer, f"cell-{matrix['id']}-{case}-{at}-{which}")
        with st.expander(t("What was asked")), errors_shown():
            document = columns[number]["document"]
            for message in visit.orchestra.prompts.marked(visit.who, matrix["prompt"], document, tested["variables"]):
                st.caption(message["role"])
                outside_marked([(cut(one["text"]), one["variable"] or "") for one in message["parts"]])


def _mark(matrix: Matrix, column: int, case: str) -> str:
    return ", ".join(map(translated, mark(matrix, column, case).split(", ")))


def _answer(answer: CellAnswer, key: str) -> None:
    if answer["text"] is not None:
        if answer["value"] is not None:
            shown_value(answer["value"], key)
        else:
            outside_answer(cut(answer["text"]), key)
        how = [t("recorded before")] if answer["reused"] else []
        facts = [answer["model"], f"{answer['seconds']:.1f} s", *how, *usage_words(answer["usage"])]
        st.caption(plain(" · ".join(facts)))
    if "unsure" in answer:
        st.info(plain(translated(answer["unsure"])), icon=":material/help:")
    for opinion in filter(is_favourable, opinions_of([answer])):
        st.info(plain(translated(opinion_words(opinion))), icon=":material/balance:")
    if answer["failures"]:
        lines = [f"{plain(one['assertion'])}: {plain(translated(one['message']))}" for one in answer["failures"]]
        st.warning("  \n".join(lines), icon=":material/close:")


def choice(visit: Visit, name: str, now: Matrix) -> None:
    """Show the choice of another test."""
    lines = {one.id: _row(one) for one in visit.orchestra.case_tests.list(visit.who, name)}
    if len(lines) > 1:
        earlier(t("Tests"), PARAM, f"tests-{name}", lines, now["id"], inner=_CELL)


def _row(row: TestRow) -> str:
    return f"{full_time(row.started_at)}, {', '.join(row.columns)}: {row.status}"
