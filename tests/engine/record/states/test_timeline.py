"""The timeline of a run that waited, failed and was resumed: its times, its idle stretches, and very long runs."""

from __future__ import annotations

from typing import Any, cast

from engine.base.statuses import RunStatus, StepStatus
from engine.record.document import document
from engine.record.events import (
    AttemptFailed,
    Event,
    LoopStarted,
    RunEnded,
    RunResumed,
    RunStarted,
    StepFinished,
    StepStarted,
    StepWaiting,
)
from engine.record.states.run_state import RunState, changed, state_of
from engine.record.states.timeline import MOST_FRAMES, timeline
from engine.record.types.run import Run
from engine.record.types.step import Failure

USED = {"input_tokens": 100, "output_tokens": 20, "cost_usd": 0.01}


def at(clock: str) -> str:
    """A time of one day, such as 10:00:01."""
    return f"2026-11-20T{clock}.000Z"


def run_of(*events: Event) -> Run:
    """The document after these events."""
    accepted: Any = {
        "run_id": "20261120T100000Z-aaaaaaaa", "workflow": "work", "workflow_hash": "", "demo": True,
        "started_by": "ann", "origin_run_id": None, "parent_run_id": None, "queued_at": at("10:00:00"),
        "inputs": {}, "definition": {"workflow": {}}, "accounts": {},
    }  # fmt: skip
    return document(accepted, events)


def failure(message: str) -> Failure:
    """An error of a service."""
    return cast("Failure", {"type": "Unavailable", "message": message})


WAITED = run_of(
    RunStarted(at("10:00:01")),
    StepStarted(at("10:00:01"), "sort", started_at=at("10:00:01"), uses="llm.chat"),
    StepFinished(at("10:00:04"), "sort", StepStatus.SUCCEEDED, output={}, usage=cast("Any", USED)),
    StepWaiting(at("10:00:04"), "ask", started_at=at("10:00:04"), uses="flow.approve", approval="abc"),
    RunResumed(at("12:10:04"), by="engine"),
    StepFinished(at("12:10:05"), "ask", StepStatus.SUCCEEDED, output={}),
    StepStarted(at("12:10:05"), "send", started_at=at("12:10:05"), uses="gmail.send_message"),
    AttemptFailed(at("12:10:06"), "send", at("12:10:05"), at("12:10:06"), failure("busy")),
    StepFinished(at("12:10:06"), "send", StepStatus.FAILED, error=failure("busy")),
    RunResumed(at("15:00:00"), by="ann"),
    StepStarted(at("15:00:00"), "send", started_at=at("15:00:00"), uses="gmail.send_message"),
    StepFinished(at("15:00:02"), "send", StepStatus.SUCCEEDED, output={}, attempt_at=at("15:00:00")),
    RunEnded(at("15:00:02"), RunStatus.SUCCEEDED, outputs={}),
)


def state_at(run: Run, time: str) -> RunState:
    """The state of a run at a time, as the slider of its timeline shows it."""
    line = timeline(run)
    state = line["first"]
    for frame in line["frames"]:
        if frame["at"] <= time:
            state = changed(state, frame["change"])
    return state


def test_a_run_is_seen_as_it_was_at_each_time() -> None:
    def then(clock: str) -> tuple[str, dict[str, str]]:
        state = state_at(WAITED, at(clock))
        return state["status"], {path: one["status"] for path, one in state["steps"].items()}

    assert then("09:00:00") == ("queued", {})
    assert then("10:00:00") == ("queued", {})
    assert then("10:00:02") == ("running", {"sort": "running"})
    assert then("11:00:00") == ("waiting", {"sort": "succeeded", "ask": "waiting"})
    assert then("12:10:05") == ("running", {"sort": "succeeded", "ask": "succeeded", "send": "running"})
    assert then("13:00:00")[1]["send"] == "failed"
    assert then("15:00:01")[1]["send"] == "running"
    assert then("23:00:00") == ("succeeded", {"sort": "succeeded", "ask": "succeeded", "send": "succeeded"})
    assert state_at(WAITED, at("10:00:02"))["usage"]["input_tokens"] == 0
    assert state_at(WAITED, at("10:00:04"))["usage"] == USED
    assert state_at(WAITED, at("13:00:00"))["steps"]["send"]["attempts"] == 1


def test_stretches_without_work_are_named_and_work_is_none() -> None:
    assert timeline(WAITED)["idle"] == [
        {"since": at("10:00:00"), "until": at("10:00:01"), "seconds": 1.0, "status": "queued", "resumed_by": None},
        {"since": at("10:00:04"), "until": at("12:10:05"), "seconds": 7801.0, "status": "waiting", "resumed_by": None},
        {"since": at("12:10:06"), "until": at("15:00:00"), "seconds": 10194.0, "status": "failed", "resumed_by": "ann"},
    ]


def test_a_run_of_thousands_of_items_has_few_frames_that_lead_to_its_end() -> None:
    items = [[str(number), ""] for number in range(2_000)]
    run = run_of(
        RunStarted(at("10:00:01")),
        StepStarted(at("10:00:01"), "each", started_at=at("10:00:01")),
        LoopStarted(at("10:00:01"), "each", "item", items),
        *(
            StepFinished(f"2026-11-20T10:01:{number // 100:02}.{number % 100:03}Z", f"each[{number}].put",
                         StepStatus.SUCCEEDED, uses="flow.set", output={})
            for number in range(2_000)
        ),
        StepFinished(at("11:00:00"), "each", StepStatus.SUCCEEDED),
        RunEnded(at("11:00:00"), RunStatus.SUCCEEDED, outputs={}),
    )  # fmt: skip
    line = timeline(run)
    assert line["is_joined"]
    assert len(line["frames"]) <= MOST_FRAMES + 2
    state = line["first"]
    for frame in line["frames"]:
        state = changed(state, frame["change"])
    assert state == state_of(run)
    assert state["steps"]["each.put"]["counts"] == {"succeeded": 2_000}


def test_the_state_of_a_step_has_no_values() -> None:
    assert set(state_of(WAITED)["steps"]["sort"]) == {
        "status", "counts", "started_at", "ended_at", "due_at", "attempts", "usage"
    }  # fmt: skip
