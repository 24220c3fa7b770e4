"""The forms for lists of objects: what columns they take, which rows are equal, which texts are numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from clients.errors import InvalidRequest
from engine.plugins.registry import step_type
from engine.plugins.step import Call

Rows = list[dict[str, Any]]
NAMES: Rows = [{"name": "Ann", "n": 1}, {"name": "Bob"}]


def made(uses: str, **fields: Any) -> Rows:
    """The rows that a step makes."""
    kind = step_type(f"table.{uses}")
    output: Any = kind.call(Call(kind.fields.model_validate(fields)))
    found: Rows = output["rows"]
    return found


def refused(uses: str, **fields: Any) -> str:
    """Why a step refuses its fields, and what to do about it."""
    with pytest.raises(InvalidRequest) as caught:
        made(uses, **fields)
    return f"{caught.value.message} {caught.value.remedy}"


COLUMNS: dict[str, Callable[[str], dict[str, Any]]] = {
    "dedupe by": lambda name: {"by": [name]},
    "sort by": lambda name: {"by": ["n", name]},
    "group by": lambda name: {"by": [name]},
    "group sum": lambda name: {"sum": ["n", name]},
    "group average": lambda name: {"average": [name]},
    "group lowest": lambda name: {"lowest": [name]},
    "group highest": lambda name: {"highest": [name]},
    "join on": lambda name: {"on": {name: "n"}},
    "join on the right": lambda name: {"on": {"n": name}},
}
"""The fields that name columns, with a column of that name."""


def fields_of(where: str, column: str, rows: Rows) -> dict[str, Any]:
    lists = {"left": rows, "right": rows} if where.startswith("join") else {"rows": rows}
    return {**lists, **COLUMNS[where](column)}


@pytest.mark.parametrize("where", COLUMNS)
def test_a_column_that_no_row_has_is_refused(where: str) -> None:
    uses, field = where.split()[:2]
    assert refused(uses, **fields_of(where, "nmae", NAMES)) == (
        f"`{field}` names the column 'nmae', which no row has. Did you mean 'name'? The columns are: name, n."
    )
    assert "Did you mean" not in refused(uses, **fields_of(where, "zip", NAMES))
    assert "The rows have no columns." in refused(uses, **fields_of(where, "zip", [{}]))
    made(uses, **fields_of(where, "n", NAMES))  # only some rows have it
    assert made(uses, **fields_of(where, "zip", [])) == []


def test_a_statement_takes_no_name_of_a_column_for_text() -> None:
    for nowhere in ('select "nmae" from a', "select nmae from a", 'select a."nmae" from a'):
        said = refused("query", tables={"a": NAMES}, statement=nowhere)
        assert "no such column" in said
        assert "Did you mean 'name'? The columns are: name, n. A text stands in single quotes" in said
    quoted = """select "name" || '"' as "it`s" from "a" where "n" = :n  -- "nmae" """
    assert made("query", tables={"a": NAMES}, statement=quoted, parameters={"n": 1}) == [{"it`s": 'Ann"'}]
    assert made("query", tables={"a": []}, statement='select "name" from a') == []


@pytest.mark.parametrize(("by", "taken"), [("count", "count"), ("sum_n", "sum_n")])
def test_a_figure_takes_the_place_of_no_column(by: str, taken: str) -> None:
    rows = [{by: "a", "n": 1}]
    assert f"`by` names the column {taken!r}, and the groups have" in refused("group", rows=rows, by=[by], sum=["n"])
    assert made("group", rows=rows, sum=["n"]) == [{"count": 1, "sum_n": 1}]


@pytest.mark.parametrize(
    ("written", "number"),
    [("12", 12), (" +7 ", 7), ("-0.5", -0.5), ("007", 7), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0), (None, None),
     ("", None)],
)  # fmt: skip
def test_a_decimal_number_may_be_written_as_text(written: str, number: float) -> None:
    assert made("group", rows=[{"n": written}], sum=["n"]) == [{"count": 1, "sum_n": number}]


@pytest.mark.parametrize(
    ("value", "seen"),
    [("nan", "'nan'"), ("infinity", "'infinity'"), ("1_000", "'1_000'"), ("١٢", "'١٢'"), ("1,5", "'1,5'"),
     ("0x1f", "'0x1f'"), (" ", "' '"), (True, "true"), ([1], "[1]")],
)  # fmt: skip
def test_what_is_no_decimal_number_is_refused_with_its_row(value: object, seen: str) -> None:
    said = refused("group", rows=[{"n": 1}, {"n": value}], by=["n"], lowest=["n"])
    assert said.startswith(f"Row 2 has {seen} in the column 'n', which is not a number. Write numbers as")


def test_no_figure_is_too_large_to_be_a_number() -> None:
    assert "'1e400' in the column 'n', which is a number that is too large" in refused(
        "group", rows=[{"n": "1e400"}], sum=["n"]
    )
    for figure, value in (("sum", 1e308), ("average", 10**400)):
        rows = [{"n": value}] * 2
        assert f"The numbers in the column 'n' are too large for `{figure}`." in refused(
            "group", rows=rows, **{figure: ["n"]}
        )


@pytest.mark.parametrize("descending", [False, True])
def test_empty_values_come_last(descending: bool) -> None:
    values = ["b", "", None, 2, "a", 10]
    rows = made("sort", rows=[{"v": value} for value in values], by=["v"], descending=descending)
    full = [2, 10, "a", "b"]
    assert [row["v"] for row in rows] == [*(full[::-1] if descending else full), "", None]


def test_what_is_not_there_has_no_partner() -> None:
    left: Rows = [{"k": None, "l": 1}, {"l": 2}, {"k": 1, "l": 3}]
    right = [{"id": None, "r": 1}, {"r": 2}, {"id": 1, "r": 3}]
    joined = {"id": 1, "r": 3, "k": 1, "l": 3}
    assert made("join", left=left, right=right, on={"k": "id"}) == [joined]
    alone = [{"id": None, "r": None, **row} for row in left[:2]]
    assert made("join", left=left, right=right, on={"k": "id"}, keep_all=True) == [*alone, joined]


@pytest.mark.parametrize(
    ("same", "other"),
    [
        ({"v": 1}, {"v": 1.0}),
        ({"v": [1, {"a": 0, "b": 2}]}, {"v": [1.0, {"b": 2.0, "a": 0}]}),
        ({"v": {"a": 0, "b": [10**15]}}, {"v": {"b": [1e15], "a": -0.0}}),
    ],
)
def test_numbers_that_are_equal_are_the_same_key(same: dict[str, Any], other: dict[str, Any]) -> None:
    assert made("dedupe", rows=[same, other]) == [same]
    assert made("dedupe", rows=[same, other], by=["v"]) == [same]
    assert made("group", rows=[same, other], by=["v"]) == [{**same, "count": 2}]
    assert len(made("join", left=[same], right=[other], on={"v": "v"})) == 1


def test_values_of_other_kinds_are_other_keys() -> None:
    rows = [{"v": value} for value in (1, True, "1", [1], None, 0, False, "")]
    assert made("dedupe", rows=rows, by=["v"]) == rows
