"""Ten thousand random operations by two windows; `make chaos` runs it."""

from __future__ import annotations

import pytest

from engine.orchestra import Orchestra
from tests.engine.workflows.editing.test_editing import exchange


@pytest.mark.parametrize("seed", range(10))
def test_two_windows_end_with_the_same_draft_and_nothing_is_lost(orchestra: Orchestra, seed: int) -> None:
    accepted = exchange(orchestra, seed, 1_000)
    assert accepted > 500
