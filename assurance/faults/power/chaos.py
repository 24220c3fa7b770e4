"""The long form (`make assurance`): every session, 36 states of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from assurance.faults.power.sessions import SESSIONS
from assurance.faults.power.storm import recorded
from assurance.faults.power.test_power import Place, folder, needs_strace, quick
from assurance.semantics.service import scripted_service

__all__ = ["folder", "quick"]
pytestmark = [needs_strace, pytest.mark.slow]

_STATES = 36
_IN_ALL = 2000


@pytest.fixture(scope="module")
def everything(folder: Path) -> Iterator[Place]:
    """Every session, recorded in one process."""
    with scripted_service() as service:
        yield Place(recorded(list(SESSIONS), folder, service), service, folder / "lives")


@pytest.fixture(scope="module")
def counted() -> Iterator[Counter[str]]:
    """How many states of each session were lived through; all are wanted where all sessions are."""
    counts: Counter[str] = Counter()
    yield counts
    print(f"{counts.total()} states of {len(counts)} sessions")  # noqa: T201 - the figures, for `pytest -s`
    assert len(counts) < len(SESSIONS) or counts.total() >= _IN_ALL


@pytest.mark.parametrize("name", SESSIONS)
def test_the_power_goes_in(name: str, everything: Place, counted: Counter[str]) -> None:
    counted[name], wrongs = everything.wrongs(name, _STATES)
    assert not wrongs, "\n".join(wrongs[:10])
