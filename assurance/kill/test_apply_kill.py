"""Kills while a plan is applied, at named points and at any moment: each write is there once, as it was planned."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from assurance.kill.job import ONCE_A_RUN, ONCE_A_WRITE
from assurance.kill.judge import verdict
from assurance.kill.storm import Killed, Storm, storm

pytestmark = pytest.mark.slow

KILLS = 2
AT_ONCE = 2
_LONGEST_SECONDS = 1.5
"""About as long as an application takes: the check of the plan, then the run."""
POINTS = [(point, n) for point in ONCE_A_RUN for n in (1, 2)] + [(point, n) for point in ONCE_A_WRITE for n in (1, 4)]
"""The check of the plan is a run, too, and comes first. Of the writes, the first can be looked for, the last cannot."""
_CHANCE = random.Random(20261121)
_numbers = count(1)


@pytest.fixture(scope="module")
def applications(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    with storm(tmp_path_factory.mktemp("storm") / "workspace") as made, made.served():
        yield made


def killed_applications(place: Storm, kills: int) -> list[Killed]:
    """Kill so many applications at moments spread evenly over their time."""
    moments = [_CHANCE.uniform(0, _LONGEST_SECONDS) for _ in range(kills)]
    with ThreadPoolExecutor(AT_ONCE) as lanes:
        return list(
            lanes.map(lambda at: place.kill_application(next(_numbers), f"after {at * 1000:.0f} ms", at), moments)
        )


@pytest.mark.chaos
def test_an_application_killed_at_each_named_point_ends_as_planned(applications: Storm) -> None:
    def kill(point: tuple[str, int]) -> Killed:
        return applications.kill_application(next(_numbers), " ".join(map(str, point)), signal_at=(*point, "SIGKILL"))

    with ThreadPoolExecutor(AT_ONCE) as lanes:
        kills = list(lanes.map(kill, POINTS))
    assert verdict(applications, kills) == []
    assert sum(killed.asked for killed in kills) == 2  # about the post: sent or not, nobody else could tell


def test_an_application_killed_at_any_moment_ends_as_planned(applications: Storm) -> None:
    assert verdict(applications, killed_applications(applications, KILLS)) == []


@pytest.mark.control
def test_the_harness_finds_an_application_without_a_ledger(tmp_path: Path) -> None:
    with storm(tmp_path / "workspace") as place, place.served(wrong=["no look-up"]):
        point = ("after effect", 1)
        killed = place.kill_application(1, "after effect", signal_at=(*point, "SIGKILL"), wrong=["no look-up"])
        found = verdict(place, [killed])
    assert any("2 issues" in one for one in found), found
