"""Numbers are what their schema says, so that an expression that was checked also works."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.orchestra import Orchestra
from engine.record.coercion import fitted
from tests.engine.conftest import OWNER, Run, Service, get_step, set_step, write_workflow

NUMBER, WHOLE = {"type": "number"}, {"type": "integer"}


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        pytest.param(3, NUMBER, 3.0, id="whole-for-number"),
        pytest.param(3.0, WHOLE, 3, id="point-for-whole"),
        pytest.param(3.5, WHOLE, 3.5, id="does-not-fit"),
        pytest.param(True, NUMBER, True, id="boolean"),
        pytest.param(None, {"type": ["number", "null"]}, None, id="null"),
        pytest.param(2, {"anyOf": [NUMBER, {"type": "null"}]}, 2.0, id="nullable"),
        pytest.param([1, 2.0], {"type": "array", "items": NUMBER}, [1.0, 2.0], id="list"),
        pytest.param({"a": 1, "b": 1}, {"properties": {"a": NUMBER}}, {"a": 1.0, "b": 1}, id="object"),
        pytest.param({"a": 1}, {"additionalProperties": NUMBER}, {"a": 1.0}, id="map"),
        pytest.param([1], {"items": {"$ref": "#/$defs/n"}, "$defs": {"n": NUMBER}}, [1.0], id="reference"),
        pytest.param({"a": 1}, {"properties": {"a": True}}, {"a": 1}, id="anything"),
        pytest.param({"a": 1}, {}, {"a": 1}, id="no-schema"),
        pytest.param("3", NUMBER, "3", id="text"),
    ],
)
def test_a_number_takes_the_form_of_its_schema(value: Any, schema: dict[str, Any], expected: Any) -> None:
    result = fitted(value, schema)
    assert (result, repr(result)) == (expected, repr(expected))


def test_a_whole_number_for_a_number_input_can_be_calculated_with(run: Run) -> None:
    schema = {"type": "object", "properties": {"share": {"type": "number"}, "n": {"type": "integer"}}}
    steps = [set_step("a", {"half": "{{ inputs.share / 2.0 }}", "next": "{{ inputs.n + 1 }}"})]
    document = run(steps, {"share": 3, "n": 4.0}, inputs=schema)
    assert document["steps"][0]["output"] == {"half": 1.5, "next": 5}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param(float("nan"), "NaN or infinity", id="nan"),
        pytest.param([float("inf")], "NaN or infinity", id="infinity"),
        pytest.param("\ud800", "surrogate", id="surrogate"),
        pytest.param([{"k": "a\0b"}], "NUL", id="nul"),
        pytest.param(2**63, "64 bits", id="a whole number too large"),
        pytest.param({"k": [-(2**63) - 1]}, "64 bits", id="a whole number too small"),
    ],
)
def test_an_input_that_no_file_can_hold_is_refused(orchestra: Orchestra, root: Any, value: Any, said: str) -> None:
    write_workflow(root, "work", [set_step("a")], inputs={"type": "object", "properties": {"x": {}}})
    with pytest.raises(Exception, match=said):
        orchestra.runs.start(OWNER, "work", {"x": value})


def test_a_deep_input_is_refused_and_breaks_nothing(orchestra: Orchestra, root: Any) -> None:
    schema = {"type": "object", "properties": {"x": {"type": "array"}}}
    write_workflow(root, "work", [set_step("a")], inputs=schema)
    deep: list[Any] = []
    for _ in range(500):
        deep = [deep]
    with pytest.raises(Exception, match="nested deeper"):
        orchestra.runs.start(OWNER, "work", {"x": deep})


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), "9" * 40, {"k": ["1234567890123456789"]}])
def test_long_numbers_that_fit_and_long_texts_are_taken(run: Run, value: Any) -> None:
    document = run(
        [set_step("a", {"x": "{{ inputs.x }}"})], {"x": value}, inputs={"type": "object", "properties": {"x": {}}}
    )
    assert document["steps"][0]["output"] == {"x": value}


@pytest.mark.parametrize("number", [2**64 - 1, 2**63, -(2**63) - 1, 10**40])
def test_the_digits_of_a_whole_number_over_64_bits_are_kept(run: Run, service: Service, number: int) -> None:
    """Ids of some services take all 64 bits without a sign; rounded, they would name another thing."""
    service.texts = {"/id": json.dumps({"id": number})}
    document = run([get_step("r", service.url("/id")), set_step("a", {"x": "No. {{ steps.r.output.json.id }}"})])
    assert document["steps"][1]["output"] == {"x": f"No. {number}"}


def test_a_number_that_has_no_such_float_stays_as_it_is() -> None:
    schema = {"type": "number"}
    assert [fitted(one, schema) for one in (2**53, 2**53 + 1, 2**63 - 1)] == [float(2**53), 2**53 + 1, 2**63 - 1]
    assert isinstance(fitted(2**53, schema), float)
