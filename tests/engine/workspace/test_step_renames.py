"""Renames of steps, one after the other, are those from the first text to the last."""

from __future__ import annotations

import pytest

from engine.base.errors import InUse
from engine.workspace.step_renames import StepRenames, composed, in_order


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        pytest.param([[("a", "b")], [("b", "c")]], {"a": "c"}, id="twice"),
        pytest.param([[("a", "b")], [("c", "d")], [("b", "a")]], {"c": "d"}, id="and back"),
        pytest.param([[("a", "b")], [("b", "a")], [("a", "c")]], {"a": "c"}, id="back and forth"),
        pytest.param([[("b", "c")], [("a", "b")]], {"b": "c", "a": "b"}, id="into a free place"),
        pytest.param([[("b", "c"), ("a", "b")], [("c", "d")]], {"b": "d", "a": "b"}, id="pairs of one text"),
        pytest.param([[("a", "x")], [("b", "a")], [("x", "b")]], {"a": "b", "b": "a"}, id="swap"),
        pytest.param([[("a", "b")], [("a", "c")]], {"a": "b"}, id="a new step with the old id"),
    ],
)
def test_renames_are_composed(parts: list[StepRenames], expected: dict[str, str]) -> None:
    found = composed(*parts)
    assert dict(found) == expected
    assert len(found) == len(expected)


def test_an_id_is_given_once_it_is_free() -> None:
    assert in_order([("a", "b"), ("b", "c"), ("x", "y")]) == [("b", "c"), ("x", "y"), ("a", "b")]
    with pytest.raises(InUse, match="'a' and 'b' trade"):
        in_order([("a", "b"), ("c", "d"), ("b", "a")])
