"""Budgets hold across kill -9, restarts and processes that spend at the same time; the model counts over HTTP."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.engine.budgets.conftest import Desk, desk, loop
from tests.patience import PATIENCE_SECONDS, until

pytestmark = pytest.mark.slow
__all__ = ["desk"]

_ROOT = Path(__file__).parents[2]
AFTERWARDS = "counted afterwards"


@pytest.fixture
def spenders(desk: Desk) -> Iterator[list[subprocess.Popen[str]]]:
    """The processes of a test, which end with it."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for one in started:
        with suppress(ProcessLookupError):
            one.kill()
        one.communicate(timeout=PATIENCE_SECONDS)


def spender(desk: Desk, spenders: list[subprocess.Popen[str]], runs: int, *wrong: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.engine.budgets.spender", str(desk.root), str(runs), *wrong]
    one = subprocess.Popen(command, cwd=_ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    spenders.append(one)
    assert one.stdout is not None
    assert one.stdout.readline() == "ready\n"
    return one


def go(*spenders: subprocess.Popen[str]) -> None:
    for one in spenders:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()


def statuses(one: subprocess.Popen[str]) -> list[str]:
    assert one.stdout is not None
    return one.stdout.read().split()


def slow(desk: Desk, seconds: float) -> None:
    """Let each answer take a while, after it has been made."""
    desk.standins.faults("openai", match="POST /v1/chat/completions", until_seconds=300, delay_seconds=seconds)


def eight_runs_in_two_processes(desk: Desk, spenders: list[subprocess.Popen[str]], *wrong: str) -> list[str]:
    desk.config(budgets={"day": {"calls": 20}, "month": {"usd": 50}}, limits={"calls_at_once": 16})
    desk.workflow([loop(10, parallel=4)])
    slow(desk, 0.2)
    two = [spender(desk, spenders, 4, *wrong) for _ in range(2)]
    go(*two)
    return [status for one in two for status in statuses(one)]


def test_eight_runs_in_two_processes_never_exceed_a_budget_together(
    desk: Desk, spenders: list[subprocess.Popen[str]]
) -> None:
    assert set(eight_runs_in_two_processes(desk, spenders)) <= {"waiting", "succeeded"}
    assert desk.asked == 20


@pytest.mark.control
def test_the_proof_finds_calls_that_count_only_afterwards(desk: Desk, spenders: list[subprocess.Popen[str]]) -> None:
    eight_runs_in_two_processes(desk, spenders, AFTERWARDS)
    assert desk.asked > 21


def _was_asked(desk: Desk, times: int) -> bool:
    return desk.asked >= times


def killed_twice(desk: Desk, spenders: list[subprocess.Popen[str]], *wrong: str) -> list[str]:
    desk.config(budgets={"day": {"calls": 20}})
    desk.workflow([loop(60, parallel=4)])
    slow(desk, 0.3)
    for runs, asked in ((1, 6), (0, 12)):
        one = spender(desk, spenders, runs, *wrong)
        go(one)
        until(partial(_was_asked, desk, asked))
        one.kill()
        one.wait(PATIENCE_SECONDS)
    last = spender(desk, spenders, 0, *wrong)
    go(last)
    return statuses(last)


@pytest.mark.chaos
def test_a_budget_holds_across_kills_and_restarts(desk: Desk, spenders: list[subprocess.Popen[str]]) -> None:
    assert killed_twice(desk, spenders) == ["waiting"]
    assert 12 <= desk.asked <= 21
    with closing(Orchestra.open(desk.root)) as orchestra:
        overview = orchestra.budgets.overview(spender_owner())
    assert overview.day.calls == 20, "what was reserved by the killed processes stays counted"
    assert overview.day.calls >= desk.asked - 1
    assert overview.budgets[0].state == "used_up"


@pytest.mark.control
def test_the_proof_finds_calls_of_killed_processes_that_do_not_count(
    desk: Desk, spenders: list[subprocess.Popen[str]]
) -> None:
    killed_twice(desk, spenders, AFTERWARDS)
    assert desk.asked > 21


def spender_owner() -> Principal:
    return Principal("tester", "owner")
