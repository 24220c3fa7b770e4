"""Texts of one piece over and over take time in proportion to their length, whatever reads them."""

from __future__ import annotations

from random import Random

import pytest

from assurance.bombs.repeated import AROUND, PIECES, READERS, SLOW, too_slow

_LENGTH, _LENGTH_FOR_SLOW_ONES = 30_000, 5_000
"""Characters. The slow ones have the others' length in `make assurance`."""
_PAIRS = 150


@pytest.mark.parametrize("name", READERS)
def test_a_text_of_one_piece_over_and_over_is_read_in_the_time_that_its_length_takes(name: str) -> None:
    length = _LENGTH_FOR_SLOW_ONES if name in SLOW else _LENGTH
    assert list(too_slow(READERS[name], PIECES, length, AROUND[0])) == []


@pytest.mark.chaos
@pytest.mark.timeout(2400)
@pytest.mark.parametrize("around", AROUND, ids=map(repr, AROUND))
@pytest.mark.parametrize("name", READERS)
def test_so_is_one_of_any_two_pieces_between_others(name: str, around: tuple[str, str]) -> None:
    random = Random(f"{name} {around}")
    pairs = ["".join(random.sample(PIECES, 2)) for _ in range(_PAIRS)]
    assert list(too_slow(READERS[name], [*PIECES, *pairs], _LENGTH, around)) == []
