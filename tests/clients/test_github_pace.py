"""The pace of writes to GitHub: its published limits are kept, across processes, and nobody waits long in a thread."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from pydantic import SecretStr

from clients.errors import RateLimited
from clients.github.client import GitHubClient
from clients.github.pace import MOMENT_SECONDS, Pace, free_at, is_paced
from clients.github.service import GitHubSettings
from clients.pacing.paces import FilePaces, OwnPaces

if TYPE_CHECKING:
    from tests.conftest import StandIns

REPOSITORY = "acme/app"


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.now += seconds


def pace(clock: Clock, file: Path | None = None, token: str = "one") -> Pace:
    return Pace(OwnPaces() if file is None else FilePaces(file), token, clock, clock.sleep)


def written_until(pacer: Pace, clock: Clock, seconds: float) -> list[float]:
    """Write as fast as the pacer allows, coming again when it says; return when each write went."""
    start, went = clock.now, []
    while clock.now - start < seconds:
        try:
            pacer.before("POST")
        except RateLimited as later:
            clock.now += later.retry_after_seconds or 0.0
        else:
            went.append(clock.now)
    return went


@pytest.mark.slow
def test_the_published_limits_are_kept_in_every_window_of_two_hours() -> None:
    clock = Clock()
    went = written_until(pace(clock), clock, 7200.0)
    assert min(later - one for one, later in itertools.pairwise(went)) >= 0.999
    for seconds, most in ((60.0, 80), (3600.0, 500)):
        assert all(sum(one <= at < one + seconds - 0.001 for at in went) <= most for one in went), (seconds, most)
    assert len(went) >= 900  # and it is no slower than that
    assert max(clock.slept) <= MOMENT_SECONDS


@pytest.mark.parametrize(
    ("written_at", "expected"),
    [
        pytest.param([], 100.0, id="nothing yet"),
        pytest.param([90.0], 100.0, id="long ago"),
        pytest.param([99.5], 100.5, id="just now"),
        pytest.param([100.0, 101.0], 102.0, id="others wait already"),
        pytest.param([*(41.0 + n / 2 for n in range(80))], 101.0, id="80 in a minute"),
        pytest.param([*(-3480.0 + n for n in range(500))], 120.0, id="500 in an hour"),
    ],
)
def test_the_first_free_moment(written_at: list[float], expected: float) -> None:
    assert free_at(written_at, 100.0) == expected


def test_those_who_are_sent_away_come_back_one_after_the_other() -> None:
    clock = Clock()
    pacer = pace(clock)
    for _ in range(3):
        pacer.before("PATCH")
    clock.now -= 2.0  # all at once
    told = []
    assert clock.slept == [1.0, 1.0]
    for _ in range(3):
        with pytest.raises(RateLimited) as later:
            pacer.before("POST")
        told.append(later.value.retry_after_seconds)
        assert later.value.outcome == "not_done"
    assert told == [3.0, 4.0, 5.0]


def test_reads_need_no_turn_and_two_accounts_do_not_wait_for_each_other(tmp_path: Path) -> None:
    clock = Clock()
    first, second = pace(clock, tmp_path / "pace.db"), pace(clock, tmp_path / "pace.db", "two")
    first.before("POST")
    second.before("POST")
    for _ in range(100):
        first.before("GET")
    assert clock.slept == []


def test_after_a_refusal_nothing_is_sent_before_the_time_not_even_by_another_process(tmp_path: Path) -> None:
    clock = Clock()
    first, second = (pace(clock, tmp_path / "pace.db") for _ in range(2))
    first.after(RateLimited("Slow down", retry_after_seconds=600), "")
    for pacer, method in ((first, "GET"), (first, "POST"), (second, "POST"), (second, "GET")):
        with pytest.raises(RateLimited) as later:
            pacer.before(method)
        assert later.value.retry_after_seconds == 600
    clock.now += 601
    for pacer in (first, second):
        pacer.before("GET")
        pacer.before("POST")


def test_the_limit_of_the_search_stops_nothing_else() -> None:
    clock = Clock()
    pacer = pace(clock)
    pacer.after(RateLimited("Slow down", retry_after_seconds=600), "search")
    for method in ("GET", "POST"):
        pacer.before(method)
    assert clock.slept == []
    pacer.after(RateLimited("Slow down", retry_after_seconds=600), "core")
    for method in ("GET", "POST"):
        with pytest.raises(RateLimited):
            pacer.before(method)


def test_a_clock_that_was_put_back_stops_nothing(tmp_path: Path) -> None:
    clock = Clock()
    pace(clock, tmp_path / "pace.db").before("POST")
    clock.now -= 10_000
    pace(clock, tmp_path / "pace.db").before("POST")
    assert clock.slept == []


def test_a_place_that_cannot_be_written_to_counts_for_this_process(tmp_path: Path) -> None:
    clock = Clock()
    pacer = pace(clock, tmp_path / "no such folder" / "pace.db")
    for _ in range(3):
        pacer.before("POST")
    assert clock.slept == [1.0, 1.0]


CHILD = """
import sys, time
from pathlib import Path
from clients.errors import RateLimited
from clients.github.pace import Pace
from clients.pacing.paces import FilePaces
pace, went = Pace(FilePaces(Path(sys.argv[1])), "one"), 0
while went < 2:
    try:
        pace.before("POST")
    except RateLimited as later:
        time.sleep(later.retry_after_seconds)
    else:
        went += 1
        print(time.time(), flush=True)
"""


@pytest.mark.slow
def test_processes_share_one_pace(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CHILD, str(tmp_path / "pace.db")]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    went = sorted(float(line) for child in children for line in child.communicate(timeout=60)[0].split())
    assert len(went) == 4
    assert went[-1] - went[0] >= 2.5  # four turns a second apart; each may be told a little late


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param("https://api.github.com", True, id="github.com"),
        pytest.param("https://api.acme.ghe.com", True, id="hosted for one company"),
        pytest.param("https://github.acme.example/api/v3", False, id="a server of one's own"),
        pytest.param("http://127.0.0.1:4000", False, id="the stand-in"),
        pytest.param("https://api.github.com.example.com", False, id="another's name"),
    ],
)
def test_only_github_itself_is_paced_unless_told(address: str, expected: bool) -> None:
    assert is_paced(address) is expected


def client(standins: StandIns, http: httpx.Client) -> GitHubClient:
    endpoint = standins["github"]
    settings = GitHubSettings(token=SecretStr(endpoint.token), base_url=endpoint.base_url, paced=True)
    return GitHubClient(settings, http)


def test_a_paced_client_writes_a_second_apart_from_all_its_threads(standins: StandIns, http: httpx.Client) -> None:
    github = client(standins, http)
    began = time.monotonic()
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda n: github.comment(REPOSITORY, n, "x"), (2, 3)))
    assert time.monotonic() - began >= 1.0


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        pytest.param({"status": 403, "retry_after": 300}, 300, id="with a time"),
        pytest.param(
            {"status": 403, "body": '{"message": "You have exceeded a secondary rate limit."}'}, 60, id="none"
        ),
    ],
)
def test_after_a_secondary_limit_no_request_leaves_before_its_time(
    standins: StandIns, http: httpx.Client, fault: dict[str, object], seconds: float
) -> None:
    github = client(standins, http)
    standins.faults("github", **fault)
    before = sum(standins.requests("github").values())
    for _ in range(3):
        with pytest.raises(RateLimited) as later:
            github.get_issue(REPOSITORY, 2)
        assert later.value.retry_after_seconds == pytest.approx(seconds, abs=30)
    assert sum(standins.requests("github").values()) == before + 1
