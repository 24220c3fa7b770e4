"""Leaves out the empty entries of lists of names, as expressions and models make them, and tells the person."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel

from clients.wording import counted
from engine.base.json_text import JsonObject
from engine.plugins.step import StepType, fields_schema


def without_empty(step_type: StepType, arguments: JsonObject) -> tuple[JsonObject, tuple[str, ...]]:
    """Return arguments without empty entries in the lists of fields declared so, and notes about them."""
    dropping = _dropping(step_type.fields)
    fields = [name for name in arguments if name in dropping] if dropping else ()
    if not fields:
        return arguments, ()
    kept = dict(arguments)
    notes: list[str] = []
    for name in fields:
        given = arguments[name]
        if isinstance(given, dict):
            kept[name] = {inner: _kept(one, inner, notes) for inner, one in given.items()}
        else:
            kept[name] = _kept(given, name, notes)
    return (kept, tuple(notes)) if notes else (arguments, ())


@cache
def _dropping(fields: type[BaseModel]) -> frozenset[str]:
    """Return the names of the fields that drop empty entries."""
    known = fields_schema(fields).get("properties", {})
    return frozenset(name for name, one in known.items() if one.get("drops_empty"))


def _kept(value: Any, name: str, notes: list[str]) -> Any:
    if not isinstance(value, list):
        return value
    kept = [one for one in value if one is not None and (not isinstance(one, str) or one.strip())]
    if left := len(value) - len(kept):
        notes.append(f"{counted(left, 'empty entry')} of {name!r} {'was' if left == 1 else 'were'} left out.")
    return kept
