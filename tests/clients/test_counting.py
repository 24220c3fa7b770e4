"""Counts in words."""

from __future__ import annotations

import pytest

from clients.plural import counted


@pytest.mark.parametrize(
    ("count", "words", "text"),
    [
        pytest.param(0, ("label",), "0 labels", id="none"),
        pytest.param(1, ("label",), "1 label", id="one"),
        pytest.param(1200, ("label",), "1,200 labels", id="many"),
        pytest.param(1, ("repository", "repositories"), "1 repository", id="one of an odd word"),
        pytest.param(2, ("repository", "repositories"), "2 repositories", id="an odd word"),
    ],
)
def test_a_count_has_its_right_word(count: int, words: tuple[str, ...], text: str) -> None:
    assert counted(count, *words) == text
