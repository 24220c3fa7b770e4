"""Schemas that users write: wrong ones are named, and none is fetched from anywhere."""

from __future__ import annotations

from typing import Any

import pytest

from engine.base.json_text import JsonSchema
from engine.documents.schema_check import misfits, schema_faults


@pytest.mark.parametrize(
    ("schema", "path", "words"),
    [
        pytest.param({"type": "strin"}, ("type",), "not a JSON Schema", id="unknown-type"),
        pytest.param(
            {"properties": {"a": {"minimum": "x"}}}, ("properties", "a", "minimum"), "not a JSON", id="inside"
        ),
        pytest.param({"type": "string", "default": 5}, ("default",), "5 is not of type 'string'", id="default"),
        pytest.param(
            {"items": {"$ref": "http://127.0.0.1:9/x"}}, ("items", "$ref"), "inside the same schema", id="foreign"
        ),
        pytest.param({"$ref": "#/$defs/gone"}, ("$ref",), "points to nothing", id="dangling"),
        pytest.param({"$ref": "#/allOf/0", "allOf": [{}]}, ("$ref",), "not lead into a list", id="into a list"),
        pytest.param({"$ref": "#/title", "title": "x"}, ("$ref",), "not point to a schema", id="at-a-text"),
        pytest.param({"pattern": "("}, ("pattern",), "not a valid regular expression", id="pattern"),
        pytest.param({"$ref": "#", "default": 1}, (), "refers back to itself", id="circle"),
        pytest.param({"items": {"anyOf": [{"$ref": "#/items"}]}}, (), "refers back to itself", id="circle-inside"),
        pytest.param(
            {"$defs": {f"a{n}": {"$ref": f"#/$defs/a{n + 1}"} for n in range(5000)} | {"a5000": {}}},
            (),
            "refers back to itself",
            id="a-row-too-long-to-follow",
        ),
        pytest.param(
            {"properties": {"outside": {"outside": False}}},
            ("properties", "outside", "outside"),
            "Take it out",
            id="trust",
        ),
        pytest.param({"items": {"sender": True}}, ("items", "sender"), "Take it out", id="trust-inside"),
        pytest.param({"$ref": "file:///etc/passwd"}, ("$ref",), "inside the same schema", id="file"),
    ],
)
def test_a_wrong_schema_is_named_where_it_is_wrong(schema: Any, path: tuple[str, ...], words: str) -> None:
    [(place, message)] = list(schema_faults(schema))
    assert place == path
    assert words in message


def test_a_right_schema_has_no_faults() -> None:
    schema = {"type": "object", "$defs": {"a": {"type": "integer"}}, "properties": {"x": {"$ref": "#/$defs/a"}}}
    assert list(schema_faults(schema)) == []
    assert list(schema_faults({"properties": {"role": {"enum": [{"sender": True}]}}, "required": ["address"]})) == []
    assert list(misfits({"x": 1}, schema)) == []
    assert list(misfits({"x": "1"}, schema)) == ["x: '1' is not of type 'integer'."]


@pytest.mark.parametrize(
    ("value", "schema", "said"),
    [
        pytest.param(None, {"type": "integer"}, "null is not of type 'integer'.", id="null"),
        pytest.param(True, {"type": "string"}, "true is not of type 'string'.", id="truth"),
        pytest.param({"a": [None]}, {"type": "string"}, "{'a': [null]} is not of type 'string'.", id="inside"),
        pytest.param("x", {"enum": [None, False]}, "'x' is not one of [null, false].", id="a choice"),
        pytest.param("x", {"const": None}, "null was expected.", id="a constant"),
        pytest.param("None", {"type": "integer"}, "'None' is not of type 'integer'.", id="a text"),
    ],
)
def test_a_misfit_shows_values_as_json_has_them(value: Any, schema: JsonSchema, said: str) -> None:
    assert list(misfits(value, schema)) == [said]


def test_a_schema_that_is_none_fits_nothing_and_is_never_fetched() -> None:
    [foreign] = misfits(5, {"$ref": "http://127.0.0.1:9/x"})
    assert foreign == "Its schema cannot be used: A $ref may only point inside the same schema, like #/$defs/name."
    [broken] = misfits(5, {"type": "strin"})
    assert broken.startswith("Its schema cannot be used: This is not a JSON Schema")


def test_a_long_value_is_shortened_in_the_sentence() -> None:
    [message] = misfits("x" * 5000, {"type": "integer"})
    assert len(message) < 200


def test_a_schema_that_contains_itself_checks_a_deep_value_or_says_that_it_cannot() -> None:
    schema = {"$defs": {"tree": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}, "$ref": "#/$defs/tree"}
    assert list(schema_faults(schema)) == []
    value: list[Any] = []
    for _ in range(63):
        value = [value]
    assert list(misfits(value, schema)) == [], "64 levels"
    for levels in (1, 5000):
        for _ in range(levels):
            value = [value]
        assert list(misfits(value, schema)) == ["It is nested deeper than 64 levels."]


@pytest.mark.parametrize("amount", [19.99, 1.1, 0.07, 4.35, 1.15, 10.0, 10, -0.0, 1e300, 2**70])
def test_an_amount_of_two_places_is_a_multiple_of_a_hundredth(amount: float) -> None:
    assert list(misfits(amount, {"multipleOf": 0.01})) == []


@pytest.mark.parametrize("amount", [19.995, 0.001, 1e-300, -0.015])
def test_an_amount_of_three_places_is_none(amount: float) -> None:
    assert list(misfits(amount, {"multipleOf": 0.01})) == [f"{amount!r} is not a multiple of 0.01."]
