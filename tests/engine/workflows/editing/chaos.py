"""Ten thousand random operations by two windows; `make assurance` runs it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.engine.workflows.editing.test_editing import TEXT, exchange, opened


@pytest.mark.parametrize("seed", range(10))
def test_two_windows_end_with_the_same_draft_and_nothing_is_lost(tmp_path: Path, seed: int) -> None:
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "work.json").write_text(TEXT)
    with closing(opened(tmp_path)) as orchestra:
        accepted = exchange(orchestra, seed, 1_000)
    assert accepted > 500
