"""The events that are equivalent to the log of a run, so that the run can continue from it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from engine.base.statuses import StepStatus
from engine.base.step_path import is_item
from engine.record.document import COPIED, LISTED
from engine.record.events import (
    AccountNamed,
    AttemptFailed,
    Event,
    ItemFinished,
    LoopStarted,
    RunResumed,
    RunStarted,
    StepFinished,
    StepListed,
    StepWaiting,
    WriteSettled,
)
from engine.record.types.run import Run
from engine.record.types.step import StepRecord

_OF_ITEMS = ("error", "handled", "note")


def events_of(run: Run) -> Iterator[Event]:
    """Return events equivalent to a finished document, so that the run can continue from it."""
    began_at = run["started_at"] or run["queued_at"]
    if run["started_at"]:
        yield RunStarted(run["started_at"])
    for name, one in run["accounts"].items():
        if one.get("account"):
            yield AccountNamed(began_at, connection=name, account=one["account"])
    for resumed in run.get("resumed", []):
        yield RunResumed(**resumed)
    for step in sorted(run["steps"], key=lambda step: is_item(step["path"])):  # an item ends after the steps in it
        yield from _step_events(step, began_at)


def _step_events(step: StepRecord, began_at: str) -> Iterator[Event]:
    """Yield the events of a step; if it never began, they have the time when its run began."""
    at = step["ended_at"] or step["started_at"] or began_at
    named: dict[str, Any] = {"at": at, "started_at": step["started_at"], "path": step["path"]}
    if "items" in step:
        yield LoopStarted(**named, noun=step["noun"], items=step["items"])
    for attempt in step["attempts"]:
        error = attempt["error"]
        if error is not None:
            ended_at = attempt["ended_at"]
            yield AttemptFailed(ended_at, step["path"], attempt["started_at"], ended_at, error)
    has_ended = step["status"] in (StepStatus.SUCCEEDED, StepStatus.SKIPPED, StepStatus.FAILED)
    if is_item(step["path"]):
        if has_ended:
            yield ItemFinished(**named, status=step["status"], **_present(step, _OF_ITEMS))
    elif has_ended:
        kept = {**_present(step, COPIED), **_of_success(step)}
        yield StepFinished(**named, status=step["status"], title=step["title"], **kept)
    else:
        yield from _unfinished(step, named)


def _unfinished(step: StepRecord, named: dict[str, Any]) -> Iterator[Event]:
    listed: dict[str, Any] = {name: step.get(name) for name in LISTED}
    yield StepListed(**named, **listed)
    if step["status"] == StepStatus.CANCELLED and step["effect"]:
        yield WriteSettled(**named, output=step["output"], effect=step["effect"])
    if step["status"] == StepStatus.WAITING:
        yield StepWaiting(**named, title=step["title"], **_present(step, (*COPIED, "paused", "scheduled")))


def _present(step: StepRecord, names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in step.items() if name in names and value is not None}


def _of_success(step: StepRecord) -> dict[str, Any]:
    """Return the details that only a successful step end has."""
    if step["status"] != StepStatus.SUCCEEDED or not step["uses"] or step.get("fallback"):  # it may have no output
        return {}
    began = {"attempt_at": step["attempts"][-1]["started_at"]} if step["attempts"] else {}
    return {"output": step["output"], **began}  # even if it is null
