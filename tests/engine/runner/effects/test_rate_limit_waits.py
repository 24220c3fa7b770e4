"""A service that names a time: the run waits for it without a thread, no attempt has failed, and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clients.errors import NotFound, RateLimited, ServiceError, Unavailable
from engine.base.clock import timestamp
from engine.compiler.definition.plan import Retry
from engine.orchestra import Orchestra
from engine.plugins.step import Repeat
from engine.record.types.step import Wait
from engine.runner.effects.rate_limit_waits import hold
from tests.engine.conftest import OWNER, Service, get_step, post_step, set_step, statuses, write_workflow
from tests.engine.runner.notes import AFTER, BEFORE, Bench, Try, World, gone
from tests.patience import PATIENCE_SECONDS, until

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Clock:
    """A clock that stands until it is told the time."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(root: Path, clock: Clock) -> Iterator[Orchestra]:
    opened = Orchestra(root, clock=clock)
    yield opened
    opened.close()


def _start(orchestra: Orchestra, root: Path, *steps: Any, **more: Any) -> Any:
    write_workflow(root, "work", list(steps), **more)
    return orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", {}), PATIENCE_SECONDS)


def _ended(orchestra: Orchestra, run_id: str, seconds: float = PATIENCE_SECONDS) -> Any:
    ends_at = time.monotonic() + seconds
    while not (document := orchestra.runs.get(OWNER, run_id))["ended_at"]:
        assert time.monotonic() < ends_at, document["status"]
        time.sleep(0.02)
    return document


@pytest.mark.parametrize("step", [pytest.param(get_step, id="a read"), pytest.param(post_step, id="a write")])
def test_a_run_waits_until_the_time_that_the_service_names_and_then_goes_on(
    timed: Orchestra, root: Path, clock: Clock, service: Service, step: Callable[..., Any]
) -> None:
    service.answers, service.headers = {"/w": [429, 403]}, {"retry-after": "3600", "x-ratelimit-remaining": "0"}
    document = _start(timed, root, step("w", service.url("/w"), retry={"attempts": 1}), set_step("after"))
    assert (document["status"], document["due_at"]) == ("waiting", timestamp(NOON + timedelta(hours=1)))
    (waiting,) = (one for one in document["steps"] if one["id"] == "w")
    assert (waiting["status"], waiting["attempts"]) == ("waiting", [])
    assert waiting["held"]["by"] == "The server"
    assert "429" in waiting["held"]["message"]
    assert service.seen["/w"] == 1
    clock.now = NOON + timedelta(hours=1)
    until(lambda: timed.runs.get(OWNER, document["run_id"])["due_at"] == timestamp(NOON + timedelta(hours=2)))
    clock.now = NOON + timedelta(hours=2)
    document = _ended(timed, document["run_id"])
    assert service.seen["/w"] == 3
    assert [one["error"] for one in document["steps"][0]["attempts"]] == [None]
    assert statuses(document) == {"w": "succeeded", "after": "succeeded"}


def test_the_wait_survives_the_end_of_the_process(root: Path, clock: Clock, service: Service) -> None:
    service.answers, service.headers = {"/w": [429]}, {"retry-after": "600"}
    first = Orchestra(root, clock=clock)
    run_id = _start(first, root, post_step("w", service.url("/w")))["run_id"]
    first.close()
    clock.now = NOON + timedelta(minutes=5)
    second = Orchestra(root, clock=clock)
    try:
        second.runs.resume_all(OWNER)
        time.sleep(0.3)
        assert (second.runs.get(OWNER, run_id)["status"], service.seen["/w"]) == ("waiting", 1)
        clock.now = NOON + timedelta(minutes=11)
        document = _ended(second, run_id)
        assert (document["status"], service.seen["/w"]) == ("succeeded", 2)
    finally:
        second.close()


def test_a_run_that_waits_for_a_service_can_be_cancelled(timed: Orchestra, root: Path, service: Service) -> None:
    service.answers, service.headers = {"/w": [429]}, {"retry-after": "600"}
    document = _start(timed, root, post_step("w", service.url("/w")))
    timed.runs.cancel(OWNER, document["run_id"])
    assert _ended(timed, document["run_id"])["status"] == "cancelled"
    assert service.seen["/w"] == 1


@pytest.mark.parametrize(
    ("headers", "more", "status"),
    [
        pytest.param({"retry-after": "600"}, {"timeout_seconds": 300}, "failed", id="after the workflow's time"),
        pytest.param({"retry-after": "600"}, {"timeout_seconds": 900}, "waiting", id="within the workflow's time"),
        pytest.param({"retry-after": "90000"}, {}, "failed", id="more than a day"),
        pytest.param({}, {}, "failed", id="no time"),
    ],
)
def test_what_comes_too_late_is_not_waited_for(
    timed: Orchestra, root: Path, service: Service, headers: dict[str, str], more: dict[str, Any], status: str
) -> None:
    service.answers, service.headers = {"/w": [429]}, headers
    document = _start(timed, root, get_step("w", service.url("/w"), retry={"attempts": 1}), **more)
    assert document["status"] == status
    if status == "failed":
        assert document["error"]["type"] == "RateLimited"


def test_the_time_of_the_workflow_ends_a_wait(timed: Orchestra, root: Path, clock: Clock, service: Service) -> None:
    service.answers, service.headers = {"/w": [429, 429]}, {"retry-after": "600"}
    document = _start(timed, root, get_step("w", service.url("/w")), timeout_seconds=1000)
    clock.now = NOON + timedelta(seconds=601)
    document = _ended(timed, document["run_id"])  # the second wish leads beyond the time
    assert (document["status"], document["error"]["type"], service.seen["/w"]) == ("failed", "RateLimited", 2)


def test_a_wait_is_no_attempt(timed: Orchestra, root: Path, clock: Clock, service: Service) -> None:
    service.answers, service.headers = {"/w": [429, 503, 503]}, {"retry-after": "600"}
    document = _start(timed, root, get_step("w", service.url("/w"), retry={"attempts": 2, "backoff_seconds": 0}))
    assert document["status"] == "waiting"
    service.headers = {}
    clock.now = NOON + timedelta(seconds=601)
    document = _ended(timed, document["run_id"])
    assert (document["status"], document["error"]["type"], service.seen["/w"]) == ("failed", "Unavailable", 3)
    assert len(document["steps"][0]["attempts"]) == 2


def limited(seconds: float | None = 60.0, status: int | None = 429) -> RateLimited:
    return RateLimited("Slow down.", service="github", retry_after_seconds=seconds, http_status=status)


def _earlier(asked: int, since: datetime = NOON) -> dict[str, Any]:
    return {"held": {"by": "GitHub", "message": "", "since": timestamp(since), "asked": asked}}


@pytest.mark.parametrize(
    ("error", "earlier", "seconds"),
    [
        pytest.param(limited(60), None, 60, id="the service's own time"),
        pytest.param(limited(3), _earlier(4), 32, id="it keeps asking"),
        pytest.param(limited(3), _earlier(99), 900, id="it asks for ever"),
        pytest.param(limited(3, status=None), _earlier(99), 3, id="our own pace"),
        pytest.param(limited(60), _earlier(1, NOON - timedelta(hours=24)), None, id="for a day already"),
        pytest.param(limited(60), {"approval": "x"}, 60, id="after another wait"),
        pytest.param(limited(1), None, None, id="only a moment"),
        pytest.param(limited(None), None, None, id="no time"),
        pytest.param(limited(float("inf")), None, None, id="never"),
        pytest.param(Unavailable("503", retry_after_seconds=60), None, None, id="another error"),
        pytest.param(Unavailable("no network"), {"awaits": {}}, 30, id="no network after days of waiting for mail"),
        pytest.param(Unavailable("no network"), {"awaits": {}, **_earlier(3)}, 240, id="no network for a while"),
        pytest.param(NotFound("gone"), {"awaits": {}}, None, id="a mail that is gone"),
    ],
)
def test_how_long_a_service_is_waited_for(error: ServiceError, earlier: Wait | None, seconds: float | None) -> None:
    found = hold(error, earlier, NOON, None)
    assert (found and found["due_at"]) == (None if seconds is None else timestamp(NOON + timedelta(seconds=seconds)))


# --- what the ledger knows meanwhile


def test_a_write_that_was_refused_leaves_no_open_intent(attempt: Try, world: World) -> None:
    world.faults = [(limited(), BEFORE)]

    async def test(on: Bench) -> None:
        job = on.job(repeat=Repeat.UNFINDABLE)
        with pytest.raises(RateLimited):
            await on.make(job)
        assert on.attempts == []
        assert (await on.entry(job)).state == "new"

    attempt(test)
    assert world.sent == 1


def test_a_write_in_doubt_stays_in_doubt_while_its_look_up_has_to_wait(attempt: Try, world: World) -> None:
    world.faults = [(gone(), AFTER)]
    world.look_faults = [limited()]

    async def test(on: Bench) -> None:
        with pytest.raises(RateLimited) as asked:
            await on.make(on.job())
        assert asked.value.outcome == "unknown"
        assert (await on.entry(on.job())).state == "intent"
        done = await on.make(on.job(failed_before=1))
        assert done.effect is not None
        assert done.effect["found"] is True

    attempt(test)
    assert (world.sent, len(world.notes)) == (1, 1)


def test_attempts_before_a_wait_are_not_forgotten(attempt: Try, world: World) -> None:
    world.faults = [(Unavailable("refused", outcome="not_done"), BEFORE)] * 2

    async def test(on: Bench) -> None:
        with pytest.raises(Unavailable):
            await on.make(on.job(failed_before=1, retry=Retry(attempts=2, backoff_seconds=0.0)))

    attempt(test)
    assert world.sent == 1
