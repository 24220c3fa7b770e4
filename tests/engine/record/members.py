"""Compare the members of a run document with those that its types list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.record.types.run import AccountRecord, Counts, ResumeRecord, Run, RunOptions, TriggerItem
from engine.record.types.step import (
    AttemptRecord,
    AwaitedMail,
    Failure,
    Hold,
    Paused,
    StepEffect,
    StepRecord,
    UsageRecord,
)

_OF_RUNS: Mapping[str, Any] = {
    "options": RunOptions, "trigger": TriggerItem, "error": Failure, "counts": Counts, "usage": UsageRecord
}  # fmt: skip
_OF_STEPS: Mapping[str, Any] = {
    "error": Failure,
    "effect": StepEffect,
    "usage": UsageRecord,
    "held": Hold,
    "awaits": AwaitedMail,
    "paused": Paused,
}


def misfits(run: Mapping[str, Any]) -> list[str]:
    """Return the members that are missing or unknown, such as `each.effect.colour`."""
    return list(_of_run(run))


def _of_run(run: Mapping[str, Any]) -> Iterator[str]:
    yield from _unlike(run, Run, "")
    yield from _inside(run, _OF_RUNS, "")
    for name, account in run["accounts"].items():
        yield from _unlike(account, AccountRecord, f"accounts.{name}.")
    for resumed in run.get("resumed", []):
        yield from _unlike(resumed, ResumeRecord, "resumed.")
    for step in run["steps"]:
        place = f"{step['path']}."
        yield from _unlike(step, StepRecord, place)
        yield from _inside(step, _OF_STEPS, place)
        for attempt in step["attempts"]:
            yield from _unlike(attempt, AttemptRecord, f"{place}attempts.")


def _inside(record: Mapping[str, Any], kinds: Mapping[str, Any], place: str) -> Iterator[str]:
    for name, kind in kinds.items():
        if record.get(name) is not None:
            yield from _unlike(record[name], kind, f"{place}{name}.")


def _unlike(record: Mapping[str, Any], kind: Any, place: str) -> Iterator[str]:
    names = (record.keys() - kind.__annotations__.keys()) | (kind.__required_keys__ - record.keys())
    yield from (f"{place}{name}" for name in sorted(names))
