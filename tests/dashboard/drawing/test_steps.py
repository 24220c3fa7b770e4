from __future__ import annotations

from typing import Any

import pytest

from dashboard.drawing.steps import arrows, boxes, steps_of

TRIAGE: dict[str, Any] = {
    "steps": [
        {"id": "mails", "title": "Read mail", "uses": "gmail.search_messages"},
        {
            "id": "each",
            "foreach": "{{ steps.mails.output.messages }}",
            "steps": [
                {"id": "classify", "uses": "llm.extract"},
                {"id": "task", "if": "{{ a }}", "uses": "notion.upsert_page"},
                {"id": "issue", "if": "{{ b }}", "uses": "github.create_issue"},
                {"id": "label", "uses": "gmail.add_labels"},
            ],
        },
    ]
}


def edges(document: Any) -> list[tuple[str, str, bool]]:
    return [(arrow.source, arrow.target, arrow.is_dashed) for arrow in arrows(steps_of(document))]


def test_steps_are_listed_outer_before_inner() -> None:
    found = [(one.path, one.depth) for one in steps_of(TRIAGE)]
    inner = [("each.classify", 1), ("each.task", 1), ("each.issue", 1), ("each.label", 1)]
    assert found == [("mails", 0), ("each", 0), *inner]


def test_a_condition_is_told_without_its_braces() -> None:
    assert [one.step.condition for one in steps_of(TRIAGE)][3:5] == ["a", "b"]


def test_conditional_neighbours_are_branches() -> None:
    assert edges(TRIAGE) == [
        ("mails", "each", False),
        ("each", "each.classify", False),
        ("each.classify", "each.task", True),
        ("each.classify", "each.issue", True),
        ("each.task", "each.label", False),
        ("each.issue", "each.label", False),
    ]


def test_needs_say_where_arrows_come_from() -> None:
    steps = [{"id": "a"}, {"id": "b", "needs": []}, {"id": "c", "needs": ["a", "b"]}]
    assert edges({"steps": steps}) == [("a", "c", False), ("b", "c", False)]


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(None, id="no JSON"),
        pytest.param({"steps": "none"}, id="steps are text"),
        pytest.param({"steps": [1, {"uses": 7}, {"id": "a", "needs": ["nobody"]}, {"id": "a", "needs": 3}]}, id="odd"),
    ],
)
def test_a_damaged_document_is_drawn_as_far_as_it_goes(document: Any) -> None:
    entries = steps_of(document)
    colors = {entry.path: "#000000" for entry in entries}
    assert {node.id for node in boxes(entries, colors, {})} == set(colors)
    arrows(entries)


def test_what_can_be_done_at_once_stands_side_by_side() -> None:
    entries = steps_of({"steps": [{"id": "a"}, {"id": "b", "needs": []}, {"id": "c", "needs": ["a", "b"]}]})
    places = {node.id: (node.x, node.y) for node in boxes(entries, dict.fromkeys("abc", "#000000"), {})}
    assert places["a"][1] == places["b"][1] < places["c"][1]
    assert places["a"][0] < places["c"][0] < places["b"][0]


def test_steps_after_an_error_stand_below_their_step() -> None:
    entries = steps_of({"steps": [{"id": "a", "on_error": {"steps": [{"id": "tell"}]}}]})
    places = {node.id: node.y for node in boxes(entries, dict.fromkeys(("a", "a.tell"), "#000000"), {})}
    assert places["a"] < places["a.tell"]
