"""How one step went in two runs: its arguments, its output and its outcome."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Literal

from engine.base.clock import moment_of
from engine.base.json_text import JsonObject
from engine.base.statuses import StepStatus
from engine.record.differences import ABSENT, Difference, differences, is_reference
from engine.record.types.run import Run
from engine.record.types.step import Failure, StepEffect, StepRecord

Runs = tuple[Run, Run]
"""The documents of the good and the bad run."""
Kind = Literal["presence", "arguments", "prompt", "model", "output", "error", "status", "effect", "duration"]
"""The kinds of differences between steps, causes before consequences."""

_MOST_OF_A_KIND = 20
_SLOWER_TIMES, _SLOWER_SECONDS = 2.0, 1.0
_NOT_CALLED = ("replayed", "pinned", "by_rule")
_NOT_RUN = frozenset({StepStatus.PENDING, StepStatus.SKIPPED, StepStatus.CANCELLED})


def facts(good: StepRecord, bad: StepRecord, runs: Runs) -> Iterator[tuple[Kind, Difference]]:
    """Yield the differences of a step that both runs have."""
    if not good["uses"] and not bad["uses"]:  # a loop, an item, a group: the steps inside report the rest
        yield from _of("arguments", _items(good, bad))
        yield from _of("output", differences("output", good["output"], bad["output"]))
        yield from _of("status", differences("status", good["status"], bad["status"]))
    elif good["status"] in _NOT_RUN or bad["status"] in _NOT_RUN:
        yield from _of("presence", differences("status", good["status"], bad["status"]))
    else:
        yield from _of("arguments", _call(good, bad))
        yield from _of("prompt", _prompt(good, bad, runs))
        yield from _of("model", differences("model", _model(good), _model(bad)))
        yield from _end(good, bad)
        yield from _of("effect", _effect(good, bad))
        yield from _of("duration", _duration(good, bad))


def _end(good: StepRecord, bad: StepRecord) -> Iterator[tuple[Kind, Difference]]:
    if good["status"] != bad["status"]:  # then one of them has no output
        yield from _of("error", error_differences("error", good["error"], bad["error"]))
        yield from _of("status", differences("status", good["status"], bad["status"]))
        return
    # Ids, numbers and addresses from a service differ in any two writes.
    kind: Kind = "effect" if good["effect"] and bad["effect"] else "output"
    yield from _of(kind, differences("output", good["output"], bad["output"]))
    yield from _of("error", error_differences("error", good["error"], bad["error"]))


def error_differences(field: str, good: Failure | None, bad: Failure | None) -> Iterator[Difference]:
    """Yield how two errors differ, in the parts that people read; None means no error."""
    told = [
        {"type": one["type"], "message": one["message"], "step": one["step"]} if one else ABSENT for one in (good, bad)
    ]
    return differences(field, *told)


def _of(kind: Kind, found: Iterator[Difference]) -> Iterator[tuple[Kind, Difference]]:
    return ((kind, one) for one in islice(found, _MOST_OF_A_KIND))


def _items(good: StepRecord, bad: StepRecord) -> Iterator[Difference]:
    """Yield the loop items that only one run has; both lists as a whole if keys cannot match them."""
    keys = [[key for key, _ in one.get("items", [])] for one in (good, bad)]
    if keys[0] != keys[1]:
        missing, new = ([one for one in keys[a] if one not in keys[1 - a]] for a in (0, 1))
        yield Difference("items", missing, new) if missing or new else Difference("items", *keys)


def _call(good: StepRecord, bad: StepRecord) -> Iterator[Difference]:
    for name in ("uses", "connection"):
        yield from differences(name, good[name], bad[name])
    yield from differences("arguments", good["arguments"], bad["arguments"])


def _prompt(good: StepRecord, bad: StepRecord, runs: Runs) -> Iterator[Difference]:
    names = [_prompt_name(step) for step in (good, bad)]
    prompts = [run["definition"].get("prompts") or {} for run in runs]
    if any(names):
        yield from differences("prompt", *(one.get(name, {}) for one, name in zip(prompts, names, strict=True)))


def _prompt_name(step: StepRecord) -> str:
    arguments = step["arguments"]
    return str(arguments.get("prompt") or "") if isinstance(arguments, Mapping) else ""


def _model(step: StepRecord) -> Any:
    request = step.get("request")
    return request.get("model", ABSENT) if isinstance(request, Mapping) and not is_reference(request) else ABSENT


def _effect(good: StepRecord, bad: StepRecord) -> Iterator[Difference]:
    yield from differences("effect", _told(good["effect"]), _told(bad["effect"]))


def _told(effect: StepEffect | None) -> JsonObject:
    """Return what of an effect should be the same in two runs."""
    if effect is None:
        return {}
    return {name: value for name, value in effect.items() if name in ("outcome", "reused", "receipt", "note")}


def _duration(good: StepRecord, bad: StepRecord) -> Iterator[Difference]:
    """Yield both durations in seconds if one is more than twice as long, and longer by more than a second."""
    sides = [_seconds(one) for one in (good, bad)]
    if sides[0] is None or sides[1] is None:
        return
    short, long = sorted(one for one in sides if one is not None)
    if long > short * _SLOWER_TIMES and long - short > _SLOWER_SECONDS:
        yield Difference("duration_seconds", sides[0], sides[1])


def _seconds(step: StepRecord) -> float | None:
    if not step["started_at"] or not step["ended_at"] or any(map(step.get, _NOT_CALLED)):
        return None
    return round((moment_of(step["ended_at"]) - moment_of(step["started_at"])).total_seconds(), 3)
