"""Time limits of steps, groups, loops and workflows: wall time from the recorded start, through waits and restarts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.base.clock import timestamp
from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER, Run, Service, get_step, set_step, statuses, write_workflow
from tests.patience import PATIENCE_SECONDS

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


def wait_step(step_id: str, seconds: float, **more: Any) -> dict[str, Any]:
    return {"id": step_id, "uses": "flow.wait", "with": {"seconds": seconds}, **more}


def group(*steps: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "group", "steps": list(steps), **more}


@dataclass
class Days:
    """An engine whose clock stands still until it is moved."""

    root: Path
    now: datetime = START
    engines: list[Orchestra] = field(default_factory=list)

    def clock(self) -> datetime:
        """The present moment."""
        return self.now

    def open(self) -> Orchestra:
        """Open the engine, instead of the one that was open."""
        self.close()
        self.engines.append(Orchestra(self.root, clock=self.clock))
        self.engines[-1].runs.resume_all(OWNER)
        return self.engines[-1]

    def close(self) -> None:
        """End the process of the engine, as it were."""
        while self.engines:
            self.engines.pop().close()

    def start(self, steps: list[Mapping[str, Any]], **more: Any) -> str:
        """Start a run and wait until it is put away."""
        write_workflow(self.root, "work", steps, **more)
        run_id = self.open().runs.start(OWNER, "work", {})
        self.engines[-1].runs.wait(OWNER, run_id, PATIENCE_SECONDS)
        return run_id

    def after(self, seconds: float) -> None:
        """Move the clock to so many seconds after the start."""
        self.now = START + timedelta(seconds=seconds)

    def until(self, run_id: str, is_so: Callable[[Mapping[str, Any]], bool]) -> Any:
        """Return the run as soon as something is true of it."""
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while not is_so(run := self.engines[-1].runs.get(OWNER, run_id)):
            assert time.monotonic() < ends_at, f"it did not happen: {run['status']}, {statuses(run)}"
            time.sleep(0.02)
        return run

    def ended(self, run_id: str) -> Any:
        """Return the run when it has ended."""
        return self.until(run_id, lambda run: run["status"] in ("succeeded", "failed"))


@pytest.fixture
def days(root: Path) -> Iterator[Days]:
    made = Days(root)
    yield made
    made.close()


LIMITED = [
    pytest.param([group(wait_step("w", 3600), timeout_seconds=60), set_step("z")], {}, "Step 'group'", id="group"),
    pytest.param(
        [wait_step("w", 3600, foreach="{{ [1] }}", timeout_seconds=60), set_step("z")], {}, "Step 'w'", id="loop"
    ),
    pytest.param([wait_step("w", 3600), set_step("z")], {"timeout_seconds": 60}, "The workflow", id="workflow"),
    pytest.param([wait_step("w", 3600, timeout_seconds=60), set_step("z")], {}, "Step 'w'", id="step"),
    pytest.param(
        [group(wait_step("w", 3600), timeout_seconds=900)], {"timeout_seconds": 60}, "The workflow", id="nested"
    ),
]


@pytest.mark.parametrize(("steps", "more", "what"), LIMITED)
def test_a_wait_ends_with_the_time_limit_around_it(
    days: Days, steps: list[Mapping[str, Any]], more: dict[str, Any], what: str
) -> None:
    run_id = days.start(steps, **more)
    waiting = days.engines[-1].runs.get(OWNER, run_id)
    assert (waiting["status"], waiting["due_at"]) == ("waiting", timestamp(START + timedelta(seconds=60)))
    days.after(60)
    run = days.ended(run_id)
    assert (run["status"], run["error"]["type"]) == ("failed", "StepTimeout")
    assert run["error"]["message"] == f"{what} took longer than 60 s."
    assert (run["error"]["step"] is None) is (what == "The workflow")
    assert "z" not in statuses(run)


@pytest.mark.parametrize(("steps", "more", "what"), LIMITED)
def test_a_restart_does_not_start_the_time_anew(
    days: Days, steps: list[Mapping[str, Any]], more: dict[str, Any], what: str
) -> None:
    run_id = days.start(steps, **more)
    for seconds in (25, 50):
        days.close()
        days.after(seconds)
        days.open()
        assert days.engines[-1].runs.wait(OWNER, run_id, PATIENCE_SECONDS)["due_at"] == timestamp(
            START + timedelta(seconds=60)
        )
    days.close()
    days.after(70)
    days.open()
    assert days.ended(run_id)["error"]["message"] == f"{what} took longer than 60 s."


def test_the_time_of_all_waits_counts_together(days: Days) -> None:
    run_id = days.start([group(wait_step("a", 40), wait_step("b", 40), timeout_seconds=60)])
    days.after(40)
    second = days.until(run_id, lambda run: run["status"] == "waiting" and statuses(run).get("group.b") == "waiting")
    assert second["due_at"] == timestamp(START + timedelta(seconds=60))
    days.after(61)
    run = days.ended(run_id)
    assert run["error"]["type"] == "StepTimeout"
    assert statuses(run)["group.a"] == "succeeded"


@pytest.mark.parametrize(("steps", "more", "what"), LIMITED)
def test_a_person_who_resumes_starts_the_time_anew(
    days: Days, steps: list[Mapping[str, Any]], more: dict[str, Any], what: str
) -> None:
    run_id = days.start(steps, **more)
    days.after(61)
    days.ended(run_id)
    days.after(1000)
    days.engines[-1].runs.resume(OWNER, run_id)
    waiting = days.engines[-1].runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    assert (waiting["status"], waiting["due_at"]) == ("waiting", timestamp(START + timedelta(seconds=1060)))
    days.after(1061)
    assert days.ended(run_id)["error"]["message"] == f"{what} took longer than 60 s."


def test_a_wait_that_is_due_in_time_is_not_touched(days: Days) -> None:
    steps: list[Mapping[str, Any]] = [group(wait_step("w", 50, timeout_seconds=55), timeout_seconds=60), set_step("z")]
    run_id = days.start(steps, timeout_seconds=90)
    days.after(50)
    assert days.ended(run_id)["status"] == "succeeded"


def test_what_was_done_in_time_stays_done(days: Days) -> None:
    """A group that is finished is walked through again for its output; its time is over then, and does not matter."""
    run_id = days.start([group(set_step("a"), timeout_seconds=60), wait_step("w", 3600), set_step("z")])
    days.after(3600)
    run = days.ended(run_id)
    assert (run["status"], statuses(run)["z"]) == ("succeeded", "succeeded")


@pytest.mark.parametrize("handling", ["continue", {"steps": [set_step("plan_b")]}], ids=["continue", "fallback"])
@pytest.mark.parametrize("what", ["group", "step"])
def test_a_time_limit_is_an_error_like_any_other(days: Days, handling: Any, what: str) -> None:
    limits = {"timeout_seconds": 60, "on_error": handling}
    limited = group(wait_step("w", 3600), **limits) if what == "group" else wait_step("w", 3600, **limits)
    run_id = days.start([limited, set_step("z")])
    days.after(61)
    run = days.ended(run_id)
    assert (run["status"], statuses(run)["z"]) == ("succeeded", "succeeded")
    assert statuses(run)[limited["id"]] == ("failed" if handling == "continue" else "succeeded")


def test_a_wait_that_took_too_long_is_a_failed_attempt(days: Days) -> None:
    run_id = days.start([wait_step("w", 3600, timeout_seconds=60)])
    days.after(61)
    step = days.ended(run_id)["steps"][0]
    assert [attempt["error"]["type"] for attempt in step["attempts"]] == ["StepTimeout"]
    assert step["error"]["outcome"] == "not_done"


@pytest.mark.parametrize(
    ("steps", "more"),
    [
        pytest.param([group(wait_step("w", 30), timeout_seconds=0.3)], {}, id="group"),
        pytest.param([wait_step("w", 30)], {"timeout_seconds": 0.3}, id="workflow"),
        pytest.param([wait_step("w", 30, timeout_seconds=0.3)], {}, id="step"),
    ],
)
def test_a_short_limit_needs_no_second_start(run: Run, steps: list[Mapping[str, Any]], more: dict[str, Any]) -> None:
    document = run(steps, **more)
    assert (document["status"], document["error"]["type"]) == ("failed", "StepTimeout")


def test_an_expired_group_starts_nothing_more(days: Days, service: Service) -> None:
    slow = get_step("r", service.url("/r"))
    run_id = days.start([group(wait_step("w", 59), slow, timeout_seconds=60)])
    days.close()
    days.after(61)
    days.open()
    assert days.ended(run_id)["error"]["type"] == "StepTimeout"
    assert service.seen["/r"] == 0


def test_the_time_in_which_a_read_stands_in_line_does_not_count(root: Path, service: Service) -> None:
    """A model that answers one question at a time is asked by all items of a loop at once."""
    with (root / "config.yaml").open("a") as config:
        config.write("limits: {calls_at_once: 1}\n")
    service.seconds = {"/slow": 0.5}
    read = {**get_step("r", service.url("/slow")), "timeout_seconds": 1, "retry": {"attempts": 1}}
    write_workflow(root, "work", [{"id": "each", "foreach": "{{ [1,2,3,4,5,6,7] }}", "parallel": 7, "steps": [read]}])
    with closing(Orchestra.open(root)) as orchestra:
        run = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "work", {}), PATIENCE_SECONDS)
    assert run["status"] == "succeeded", run["error"]
    assert service.seen["/slow"] == 7
