"""JSON out of what a model wrote, what is wrong with it, and which of it is text from outside."""

from __future__ import annotations

from typing import Any

import pytest

from engine.prompts.model_answers import faults, from_outside, read_json, schema_problem

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "enum": ["bug", "task"]},
        "title": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "count": {"type": "integer", "default": 1},
    },
    "required": ["kind"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param('{"a": 1}', {"a": 1}, id="bare"),
        pytest.param('  \n{"a": 1}\n', {"a": 1}, id="with blanks"),
        pytest.param('```json\n{"a": 1}\n```', {"a": 1}, id="in a fence"),
        pytest.param('Here it is:\n{"a": {"b": 2}}\nDone.', {"a": {"b": 2}}, id="behind words"),
        pytest.param("<think>so {x}</think>", None, id="braces in words"),
        pytest.param('<think>{"a": 2}, or</think>\n{"a": 1}', {"a": 1}, id="behind thoughts"),
        pytest.param("[1, 2]", [1, 2], id="a list"),
        pytest.param('"text"', "text", id="a string"),
        pytest.param("", None, id="empty"),
        pytest.param("no", None, id="no JSON"),
        pytest.param('{"a": NaN}', None, id="no number"),
        pytest.param('{"a": 1', None, id="cut"),
    ],
)
def test_json_is_found_in_an_answer(text: str, value: Any) -> None:
    if value is None:
        with pytest.raises(ValueError, match="not JSON"):
            read_json(text)
    else:
        assert read_json(text) == value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param({"kind": "bug"}, "", id="fits"),
        pytest.param({}, "'kind' is a required property", id="a field is missing"),
        pytest.param({"kind": "song"}, "'song' is not one of", id="no choice"),
        pytest.param(
            {"kind": "bug", "count": "1"}, "count: '1' is not of type 'integer'", id="a wrong type, its place"
        ),
        pytest.param([], "is not of type 'object'", id="no object"),
    ],
)
def test_what_does_not_fit_is_said_with_its_place(value: Any, words: str) -> None:
    found = "; ".join(faults(value, SCHEMA))
    assert words in found
    assert bool(found) is bool(words)


def test_at_most_five_faults_are_told() -> None:
    assert len(faults([1] * 50, {"items": {"type": "string"}})) == 5


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        pytest.param({}, "", id="anything"),
        pytest.param(SCHEMA, "", id="right"),
        pytest.param({"type": "text"}, "type", id="an unknown type"),
        pytest.param({"properties": {"a": 1}}, "properties.a", id="no schema inside"),
        pytest.param({"$ref": "#/$defs/nothing"}, "$ref", id="a reference to nothing"),
        pytest.param({"$ref": "https://evil.example/schema.json"}, "$ref", id="a reference over the network"),
    ],
)
def test_a_schema_that_is_none_is_told(schema: Any, words: str) -> None:
    assert words in schema_problem(schema)
    assert bool(schema_problem(schema)) is bool(words)


def test_free_text_is_marked_as_text_from_outside_and_choices_are_not() -> None:
    marked = from_outside(SCHEMA)["properties"]
    assert marked["title"]["outside"] is True
    assert marked["tags"]["items"]["outside"] is True
    assert "outside" not in marked["kind"]
    assert "outside" not in marked["count"]


@pytest.mark.parametrize(
    ("schema", "is_marked"),
    [
        pytest.param({"type": ["string", "null"]}, True, id="text or null"),
        pytest.param({}, True, id="anything"),
        pytest.param({"const": "a"}, False, id="one value"),
        pytest.param({"type": "boolean"}, False, id="a boolean"),
        pytest.param({"anyOf": [{"type": "integer"}, {"type": "null"}]}, False, id="a choice of types"),
    ],
)
def test_what_may_be_any_text_is_marked(schema: Any, is_marked: bool) -> None:
    assert from_outside(schema).get("outside", False) is is_marked


def test_values_inside_a_schema_are_left_alone() -> None:
    schema = {"enum": [{"type": "string"}], "default": {"type": "string"}}
    assert from_outside(schema) == schema
