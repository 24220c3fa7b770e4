"""A text that a plan knew only in part: its known parts must be there, in that order."""

from __future__ import annotations

import pytest

from engine.base.lazy_values import MARKS, Unknown
from engine.record.plans.applied_run import misfit

GAP = f"{MARKS[0]}steps.read{MARKS[1]}"


@pytest.mark.parametrize(
    ("planned", "actual", "fits"),
    [
        (GAP, "anything\nat all", True),
        (GAP, 7, True),
        (f"a{GAP}b", "ab", True),
        (f"a{GAP}b", "a, then b", True),
        (f"a{GAP}b", "a, then c", False),
        (f"ab{GAP}bc", "abc", False),
        (f"{GAP}x{GAP}y{GAP}", "y, x", False),
        (f"{GAP}x{GAP}y{GAP}", "x\ny", True),
        ("known", "known", True),
        ("known", "known, and more", False),
    ],
)
def test_what_was_not_known_may_be_anything(planned: str, actual: object, fits: bool) -> None:
    assert (misfit(Unknown(planned), actual) is None) is fits


def test_a_text_with_many_unknown_parts_is_compared_in_one_pass() -> None:
    assert misfit(Unknown("\n".join([GAP] * 30) + "!"), "line\n" * 20_000) is not None
