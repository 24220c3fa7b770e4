"""The run document: what people and programs see of a run, built from its acceptance and its events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, cast

from msgspec import UNSET

from engine.base.clock import moment_of
from engine.base.statuses import OPEN_STEPS, RunStatus, StepStatus
from engine.base.step_path import is_item, item_of, items_around, step_id
from engine.record.events import (
    AccountNamed,
    AttemptFailed,
    DefinitionTaken,
    Event,
    ItemFinished,
    LoopStarted,
    ModelFailed,
    RunEnded,
    RunFailing,
    RunInterrupted,
    RunResumed,
    RunStarted,
    RunWaiting,
    StepFinished,
    StepListed,
    StepStarted,
    StepWaiting,
    WriteSettled,
    members,
)
from engine.record.types.kind import kind_of, options_of
from engine.record.types.run import Acceptance, AccountRecord, Counts, ResumeRecord, Run, RunHead, StepCounts
from engine.record.types.step import AttemptRecord, FailedModel, StepRecord, UsageRecord

SCHEMA_VERSION = 1
COPIED = (
    "uses",
    "connection",
    "arguments",
    "output",
    "error",
    "effect",
    "usage",
    "request",
    "due_at",
    "held",
    "awaits",
    "waited",
    "handled",
    "fallback",
    "identity",
    "note",
    "pinned",
    "replayed",
    "by_rule",
    "approval",
    "approved",
    "child_run_id",
    "people_wait_seconds",
    "stops",
    "planned",
)
LISTED = ("title", "uses", "connection", "identity", "child_run_id")
_OF_STARTS = ("uses", "connection", "arguments", "identity", "approved")


def document(acceptance: Acceptance, events: Iterable[Event]) -> Run:
    """Return the run document after these events (docs/files.md: Run)."""
    builder = _Builder(acceptance)
    for event in events:
        builder.take(event)
    return builder.finished()


class OpenRunDocument:
    """The document of an open run, updated event by event."""

    def __init__(self, acceptance: Acceptance) -> None:
        self._builder = _Builder(acceptance)

    def take(self, event: Event) -> None:
        """Apply one event, except the end of the run, which its log reports."""
        if not isinstance(event, RunEnded):
            self._builder.take(event)

    def document(self) -> Run:
        """Return the document so far; later events do not change it."""
        return self._builder.finished()


class _Builder:
    """A run document and its steps by path. Each change makes a new object: what was handed out stays as it is."""

    def __init__(self, acceptance: Acceptance) -> None:
        self._run: RunHead = {
            "schema_version": SCHEMA_VERSION,
            "run_id": acceptance["run_id"],
            "workflow": acceptance["workflow"],
            "workflow_hash": acceptance["workflow_hash"],
            "status": RunStatus.QUEUED,
            "sentence": "",  # filled in by engine/record/summary.py, from all the rest
            "demo": acceptance["demo"],
            "started_by": acceptance["started_by"],
            "origin_run_id": acceptance["origin_run_id"],
            "parent_run_id": acceptance["parent_run_id"],
            "caller": acceptance.get("caller"),
            "kind": kind_of(options_of(acceptance)),
            "options": options_of(acceptance),
            "trigger": acceptance.get("trigger"),
            "estimate": acceptance.get("estimate"),
            "confirmed": acceptance.get("confirmed", []),
            "queued_at": acceptance["queued_at"],
            "started_at": None,
            "ended_at": None,
            "duration_seconds": None,
            "inputs": acceptance["inputs"],
            "outputs": None,
            "error": None,
            "counts": counts(()),
            "usage": usage(()),
            "definition": acceptance["definition"],
            "environment": acceptance.get("environment"),
            "accounts": acceptance["accounts"],
            "due_at": None,
        }
        if acceptance.get("outside_inputs") or acceptance.get("trigger") is not None:
            self._run = {**self._run, "outside_inputs": acceptance.get("outside_inputs", [])}  # for runs that repeat it
        if acceptance.get("changed_by"):
            self._run = {**self._run, "changed_by": acceptance["changed_by"]}
        self._steps: dict[str, StepRecord] = {}
        self._previous_hash: str | None = None
        """If the definition has just been replaced: the hash of the one before, for the next resumption."""

    def take(self, event: Event) -> None:
        """Apply one event."""
        self._HANDLERS[type(event)](self, event)

    def finished(self) -> Run:
        """Return the document."""
        steps = list(self._steps.values())
        if self._run["ended_at"] is not None:
            steps = [self._closed(step) if step["status"] in OPEN_STEPS else step for step in steps]
        return {**self._run, "counts": counts(steps), "usage": usage(steps), "steps": steps}

    def _closed(self, step: StepRecord) -> StepRecord:
        """Return an open step of a run that has ended."""
        is_left_out = "stopped" in self._run and step["status"] == StepStatus.PENDING
        return {**step, "status": StepStatus.SKIPPED if is_left_out else StepStatus.CANCELLED}

    def _run_started(self, event: RunStarted) -> None:
        run = self._run
        self._run = {**run, "status": RunStatus.RUNNING, "started_at": run["started_at"] or event.at}

    def _run_resumed(self, event: RunResumed) -> None:
        resumed = cast("ResumeRecord", members(event))
        if self._previous_hash is not None:
            resumed = {**resumed, "newest": True, "previous_hash": self._previous_hash}
        self._run = {
            **self._run,
            "status": RunStatus.RUNNING,
            "ended_at": None,
            "duration_seconds": None,
            "error": None,
            "due_at": None,
            "resumed": [*self._run.get("resumed", ()), resumed],
        }
        self._previous_hash = None

    def _definition_taken(self, event: DefinitionTaken) -> None:
        self._previous_hash = event.previous_hash

    def _run_waiting(self, event: RunWaiting) -> None:
        self._run = {**self._run, "status": RunStatus.WAITING, "due_at": event.due_at}

    def _run_failing(self, event: RunFailing) -> None:
        """Note that the `on_failure` steps are starting."""
        self._run = {**self._run, "error": event.error}

    def _run_interrupted(self, _event: RunInterrupted) -> None:
        self._run = {**self._run, "status": RunStatus.INTERRUPTED}

    def _run_ended(self, event: RunEnded) -> None:
        began = self._run["started_at"]
        self._run = {
            **self._run,
            "status": event.status,
            "ended_at": event.at,
            "outputs": None if event.outputs is UNSET else event.outputs,
            "error": event.error or None,
            "due_at": None,
            "duration_seconds": _seconds(began, event.at) if began else None,
        }
        if event.stopped:
            self._run = {**self._run, "stopped": event.stopped}
        if event.on_failure_error:
            self._run = {**self._run, "on_failure_error": event.on_failure_error}

    def _account_named(self, event: AccountNamed) -> None:
        accounts = self._run["accounts"]
        if event.connection in accounts:
            known: AccountRecord = {**accounts[event.connection], "account": event.account}
            self._run = {**self._run, "accounts": {**accounts, event.connection: known}}

    def _loop_started(self, event: LoopStarted) -> None:
        self._steps[event.path] = {**self._step(event.path), "items": event.items, "noun": event.noun}
        for index, (key, title) in enumerate(event.items):
            path = item_of(event.path, index)
            self._steps[path] = {**self._step(path), "key": key, "title": title}

    def _item_finished(self, event: ItemFinished) -> None:
        item = self._step(event.path)
        item = {
            **item,
            "status": event.status,
            "ended_at": event.at,
            "error": event.error or None,
            "started_at": event.started_at or item["started_at"] or event.at,
        }
        if event.handled:
            item = {**item, "handled": event.handled}
        if event.note:
            item = {**item, "note": event.note}
        self._steps[event.path] = item

    def _step_listed(self, event: StepListed) -> None:
        """Keep an interrupted step in the list."""
        given = ((name, getattr(event, name)) for name in LISTED)
        known = {name: value for name, value in given if value not in (None, UNSET)}
        self._steps[event.path] = cast("StepRecord", {**self._step(event.path), **known})

    def _step_started(self, event: StepStarted) -> None:
        step = self._begun(event, _OF_STARTS)
        self._steps[event.path] = {**step, "status": StepStatus.RUNNING, "error": None, "ended_at": None}

    def _attempt_failed(self, event: AttemptFailed) -> None:
        step = self._step(event.path)
        attempt: AttemptRecord = {"started_at": event.started_at, "ended_at": event.ended_at, "error": event.error}
        self._steps[event.path] = {**step, "attempts": [*step["attempts"], attempt]}

    def _model_failed(self, event: ModelFailed) -> None:
        step = self._step(event.path)
        failed: FailedModel = {
            "connection": event.connection,
            "model": event.model,
            "error": event.error,
            "usage": event.usage or None,
        }
        used = usage_of(one for one in (step["usage"], event.usage) if one)
        failed_models = [*step.get("failed_models", ()), failed]
        self._steps[event.path] = {
            **step,
            "failed_models": failed_models,
            "usage": used if event.usage else step["usage"],
        }

    def _step_waiting(self, event: StepWaiting) -> None:
        step: StepRecord = {**self._begun(event, COPIED), "status": StepStatus.WAITING}
        if event.waited is UNSET:
            step = {**step, "waited": [*step.get("waited", ()), event.at]}
        if event.paused:
            step = {**step, "paused": event.paused}
        if event.scheduled:
            step = {**step, "scheduled": True}
        elif "scheduled" in step:  # it was held before
            step = cast("StepRecord", {name: value for name, value in step.items() if name != "scheduled"})
        if event.awaits and not event.held:  # what held it before is over
            step = cast("StepRecord", {name: value for name, value in step.items() if name != "held"})
        self._steps[event.path] = step

    def _step_finished(self, event: StepFinished) -> None:
        step: StepRecord = {**self._begun(event, COPIED), "status": event.status, "ended_at": event.at}
        if event.status == StepStatus.SUCCEEDED:
            attempts = step["attempts"]
            # an output that was not made by a call is no attempt
            is_given = event.pinned or event.replayed or event.fallback or event.planned or event.by_rule
            if step["uses"] and not is_given:
                started_at = event.attempt_at or step["started_at"] or event.at
                attempts = [*attempts, {"started_at": started_at, "ended_at": event.at, "error": None}]
            step = {**step, "error": event.error or None, "attempts": attempts}  # no error of an earlier attempt
        self._steps[event.path] = step

    def _write_settled(self, event: WriteSettled) -> None:
        """Note that the write of an interrupted step was made."""
        step = self._step(event.path)
        self._steps[event.path] = {**step, "output": event.output, "effect": event.effect, "ended_at": event.at}

    def _begun(self, event: StepStarted | StepWaiting | StepFinished, copied: Iterable[str]) -> StepRecord:
        """Return the record of a step with what an event says about it; it is not kept yet."""
        step = self._step(event.path)
        if "paused" in step:
            step = cast("StepRecord", {name: value for name, value in step.items() if name != "paused"})
        started_at = event.started_at or step["started_at"] or event.at
        if "]" in event.path:
            self._open_items(event.path, started_at)
        known = {name: value for name in copied if (value := getattr(event, name)) is not UNSET}
        title = event.title or step["title"]
        return cast("StepRecord", {**step, "title": title, "started_at": started_at, **known})

    def _open_items(self, path: str, started_at: str) -> None:
        """Mark the items around a step as running."""
        for around in items_around(path):
            item = self._steps.get(around)
            if item is not None and item["status"] in (StepStatus.PENDING, StepStatus.FAILED):
                self._steps[around] = {**item, "status": StepStatus.RUNNING, "started_at": started_at}

    def _step(self, path: str) -> StepRecord:
        """Return the record of a step, which has its place in the list from now on."""
        if path not in self._steps:
            self._steps[path] = {
                "id": step_id(path),
                "path": path,
                "key": None,
                "title": "",
                "uses": None,
                "connection": None,
                "status": StepStatus.PENDING,
                "started_at": None,
                "ended_at": None,
                "arguments": None,
                "output": None,
                "error": None,
                "attempts": [],
                "effect": None,
                "usage": None,
            }
        return self._steps[path]

    _HANDLERS: ClassVar[Mapping[type[Any], Callable[[Any, Any], None]]] = {
        RunStarted: _run_started,
        RunResumed: _run_resumed,
        DefinitionTaken: _definition_taken,
        RunWaiting: _run_waiting,
        RunFailing: _run_failing,
        RunInterrupted: _run_interrupted,
        RunEnded: _run_ended,
        AccountNamed: _account_named,
        LoopStarted: _loop_started,
        ItemFinished: _item_finished,
        StepListed: _step_listed,
        StepStarted: _step_started,
        AttemptFailed: _attempt_failed,
        ModelFailed: _model_failed,
        StepWaiting: _step_waiting,
        StepFinished: _step_finished,
        WriteSettled: _write_settled,
    }


def _seconds(start: str, end: str) -> float:
    return round((moment_of(end) - moment_of(start)).total_seconds(), 3)


def counts(steps: Iterable[StepRecord]) -> Counts:
    """Return the number of steps, items and effects by how they ended."""
    found = dict.fromkeys(StepCounts.__annotations__, 0)
    for step in steps:
        if step["uses"]:
            found["steps"] += step["status"] in (StepStatus.SUCCEEDED, StepStatus.FAILED)
            found["failed_steps"] += step["status"] == StepStatus.FAILED
        elif is_item(step["path"]):
            found["items"] += 1
            found["failed_items"] += step["status"] == StepStatus.FAILED
        if step["effect"]:
            found["reused_effects" if step["effect"]["reused"] else "new_effects"] += 1
            found["differing_effects"] += "note" in step["effect"]
        elif step["error"] and step["error"].get("type") == "OutcomeUnknown" and step["uses"]:
            found["unknown_effects"] += 1
    return cast("Counts", found)


def usage(steps: Iterable[StepRecord]) -> UsageRecord:
    """Return the tokens of all model calls; the cost is null if the price of one of them is unknown."""
    return usage_of(step["usage"] for step in steps if step["usage"])


def usage_of(parts: Iterable[UsageRecord]) -> UsageRecord:
    """Return the sum of these; the cost is null if one of them is unknown."""
    used = list(parts)
    costs = [one["cost_usd"] for one in used]
    known = [cost for cost in costs if cost is not None]
    return {
        "input_tokens": sum(one["input_tokens"] for one in used),
        "output_tokens": sum(one["output_tokens"] for one in used),
        "cost_usd": None if len(known) < len(costs) else round(sum(known), 6),  # sums of floats have long tails
    }
