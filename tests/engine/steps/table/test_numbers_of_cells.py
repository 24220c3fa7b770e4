"""The number in a cell: long texts are read in one pass."""

from __future__ import annotations

import pytest

from clients.errors import InvalidRequest
from engine.steps.table.columns import number_in


@pytest.mark.parametrize(
    ("text", "number"),
    [("-007", -7), ("+0", 0), ("1.", 1.0), (".5e1", 5.0), ("0" * 5_000 + "1", 1), ("-" + "0" * 5_000, 0)],
)
def test_a_number_may_be_written_in_many_ways(text: str, number: float) -> None:
    assert number_in({"sum": text}, "sum", 1) == number


@pytest.mark.parametrize("text", ["1" * 300_000 + "x", "1" * 300_000 + "." + "1" * 300_000 + "ex"])
def test_digits_that_are_no_number_are_tried_once(text: str) -> None:
    # Minutes, if the digits were divided in each way.
    with pytest.raises(InvalidRequest, match="not a number"):
        number_in({"sum": text}, "sum", 1)
