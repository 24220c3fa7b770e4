"""The long form (`make assurance`): all two hundred bombs."""

from __future__ import annotations

import pytest

from assurance.bombs.bombs import bombs
from assurance.bombs.surviving import SEED, pytestmark, served, survive
from assurance.processes.test_served import Served

__all__ = ["pytestmark", "served"]


@pytest.mark.timeout(2400)
def test_all_bombs_take_neither_memory_nor_time_of_the_server(served: Served) -> None:
    every = bombs(SEED)
    assert len(every) == 200
    survive(served, every)
