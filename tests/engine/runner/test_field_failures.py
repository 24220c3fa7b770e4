"""A field that has no usable value at run time: which one, why in plain words, and what to write instead."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.conftest import Run, set_step

INPUTS = {"type": "object", "properties": {"odd": {}}}
GIVEN: dict[str, Any] = {"odd": {"none": None, "text": "x", "list": []}}


@pytest.mark.parametrize(
    ("step", "field", "said", "remedy"),
    [
        pytest.param(
            set_step("a", {"m": "x {{ inputs.odd.none }}"}),
            "with.values.m", "'inputs.odd.none' is null.", "inputs.odd.none == null ? 'text' : inputs.odd.none",
            id="null-in-text",
        ),
        pytest.param(
            set_step("a", {"l": [{"deep": "{{ inputs.odd.list[2] }}"}]}),
            "with.values.l.0.deep", "There is no item 2 in the list: it is empty.", "size(", id="index",
        ),
        pytest.param(
            {"id": "a", "foreach": "{{ inputs.odd.text }}", "steps": [set_step("b")]},
            "foreach", "'foreach' is text, not a list.", "Name a list", id="foreach",
        ),
        pytest.param(
            {"id": "a", "steps": [set_step("b")], "output": {"x": {"y": "{{ inputs.odd.text.z }}"}}},
            "output.x.y", "'inputs.odd.text' is text; it has no field 'z'.", "last name", id="output-of-a-group",
        ),
        pytest.param(
            {**set_step("a"), "if": "{{ inputs.odd.text }}"},
            "if", "'if' is text, not true or false.", "Compare", id="condition",
        ),
        pytest.param(
            {"id": "a", "uses": "flow.assert", "with": {"condition": "{{ inputs.odd.text }}"}},
            "with.condition", "'condition' must be true or false, not 'x'.", "expression", id="wrong-kind",
        ),
    ],
)  # fmt: skip
def test_a_field_without_a_usable_value_is_named_to_the_end(
    run: Run, step: dict[str, Any], field: str, said: str, remedy: str
) -> None:
    document = run([step], GIVEN, inputs=INPUTS)
    error = document["error"]
    assert document["status"] == "failed"
    assert (error["step"], error["field"]) == ("a", field)
    assert said in error["message"]
    assert remedy in error["remedy"]


def test_the_output_of_a_fallback_is_used(run: Run) -> None:
    step = {
        "id": "fb",
        "uses": "flow.assert",
        "with": {"condition": False},
        "on_error": {"steps": [set_step("instead", {"r": 7})]},
    }
    document = run(
        [step, set_step("after", {"r": "{{ steps.fb.output.r }}"})], outputs={"r": "{{ steps.fb.output.r }}"}
    )
    assert document["outputs"] == {"r": 7}
