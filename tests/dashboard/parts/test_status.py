from __future__ import annotations

from typing import get_args

import pytest

from dashboard.parts.status import LOOKS, Color, look_of

STATUSES = "pending queued running waiting succeeded failed cancelled interrupted skipped".split()


@pytest.mark.parametrize("status", STATUSES)
def test_each_status_has_word_icon_and_colour(status: str) -> None:
    look = look_of(status)
    assert look.word.lower() == status
    assert look.icon.startswith(":material/")
    assert look.color in get_args(Color)


def test_no_two_statuses_share_icon_and_word() -> None:
    words = [look.word for look in LOOKS.values()]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize(
    ("counts", "color"),
    [
        pytest.param({"failed_steps": 0, "failed_items": 0}, "green", id="all well"),
        pytest.param({"failed_steps": 1, "failed_items": 0}, "orange", id="a step failed"),
        pytest.param({"failed_steps": 0, "failed_items": 2}, "orange", id="items were dropped"),
    ],
)
def test_success_with_failed_parts_is_amber(counts: dict[str, int], color: str) -> None:
    assert look_of("succeeded", counts).color == color
    assert look_of("failed", counts).color == "red"
