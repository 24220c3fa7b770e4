"""The state of a run, summarized by the steps of its workflow.

A run of thousands of items has as many records; its state has one entry for each step of the workflow. It has no inputs
and outputs, which are in the run's document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple, NotRequired, cast

from typing_extensions import TypedDict

from engine.base.statuses import OPEN_STEPS, WORST_FIRST, StepStatus
from engine.base.step_path import in_workflow, is_item
from engine.record.document import usage_of
from engine.record.types.run import Run
from engine.record.types.step import StepRecord, UsageRecord


class TokenUsage(TypedDict):
    """The tokens of model calls; the cost is None if a price is not known."""

    input_tokens: int
    output_tokens: int
    cost_usd: float | None


class StepState(TypedDict):
    """A step of the workflow, over all its repetitions in the run."""

    status: str
    """The most urgent status of its repetitions: failed, running, waiting, pending, cancelled, succeeded, skipped."""
    counts: Mapping[str, int]
    """How many repetitions have which status; for a loop, how many of its items."""
    started_at: str | None
    """When the first repetition began."""
    ended_at: str | None
    """When the last repetition ended; None while one is open."""
    due_at: str | None
    """The earliest time at which a waiting repetition continues."""
    attempts: int
    """How many calls were made, including failed ones."""
    usage: TokenUsage


class RunState(TypedDict):
    """A run without its values; times are RFC 3339 texts in UTC."""

    run_id: str
    workflow: str
    status: str
    started_at: str | None
    ended_at: str | None
    due_at: str | None
    """When its wait ends; None if it is not waiting for a time."""
    usage: TokenUsage
    steps: Mapping[str, StepState]
    """By the path in the workflow; steps that have not begun are missing."""


class RunChange(TypedDict):
    """The fields of the state of a run that have changed; the others are absent."""

    status: NotRequired[str]
    started_at: NotRequired[str | None]
    ended_at: NotRequired[str | None]
    due_at: NotRequired[str | None]
    usage: NotRequired[TokenUsage]
    steps: NotRequired[Mapping[str, StepState | None]]
    """The steps that have changed; None for a step that no longer exists."""


class StepSnapshot(NamedTuple):
    """The state of one record of a step at one time."""

    status: StepStatus
    started_at: str | None = None
    ended_at: str | None = None
    due_at: str | None = None
    attempts: int = 0
    usage: UsageRecord | None = None


def state_of(run: Run) -> RunState:
    """Return the state of a run document."""
    tallies = Tallies()
    for step in run["steps"]:
        tallies.put(step["path"], snapshot_of_record(step))
    return {
        "run_id": run["run_id"],
        "workflow": run["workflow"],
        "status": str(run["status"]),
        "started_at": run["started_at"],
        "ended_at": run["ended_at"],
        "due_at": run.get("due_at"),
        "usage": cast("TokenUsage", run["usage"]),
        "steps": tallies.all(),
    }


def snapshot_of_record(step: StepRecord) -> StepSnapshot:
    """Return the state of a record as it was read."""
    status = StepStatus(step["status"])
    due_at = step.get("due_at") if status == StepStatus.WAITING else None
    return StepSnapshot(status, begun_at(step), step["ended_at"], due_at, len(step["attempts"]), step["usage"])


def begun_at(step: StepRecord) -> str | None:
    """Return when a step began, including its first wait and its first attempt; None if it has not begun."""
    started_at = step["started_at"]
    if started_at is None:
        return None
    return min([started_at, *step.get("waited", ())[:1], *(one["started_at"] for one in step["attempts"][:1])])


def changes(before: RunState, after: RunState) -> RunChange:
    """Return the changes from one state of a run to a later one; `{}` without any."""
    change: dict[str, Any] = {
        name: value for name, value in after.items() if name != "steps" and value != before.get(name)
    }
    old, new = before["steps"], after["steps"]
    steps: dict[str, StepState | None] = {path: one for path, one in new.items() if one != old.get(path)}
    steps |= dict.fromkeys(old.keys() - new.keys())
    if steps:
        change["steps"] = steps
    return cast("RunChange", change)


def changed(state: RunState, change: RunChange) -> RunState:
    """Return the state after a change; clients that receive changes do the same."""
    steps = {**state["steps"], **(change.get("steps") or {})}
    kept = {path: one for path, one in steps.items() if one is not None}
    return cast("RunState", {**state, **change, "steps": kept})


class Tallies:
    """The state of each step of the workflow, kept up to date as the records of its repetitions change."""

    def __init__(self) -> None:
        self._steps: dict[str, _Tally] = {}

    def put(self, path: str, snapshot: StepSnapshot) -> str:
        """Set the snapshot of the record at a path in the run; return the path of its step in the workflow."""
        step = in_workflow(path)
        if step not in self._steps:
            self._steps[step] = _Tally()
        self._steps[step].put(path, snapshot)
        return step

    def of(self, step: str) -> StepState:
        """Return the state of a step."""
        return self._steps[step].state()

    def all(self) -> dict[str, StepState]:
        """Return the state of every step."""
        return {step: tally.state() for step, tally in self._steps.items()}

    def usage(self) -> TokenUsage:
        """Return the model usage of all steps."""
        return cast("TokenUsage", usage_of(tally.usage() for tally in self._steps.values()))


class _Tally:
    """The repetitions of one step of the workflow; the counts are updated with each change of a record."""

    def __init__(self) -> None:
        self._snapshots: dict[str, StepSnapshot] = {}
        self._own, self._items = Counter[StepStatus](), Counter[StepStatus]()
        """How many records of the step, and of items of it, have which status."""
        self._due: dict[str, str] = {}
        self._attempts = self._input = self._output = self._unpriced = 0
        self._cost = 0.0
        self._began: str | None = None
        self._ended: str | None = None

    def put(self, path: str, snapshot: StepSnapshot) -> None:
        """Set the snapshot of the record at a path in the run."""
        before = self._snapshots.get(path)
        self._snapshots[path] = snapshot
        counts = self._items if is_item(path) else self._own
        if before is not None:
            counts[before.status] -= 1
            self._add(before, -1)
        counts[snapshot.status] += 1
        self._add(snapshot, 1)
        self._due.pop(path, None)
        if snapshot.due_at is not None:
            self._due[path] = snapshot.due_at
        if snapshot.started_at is not None:
            self._began = min(self._began or snapshot.started_at, snapshot.started_at)
        if snapshot.ended_at is not None:
            self._ended = max(self._ended or snapshot.ended_at, snapshot.ended_at)

    def _add(self, snapshot: StepSnapshot, times: int) -> None:
        self._attempts += times * snapshot.attempts
        used = snapshot.usage
        if used is None:
            return
        self._input += times * used["input_tokens"]
        self._output += times * used["output_tokens"]
        if used["cost_usd"] is None:
            self._unpriced += times
        else:
            self._cost += times * used["cost_usd"]

    def usage(self) -> TokenUsage:
        """Return the sum; the cost is None if a price is not known."""
        cost = None if self._unpriced else round(self._cost, 6)  # taking floats away again leaves a tiny rest
        return {"input_tokens": self._input, "output_tokens": self._output, "cost_usd": cost}

    def state(self) -> StepState:
        """Return the state of the step."""
        items = +self._items  # without the zeros
        both = self._own + items
        is_open = any(both[status] for status in OPEN_STEPS)
        return {
            "status": str(next(status for status in WORST_FIRST if both[status])),
            "counts": {str(status): count for status, count in (items or +self._own).items()},
            "started_at": self._began,
            "ended_at": None if is_open else self._ended,
            "due_at": min(self._due.values(), default=None),
            "attempts": self._attempts,
            "usage": self.usage(),
        }
