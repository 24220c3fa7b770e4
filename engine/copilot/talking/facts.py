"""What a model is told of a run: types, sizes and errors; values only of the steps that a person has ticked."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from engine.record.types.run import Run
from engine.record.types.step import StepRecord

_MOST_STEPS = 60
_MOST_MEMBERS = 20
_LONGEST_VALUE = 2_000
_DEEPEST = 3
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
"""Of a field; other names of members are data."""


def run_facts(run: Run, values: Collection[str] = (), only: str = "") -> dict[str, Any]:
    """Return the facts of a run, or of one of its steps (`only`: its path).

    `values`: the paths of the steps whose arguments and output are told as they are, shortened.
    """
    steps = [one for one in run["steps"] if not only or one["path"] == only]
    failed = [one for one in steps if one["error"] is not None]
    shown = [*failed, *(one for one in steps if one["error"] is None)][:_MOST_STEPS]
    return {
        "run": run["run_id"],
        "status": run["status"],
        "error": _error(run.get("error")),
        "steps": [_step(one, with_values=one["path"] in values) for one in shown],
        "more_steps": max(0, len(steps) - _MOST_STEPS),
    }


def known_paths(run: Run, paths: Collection[str]) -> list[str]:
    """Return those paths that are steps of a run, in its order."""
    return [one["path"] for one in run["steps"] if one["path"] in paths]


def _step(step: StepRecord, *, with_values: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"path": step["path"], "uses": step["uses"], "status": step["status"]}
    if step["error"] is not None:
        found["error"] = _error(step["error"], with_values=with_values)
    look = _shortened if with_values else shape
    return {**found, "arguments": look(step["arguments"]), "output": look(step["output"])}


def _error(error: Mapping[str, Any] | None, *, with_values: bool = False) -> dict[str, Any] | None:
    """Return an error; its words may quote what was sent, name an address or an account, so they are values."""
    if error is None:
        return None
    words = ("message", "remedy") if with_values else ()
    return {name: error.get(name) for name in ("type", "step", "field", "http_status", "outcome", *words)}


def shape(value: Any, depth: int = _DEEPEST) -> Any:
    """Return a value's type and size, without anything of what it says; a table by addresses or titles has no names."""
    if isinstance(value, str):
        return f"text of {len(value)} characters"
    if value is None or isinstance(value, bool | int | float):
        return {type(None): "null", bool: "true or false"}.get(type(value), "number")
    if isinstance(value, Mapping):
        if not depth:
            return f"object of {len(value)}"
        if not all(_NAME.fullmatch(str(name)) for name in value):
            return {"object_of": shape(next(iter(value.values())), depth - 1), "members": len(value)}
        return {str(name): shape(one, depth - 1) for name, one in list(value.items())[:_MOST_MEMBERS]}
    if isinstance(value, Sequence):
        first = shape(value[0], depth - 1) if value and depth else None
        return {"list_of": first, "items": len(value)}
    return "unknown"


def _shortened(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_VALUE else f"{value[:_LONGEST_VALUE]}… ({len(value)} characters)"
    if isinstance(value, Mapping):
        return {str(name): _shortened(one) for name, one in list(value.items())[:_MOST_MEMBERS]}
    if isinstance(value, Sequence):
        return [_shortened(one) for one in value[:_MOST_MEMBERS]]
    return value
