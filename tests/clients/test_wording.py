"""Counts in words, and the name that was probably meant."""

from __future__ import annotations

import pytest

from clients.wording import counted, nearest
from tests.counted_steps import at_most


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


@pytest.mark.parametrize(
    ("name", "near"),
    [
        pytest.param("titel", "title", id="letters change places"),
        pytest.param("TITLE", "title", id="capitals"),
        pytest.param("repo", "repository", id="a short form"),
        pytest.param("nope", None, id="another word"),
        pytest.param("t" * 201, None, id="too long for a name"),
    ],
)
def test_the_name_that_was_probably_meant(name: str, near: str | None) -> None:
    assert nearest(name, ["title", "repository", "openai"]) == near


def test_long_names_that_repeat_letters_are_compared_in_few_steps() -> None:
    """A stranger may choose both: the names of the columns of a shared sheet, and the one that is meant."""
    name = "ab" * 99
    odd = [[chr(0x4E00 + at + column) for at in range(65)] for column in range(1_000)]
    names = [f"a{'ab' * 33}{'b'.join(signs)}" for signs in odd]
    with at_most(2_000_000):
        assert nearest(name, names) is not None
