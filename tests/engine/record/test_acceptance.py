"""What a run is started with: wrong inputs are named, and what the inputs are is said at once."""

from __future__ import annotations

from typing import Any

import pytest

from engine.base.errors import InvalidInput
from engine.compiler.definition.plan import Block, Plan
from engine.record.acceptance import checked_inputs, from_text

INPUTS = {
    "type": "object",
    "properties": {
        "limit": {"type": "integer", "default": 3},
        "query": {"type": ["string", "null"]},
        "kind": {"enum": ["bug", "task"], "default": "bug"},
    },
    "required": ["query"],
}


def plan(schema: dict[str, Any]) -> Plan:
    return Plan("work", {}, Block(()), {}, None, {}, (), schema)


@pytest.mark.parametrize("given", [{}, {"query": "x", "limmit": 1}, {"query": "x", "limit": "many"}])
def test_wrong_inputs_are_answered_with_what_the_inputs_are(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as raised:
        checked_inputs(plan(INPUTS), given)
    assert raised.value.remedy == (
        'Its inputs are: limit (integer), query (string or null, required), kind (one of "bug", "task").'
    )


def test_a_workflow_without_inputs_says_so() -> None:
    with pytest.raises(InvalidInput) as raised:
        checked_inputs(plan({"type": "object", "properties": {}}), {"x": 1})
    assert raised.value.message == "There is no input 'x'."
    assert raised.value.remedy == "Leave them out: the workflow takes no inputs."


def test_of_very_many_unknown_inputs_some_are_named() -> None:
    with pytest.raises(InvalidInput) as raised:
        checked_inputs(plan(INPUTS), {"query": "x", **{f"given-{number}": 1 for number in range(60_000)}})
    assert "'given-9'" in raised.value.message
    assert "'given-10'" not in raised.value.message
    assert raised.value.message.endswith("Nor are there 59,990 others.")


def test_an_input_of_any_type_is_as_deep_as_a_file_may_be() -> None:
    deep: Any = 1
    for _ in range(65):
        deep = [deep]
    anything = plan({"type": "object", "properties": {"data": {}}})
    with pytest.raises(InvalidInput, match="'data' is nested deeper than 64 levels"):
        checked_inputs(anything, {"data": deep})
    assert checked_inputs(anything, {"data": deep[0]})


@pytest.mark.parametrize(
    ("text", "items", "expected"),
    [
        pytest.param("a, b", {"type": "string"}, ["a", "b"], id="texts"),
        pytest.param("a, b", None, ["a", "b"], id="anything"),
        pytest.param("1, 2", {"type": "integer"}, [1, 2], id="numbers"),
        pytest.param('{"id": 1}', {"type": "object"}, [{"id": 1}], id="one-object"),
        pytest.param("null", {"type": "object"}, [None], id="null"),
        pytest.param("[]", {"type": "object"}, [], id="none"),
        pytest.param("1, x", {"type": ["string", "integer"]}, ["1", "x"], id="texts-or-numbers"),
    ],
)
def test_a_typed_list_has_items_of_its_kind(text: str, items: Any, expected: Any) -> None:
    assert from_text("list", text, {"type": "array"} | ({} if items is None else {"items": items})) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ann", "Ann"),
        ("", ""),
        ("null", None),
        ("5 apples", "5 apples"),
        ("4711", "4711"),
        ("true", "true"),
        ('"null"', "null"),
    ],
)
def test_a_text_that_may_be_null_is_typed_without_quotes(text: str, expected: Any) -> None:
    assert from_text("name", text, {"type": ["string", "null"]}) == expected


def test_a_typed_value_of_the_wrong_type_is_refused_with_the_types_in_words() -> None:
    with pytest.raises(InvalidInput, match="must be of type integer or null"):
        from_text("n", "many", {"type": ["integer", "null"]})
