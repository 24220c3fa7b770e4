"""What model calls have used, in words."""

from __future__ import annotations

import pytest

from dashboard.parts.usage import reserved_words
from engine.runs.budgets import ModelUsage


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        pytest.param(None, [], id="of each run"),
        pytest.param(ModelUsage(2.5, 3, 100, 0), [], id="no call under way"),
        pytest.param(ModelUsage(2.5, 3, 100, 0, 1.5, 50), ["up to $1.50 more for calls under way"], id="reserved"),
    ],
)
def test_what_is_only_reserved_is_told_apart(used: ModelUsage | None, expected: list[str]) -> None:
    assert reserved_words(used) == expected
