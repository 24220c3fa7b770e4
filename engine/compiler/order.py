"""Which siblings are certainly finished before a step starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.compiler.model import StepModel, is_speakable
from engine.compiler.report import Report
from engine.expressions.wording import did_you_mean
from engine.workspace.jsonfile import JsonPath


def finished_before(path: JsonPath, steps: Sequence[StepModel], report: Report) -> list[frozenset[str]]:
    """Return, for each sibling, the ids of those that end before it starts; wrong `needs` go to the report."""
    unknown = [(*path, index, "needs") in report.doubts.lost for index in range(len(steps))]
    if all(step.needs is None for step in steps) and not any(unknown):
        return _in_file_order(steps)
    graph: dict[str, list[str]] = {}
    for index, step in enumerate(steps):
        graph.setdefault(step.id, _waits_for(index, step, steps))  # of two with one id (told elsewhere), the first
    for index, step in enumerate(steps):
        unknown[index] |= _has_wrong_needs((*path, index, "needs"), step, graph, report)
    _check_cycles(path, steps, graph, report)
    every = [step.id for step in steps]
    # Where it is not known what a step waits for, nothing is said about what may not be finished.
    known = {**graph, **{step.id: every for index, step in enumerate(steps) if unknown[index]}}
    return [
        frozenset(closure(every if unknown[index] else _waits_for(index, step, steps), known)) - {step.id}
        for index, step in enumerate(steps)
    ]


def _in_file_order(steps: Sequence[StepModel]) -> list[frozenset[str]]:
    """Return what is finished where each step waits for all before it."""
    return [frozenset(one.id for one in steps[:index]) for index in range(len(steps))]


def _waits_for(index: int, step: StepModel, steps: Sequence[StepModel]) -> list[str]:
    return [one.id for one in steps[:index] if one.id != step.id] if step.needs is None else step.needs


def _has_wrong_needs(path: JsonPath, step: StepModel, waits: Mapping[str, list[str]], report: Report) -> bool:
    """Report names in `needs` that are none; tell whether there are any."""
    strange = [(place, name) for place, name in enumerate(step.needs or []) if name not in waits]
    for place, name in strange:
        if name not in report.doubts.strangers:
            others = [other for other in waits if other != step.id and is_speakable(other)]
            message = f"'needs' names {name!r}, which is no sibling of this step."
            remedy = did_you_mean(name, others) or "It has no siblings: take 'needs' out."
            report.add((*path, place), message, "needs", remedy)
    return bool(strange)


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


def closure(first: Sequence[str], waits: Mapping[str, list[str]]) -> set[str]:
    """Return the names, all that they wait for, and so on; names that nothing is known of stay as they are."""
    found: set[str] = set()
    rest = list(first)
    while rest:
        needed = rest.pop()
        if needed not in found:
            found.add(needed)
            rest.extend(waits.get(needed, []))
    return found
