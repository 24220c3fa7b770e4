"""Servers die, and stand still, in the middle of a look: each new thing starts exactly one run all the same."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from assurance.kill.line_storm import LineStorm, line_storms
from tests.few import rare

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], LineStorm]]:
    """The workspace that all tests share."""
    with line_storms(tmp_path_factory.mktemp("lines") / "workspace") as new:
        yield new


_NUMBERS = count(1)


@pytest.fixture
def lines(made: Callable[[str], LineStorm]) -> Iterator[LineStorm]:
    """A file of its own, whose trigger is on; nobody serves."""
    one = made(f"lines-{next(_NUMBERS)}")
    one.begin()
    yield one
    one.end()


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(("before items", 1), id="before a look is stored"),
        rare(("after items", 1), id="after it"),
        pytest.param(("before release", 1), id="before a run gets its turn"),
        rare(("after release", 1), id="after that"),
    ],
)
def test_killed_at_the_worst_moments(lines: LineStorm, point: tuple[str, int]) -> None:
    lines.write(6)
    server = lines.served(signal_at=[*point, "SIGKILL"])
    while server.said():
        pass
    server.close()
    lines.write(2)
    lines.settle()
    assert lines.wrongs() == []


def test_killed_at_any_moment(lines: LineStorm) -> None:
    chance = random.Random(20261120)
    for _ in range(2):
        server = lines.served()
        for _ in range(3):
            lines.write(chance.choice((1, 2, 5)))
            time.sleep(chance.uniform(0.0, 0.5))
        lines.kill(server)
    lines.settle()
    assert lines.wrongs() == []


@pytest.mark.parametrize("takes_over", [pytest.param(True, id="runs taken over"), rare(False, id="only silent")])
def test_a_server_that_stood_still_in_a_look_stores_nothing_when_it_wakes_up(
    lines: LineStorm, takes_over: bool
) -> None:
    lines.write(4)
    server = lines.storm.fork("watch", workflow=lines.name, trigger="line", signal_at=["before items", 1, "SIGSTOP"])
    status = Path(f"/proc/{server.pid}/stat")
    ends_at = time.monotonic() + 60
    while status.read_text().rpartition(")")[2].split()[0] != "T":
        assert time.monotonic() < ends_at
        time.sleep(0.05)
    time.sleep(1.5)
    if takes_over:
        lines.storm.resume_all()
    poll = lines.storm.fork("poll")
    assert poll.said() == "go"
    assert [poll.said() for _ in range(4)] == ["succeeded"] * 4
    poll.close()
    server.signal(signal.SIGCONT)
    time.sleep(1.5)
    lines.kill(server)
    lines.settle()
    assert lines.wrongs() == []


def test_two_that_poll_at_once(lines: LineStorm) -> None:
    lines.write(20)
    jobs = [lines.storm.fork("poll") for _ in range(2)]
    for job in jobs:
        while job.said():
            pass
        job.close()
    lines.settle()
    assert lines.wrongs() == []


def test_a_poll_goes_on_with_what_one_before_it_had_let_go_when_it_was_killed(lines: LineStorm) -> None:
    lines.write(6)
    killed = lines.storm.fork("poll", signal_at=["after release", 1, "SIGKILL"])
    while killed.said():
        pass
    killed.close()
    assert lines.storm.query("SELECT count(*) FROM runs WHERE ended_at IS NULL") == [(6,)]
    lines.write(1)
    poll = lines.storm.fork("poll")
    assert poll.said() == "go"
    assert [poll.said() for _ in range(8)] == ["succeeded"] * 7 + [""]
    poll.close()
    assert lines.wrongs() == []


@pytest.mark.control
def test_runs_that_are_stored_apart_from_the_cursor_are_seen_to_be_lost(lines: LineStorm) -> None:
    lines.write(6)
    server = lines.served(wrong=["runs apart"], signal_at=["between", 1, "SIGKILL"])
    while server.said():
        pass
    server.close()
    lines.settle()
    assert [one for one in lines.wrongs() if one.startswith("lost")]


@pytest.mark.control
def test_without_the_seen_set_lines_are_seen_to_run_twice(lines: LineStorm) -> None:
    lines.write(6)
    lines.settle(wrong=["no seen set"])
    assert [one for one in lines.wrongs() if "runs:" in one]
