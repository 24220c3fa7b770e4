"""What two texts have in common, checked against the definition, and in a number of steps that no text can raise."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from random import Random

import pytest

from clients.wording import likeness, matches
from tests.counted_steps import at_most


def longest(one: str, other: str) -> int:
    """The length of a longest common sequence, as it is defined."""

    @cache
    def of(at: int, beside: int) -> int:
        if at == len(one) or beside == len(other):
            return 0
        if one[at] == other[beside]:
            return 1 + of(at + 1, beside + 1)
        return max(of(at + 1, beside), of(at, beside + 1))

    return of(0, 0)


@pytest.mark.parametrize("letters", ["a", "ab", "abcdef"])
def test_matches_are_a_longest_sequence_of_both_texts(letters: str) -> None:
    random = Random(letters)
    for _ in range(300):
        one, other = ("".join(random.choices(letters, k=random.randrange(20))) for _ in range(2))
        found = matches(one, other)
        assert [one[at] for at, _ in found] == [other[at] for _, at in found]
        assert all(at < later and beside < after for (at, beside), (later, after) in pairwise(found))
        assert len(found) == longest(one, other)
        assert likeness(one)(other) == pytest.approx(2 * len(found) / ((len(one) + len(other)) or 1))


def test_lines_that_follow_each_other_stay_together() -> None:
    assert matches("xabcz", "yaabcw") == [(1, 2), (2, 3), (3, 4)]


@pytest.mark.parametrize("period", [1, 2, 5, 50])
def test_a_text_that_repeats_itself_takes_no_more_steps(period: int) -> None:
    one = [f"p{at % period}" for at in range(1_000)]
    other = [word for at in range(500) for word in (f"p{at % period}", f"x{at}")]
    with at_most(30_000):
        assert len(matches(one, other)) == 500
        assert likeness(one)(other) == 0.5
