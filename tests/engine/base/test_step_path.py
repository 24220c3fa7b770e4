"""Paths of steps: read, written, and compared with those around them."""

from __future__ import annotations

import pytest

from engine.base.step_path import (
    PathPart,
    StepPath,
    in_workflow,
    is_item,
    item_of,
    items_around,
    loop_of,
    outermost,
    step_id,
)

parse = StepPath.parse


@pytest.mark.parametrize("text", ["task", "each[3]", "each[3].task", "a.b.c", "a[0].b[12].c", "on_failure.tell"])
def test_a_path_is_written_as_it_was_read(text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize("text", ["", ".", "a.", "a[", "a[]", "a[x]", "a[0]b", "a[0][1]", "a..b", "a[-1]"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not the path of a step"):
        parse(text)


def test_a_step_in_an_item_knows_what_is_around_it() -> None:
    path = parse("a[0].b[2].c")
    assert (path.step_id, path.index, path.is_item, path.in_workflow) == ("c", None, False, "a.b.c")
    assert [str(one) for one in path.around()] == ["a[0].b[2]", "a[0].b", "a[0]", "a"]
    assert [str(one) for one in path.items()] == ["a[0]", "a[0].b[2]"]
    assert path.parts[1] == PathPart("b", 2)


def test_an_item_is_one_of_its_own_items() -> None:
    item = parse("a[0].b").item(1)
    assert (str(item), item.is_item, str(item.parent)) == ("a[0].b[1]", True, "a[0].b")
    assert [str(one) for one in item.items()] == ["a[0]", "a[0].b[1]"]


def test_a_path_is_put_together_and_taken_apart() -> None:
    path = parse("each").item(3).inner("group").inner("task")
    assert str(path) == "each[3].group.task"
    assert path.below(parse("each[3]")) == "group.task"
    assert parse("each").parent is None


@pytest.mark.parametrize(
    ("inner", "outer", "is_inside"),
    [
        ("a.b", "a", True),
        ("a[1]", "a", True),
        ("a[1].b", "a", True),
        ("a[1].b", "a[1]", True),
        ("a[1].b[0].c", "a[1].b", True),
        ("a[12].b", "a[1]", False),
        ("a[1].b", "a.b", True),
        ("ab.c", "a", False),
        ("a", "a", False),
        ("a", "a[1]", False),
        ("a[1]", "a[1]", False),
        ("a", "a.b", False),
        ("b.a", "a", False),
    ],
)
def test_inside(inner: str, outer: str, is_inside: bool) -> None:
    assert parse(inner).is_inside(parse(outer)) is is_inside


@pytest.mark.parametrize(
    "text", ["task", "each[3]", "each[3].task", "a.b.c", "a[0].b[12].c", "a.b[0]", "on_failure.tell"]
)
def test_a_text_gives_what_its_path_gives(text: str) -> None:
    path = parse(text)
    assert (is_item(text), step_id(text), in_workflow(text)) == (path.is_item, path.step_id, path.in_workflow)
    assert items_around(text) == [str(one) for one in path.items()]
    assert outermost(text) == str(path.parts[0])
    assert item_of(text, 7) == f"{text}[7]"
    if path.is_item:
        assert loop_of(text) == str(path.parent)
        assert item_of(loop_of(text), path.index or 0) == text
