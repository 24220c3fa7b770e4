"""Words for names and values."""

from __future__ import annotations

import pytest

from engine.base.wording import number_text


@pytest.mark.parametrize(
    ("value", "shown"),
    [(31_622_400.0, "31622400"), (60, "60"), (0.5, "0.5"), (0.1 + 0.2, "0.3"), (2.0**60, "1152921504606846976")],
)
def test_a_number_is_shown_with_all_its_digits(value: float, shown: str) -> None:
    assert number_text(value) == shown
