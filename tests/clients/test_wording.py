"""Counts in words."""

from __future__ import annotations

import pytest

from clients.wording import counted


@pytest.mark.parametrize(
    ("count", "words", "text"),
    [
        pytest.param(0, ("label",), "0 labels", id="none"),
        pytest.param(1, ("label",), "1 label", id="one"),
        pytest.param(1200, ("label",), "1,200 labels", id="many"),
        pytest.param(2, ("repository",), "2 repositories", id="a word with y"),
        pytest.param(2, ("match",), "2 matches", id="a hissing word"),
        pytest.param(1, ("run waits", "runs wait"), "1 run waits", id="one of an odd word"),
        pytest.param(2, ("run waits", "runs wait"), "2 runs wait", id="an odd word"),
    ],
)
def test_a_count_has_its_right_word(count: int, words: tuple[str, ...], text: str) -> None:
    assert counted(count, *words) == text
