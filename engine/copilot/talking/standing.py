"""Where a person stands: the one selected step, behind which a new step goes, and what it may use there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from engine.workflows.editing.scope_names import OfferedName

_PLACES = ("after", "before", "into")
_MOST_NAMES = 40
_FUNCTION = "function"


def told_names(step: str, names: Iterable[OfferedName]) -> list[str]:
    """Return what a step behind this one may use, a line each: names and types, never a value."""
    found = [_line(one) for one in names if one.type != _FUNCTION]
    return [f"steps.{step}.output: what its step type returns", *found[:_MOST_NAMES]]


def _line(one: OfferedName) -> str:
    marks = [", may be missing"] * one.may_be_missing + [", text from outside"] * one.from_outside
    return f"{one.name}: {one.type}{''.join(marks)}"


def placed_behind(ops: object, selection: Sequence[str]) -> object:
    """Return operations in which new steps without a place follow the selected step, in their order, if it is one."""
    if len(selection) != 1 or not isinstance(ops, list):
        return ops
    return [*_placed(ops, selection[0])]


def _placed(ops: Sequence[Any], behind: str) -> Iterator[Any]:
    for one in ops:
        is_loose = isinstance(one, dict) and one.get("op") == "add" and not any(place in one for place in _PLACES)
        if not is_loose:
            yield one
            continue
        yield {**one, "after": behind}
        step = one.get("step")
        behind = str(step.get("id") or behind) if isinstance(step, dict) else behind
