"""The steps that check and compare data: every error with its place, good items apart from bad ones, differences."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from clients.errors import InvalidRequest
from engine.base.errors import AssertionFailed
from engine.plugins.registry import step_types
from engine.plugins.step import Call


class Line(BaseModel):
    """A line of an invoice, as somebody would write it in their own program."""

    text: str
    cents: int


class Invoice(BaseModel):
    """An invoice with lines in a list of their own, which pydantic describes in `$defs`."""

    number: str
    lines: list[Line]


INVOICE = Invoice.model_json_schema()
GOOD = {"number": "R-1", "lines": [{"text": "Paper", "cents": 250}]}
BAD = {"lines": [{"text": "Paper", "cents": 250}, {"text": 7, "cents": "free"}]}


def call(name: str, **arguments: Any) -> Any:
    kind = step_types()[name]
    return kind.call(Call(kind.fields.model_validate(arguments)))


def test_every_error_has_its_place() -> None:
    assert call("data.validate", data=GOOD, schema=INVOICE) == {"valid": True, "errors": []}
    found = call("data.validate", data=BAD, schema=INVOICE)
    assert not found["valid"]
    assert {one["path"] for one in found["errors"]} == {"", "lines[1].text", "lines[1].cents"}
    assert "'number' is a required property." in {one["message"] for one in found["errors"]}


def test_a_step_can_stop_at_invalid_data() -> None:
    with pytest.raises(AssertionFailed, match=r"3 errors: .*lines\[1\]\.text: 7 is not of type 'string'"):
        call("data.validate", data=BAD, schema=INVOICE, fail=True)


def test_what_cannot_be_checked_is_neither_valid_nor_invalid() -> None:
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    with pytest.raises(InvalidRequest, match="not checked"):
        call("data.validate", data=deep, schema={"type": "array"})


def test_an_unusable_schema_is_reported_before_the_run() -> None:
    for name in ("data.validate", "data.split", "llm.repair"):
        problems = step_types()[name].problems({"schema": {"type": "txt"}}, {})
        assert [field for field, _ in problems] == ["schema"]


def test_good_items_go_on_and_keep_their_type() -> None:
    found = call("data.split", items=[GOOD, BAD, GOOD], schema=INVOICE)
    assert found["good"] == [GOOD, GOOD]
    assert [(one["index"], len(one["errors"])) for one in found["bad"]] == [(1, 3)]
    schema = step_types()["data.split"].output_schema({"schema": INVOICE}, {})
    assert schema["properties"]["good"]["items"]["required"] == ["number", "lines"]
    assert "Line" in schema["$defs"]


def test_lists_are_compared_by_key() -> None:
    before = [{"id": 1, "state": "open"}, {"id": 2, "state": "open"}, {"id": 3, "state": "open"}]
    after = [{"id": 4}, {"id": 3, "state": "open"}, {"id": 1, "state": "closed", "by": "ann"}]
    found = call("data.diff", before=before, after=after, key="id")
    assert found["added"] == [{"id": 4}]
    assert found["removed"] == [{"id": 2, "state": "open"}]
    assert [(one["key"], one["changes"]) for one in found["changed"]] == [
        (1, [{"path": "state", "before": "open", "after": "closed"}, {"path": "by", "after": "ann"}])
    ]
    assert not found["equal"]


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"id": 1}, [], "`before` is not a list"),
        ([], [{"id": 1}, {"name": "no id"}], r"`after\[1\]` has no `id`"),
        ([{"id": 1}, {"id": 1}], [], r"second is `before\[1\]`"),
        ([], [{"id": 1}, {"id": 1.0}], r"second is `after\[1\]`"),
    ],
)
def test_a_key_that_does_not_identify_is_refused_with_its_place(before: Any, after: Any, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        call("data.diff", before=before, after=after, key="id")


def test_other_values_are_compared_by_place() -> None:
    assert call("data.diff", before={"a": 1, "b": True}, after={"a": 1, "b": True}) == {"equal": True, "changes": []}
    found = call("data.diff", before={"a": [1, 2], "b": 1}, after={"a": [1, 3], "b": True})
    assert found["changes"] == [{"path": "a[1]", "before": 2, "after": 3}, {"path": "b", "before": 1, "after": True}]


def test_a_whole_number_is_the_same_key_with_a_point() -> None:
    found = call("data.diff", before=[{"id": 1, "n": 1}], after=[{"id": 1.0, "n": 2}], key="id")
    assert (found["added"], found["removed"]) == ([], [])
    assert [one["path"] for one in found["changed"][0]["changes"]] == ["n"]


def test_each_place_has_a_path_of_its_own() -> None:
    names = ["b", "a.b", "x y", "", "é", "a-b"]
    before = {"a": {name: [1] for name in names}, "a.b": [1], "": [1]}
    after = {"a": {name: ["1"] for name in names}, "a.b": ["1"], "": ["1"]}
    paths = ["a.b", 'a["a.b"]', 'a["x y"]', 'a[""]', "a.é", "a.a-b", '["a.b"]', '[""]']
    found = call("data.diff", before=before, after=after)
    assert [one["path"] for one in found["changes"]] == [f"{path}[0]" for path in paths]
    numbers = {"additionalProperties": {"items": {"type": "integer"}}}
    schema = {"properties": {"a": numbers}, **numbers}
    found = call("data.validate", data=after, schema=schema)
    assert sorted(one["path"] for one in found["errors"]) == sorted(f"{path}[0]" for path in paths)
