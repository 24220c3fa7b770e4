"""Every row of the table of functions is true: its example runs, it is documented, and its cost is known."""

from __future__ import annotations

import pytest

from engine.base.errors import ExpressionError
from engine.expressions.cost import TOO_MUCH, work_of
from engine.expressions.expressions import compile_expression
from engine.expressions.function_table import EXAMPLE_NAMES, FUNCTIONS, Function
from engine.expressions.json_values import compact_json
from tests.docs.pages import text_of

ROOTS = frozenset(EXAMPLE_NAMES)
ROWS = [pytest.param(one, id=one.name) for one in FUNCTIONS]


@pytest.mark.parametrize("function", ROWS)
def test_the_example_gives_what_it_says(function: Function) -> None:
    assert compact_json(compile_expression(function.example, ROOTS).value(EXAMPLE_NAMES)) == function.gives


@pytest.mark.parametrize("function", ROWS)
def test_the_cost_is_bounded(function: Function) -> None:
    assert work_of(compile_expression(function.example, ROOTS).written, EXAMPLE_NAMES) < TOO_MUCH


@pytest.mark.parametrize("function", ROWS)
def test_its_names_in_other_languages_lead_to_it(function: Function) -> None:
    for name in function.elsewhere.split():
        with pytest.raises(ExpressionError) as refused:
            compile_expression(f"{name}(y)", ROOTS)
        assert refused.value.details["guess"] == function.name
        assert function.written in refused.value.remedy


def _table() -> str:
    rows = [
        f"| {one.group} | `{_cell(one.example)}` | `{_cell(one.gives)}` | {one.doc} |"
        for group in dict.fromkeys(one.group for one in FUNCTIONS)
        for one in FUNCTIONS
        if one.group == group
    ]
    return "\n".join(["| for | example | gives | what it is |", "| --- | --- | --- | --- |", *rows])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def test_the_documentation_has_the_table() -> None:
    assert _table() in text_of("docs/expressions.md")


def test_no_two_rows_have_one_name() -> None:
    names = [name for one in FUNCTIONS for name in (one.name, *one.elsewhere.split())]
    assert len(names) == len(set(names))
