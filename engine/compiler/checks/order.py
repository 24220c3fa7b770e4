"""Determine which siblings are certainly finished before a step starts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate
from operator import or_

from clients.wording import did_you_mean
from engine.compiler.checks.report import Report
from engine.compiler.definition.earlier import Earlier, all_before
from engine.compiler.definition.identifiers import is_speakable
from engine.compiler.definition.step_model import StepModel
from engine.documents.json_file import JsonPath


def finished_before(path: JsonPath, steps: Sequence[StepModel], report: Report) -> list[Earlier]:
    """Return, for each sibling, the ids of those that end before it starts; wrong `needs` go to the report."""
    unknown = [(*path, index, "needs") in report.suppressed.lost for index in range(len(steps))]
    if all(step.needs is None for step in steps) and not any(unknown):
        return all_before([step.id for step in steps])
    siblings = dict.fromkeys(step.id for step in steps)
    for index, step in enumerate(steps):
        unknown[index] |= _has_wrong_needs((*path, index, "needs"), step, siblings, report)
    places = {name: place for place, name in enumerate(siblings)}
    # If it is unknown what a step waits for, no step is reported as possibly unfinished.
    needs = [[*siblings] if unknown[index] else step.needs for index, step in enumerate(steps)]
    masks = _masks([places[step.id] for step in steps], [_known(one, places) for one in needs])
    found = [Earlier(places, mask) for mask in masks]
    if any(step.id in one for step, one in zip(steps, found, strict=True)):
        graph: dict[str, list[str]] = {}
        for index, step in enumerate(steps):
            graph.setdefault(
                step.id, _waits_for(index, step, steps)
            )  # with a duplicate id (reported elsewhere), the first
        _check_cycles(path, steps, graph, report)
    return [one.without(step.id) for step, one in zip(steps, found, strict=True)]


def _known(needs: Sequence[str] | None, places: Mapping[str, int]) -> list[int] | None:
    return None if needs is None else [places[name] for name in needs if name in places]


def _masks(places: Sequence[int], needs: Sequence[Sequence[int] | None]) -> list[int]:
    """Return, for each step, the places of all steps that it waits for, directly or indirectly, as bits.

    `places` has the place of each step, `needs` those that it names; None if it waits for all before it.
    """
    masks = [0] * len(places)
    of_place = [0] * len(places)
    forward, is_changed = list(range(len(places))), True
    while is_changed:  # two or three times: steps mostly run in the order of the file
        before = list(masks)
        for order in (forward, forward[::-1]):
            begun = list(accumulate((1 << place | of_place[place] for place in places), or_, initial=0))
            for index in order:
                named = needs[index]
                masks[index] |= begun[index] if named is None else _joined(named, of_place)
                of_place[places[index]] |= masks[index]
        is_changed = masks != before
    return masks


def _joined(places: Sequence[int], masks: Sequence[int]) -> int:
    found = 0
    for place in places:
        found |= 1 << place | masks[place]
    return found


def _waits_for(index: int, step: StepModel, steps: Sequence[StepModel]) -> list[str]:
    return [one.id for one in steps[:index] if one.id != step.id] if step.needs is None else step.needs


def _has_wrong_needs(path: JsonPath, step: StepModel, siblings: Collection[str], report: Report) -> bool:
    """Report unknown names in `needs`; return whether there are any."""
    strange = [(place, name) for place, name in enumerate(step.needs or []) if name not in siblings]
    for place, name in strange:
        if name not in report.suppressed.strangers:
            others = [other for other in siblings if other != step.id and is_speakable(other)]
            message = f"'needs' names {name!r}, which is not a sibling of this step."
            remedy = did_you_mean(name, others) or "It has no siblings: take 'needs' out."
            report.add((*path, place), message, "needs", remedy)
    return bool(strange)


def _check_cycles(path: JsonPath, steps: Sequence[StepModel], waits: dict[str, list[str]], report: Report) -> None:
    for index, step in enumerate(steps):
        cycle = _cycle(step.id, waits)
        if cycle and min(cycle) == step.id:  # each cycle is reported once
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
    """Return the names and everything they wait for, transitively; unknown names are kept."""
    found: set[str] = set()
    rest = list(first)
    while rest:
        needed = rest.pop()
        if needed not in found:
            found.add(needed)
            rest.extend(waits.get(needed, []))
    return found
