"""Whether the inputs of a trigger name the item that it found."""

from __future__ import annotations

import pytest

from engine.compiler.triggers import _names_item


@pytest.mark.parametrize(
    ("text", "is_named"),
    [
        ("{{ item.id }}", True),
        ("{{ {'a': {}} + item }}", False),
        ("{{ {'a': item} }}", True),
        ("{{ items }} item", False),
        ("{{ '{{' + item.id }}", True),
        ("item", False),
        ("{{" * 100_000, False),  # minutes, if each were searched to the end of the text
    ],
)
def test_an_item_is_named_within_an_expression(text: str, is_named: bool) -> None:
    assert _names_item(text) is is_named
