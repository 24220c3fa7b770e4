"""Kills at any moment and at each named point: nothing is lost, nothing done is done again.

`make assurance` kills a thousand times, and at each point for each write (assurance/kill/chaos.py).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from assurance.kill.job import FEW_POINTS, POINTS
from assurance.kill.judge import verdict
from assurance.kill.storm import Killed, Storm, storm, summary
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

KILLS = 5
AT_ONCE = 3
_CHANCE = random.Random(20261120)
_numbers = count(1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storm]:
    with storm(tmp_path_factory.mktemp("storm") / "workspace") as made, made.served():
        yield made


def killed_at_any_moment(place: Storm, kills: int) -> list[Killed]:
    """Kill so many jobs before their end, at moments spread evenly over their time, several side by side.

    A job that was quicker than its kill is judged, too, and does not count.
    """
    with ThreadPoolExecutor(AT_ONCE) as lanes:
        undisturbed = sorted(lanes.map(lambda _: place.seconds_of_a_job(next(_numbers)), range(AT_ONCE)))
        seconds, found = undisturbed[len(undisturbed) // 2], list[Killed]()
        while missing := kills - sum(not killed.was_over for killed in found):
            moments = [_CHANCE.uniform(0, seconds) for _ in range(missing)]
            found += lanes.map(lambda moment: place.kill_after(next(_numbers), moment), moments)
        return found


def killed_at_named_points(place: Storm, points: Sequence[tuple[str, int]] = POINTS) -> list[Killed]:
    """Kill a job at each of some named points."""
    with ThreadPoolExecutor(AT_ONCE) as lanes:
        return list(lanes.map(lambda point: place.kill_at(next(_numbers), *point), points))


def judged(place: Storm, kills: list[Killed]) -> str:
    """Assert that nothing is wrong after kills; return their figures."""
    assert verdict(place, kills) == []
    assert (
        max(killed.adopted_seconds or 0 for killed in kills) < PATIENCE_SECONDS
    )  # a loaded machine; docs/reliability.md says more
    return summary(kills)


def test_killed_at_any_moment(place: Storm) -> None:
    print(judged(place, killed_at_any_moment(place, KILLS)))  # noqa: T201 - the figures, for `pytest -s`


def test_killed_at_each_named_point(place: Storm) -> None:
    kills = killed_at_named_points(place, FEW_POINTS)
    print(judged(place, kills))  # noqa: T201 - the figures, for `pytest -s`
    assert sum(killed.asked for killed in kills) == 2  # about the post: sent or not, nobody else could tell


@pytest.mark.control
@pytest.mark.parametrize(
    ("wrong", "point", "complaint"),
    [
        pytest.param("no intents", ("after effect", 4), "posts, a person was asked 0 times", id="no-intents"),
        pytest.param("no look-up", ("after effect", 1), "2 issues", id="no-look-up"),
        pytest.param("late events", ("before effect", 4), "more than one read was asked again", id="late-events"),
        pytest.param("no receipts", ("after record", 2), "receipts: ", id="no-receipts"),
    ],
)
def test_the_harness_finds_what_is_wrong_with_a_wrong_engine(
    tmp_path: Path, wrong: str, point: tuple[str, int], complaint: str
) -> None:
    with storm(tmp_path / "workspace") as place, place.served(wrong=[wrong]):
        killed = place.kill_at(1, *point, wrong=[wrong])
        found = verdict(place, [killed])
    assert any(complaint in one for one in found), found
