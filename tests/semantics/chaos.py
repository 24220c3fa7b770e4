"""The long form (`make chaos`): thousands of random workflows, with the profile `wide` new ones each time."""

from __future__ import annotations

from hypothesis import Phase

from tests.semantics.test_state_machine import WIDE_EXAMPLES, judge, pytestmark, quick

__all__ = ["pytestmark", "quick"]


def test_many_runs_do_what_the_model_says() -> None:
    judge(WIDE_EXAMPLES, Phase.generate, Phase.shrink)
