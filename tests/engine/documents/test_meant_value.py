"""Values of models that fit their schema but for their form, and those that could be meant in two ways."""

from __future__ import annotations

from typing import Any

import pytest

from engine.documents.meant_value import as_meant

SCHEMA: dict[str, Any] = {
    "type": "object",
    "$defs": {"sum": {"type": "number", "minimum": 0}},
    "properties": {
        "title": {"type": "string"},
        "due": {"type": "string", "format": "date"},
        "amount": {"$ref": "#/$defs/sum"},
        "count": {"type": "integer"},
        "urgent": {"type": "boolean"},
        "note": {"type": ["string", "null"]},
        "kind": {"enum": ["a", "b"]},
        "share": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "either": {"anyOf": [{"type": "number"}, {"type": "boolean"}, {"type": "string", "maxLength": 1}]},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"sum": {"$ref": "#/$defs/sum"}}}},
    },
    "required": ["title"],
}


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"due": None, "kind": None, "urgent": None}, {}),
        ({"due": "", "kind": "", "count": ""}, {}),
        ({"amount": "120"}, {"amount": 120}),
        ({"amount": " 120.50 "}, {"amount": 120.5}),
        ({"count": "7"}, {"count": 7}),
        ({"urgent": "TRUE"}, {"urgent": True}),
        ({"title": 4711}, {"title": "4711"}),
        ({"share": "0.5"}, {"share": 0.5}),
        ({"lines": [{"sum": "1"}, {"sum": None}]}, {"lines": [{"sum": 1}, {}]}),
    ],
    ids=str,
)
def test_what_can_be_meant_in_one_way_is_made_to_fit(given: dict[str, Any], meant: dict[str, Any]) -> None:
    assert as_meant({"title": "x", **given}, SCHEMA) == {"title": "x", **meant}


@pytest.mark.parametrize(
    "given",
    [
        {"title": None},
        {"title": 1.10},
        {"title": True},
        {"amount": "1,234"},
        {"amount": "1.234,50"},
        {"amount": "12 EUR"},
        {"amount": "007"},
        {"amount": "1e3"},
        {"amount": "12345678901234567"},
        {"count": "7.5"},
        {"urgent": "yes"},
        {"urgent": 1},
        {"kind": "c"},
        {"either": "true story"},
        {"lines": "one"},
        {"unknown": None},
    ],
    ids=str,
)
def test_what_could_be_meant_in_two_ways_stays(given: dict[str, Any]) -> None:
    whole = {"title": "x", **given}
    assert as_meant(whole, SCHEMA) == whole


@pytest.mark.parametrize(
    "given", [{"title": "", "note": None, "share": None}, {"title": "12", "either": "1"}, {"amount": 0, "title": "0"}]
)
def test_what_fits_is_not_touched(given: dict[str, Any]) -> None:
    assert as_meant(given, SCHEMA) is given
