"""What is sent to a model about a run: types, sizes and errors; names and values of strangers only of ticked steps."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from clients.wording import counted
from engine.copilot.talking.declared import NOTHING, Declared, DeclaredInRun
from engine.record.types.run import Run
from engine.record.types.step import StepRecord

_MOST_STEPS = 60
_MOST_MEMBERS = 20
_LONGEST_VALUE = 2_000
_DEEPEST = 3
_MORE = "…"
"""Stands for names that are not sent."""
_PLACE = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")
"""A name or an index in the place of an error: `with.values[0].n`."""


def run_facts(run: Run, values: Collection[str] = (), only: str = "") -> dict[str, Any]:
    """Return the facts of a run, or of one of its steps (`only`: its path).

    `values`: the paths of the steps whose arguments and output are sent as they are, shortened.
    """
    steps = [one for one in run["steps"] if not only or one["path"] == only]
    failed = [one for one in steps if one["error"] is not None]
    shown = [*failed, *(one for one in steps if one["error"] is None)][:_MOST_STEPS]
    declared = DeclaredInRun(run)
    return {
        "run": run["run_id"],
        "status": run["status"],
        "error": _error(run.get("error"), declared),
        "steps": [_step(one, declared, with_values=one["path"] in values) for one in shown],
        "more_steps": max(0, len(steps) - _MOST_STEPS),
    }


def known_paths(run: Run, paths: Collection[str]) -> list[str]:
    """Return those paths that are steps of a run, in its order."""
    return [one["path"] for one in run["steps"] if one["path"] in paths]


def _step(step: StepRecord, declared: DeclaredInRun, *, with_values: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"path": step["path"], "uses": step["uses"], "status": step["status"]}
    if step["error"] is not None:
        found["error"] = _error(step["error"], declared, with_values=with_values)
    if with_values:
        return {**found, "arguments": _shortened(step["arguments"]), "output": _shortened(step["output"])}
    arguments, output = declared.arguments(step), declared.output(step)
    return {**found, "arguments": shape(step["arguments"], arguments), "output": shape(step["output"], output)}


def _error(
    error: Mapping[str, Any] | None, declared: DeclaredInRun, *, with_values: bool = False
) -> dict[str, Any] | None:
    """Return an error; its words may quote what was sent, name an address or an account, so they are values."""
    if error is None:
        return None
    words = ("message", "remedy") if with_values else ()
    told = {name: error.get(name) for name in ("type", "step", "field", "http_status", "outcome", *words)}
    if not with_values and told["field"]:
        told["field"] = _place(str(told["field"]), declared.places(error.get("step")))
    return told


def _place(field: str, known: Declared) -> str:
    """Return the place of an error as far as its names are declared."""
    end = 0
    for found in _PLACE.finditer(field):
        inner = known.items() if found[2] else known.member(found[1])
        if inner is None or found.start() != end:
            return field[:end] + _MORE
        known, end = inner, found.end()
    return field


def shape(value: Any, known: Declared = NOTHING, depth: int = _DEEPEST) -> Any:
    """Return a value's type and size, without anything of what it says; a name only if it is declared there."""
    if isinstance(value, str):
        return f"text of {len(value)} characters"
    if value is None or isinstance(value, bool | int | float):
        return {type(None): "null", bool: "true or false"}.get(type(value), "number")
    if isinstance(value, Mapping):
        return _object(value, known, depth - 1) if depth else f"object of {len(value)}"
    if isinstance(value, Sequence):
        first = shape(value[0], known.items(), depth - 1) if value and depth else None
        return {"list_of": first, "items": len(value)}
    return "unknown"


def _object(value: Mapping[Any, Any], known: Declared, depth: int) -> dict[str, Any]:
    told = dict(list(_declared(value, known))[:_MOST_MEMBERS])
    if not told and value:
        return {"object_of": shape(next(iter(value.values())), known.others(), depth), "members": len(value)}
    found = {name: shape(value[name], inner, depth) for name, inner in told.items()}
    more = len(value) - len(found)
    return {**found, _MORE: f"and {counted(more, 'more member')}"} if more else found


def _declared(value: Mapping[Any, Any], known: Declared) -> Iterator[tuple[str, Declared]]:
    """Yield the members whose names are declared, each with what is declared inside it."""
    for name in value:
        inner = known.member(name) if isinstance(name, str) else None
        if inner is not None:
            yield name, inner


def _shortened(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}… ({len(value)} characters)"
    if isinstance(value, Mapping):
        return {str(name): _shortened(one) for name, one in list(value.items())[:_MOST_MEMBERS]}
    if isinstance(value, Sequence):
        return [_shortened(one) for one in value[:_MOST_MEMBERS]]
    return value
