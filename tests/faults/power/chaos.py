"""The long form (`make chaos`): every session, 45 states of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.power.sessions import SESSIONS
from tests.faults.power.storm import lived_through, recorded
from tests.faults.test_power import folder, needs_strace, quick
from tests.semantics.service import scripted_service

__all__ = ["folder", "quick"]

_STATES = 45
_IN_ALL = 2000


@needs_strace
@pytest.mark.slow
def test_the_power_goes_in_every_session(folder: Path) -> None:
    with scripted_service() as service:
        found = recorded(list(SESSIONS), folder, service)
        lived = list(lived_through(found.values(), _STATES, folder / "lives", service))
    count, wrongs = len(lived), [one for _, _, wrongs in lived for one in wrongs]
    print(f"{count} states of {len(found)} sessions, {len(wrongs)} wrong")  # noqa: T201 - the figures, for `pytest -s`
    assert wrongs == []
    assert count >= _IN_ALL
