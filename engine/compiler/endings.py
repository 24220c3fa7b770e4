"""What a run of a workflow may end with, be it at its end or by `flow.stop`: what those that call it can rely on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from engine.compiler.loader import walk
from engine.compiler.model import StepModel, WorkflowModel
from engine.expressions.celtypes import Schema
from engine.workspace.jsonfile import JsonPath

STOP = "flow.stop"
Ending = Mapping[str, Schema]
"""The outputs of one way to end, by name."""


def endings(model: WorkflowModel, shape: Callable[[JsonPath, Any], Schema]) -> list[Ending] | None:
    """Return every way in which a run may succeed, None where an expression decides which outputs there are.

    `shape` gives the schema of a value of the file at its path.
    """
    ways = [*_stops(model)]
    if not any(map(_always_stops, model.steps)):
        ways.append((("outputs",), model.outputs))
    if not all(isinstance(outputs, Mapping) for _, outputs in ways):
        return None
    return [{name: shape((*path, name), value) for name, value in outputs.items()} for path, outputs in ways]


def schema_of(ways: Sequence[Ending] | None) -> Schema:
    """Return the schema of the outputs; what differs from one ending to another may be anything."""
    properties: dict[str, Schema] = {}
    for way in ways or ():
        for name, schema in way.items():
            properties[name] = schema if properties.get(name, schema) == schema else {}
    return {"type": "object", "properties": properties} if properties else {}


def maybe_absent(ways: Sequence[Ending] | None) -> frozenset[str]:
    """Return the outputs that not every ending has."""
    names = {name for way in ways or () for name in way}
    return frozenset(name for name in names if not all(name in way for way in ways or ()))


def _stops(model: WorkflowModel) -> Iterator[tuple[JsonPath, Any]]:
    for path, step in walk(("steps",), model.steps):
        if step.uses == STOP and step.if_ is not False:
            yield (*path, "with", "outputs"), step.with_.get("outputs", {})


def _always_stops(step: StepModel) -> bool:
    return step.uses == STOP and step.if_ in (None, True) and step.foreach is None and step.on_error == "fail"
