"""The events that are equivalent to the log of a run, so that the run can continue from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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

_OF_ITEMS = ("error", "handled", "note")


def events_of(run: Mapping[str, Any]) -> Iterator[Event]:
    """Return events equivalent to a finished document, so that the run can continue from it."""
    if run["started_at"]:
        yield RunStarted(run["started_at"])
    for name, one in run["accounts"].items():
        if one.get("account"):
            yield AccountNamed(run["started_at"], connection=name, account=one["account"])
    for resumed in run.get("resumed", []):
        yield RunResumed(**resumed)
    for step in sorted(run["steps"], key=lambda step: is_item(step["path"])):  # an item ends after the steps in it
        yield from _step_events(step)


def _step_events(step: Mapping[str, Any]) -> Iterator[Event]:
    at = step["ended_at"] or step["started_at"]
    named = {"at": at, "started_at": step["started_at"], "path": step["path"]}
    if "items" in step:
        yield LoopStarted(**named, noun=step["noun"], items=step["items"])
    for attempt in step["attempts"]:
        if attempt["error"] is not None:
            yield AttemptFailed(at=attempt["ended_at"], path=step["path"], **attempt)
    has_ended = step["status"] in (StepStatus.SUCCEEDED, StepStatus.SKIPPED, StepStatus.FAILED)
    if is_item(step["path"]):
        if has_ended:
            yield ItemFinished(**named, status=step["status"], **_present(step, _OF_ITEMS))
    elif has_ended:
        kept = {**_present(step, COPIED), **_of_success(step)}
        yield StepFinished(**named, status=step["status"], title=step["title"], **kept)
    else:
        yield from _unfinished(step, named)


def _unfinished(step: Mapping[str, Any], named: dict[str, Any]) -> Iterator[Event]:
    listed: dict[str, Any] = {name: step.get(name) for name in LISTED}
    yield StepListed(**named, **listed)
    if step["status"] == StepStatus.CANCELLED and step["effect"]:
        yield WriteSettled(**named, output=step["output"], effect=step["effect"])
    if step["status"] == StepStatus.WAITING:
        yield StepWaiting(**named, title=step["title"], **_present(step, COPIED))


def _present(step: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: step[name] for name in names if step.get(name) is not None}


def _of_success(step: Mapping[str, Any]) -> dict[str, Any]:
    """Return the details that only a successful step end has."""
    if step["status"] != StepStatus.SUCCEEDED or not step["uses"] or step.get("fallback"):  # it may have no output
        return {}
    began = {"attempt_at": step["attempts"][-1]["started_at"]} if step["attempts"] else {}
    return {"output": step["output"], **began}  # even if it is null
