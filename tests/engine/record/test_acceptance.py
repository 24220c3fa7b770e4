"""What a run is started with: wrong inputs are named, and what the inputs are is said at once."""

from __future__ import annotations

from typing import Any

import pytest

from engine.base.errors import InvalidInput
from engine.compiler.definition.plan import Block, Plan
from engine.record.acceptance import checked_inputs

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
    assert raised.value.remedy == "It takes no inputs."


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
