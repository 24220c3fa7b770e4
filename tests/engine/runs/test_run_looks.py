"""Looks at runs that many watch: they show what the document shows, and one reading serves all."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from engine.base.errors import UnknownName
from engine.orchestra import Orchestra
from engine.runs.run_looks import RunLook
from engine.store.sql.runs import SqlRuns
from tests.engine.conftest import OWNER, Service, get_step, write_workflow
from tests.patience import PATIENCE_SECONDS, until

_OVER = ("succeeded", "failed", "cancelled")


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Who reads a run, and from which event on."""
    found: list[int] = []
    really = SqlRuns.with_events_from

    def counted(self: SqlRuns, run_id: str, number: int) -> Any:
        found.append(number)
        return really(self, run_id, number)

    monkeypatch.setattr(SqlRuns, "with_events_from", counted)
    return found


@pytest.fixture
def started(root: Path, service: Service, orchestra: Orchestra) -> Callable[[], str]:
    """Start a run of a loop whose items take a while, one of which fails."""
    service.seconds = {f"/{number}": 0.03 for number in range(20)}
    service.answers = {"/7": [404], "/last": [404]}
    step = get_step("get", f"{service.url('/')}{{{{ item }}}}")
    steps: list[dict[str, Any]] = [
        {"id": "numbers", "uses": "flow.set", "with": {"values": {"all": list(range(20))}}},
        {"id": "each", "foreach": "{{ steps.numbers.output.all }}", "on_error": "continue", "steps": [step]},
        get_step("last", service.url("/last")),
    ]
    write_workflow(root, "work", steps)
    return lambda: orchestra.runs.start(OWNER, "work", {})


def test_a_look_shows_what_the_document_shows_at_every_moment(orchestra: Orchestra, started: Callable[[], str]) -> None:
    run_id, compared = started(), 0
    while True:
        look = orchestra.runs.look(OWNER, run_id)
        run = orchestra.runs.get(OWNER, run_id)
        if orchestra.runs.look(OWNER, run_id) is look:  # nothing has happened between
            assert look.run == run
            compared += 1
            if run["status"] in _OVER:
                break
    assert compared > 5


def test_what_was_seen_does_not_change_any_more(orchestra: Orchestra, started: Callable[[], str]) -> None:
    run_id = started()
    seen: list[tuple[RunLook, str]] = []
    while not seen or seen[-1][0].run["status"] not in _OVER:
        look = orchestra.runs.look(OWNER, run_id)
        seen.append((look, json.dumps(look.run)))
    assert len({id(look) for look, _ in seen}) > 5
    assert all(json.dumps(look.run) == text for look, text in seen)


def test_ten_who_look_at_once_cause_one_reading(
    orchestra: Orchestra, started: Callable[[], str], readings: list[int]
) -> None:
    run_id, begin = started(), threading.Barrier(10)

    def looked() -> Any:
        begin.wait()
        return orchestra.runs.look(OWNER, run_id, 60.0)

    with ThreadPoolExecutor(10) as pool:
        looks = [one.result() for one in [pool.submit(looked) for _ in range(10)]]
    assert readings == [0]
    assert len({id(look) for look in looks}) == 1


def test_what_is_made_of_a_look_is_made_once(orchestra: Orchestra, started: Callable[[], str]) -> None:
    look, made = orchestra.runs.look(OWNER, started()), []
    with ThreadPoolExecutor(10) as pool:
        for _ in range(10):
            pool.submit(look.once, "board", lambda: made.append(1))
    assert made == [1]


def test_a_later_look_reads_only_what_is_new(
    orchestra: Orchestra, started: Callable[[], str], readings: list[int]
) -> None:
    run_id = started()
    until(lambda: orchestra.runs.look(OWNER, run_id).run["counts"]["steps"] > 5)
    readings.clear()
    orchestra.runs.look(OWNER, run_id)
    assert readings[0] > 5


def test_a_run_that_is_opened_again_is_seen_as_it_is_now(orchestra: Orchestra, started: Callable[[], str]) -> None:
    run_id = started()
    orchestra.runs.look(OWNER, run_id)
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "failed"
    orchestra.runs.resume(OWNER, run_id)
    until(lambda: "resumed" in orchestra.runs.look(OWNER, run_id).run)
    orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert orchestra.runs.look(OWNER, run_id).run == orchestra.runs.get(OWNER, run_id)


def test_a_run_that_is_cancelled_is_seen_so_at_once(orchestra: Orchestra, started: Callable[[], str]) -> None:
    run_id = started()
    orchestra.runs.look(OWNER, run_id)
    orchestra.runs.cancel(OWNER, run_id)
    run = orchestra.runs.look(OWNER, run_id).run
    assert run["status"] == "cancelled" or run["cancel_requested"]


def test_a_run_that_is_not_there_is_told(orchestra: Orchestra) -> None:
    with pytest.raises(UnknownName):
        orchestra.runs.look(OWNER, "20260101T000000Z-00000000")


def test_a_run_that_takes_long_to_look_at_is_looked_at_less_often(
    orchestra: Orchestra, started: Callable[[], str], readings: list[int]
) -> None:
    run_id = started()
    look = orchestra.runs.look(OWNER, run_id, 0.001)
    look.once("a large table", lambda: _work(0.1))
    for _ in range(50):
        assert orchestra.runs.look(OWNER, run_id, 0.001) is look
    assert len(readings) == 1
    orchestra.runs.look(OWNER, run_id)  # who has just done something sees it
    assert len(readings) == 2


def _work(seconds: float) -> None:
    ends_at = time.thread_time() + seconds
    while time.thread_time() < ends_at:
        pass
