"""Which siblings are certainly finished before a step starts."""

from __future__ import annotations

from collections.abc import Sequence

from engine.compiler.model import StepModel
from engine.compiler.scope import Report
from engine.expressions.wording import did_you_mean
from engine.workspace.jsonfile import JsonPath


def finished_before(path: JsonPath, steps: Sequence[StepModel], report: Report) -> list[frozenset[str]]:
    """Return, for each sibling, the ids of those that end before it starts; wrong `needs` go to the report."""
    waits = {step.id: step.needs for step in steps}
    if all(needs is None for needs in waits.values()):
        return _in_file_order(steps)
    every = {step.id: _waits_for(index, step, steps) for index, step in enumerate(steps)}
    for index, step in enumerate(steps):
        _check_needs((*path, index, "needs"), step, every, report)
    _check_cycles(path, steps, every, report)
    return [frozenset(_closure(step.id, every)) for step in steps]


def _in_file_order(steps: Sequence[StepModel]) -> list[frozenset[str]]:
    """Return what is finished where each step waits for all before it."""
    return [frozenset(one.id for one in steps[:index]) for index in range(len(steps))]


def _waits_for(index: int, step: StepModel, steps: Sequence[StepModel]) -> list[str]:
    return [one.id for one in steps[:index]] if step.needs is None else step.needs


def _check_needs(path: JsonPath, step: StepModel, waits: dict[str, list[str]], report: Report) -> None:
    for position, name in enumerate(step.needs or []):
        if name not in waits:
            others = [other for other in waits if other != step.id]
            message = f"'needs' names {name!r}, which is no sibling of this step."
            report.add((*path, position), message, "needs", did_you_mean(name, others))


def _check_cycles(path: JsonPath, steps: Sequence[StepModel], waits: dict[str, list[str]], report: Report) -> None:
    for index, step in enumerate(steps):
        cycle = _cycle(step.id, waits)
        if cycle and min(cycle) == step.id:  # each circle is told once
            shown = " → ".join([*cycle, step.id])
            report.add((*path, index), f"The steps wait for each other: {shown}.", "cycle", "Take one 'needs' out.")


def _cycle(start: str, waits: dict[str, list[str]]) -> list[str]:
    """Return a path of ids from `start` back to it, or an empty list."""
    trail: list[tuple[str, list[str]]] = [(start, [start])]
    seen: set[str] = set()
    while trail:
        name, way = trail.pop()
        for needed in waits.get(name, []):
            if needed == start:
                return way
            if needed not in seen:
                seen.add(needed)
                trail.append((needed, [*way, needed]))
    return []


def _closure(name: str, waits: dict[str, list[str]]) -> set[str]:
    found: set[str] = set()
    rest = list(waits.get(name, []))
    while rest:
        needed = rest.pop()
        if needed not in found and needed != name:
            found.add(needed)
            rest.extend(waits.get(needed, []))
    return found
