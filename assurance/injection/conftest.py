"""The world of the injection tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from assurance.injection import world as worlds
from assurance.injection.world import World

if TYPE_CHECKING:
    from tests.conftest import StandIns


@pytest.fixture
def world(tmp_path: Path, standins: StandIns) -> Iterator[World]:
    """A workspace on the stand-ins, with an obedient model."""
    with worlds.world(tmp_path / "workspace", standins) as found:
        yield found
