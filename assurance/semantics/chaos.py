"""The long form (`make assurance`): thousands of random workflows, with the profile `wide` new ones each time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import Phase

from assurance.semantics.test_state_machine import FOUND_LATER, WIDE_EXAMPLES, judge, pytestmark, quick

__all__ = ["pytestmark", "quick"]


def test_many_runs_do_what_the_model_says() -> None:
    judge(WIDE_EXAMPLES, Phase.generate, Phase.shrink)


@pytest.mark.parametrize("wrong", FOUND_LATER)
def test_the_model_finds_in_the_end_an_engine_that(
    wrong: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong(monkeypatch)
    with pytest.raises(AssertionError):
        judge(WIDE_EXAMPLES, Phase.generate, print_blob=False)
