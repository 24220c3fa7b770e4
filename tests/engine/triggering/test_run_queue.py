"""Runs of triggers wait for their turns, as the workflow says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.orchestra import Orchestra
from engine.triggering.polling import polling_loop as polls
from tests.engine.conftest import OWNER, Service, get_step
from tests.engine.triggering.conftest import Feed
from tests.patience import until

HELD_SECONDS = 0.3


@pytest.fixture
def slow(feed: Feed, service: Service) -> Callable[..., Feed]:
    """The workflow with a step that takes its time."""
    service.seconds["/slow"] = HELD_SECONDS

    def made(**more: Any) -> Feed:
        feed.workflow([get_step("slow", service.url("/slow"))], **more)
        feed.on()
        return feed

    return made


def test_they_queue_and_go_one_by_one_the_oldest_first(slow: Callable[..., Feed], service: Service) -> None:
    feed = slow()
    feed.write("a", "b", "c")
    started = feed.poll().started
    runs = feed.ended(*started)
    assert service.most_at_once == 1
    assert [run["started_at"] for run in runs] == sorted(run["started_at"] for run in runs)
    assert [run["trigger"]["item"] for run in runs] == ["a", "b", "c"]


def test_so_many_go_at_once(slow: Callable[..., Feed], service: Service) -> None:
    feed = slow(concurrency={"parallel": 2})
    feed.write(*"abcde")
    feed.ended(*feed.poll().started)
    assert service.most_at_once == 2
    assert service.seen["/slow"] == 5


def test_what_comes_meanwhile_is_left_out_where_the_workflow_says_skip(slow: Callable[..., Feed]) -> None:
    feed = slow(concurrency="skip")
    feed.write("a", "b")
    first = feed.poll()
    assert (len(first.started), first.skipped) == (1, 1)
    feed.write("c")
    assert feed.poll().skipped == 1
    feed.ended(*first.started)
    feed.write("d")
    assert set(feed.starts()) == {"a"}
    feed.poll()
    assert set(feed.starts()) == {"a", "d"}


def test_what_is_open_is_cancelled_where_the_workflow_says_so(slow: Callable[..., Feed], service: Service) -> None:
    service.seconds["/slow"] = 5
    feed = slow(concurrency="cancel_previous")
    feed.write("a")
    [first] = feed.poll().started
    until(lambda: service.seen["/slow"] == 1)
    service.seconds["/slow"] = 0
    feed.write("b", "c")
    result = feed.poll()
    assert (len(result.started), result.skipped) == (1, 1)
    statuses = {run["trigger"]["item"]: run["status"] for run in feed.ended(first, *result.started)}
    assert statuses == {"a": "cancelled", "c": "succeeded"}


def test_a_run_that_waits_for_a_time_holds_up_nobody(feed: Feed) -> None:
    feed.workflow([{"id": "wait", "uses": "flow.wait", "with": {"seconds": 3600}}])
    feed.on()
    feed.write("a", "b")
    run_ids = feed.poll().started
    until(lambda: {feed.orchestra.runs.get(OWNER, one)["status"] for one in run_ids} == {"waiting"})
    assert (feed.status().queued, feed.status().running) == (0, 2)


def test_runs_with_an_open_question_are_counted(feed: Feed) -> None:
    feed.workflow([{"id": "ask", "uses": "flow.approve", "with": {"message": "Go?"}}])
    feed.on()
    feed.write("a", "b")
    run_ids = feed.poll().started
    until(lambda: {feed.orchestra.runs.get(OWNER, one)["status"] for one in run_ids} == {"waiting"})
    assert (feed.status().running, feed.status().asking) == (2, 2)
    feed.orchestra.approvals.approve(OWNER, feed.orchestra.approvals.list(OWNER)[0].id)
    until(lambda: feed.status().asking == 1)


def test_a_queued_run_can_be_cancelled_before_its_turn(slow: Callable[..., Feed], service: Service) -> None:
    service.seconds["/slow"] = 1
    feed = slow()
    feed.write("a", "b")
    first, second = feed.poll().started
    until(lambda: service.seen["/slow"] == 1)
    assert feed.status().queued == 1
    feed.orchestra.runs.cancel(OWNER, second)
    assert [run["status"] for run in feed.ended(second, first)] == ["cancelled", "succeeded"]
    assert service.seen["/slow"] == 1


def test_a_queued_run_that_a_person_resumes_goes_at_once(slow: Callable[..., Feed], service: Service) -> None:
    service.seconds["/slow"] = 1
    feed = slow()
    feed.write("a", "b")
    _, second = feed.poll().started
    until(lambda: service.seen["/slow"] == 1)
    feed.orchestra.runs.resume(OWNER, second)
    until(lambda: service.seen["/slow"] == 2)
    assert service.most_at_once == 2
    feed.ended()


def test_with_many_queued_nothing_new_is_looked_for(slow: Callable[..., Feed], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polls, "MOST_QUEUED", 2)
    feed = slow()
    feed.write(*"abcd")
    feed.poll()
    feed.write("e")
    assert feed.poll().found == 0
    assert "wait for their turn" in feed.status().note
    feed.ended()
    assert feed.poll().found == 1
    assert sum(feed.starts().values()) == 5


def test_runs_that_a_dead_process_left_in_line_go_in_turn_where_somebody_takes_them_over(
    slow: Callable[..., Feed], service: Service
) -> None:
    feed = slow()
    feed.write("a", "b", "c")
    feed.orchestra._families.triggers.triggering.turns.close()  # it dies before it lets any begin
    started = feed.poll().started
    feed.orchestra.close()
    feed.clock.now = datetime.now(UTC) + timedelta(seconds=1)
    feed.orchestra = Orchestra(feed.root, clock=feed.clock)
    assert sorted(feed.orchestra.runs.resume_all(OWNER)) == started
    assert {run["status"] for run in feed.ended(*started)} == {"succeeded"}
    assert service.most_at_once == 1
