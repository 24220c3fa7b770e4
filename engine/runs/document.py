"""The run document: what a person or program sees of a run, built from its acceptance and its events."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.names import moment_of

SCHEMA_VERSION = 1
_ITEM = re.compile(r"(.*)\[\d+\]\Z")
_COPIED = (
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
_LISTED = ("title", "uses", "connection", "identity", "child_run_id")
_NOT_CALLED = ("pinned", "replayed", "fallback")
"""With one of these a step has an output though no attempt of its own gave it."""
_OPEN = frozenset({"pending", "running", "waiting"})


def document(acceptance: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the run document after these events (docs/files.md: Run)."""
    builder = _Builder(acceptance)
    for event in events:
        builder.take(event)
    return builder.finished()


def events_of(run: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return events that stand for a finished document, so that the run can go on from it."""
    if run["started_at"]:
        yield {"type": "run_started", "at": run["started_at"]}
    for name, one in run["accounts"].items():
        if one.get("account"):
            yield {"type": "account_named", "at": run["started_at"], "connection": name, "account": one["account"]}
    for resumed in run.get("resumed", []):
        yield {"type": "run_resumed", **resumed}
    for step in sorted(run["steps"], key=is_item):  # an item has ended after the steps in it
        yield from _step_events(step)


def _step_events(step: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    at = step["ended_at"] or step["started_at"]
    named = {"at": at, "started_at": step["started_at"], "path": step["path"]}
    if "items" in step:
        yield {"type": "loop_started", **named, "noun": step["noun"], "items": step["items"]}
    for attempt in step["attempts"]:
        if attempt["error"] is not None:
            yield {"type": "attempt_failed", "at": attempt["ended_at"], "path": step["path"], **attempt}
    has_ended = step["status"] in ("succeeded", "skipped", "failed")
    kept = {name: step[name] for name in _COPIED if step.get(name) is not None}
    if is_item(step):
        if has_ended:
            yield {"type": "item_finished", **named, "status": step["status"], **kept}
    elif has_ended:
        kept.update(_of_success(step))
        yield {"type": "step_finished", **named, "status": step["status"], "title": step["title"], **kept}
    else:
        told = {name: step.get(name) for name in _LISTED}
        yield {"type": "step_listed", **named, **told}
        if step["status"] == "cancelled" and step["effect"]:
            yield {"type": "write_settled", **named, "output": step["output"], "effect": step["effect"]}
        if step["status"] == "waiting":
            yield {"type": "step_waiting", **named, "title": step["title"], **kept}


def _of_success(step: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the end of a step has only where it went well."""
    if step["status"] != "succeeded" or not step["uses"] or step.get("fallback"):  # that may have no output
        return {}
    began = {"attempt_at": step["attempts"][-1]["started_at"]} if step["attempts"] else {}
    return {"output": step["output"], **began}  # null, too


class _Builder:
    def __init__(self, acceptance: Mapping[str, Any]) -> None:
        self._run: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "run_id": acceptance["run_id"],
            "workflow": acceptance["workflow"],
            "workflow_hash": acceptance["workflow_hash"],
            "status": "queued",
            "sentence": "",  # told by engine/runs/summary.py, from all the rest
            "demo": acceptance["demo"],
            "started_by": acceptance["started_by"],
            "origin_run_id": acceptance["origin_run_id"],
            "parent_run_id": acceptance["parent_run_id"],
            "caller": acceptance.get("caller"),
            "options": acceptance.get("options", {}),
            "trigger": acceptance.get("trigger"),
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
        """That the definition was replaced, for the resumption that did it."""

    def take(self, event: Mapping[str, Any]) -> None:
        """Apply one event."""
        handler = getattr(self, f"_on_{event['type']}")
        handler(event)

    def finished(self) -> dict[str, Any]:
        """Return the document."""
        steps = list(self._steps.values())
        if self._run["ended_at"] is not None:
            for step in steps:
                if step["status"] in _OPEN:
                    is_left_out = "stopped" in self._run and step["status"] == "pending"
                    step["status"] = "skipped" if is_left_out else "cancelled"
        self._run["steps"] = steps
        self._run["counts"] = counts(steps)
        self._run["usage"] = usage(steps)
        return self._run

    def _on_run_started(self, event: Mapping[str, Any]) -> None:
        self._run["status"] = "running"
        self._run["started_at"] = self._run["started_at"] or event["at"]

    def _on_run_resumed(self, event: Mapping[str, Any]) -> None:
        self._run.update(status="running", ended_at=None, duration_seconds=None, error=None, due_at=None)
        kept = {name: event[name] for name in ("at", "by", "newest", "previous_hash") if name in event}
        self._run.setdefault("resumed", []).append({**kept, **self._newest})
        self._newest = {}

    def _on_definition_taken(self, event: Mapping[str, Any]) -> None:
        self._newest = {"newest": True, "previous_hash": event["previous_hash"]}

    def _on_run_waiting(self, event: Mapping[str, Any]) -> None:
        self._run.update(status="waiting", due_at=event["due_at"])

    def _on_run_failing(self, event: Mapping[str, Any]) -> None:
        """The steps of `on_failure` run now."""
        self._run["error"] = event["error"]

    def _on_run_interrupted(self, event: Mapping[str, Any]) -> None:
        self._run["status"] = "interrupted"

    def _on_run_ended(self, event: Mapping[str, Any]) -> None:
        self._run.update(
            status=event["status"],
            ended_at=event["at"],
            outputs=event.get("outputs"),
            error=event.get("error"),
            due_at=None,
            **{name: event[name] for name in ("stopped", "on_failure_error") if name in event},
        )
        if self._run["started_at"]:
            self._run["duration_seconds"] = _seconds(self._run["started_at"], event["at"])

    def _on_account_named(self, event: Mapping[str, Any]) -> None:
        if event["connection"] in self._run["accounts"]:
            self._run["accounts"][event["connection"]]["account"] = event["account"]

    def _on_loop_started(self, event: Mapping[str, Any]) -> None:
        path = event["path"]
        loop = self._step(path)
        loop.update(items=event["items"], noun=event["noun"])
        for index, (key, title) in enumerate(event["items"]):
            self._step(f"{path}[{index}]").update(key=key, title=title, id=loop["id"])

    def _on_item_finished(self, event: Mapping[str, Any]) -> None:
        item = self._step(event["path"])
        item.update(status=event["status"], ended_at=event["at"], error=event.get("error"))
        item["started_at"] = event.get("started_at") or item["started_at"] or event["at"]
        item.update({name: event[name] for name in ("handled", "note") if event.get(name)})

    def _on_step_listed(self, event: Mapping[str, Any]) -> None:
        """A step that was broken off keeps its place in the list."""
        self._step(event["path"]).update({name: event[name] for name in _LISTED if event.get(name) is not None})

    def _on_step_started(self, event: Mapping[str, Any]) -> None:
        step = self._begun(event)
        step.update(status="running", error=None, ended_at=None)

    def _on_attempt_failed(self, event: Mapping[str, Any]) -> None:
        attempt = {name: event[name] for name in ("started_at", "ended_at", "error")}
        self._step(event["path"])["attempts"].append(attempt)

    def _on_step_waiting(self, event: Mapping[str, Any]) -> None:
        self._begun(event)["status"] = "waiting"

    def _on_step_finished(self, event: Mapping[str, Any]) -> None:
        step = self._begun(event)
        step.update(status=event["status"], ended_at=event["at"])
        if event["status"] == "succeeded":
            step["error"] = event.get("error")
            if step["uses"] and not any(event.get(name) for name in _NOT_CALLED):
                begun = event.get("attempt_at") or step["started_at"]
                step["attempts"].append({"started_at": begun, "ended_at": event["at"], "error": None})

    def _on_write_settled(self, event: Mapping[str, Any]) -> None:
        """The step was broken off while its write was on its way; the write was made."""
        self._step(event["path"]).update({name: event[name] for name in ("output", "effect")}, ended_at=event["at"])

    def _begun(self, event: Mapping[str, Any]) -> dict[str, Any]:
        step = self._step(event["path"])
        step["title"] = event.get("title") or step["title"]
        step["started_at"] = event.get("started_at") or step["started_at"] or event["at"]
        step.update({name: event[name] for name in _COPIED if name in event})
        self._open_items(event["path"], step["started_at"])
        return step

    def _open_items(self, path: str, started_at: str) -> None:
        """Mark the items around a step as running."""
        for position, letter in enumerate(path):
            if letter == "]":
                item = self._steps.get(path[: position + 1])
                if item is not None and item["status"] in ("pending", "failed"):
                    item.update(status="running", started_at=started_at)

    def _step(self, path: str) -> dict[str, Any]:
        if path not in self._steps:
            self._steps[path] = {
                "id": path.rsplit(".", 1)[-1].split("[", maxsplit=1)[0],
                "path": path,
                "key": None,
                "title": "",
                "uses": None,
                "connection": None,
                "status": "pending",
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


def _seconds(start: str, end: str) -> float:
    return round((moment_of(end) - moment_of(start)).total_seconds(), 3)


def is_item(step: Mapping[str, Any]) -> bool:
    """Tell whether an entry of `steps` stands for one item of a loop."""
    return bool(_ITEM.match(step["path"]))


def counts(steps: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many steps, items and effects ended how."""
    found = dict.fromkeys(
        ("steps", "failed_steps", "items", "failed_items", "new_effects", "reused_effects", "unknown_effects"), 0
    )
    for step in steps:
        if is_item(step):
            found["items"] += 1
            found["failed_items"] += step["status"] == "failed"
        elif step["uses"]:
            found["steps"] += step["status"] in ("succeeded", "failed")
            found["failed_steps"] += step["status"] == "failed"
        if step["effect"]:
            found["reused_effects" if step["effect"]["reused"] else "new_effects"] += 1
        elif step["error"] and step["error"].get("type") == "OutcomeUnknown" and step["uses"]:
            found["unknown_effects"] += 1
    return found


def usage(steps: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the tokens of all model calls; the cost is null where the price of one of them is not known."""
    used = [step["usage"] for step in steps if step["usage"]]
    costs = [one["cost_usd"] for one in used]
    return {
        "input_tokens": sum(one["input_tokens"] for one in used),
        "output_tokens": sum(one["output_tokens"] for one in used),
        "cost_usd": None if None in costs else round(sum(costs), 6),
    }
