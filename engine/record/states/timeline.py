"""The timeline of a run: its state at each time at which something changed, computed from its document.

The events of a run are deleted when it ends, but its document has the times: when each step began, how long each of its
attempts took, when it began to wait, and when it ended. A *frame* is what changes at one of these times. It has the
form of the changes that a socket sends of a run in progress (`run_state.changes`), so one player shows both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any, NamedTuple, cast

from typing_extensions import TypedDict

from engine.base.clock import moment_of
from engine.base.statuses import OPEN_STEPS, RunStatus, StepStatus
from engine.base.step_path import is_item, loop_of
from engine.record.states.run_state import (
    RunChange,
    RunState,
    StepSnapshot,
    StepState,
    Tallies,
    begun_at,
    changes,
    snapshot_of_record,
    state_of,
)
from engine.record.types.run import Run
from engine.record.types.step import StepRecord

MOST_FRAMES = 400
"""If a run has more times, frames in between are joined: each still has the state at its own time."""
_SHORTEST_IDLE_SECONDS = 1.0  # shorter ones are no wait that anybody would notice
_AT_REST = (RunStatus.QUEUED, RunStatus.WAITING, RunStatus.FAILED, RunStatus.INTERRUPTED)
_ENGINE = "engine"


class TimelineFrame(TypedDict):
    """What has changed at a time, since the frame before."""

    at: str
    change: RunChange


class Idle(TypedDict):
    """A period in which no step worked."""

    since: str
    until: str
    seconds: float
    status: str
    """The run's in that period: `queued`, `waiting`, or `failed` or `interrupted` before somebody resumed it."""
    resumed_by: str | None
    """Who ended it, if a person did."""


class Timeline(TypedDict):
    """A run since its acceptance: its first state, then the changes at each time."""

    run_id: str
    queued_at: str
    first: RunState
    frames: Sequence[TimelineFrame]
    idle: Sequence[Idle]
    is_joined: bool
    """Whether the run has more times than frames."""


class StepUpdate(NamedTuple):
    """The state of a record of a step from a time on."""

    at: str
    path: str
    snapshot: StepSnapshot


def timeline(run: Run) -> Timeline:
    """Return the timeline of a run; up to now if it has not ended."""
    sweep = _Sweep(run)
    idle = list(sweep.idle())
    kept = _joined(sweep.times, {time for one in idle for time in (one["since"], one["until"])})
    states = list(sweep.states(kept))
    return {
        "run_id": run["run_id"],
        "queued_at": run["queued_at"],
        "first": states[0][1],
        "frames": [{"at": at, "change": changes(before, after)} for (_, before), (at, after) in pairwise(states)],
        "idle": idle,
        "is_joined": len(kept) < len(sweep.times),
    }


def updates(run: Run) -> list[StepUpdate]:
    """Return the changes of all records of a run, in order of time."""
    loops = {step["path"]: step["started_at"] for step in run["steps"] if "items" in step}
    found = [one for step in run["steps"] for one in _updates_of(run, step, loops)]
    return sorted(found, key=itemgetter(0))


class _Sweep:
    """Goes through a run from its first time to its last, and computes its state only at the times asked for."""

    def __init__(self, run: Run) -> None:
        self._run = run
        ahead = updates(run)
        self._by_time = {at: list(group) for at, group in groupby(ahead, key=itemgetter(0))}
        ends = (run["queued_at"], run["started_at"], run["ended_at"])
        self.times = sorted({*self._by_time, *(at for at in ends if at is not None)})

    def states(self, wanted: Collection[str]) -> Iterator[tuple[str, RunState]]:
        """Yield the state of the run at each of these times."""
        last = state_of(self._run)
        steps: dict[str, StepState] = {}
        work, touched = _Work(self._run), set[str]()
        for at in self.times:
            touched.update(map(work.take, self._by_time.get(at, ())))
            if at in wanted:
                # a new dict: the states before keep theirs
                steps = {**steps, **{step: work.tallies.of(step) for step in touched}}
                touched.clear()
                yield at, cast("RunState", {**last, **work.head(at), "steps": steps})

    def idle(self) -> Iterator[Idle]:
        """Yield the periods in which no step worked."""
        people = {one["at"]: one["by"] for one in self._run.get("resumed", []) if one["by"] != _ENGINE}
        work = _Work(self._run)
        for since, until in pairwise(self.times):
            for one in self._by_time.get(since, ()):
                work.take(one)
            by = next((people[at] for at in sorted(people) if since < at <= until), None)
            status = work.status(since) if by is None else work.stopped_as()
            seconds = round((moment_of(until) - moment_of(since)).total_seconds(), 3)
            if seconds >= _SHORTEST_IDLE_SECONDS and status in _AT_REST:
                yield {"since": since, "until": until, "seconds": seconds, "status": str(status), "resumed_by": by}


class _Work:
    """The records of a run up to a time, and the status of the run that follows from them."""

    def __init__(self, run: Run) -> None:
        self.tallies = Tallies()
        self._run = run
        self._calls = {step["path"] for step in run["steps"] if step["uses"]}
        self._statuses: dict[str, StepStatus] = {}
        self._counts = Counter[StepStatus]()
        self._due: dict[str, str] = {}

    def take(self, one: StepUpdate) -> str:
        """Apply the change of a record; return the path of its step in the workflow."""
        if one.path in self._calls:
            before = self._statuses.get(one.path)
            if before is not None:
                self._counts[before] -= 1
            self._statuses[one.path] = one.snapshot.status
            self._counts[one.snapshot.status] += 1
            self._due.pop(one.path, None)
            if one.snapshot.due_at is not None:
                self._due[one.path] = one.snapshot.due_at
        return self.tallies.put(one.path, one.snapshot)

    def head(self, at: str) -> Mapping[str, Any]:
        """Return the fields of the run's state, without its steps, at a time."""
        run = self._run
        if run["ended_at"] is not None and at >= run["ended_at"]:
            return {}
        status = self.status(at)
        due_at = min(self._due.values(), default=None) if status == RunStatus.WAITING else None
        started_at = run["started_at"] if run["started_at"] and at >= run["started_at"] else None
        usage = self.tallies.usage()
        return {"status": str(status), "started_at": started_at, "ended_at": None, "due_at": due_at, "usage": usage}

    def status(self, at: str) -> RunStatus:
        """Return the status of a run that has not ended yet at a time."""
        if self._run["started_at"] is None or at < self._run["started_at"]:
            return RunStatus.QUEUED
        if self._counts[StepStatus.RUNNING]:
            return RunStatus.RUNNING
        return RunStatus.WAITING if self._counts[StepStatus.WAITING] else RunStatus.RUNNING

    def stopped_as(self) -> RunStatus:
        """Return how the run had stopped before a person resumed it; the document only records that it was resumed."""
        return RunStatus.FAILED if self._counts[StepStatus.FAILED] else RunStatus.INTERRUPTED


def _updates_of(run: Run, step: StepRecord, loops: Mapping[str, str | None]) -> Iterator[StepUpdate]:
    """Yield the changes of one record, in order of time."""
    path, last = step["path"], snapshot_of_record(step)
    listed_at = loops.get(loop_of(path)) if is_item(path) else None
    if listed_at is not None:
        yield StepUpdate(listed_at, path, StepSnapshot(StepStatus.PENDING))
    attempts = 0
    for at, what in _times(run, step):
        attempts += what == _ATTEMPT
        status = _AFTER[what] if what != _ATTEMPT or not _gave_up(run, step, at) else StepStatus.FAILED
        due_at = step.get("due_at") if status == StepStatus.WAITING else None
        yield StepUpdate(at, path, StepSnapshot(status, begun_at(step), None, due_at, attempts))
    if last.status not in OPEN_STEPS:
        ended_at = step["ended_at"] or run["ended_at"] or run["queued_at"]
        yield StepUpdate(max(ended_at, begun_at(step) or ended_at), path, last)


_START, _ATTEMPT, _WAIT = range(3)  # in the order in which they count if they are at the same time
_AFTER = {_START: StepStatus.RUNNING, _ATTEMPT: StepStatus.RUNNING, _WAIT: StepStatus.WAITING}


def _times(run: Run, step: StepRecord) -> list[tuple[str, int]]:
    """Return when a record began, failed or began to wait, in the order of time."""
    found = [(attempt["ended_at"], _ATTEMPT) for attempt in step["attempts"] if attempt["error"] is not None]
    found += [(at, _WAIT) for at in step.get("waited", ())]
    starts = [step["started_at"], *(attempt["started_at"] for attempt in step["attempts"])]
    found += [(at, _START) for at in starts if at is not None]
    end = step["ended_at"] or run["ended_at"]
    return sorted({one for one in found if end is None or one[0] <= end})


def _gave_up(run: Run, step: StepRecord, at: str) -> bool:
    """Return whether an attempt that failed at a time was the last one before a person resumed the run."""
    following = min((time for time, what in _times(run, step) if what == _START and time > at), default=None)
    if following is None:
        return False
    return any(at < one["at"] <= following for one in run.get("resumed", []) if one["by"] != _ENGINE)


def _joined(times: Sequence[str], wanted: Collection[str]) -> set[str]:
    """Return as many of the times as a timeline has, with the first, the last and the wanted ones."""
    every = -(-len(times) // MOST_FRAMES)
    return {*times[::every], times[-1], *wanted}
