"""Plain JSON values and Notion's property values: both ways, and what a wrong value is told."""

from __future__ import annotations

from typing import Any

import pytest

from clients.errors import InvalidRequest
from clients.notion.pages import held_key
from clients.notion.values import from_notion, plain_text, rich_text, title_property, to_notion

TYPES = (
    *("title", "rich_text", "number", "select", "multi_select", "status", "date", "checkbox", "url", "email"),
    *("phone_number", "people", "relation", "files", "formula", "created_time"),
)
SCHEMA: dict[str, dict[str, Any]] = {kind: {"id": kind, "type": kind} for kind in TYPES}
SCHEMA["status"]["status"] = {"options": [{"name": "Not started"}, {"name": "Done"}]}
PERSON = "0d150781-d3d0-50a4-a468-cffdd26ecfa3"


def text(content: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": {"content": content}}]


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        pytest.param("title", "Hello", text("Hello"), id="title"),
        pytest.param("rich_text", "Hello", text("Hello"), id="text"),
        pytest.param("rich_text", 4, text("4"), id="a number as text"),
        pytest.param("number", 4.5, 4.5, id="number"),
        pytest.param("select", "High", {"name": "High"}, id="select"),
        pytest.param("select", "", None, id="empty select"),
        pytest.param("status", "Done", {"name": "Done"}, id="status"),
        pytest.param("multi_select", ["a", "b"], [{"name": "a"}, {"name": "b"}], id="multi-select"),
        pytest.param("multi_select", "a", [{"name": "a"}], id="one of a multi-select"),
        pytest.param("date", "2026-01-31", {"start": "2026-01-31"}, id="date"),
        pytest.param("date", {"start": "2026-01-31", "end": None}, {"start": "2026-01-31"}, id="open range"),
        pytest.param(
            "date",
            {"start": "2026-01-31", "end": "2026-02-01"},
            {"start": "2026-01-31", "end": "2026-02-01"},
            id="range",
        ),
        pytest.param("checkbox", False, False, id="checkbox"),
        pytest.param("url", "https://a.example", "https://a.example", id="url"),
        pytest.param("url", "", None, id="empty url"),
        pytest.param("email", "a@b.example", "a@b.example", id="email"),
        pytest.param("phone_number", "+41", "+41", id="phone"),
        pytest.param("people", [PERSON], [{"id": PERSON}], id="people"),
        pytest.param("relation", PERSON, [{"id": PERSON}], id="relation"),
        pytest.param(
            "files",
            ["https://a.example/b.pdf"],
            [{"type": "external", "name": "b.pdf", "external": {"url": "https://a.example/b.pdf"}}],
            id="files",
        ),
        pytest.param("rich_text", None, [], id="no text"),
        pytest.param("number", None, None, id="no number"),
        pytest.param("multi_select", None, [], id="no options"),
        pytest.param("checkbox", None, False, id="no tick"),
    ],
)
def test_a_plain_value_is_written_by_the_type_of_its_property(kind: str, value: Any, written: Any) -> None:
    assert to_notion(SCHEMA, {kind: value}) == {kind: {kind: written}}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("number", "4"),
        ("number", True),
        ("checkbox", "yes"),
        ("rich_text", ["a"]),
        ("rich_text", True),
        ("select", ["a"]),
        ("multi_select", [1]),
        ("date", 20260131),
        ("date", {"end": "2026-01-31"}),
        ("url", 1),
        ("people", [{"id": "x"}]),
    ],
)
def test_a_wrong_value_is_told_what_the_property_takes(kind: str, value: Any) -> None:
    with pytest.raises(InvalidRequest, match=f"property '{kind}' is of type {kind}: it takes"):
        to_notion(SCHEMA, {kind: value})


@pytest.mark.parametrize("kind", ["formula", "created_time"])
def test_what_notion_sets_itself_cannot_be_set(kind: str) -> None:
    with pytest.raises(InvalidRequest, match="Notion sets it itself"):
        to_notion(SCHEMA, {kind: "x"})


def test_an_unknown_status_lists_the_options() -> None:
    with pytest.raises(InvalidRequest, match="it can be Not started, Done"):
        to_notion(SCHEMA, {"status": "Later"})


def test_a_property_is_found_in_other_case_only_where_that_is_clear() -> None:
    schema = {"Due": {"type": "date"}, "due": {"type": "date"}, "Name": {"type": "title"}}
    assert list(to_notion(schema, {"due": "2026-01-31", "NAME": "x"})) == ["due", "Name"]
    with pytest.raises(InvalidRequest, match="it has Due, Name, due"):
        to_notion(schema, {"DUE": "2026-01-31"})


def test_the_title_is_found_by_its_type() -> None:
    assert title_property({"Aufgabe": {"type": "title"}, "title": {"type": "rich_text"}}) == "Aufgabe"


@pytest.mark.parametrize("content", ["", "short", "x" * 1000, "x" * 2001, "😀" * 2500], ids=len)
def test_a_long_text_is_cut_into_text_objects_within_the_limit(content: str) -> None:
    pieces = rich_text(content)
    assert plain_text(pieces) == content
    assert all(len(piece["text"]["content"].encode("utf-16-le")) <= 4000 for piece in pieces)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ({"type": "title", "title": [{"plain_text": "a"}, {"plain_text": "b"}]}, "ab"),
        ({"type": "number", "number": 0}, 0),
        ({"type": "select", "select": None}, None),
        ({"type": "select", "select": {"name": "High"}}, "High"),
        ({"type": "multi_select", "multi_select": [{"name": "a"}]}, ["a"]),
        ({"type": "date", "date": {"start": "2026-01-31", "end": None}}, "2026-01-31"),
        ({"type": "date", "date": {"start": "1", "end": "2"}}, {"start": "1", "end": "2"}),
        ({"type": "people", "people": [{"id": "p"}]}, ["p"]),
        ({"type": "relation", "relation": [{"id": "r"}]}, ["r"]),
        (
            {"type": "files", "files": [{"name": "f", "type": "external", "external": {"url": "u"}}]},
            [{"name": "f", "url": "u"}],
        ),
        ({"type": "formula", "formula": {"type": "string", "string": "x"}}, "x"),
        ({"type": "rollup", "rollup": {"type": "array", "array": [{"type": "number", "number": 1}]}}, [1]),
        ({"type": "rollup", "rollup": {"type": "number", "number": 3}}, 3),
        ({"type": "unique_id", "unique_id": {"prefix": "T", "number": 12}}, "T-12"),
        ({"type": "unique_id", "unique_id": {"prefix": None, "number": 12}}, "12"),
        ({"type": "created_by", "created_by": {"id": "u"}}, "u"),
        ({"type": "created_time", "created_time": "2026"}, "2026"),
        ({"type": "button", "button": {}}, {}),
    ],
)
def test_a_property_is_read_as_a_plain_value(value: dict[str, Any], plain: Any) -> None:
    assert from_notion({"P": value}) == {"P": plain}


def test_a_very_long_key_is_held_as_its_digest() -> None:
    assert held_key("mail-1") == "mail-1"
    assert held_key("x" * 501) != held_key("x" * 502)
    assert len(held_key("x" * 5000)) < 100
