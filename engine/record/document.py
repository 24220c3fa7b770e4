"""The run document: what people and programs see of a run, built from its acceptance and its events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from msgspec import UNSET

from engine.base.names import moment_of
from engine.base.statuses import OPEN_STEPS, RunStatus, StepStatus
from engine.base.step_path import is_item, item_of, items_around, step_id
from engine.record.events import (
    AccountNamed,
    AttemptFailed,
    DefinitionTaken,
    Event,
    ItemFinished,
    LoopStarted,
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
    told,
)

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
    "handled",
    "fallback",
    "identity",
    "note",
    "pinned",
    "replayed",
    "approval",
    "child_run_id",
    "stops",
)
LISTED = ("title", "uses", "connection", "identity", "child_run_id")
_OF_STARTS = ("uses", "connection", "arguments", "identity")


def document(acceptance: Mapping[str, Any], events: Iterable[Event]) -> dict[str, Any]:
    """Return the run document after these events (docs/files.md: Run)."""
    builder = _Builder(acceptance)
    for event in events:
        builder.take(event)
    return builder.finished()


class Progress:
    """The document of an open run, updated event by event."""

    def __init__(self, acceptance: Mapping[str, Any]) -> None:
        self._builder = _Builder(acceptance)

    def take(self, event: Event) -> None:
        """Apply one event, except the end of the run, which its log reports."""
        if not isinstance(event, RunEnded):
            self._builder.take(event)

    def document(self) -> dict[str, Any]:
        """Return the document so far; later events do not change it."""
        run = dict(self._builder.finished())
        run["steps"] = [{**step, "attempts": list(step["attempts"])} for step in run["steps"]]
        run["accounts"] = {name: dict(one) for name, one in run["accounts"].items()}
        if "resumed" in run:
            run["resumed"] = list(run["resumed"])
        return run


class _Builder:
    def __init__(self, acceptance: Mapping[str, Any]) -> None:
        self._run: dict[str, Any] = {
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
            "options": acceptance.get("options", {}),
            "trigger": acceptance.get("trigger"),
            "confirmed": acceptance.get("confirmed", []),
            "queued_at": acceptance["queued_at"],
            "started_at": None,
            "ended_at": None,
            "duration_seconds": None,
            "inputs": acceptance["inputs"],
            "outputs": None,
            "error": None,
            "counts": {},
            "usage": {},
            "definition": acceptance["definition"],
            "accounts": {name: dict(one) for name, one in acceptance["accounts"].items()},
            "due_at": None,
        }
        self._steps: dict[str, dict[str, Any]] = {}
        self._newest: dict[str, Any] = {}
        """Marks the next resumption as the one that replaced the definition."""

    def take(self, event: Event) -> None:
        """Apply one event."""
        self._HANDLERS[type(event)](self, event)

    def finished(self) -> dict[str, Any]:
        """Return the document."""
        steps = list(self._steps.values())
        if self._run["ended_at"] is not None:
            for step in steps:
                if step["status"] in OPEN_STEPS:
                    is_left_out = "stopped" in self._run and step["status"] == StepStatus.PENDING
                    step["status"] = StepStatus.SKIPPED if is_left_out else StepStatus.CANCELLED
        self._run["steps"] = steps
        self._run["counts"] = counts(steps)
        self._run["usage"] = usage(steps)
        return self._run

    def _run_started(self, event: RunStarted) -> None:
        self._run["status"] = RunStatus.RUNNING
        self._run["started_at"] = self._run["started_at"] or event.at

    def _run_resumed(self, event: RunResumed) -> None:
        self._run.update(status=RunStatus.RUNNING, ended_at=None, duration_seconds=None, error=None, due_at=None)
        self._run.setdefault("resumed", []).append({**told(event), **self._newest})
        self._newest = {}

    def _definition_taken(self, event: DefinitionTaken) -> None:
        self._newest = {"newest": True, "previous_hash": event.previous_hash}

    def _run_waiting(self, event: RunWaiting) -> None:
        self._run.update(status=RunStatus.WAITING, due_at=event.due_at)

    def _run_failing(self, event: RunFailing) -> None:
        """Note that the `on_failure` steps are starting."""
        self._run["error"] = event.error

    def _run_interrupted(self, _event: RunInterrupted) -> None:
        self._run["status"] = RunStatus.INTERRUPTED

    def _run_ended(self, event: RunEnded) -> None:
        self._run.update(
            status=event.status,
            ended_at=event.at,
            outputs=None if event.outputs is UNSET else event.outputs,
            error=event.error or None,
            due_at=None,
        )
        if event.stopped:
            self._run["stopped"] = event.stopped
        if event.on_failure_error:
            self._run["on_failure_error"] = event.on_failure_error
        if self._run["started_at"]:
            self._run["duration_seconds"] = _seconds(self._run["started_at"], event.at)

    def _account_named(self, event: AccountNamed) -> None:
        if event.connection in self._run["accounts"]:
            self._run["accounts"][event.connection]["account"] = event.account

    def _loop_started(self, event: LoopStarted) -> None:
        loop = self._step(event.path)
        loop.update(items=event.items, noun=event.noun)
        for index, (key, title) in enumerate(event.items):
            self._step(item_of(event.path, index)).update(key=key, title=title)

    def _item_finished(self, event: ItemFinished) -> None:
        item = self._step(event.path)
        item.update(status=event.status, ended_at=event.at, error=event.error or None)
        item["started_at"] = event.started_at or item["started_at"] or event.at
        if event.handled:
            item["handled"] = event.handled
        if event.note:
            item["note"] = event.note

    def _step_listed(self, event: StepListed) -> None:
        """Keep an interrupted step in the list."""
        given = ((name, getattr(event, name)) for name in LISTED)
        self._step(event.path).update({name: value for name, value in given if value not in (None, UNSET)})

    def _step_started(self, event: StepStarted) -> None:
        step = self._begun(event, _OF_STARTS)
        step.update(status=StepStatus.RUNNING, error=None, ended_at=None)

    def _attempt_failed(self, event: AttemptFailed) -> None:
        attempt = {"started_at": event.started_at, "ended_at": event.ended_at, "error": event.error}
        self._step(event.path)["attempts"].append(attempt)

    def _step_waiting(self, event: StepWaiting) -> None:
        self._begun(event, COPIED)["status"] = StepStatus.WAITING

    def _step_finished(self, event: StepFinished) -> None:
        step = self._begun(event, COPIED)
        step.update(status=event.status, ended_at=event.at)
        if event.status == StepStatus.SUCCEEDED:
            step["error"] = event.error or None
            if step["uses"] and not (event.pinned or event.replayed or event.fallback):  # it made its own call
                begun = event.attempt_at or step["started_at"]
                step["attempts"].append({"started_at": begun, "ended_at": event.at, "error": None})

    def _write_settled(self, event: WriteSettled) -> None:
        """Note that the write of an interrupted step was made."""
        self._step(event.path).update(output=event.output, effect=event.effect, ended_at=event.at)

    def _begun(self, event: StepStarted | StepWaiting | StepFinished, copied: Iterable[str]) -> dict[str, Any]:
        step = self._step(event.path)
        step["title"] = event.title or step["title"]
        step["started_at"] = event.started_at or step["started_at"] or event.at
        step.update({name: value for name in copied if (value := getattr(event, name)) is not UNSET})
        self._open_items(event.path, step["started_at"])
        return step

    def _open_items(self, path: str, started_at: str) -> None:
        """Mark the items around a step as running."""
        for around in items_around(path):
            item = self._steps.get(around)
            if item is not None and item["status"] in (StepStatus.PENDING, StepStatus.FAILED):
                item.update(status=StepStatus.RUNNING, started_at=started_at)

    def _step(self, path: str) -> dict[str, Any]:
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
        StepWaiting: _step_waiting,
        StepFinished: _step_finished,
        WriteSettled: _write_settled,
    }


def _seconds(start: str, end: str) -> float:
    return round((moment_of(end) - moment_of(start)).total_seconds(), 3)


_COUNTED = (
    "steps", "failed_steps", "items", "failed_items",
    "new_effects", "reused_effects", "differing_effects", "unknown_effects",
)  # fmt: skip


def counts(steps: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return the number of steps, items and effects by how they ended."""
    found = dict.fromkeys(_COUNTED, 0)
    for step in steps:
        if is_item(step["path"]):
            found["items"] += 1
            found["failed_items"] += step["status"] == StepStatus.FAILED
        elif step["uses"]:
            found["steps"] += step["status"] in (StepStatus.SUCCEEDED, StepStatus.FAILED)
            found["failed_steps"] += step["status"] == StepStatus.FAILED
        if step["effect"]:
            found["reused_effects" if step["effect"]["reused"] else "new_effects"] += 1
            found["differing_effects"] += "note" in step["effect"]
        elif step["error"] and step["error"].get("type") == "OutcomeUnknown" and step["uses"]:
            found["unknown_effects"] += 1
    return found


def usage(steps: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the tokens of all model calls; the cost is null if the price of one of them is unknown."""
    used = [step["usage"] for step in steps if step["usage"]]
    costs = [one["cost_usd"] for one in used]
    return {
        "input_tokens": sum(one["input_tokens"] for one in used),
        "output_tokens": sum(one["output_tokens"] for one in used),
        "cost_usd": None if None in costs else round(sum(costs), 6),
    }
