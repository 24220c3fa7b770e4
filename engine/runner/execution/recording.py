"""The events of a run: written to the journal, and read back into records when the run continues.

A run is a program that may be stopped at any moment and continued by another process. Nothing but its events
survives. On continuing, the plan is walked again from the start; for each step the recording says whether it ended
before, with which output, or what it waits for, and only the rest is executed. So an event must be on disk before
anything depends on it: `committed()` waits for that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Concatenate, NamedTuple, NotRequired, ParamSpec, cast

from msgspec import UNSET
from typing_extensions import ReadOnly

from engine.base.clock import moment_of, timestamp
from engine.base.statuses import DONE_STEPS, StepStatus
from engine.record.document import usage_of
from engine.record.events import (
    AttemptFailed,
    Event,
    ItemFinished,
    LoopStarted,
    ModelFailed,
    RunFailing,
    RunResumed,
    RunStarted,
    StepFinished,
    StepListed,
    StepStarted,
    StepWaiting,
    encoded,
    members,
)
from engine.record.frames import Record
from engine.record.types.step import Failure, Paused, StopRecord, UsageRecord, Wait
from engine.record.values import Forms, ValueLook, Values, forms, look
from engine.runner.execution.edits import CallEdits
from engine.store.journal import Journal

_FEW = 100
Details = ParamSpec("Details")
ENGINE = "engine"
"""Who continues a run if no person asked for it: after a wait, a restart, or the death of its process."""


class ResumedBy(NamedTuple):
    """Who lets a run continue, and whether they only answer a question of it."""

    by: str
    is_answer: bool = False


class EarlierEnding(Record):
    """How a step or item ended before."""

    error: NotRequired[ReadOnly[Failure]]
    fallback: NotRequired[ReadOnly[bool]]
    """Whether the output comes from its `on_error` steps."""
    stops: NotRequired[ReadOnly[StopRecord]]
    """If it ended the run."""
    may: NotRequired[ReadOnly[bool]]
    """Whether a plan does not know if it runs."""


class Recording:
    """The events of one run, and which steps they show as finished."""

    def __init__(
        self,
        run_id: str,
        journal: Journal,
        values: Values,
        clock: Callable[[], datetime],
        events: Iterable[Event],
    ) -> None:
        self.run_id, self.values = run_id, values
        self._journal, self._clock = journal, clock
        self._number = 0
        self.few: list[Event] | None = []
        """All events of the run while they are few, so that a short run's log is made without reading them again."""
        self._finished: dict[str, EarlierEnding] = {}
        self._failed: dict[str, Failure] = {}
        """Why steps and items have failed since a person last let the run continue, if that ends the run."""
        self._waiting: dict[str, Wait] = {}
        self._last_waits: dict[str, Wait] = {}
        self._paused: dict[str, Paused] = {}
        self._failed_attempts: Counter[str] = Counter()
        self._failed_models: dict[str, tuple[ModelFailed, ...]] = {}
        self._begun: dict[str, str] = {}
        """When each step with a time limit first began; the run itself has an empty path."""
        self.approval_wait = timedelta()
        """How long the run has waited for people to approve calls, and agents that it has called for people."""
        self.edits = CallEdits()
        self._asked: dict[str, str] = {}
        """When each step that waits for an approval of its call began to."""
        self._loops: set[str] = set()
        self._usage: dict[str, UsageRecord] = {}
        self._loose_end = self._tied = 0
        """The numbers of the last event of a step that did not wait for the disk, and of the last one known there."""
        self.started_at: str | None = None
        self.on_progress: Callable[[], None] | None = None
        """Called once, when the next step or item ends."""
        self.failing: Failure | None = None
        """Why the run has failed, while its `on_failure` steps run."""
        journal.begin(run_id)
        for event in events:
            self._take(event)

    def deadline(self, path: str, seconds: float) -> datetime:
        """Return when the time limit of a step (the run: an empty path) ends, counted from its first start.

        Waits, restarts and new owners do not restart it; a person who resumes the run does.
        """
        began = self._begun.setdefault(path, self.now())
        return moment_of(began) + timedelta(seconds=seconds)

    def seconds_until(self, moment: datetime) -> float:
        """Return how long it is until then; negative if it is past."""
        return (moment - self._clock()).total_seconds()

    def usage(self) -> UsageRecord:
        """Return what the steps that ended have used of models."""
        return usage_of(self._usage.values())

    def now(self) -> str:
        """Return the current time in the format of events."""
        return timestamp(self._clock())

    def emit(
        self, kind: Callable[Concatenate[str, Details], Event], /, *args: Details.args, **details: Details.kwargs
    ) -> None:
        """Add an event of this kind, which happens now; it is on disk after `committed()`."""
        event = kind(timestamp(self._clock()), *args, **details)
        self._journal.append(self.run_id, self._number + 1, encoded(event))
        self._take(event)
        if self.on_progress is not None and isinstance(event, StepFinished | ItemFinished):
            tell, self.on_progress = self.on_progress, None
            tell()

    async def kept(self, value: Any) -> Forms:
        """Store the large parts of a value in files of the run; return it in two forms, for expressions and for events.

        Raises JournalBroken.
        """
        if look(value) is ValueLook.PLAIN:  # nearly all values: saves a coroutine each
            return value, value
        return await forms(value, self.values, self.values.kept)

    async def kept_fields(self, fields: Mapping[str, Any]) -> Forms:
        """Do the same for each field of an object; the object itself is not stored as a whole."""
        if look(fields) is ValueLook.PLAIN:
            return fields, fields
        return await forms(fields, self.values, self.values.kept_fields)

    def committed(self) -> Awaitable[None]:
        """Wait until all events so far are on disk."""
        return self._journal.committed(self.run_id)

    def leave_loose_end(self) -> None:
        """Let the step that just finished be committed together with what comes next."""
        self._loose_end = self._number

    async def tie_loose_end(self) -> None:
        """Wait until a finished step, if one is not yet, is on disk: before another one starts.

        Until then it also counts as loose for all steps that start at the same time.
        """
        loose_end = self._loose_end
        if loose_end > self._tied:
            await self._journal.committed(self.run_id)
            self._tied = max(self._tied, loose_end)

    def record_of(self, path: str) -> EarlierEnding | None:
        """Return how a step or item ended before, or None if it must run."""
        return self._finished.get(path)

    def endings_of(self, path: str) -> tuple[EarlierEnding | None, Failure | None]:
        """Return what `record_of` does, and why a step or item has failed.

        No failure is returned if a person has let the run continue since: then it must run again. A run that waits for
        somebody else meanwhile, or changes its process, does not repeat it.
        """
        return self._finished.get(path), self._failed.get(path)

    def waiting(self, path: str) -> Wait | None:
        """Return what a step waits for, None if it does not wait."""
        return self._waiting.get(path)

    def last_wait(self, path: str) -> Wait | None:
        """Return what a step that failed or was interrupted last waited for, None if it did not wait."""
        return self._last_waits.get(path)

    def paused(self, path: str) -> Paused | None:
        """Return the pause that an unfinished step of a debug run has made before its call, None if it has not."""
        return self._paused.get(path)

    def failed_attempts(self, path: str) -> int:
        """Return how many attempts of an unfinished step have failed so far."""
        return self._failed_attempts[path]

    def failed_models(self, path: str) -> tuple[ModelFailed, ...]:
        """Return the models that have given an unfinished step no answer, in the order in which they were asked."""
        return self._failed_models.get(path, ())

    def begun_at(self, path: str) -> str:
        """Return when a waiting step began."""
        return self._begun.get(path) or self.now()

    def has_loop(self, path: str) -> bool:
        """Return whether the items of a loop are recorded."""
        return path in self._loops

    def _take(self, event: Event) -> None:
        """Count an event, and keep what it says."""
        self._number += 1
        if self.few is not None:
            self.few.append(event)
            if self._number > _FEW:
                self.few = None
        if isinstance(event, StepFinished):
            if self._asked or event.people_wait_seconds or event.approved or event.effect:  # most have nothing
                self._wait_for_people(event)
                self.edits.take(event)
            self._finish(event)
        else:
            self._take_other(event)

    def _take_other(self, event: Event) -> None:
        match event:
            case ItemFinished():
                self._finish(event)
            case StepStarted() | StepWaiting():
                self._wait_for_people(event)
                self.edits.take(event)
                self._begin(event)
            case AttemptFailed():
                self._failed_attempts[event.path] += 1
            case ModelFailed():
                self._failed_attempts.pop(event.path, None)  # the next model has attempts of its own
                self._failed_models[event.path] = (*self.failed_models(event.path), event)
            case StepListed() if event.child_run_id:
                self._last_waits[event.path] = _wait(event)
            case LoopStarted():
                self._loops.add(event.path)
            case RunFailing():
                self.failing = event.error
            case RunStarted() | RunResumed():
                self._begin_run(event)

    def _wait_for_people(self, event: StepStarted | StepWaiting | StepFinished) -> None:
        """Count the wait for the approval of a call: from the question to the answer, or to the end of the step.

        That a mail was held after it counts, too. Of a called agent, count how long it has waited.
        """
        if isinstance(event, StepWaiting) and event.call_hash:
            self._asked.setdefault(event.path, event.at)
            return
        if isinstance(event, StepFinished) and event.people_wait_seconds:
            self.approval_wait += timedelta(seconds=event.people_wait_seconds)
        began = self._asked.pop(event.path, None)
        if began is None and isinstance(event, StepFinished) and event.approved and event.waited:
            began = event.waited[0]  # of a run that is continued from its log
        if began is not None:
            was_held = "scheduled" in self._waiting.get(event.path, {})
            ended = event.approved["at"] if event.approved and not was_held else event.at
            self.approval_wait += max(timedelta(), moment_of(ended) - moment_of(began))

    def _begin(self, event: StepStarted | StepWaiting) -> None:
        if isinstance(event, StepWaiting):
            self._waiting[event.path] = _wait(event)
            if event.paused:  # the step itself has neither begun nor waited
                self._paused[event.path] = event.paused
                return
            self._last_waits[event.path] = self._waiting[event.path]
        self._begun.setdefault(event.path, event.started_at or event.at)

    def _begin_run(self, event: RunStarted | RunResumed) -> None:
        if isinstance(event, RunResumed):
            if event.by != ENGINE:
                self._begun = {"": event.at}
                self.failing = None
                if event.answered is not True:
                    self._failed.clear()
        elif self.started_at is None:
            self.started_at = self._begun[""] = event.at

    def _finish(self, event: StepFinished | ItemFinished) -> None:
        """Keep how it ended; a failure that ends the run is executed again if a person lets the run continue."""
        self._waiting.pop(event.path, None)
        self._paused.pop(event.path, None)
        self._failed_attempts.pop(event.path, None)
        self._failed_models.pop(event.path, None)
        if isinstance(event, StepFinished) and event.usage:
            self._usage[event.path] = event.usage
        if isinstance(event, StepFinished) and event.child_run_id:
            self._last_waits[event.path] = _wait(event)
        if event.status not in DONE_STEPS and not event.handled:
            self._finished.pop(event.path, None)
            if event.status == StepStatus.FAILED and event.error:
                self._failed[event.path] = event.error
            return
        self._failed.pop(event.path, None)
        self._begun.pop(event.path, None)
        record: EarlierEnding = {"status": str(event.status)}
        if isinstance(event, StepFinished):
            if event.output is not UNSET:
                record = {**record, "output": event.output}
            if event.fallback or event.planned or event.stops:
                record = _with_more(record, event)
        if event.error and event.status == StepStatus.FAILED:
            record = {**record, "error": event.error}
        self._finished[event.path] = record


def _with_more(record: EarlierEnding, event: StepFinished) -> EarlierEnding:
    """Return a record with what the finished step left beside its output."""
    if event.fallback:
        record = {**record, "fallback": True}
    if event.planned and "may" in event.planned:
        record = {**record, "may": True}
    return {**record, "stops": event.stops} if event.stops else record


def _wait(event: StepWaiting | StepListed | StepFinished) -> Wait:
    """Return what an event says about a wait."""
    return cast("Wait", {name: value for name, value in members(event).items() if name in Wait.__annotations__})
