"""What a run of a workflow may end with, be it at its end or by `flow.stop`: what those that call it can rely on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.compiler.loader import walk
from engine.compiler.model import StepModel, WorkflowModel
from engine.expressions.celtypes import Schema
from engine.workspace.jsonfile import JsonPath

STOP = "flow.stop"
Ending = Mapping[str, Schema]
"""The outputs of one way to end, by name."""


@dataclass(frozen=True)
class Endings:
    """The ways in which a run may succeed."""

    declared: Ending
    """The workflow's own `outputs`, whether a run ever comes that far or not."""
    ways: Sequence[Ending]

    @property
    def schema(self) -> Schema:
        """The schema of the outputs; what differs from one ending to another may be anything."""
        properties: dict[str, Schema] = {}
        for way in (self.declared, *self.ways):
            for name, schema in way.items():
                properties[name] = schema if properties.get(name, schema) == schema else {}
        return {"type": "object", "properties": properties} if properties else {}

    @property
    def maybe_absent(self) -> frozenset[str]:
        """The outputs that not every ending has."""
        names = {name for way in (self.declared, *self.ways) for name in way}
        return frozenset(name for name in names if not all(name in way for way in self.ways))


NOTHING_KNOWN = Endings({}, ())


def endings(model: WorkflowModel, shape: Callable[[JsonPath, Any], Schema]) -> Endings:
    """Return how a run may end; nothing is known where an expression decides which outputs there are.

    `shape` gives the schema of a value of the file at its path.
    """
    stops = [*_stops(model)]
    if not all(isinstance(outputs, Mapping) for _, outputs in stops):
        return NOTHING_KNOWN
    declared, *ways = [
        {name: shape((*path, name), value) for name, value in outputs.items()}
        for path, outputs in [(("outputs",), model.outputs), *stops]
    ]
    return Endings(declared, ways if any(map(_always_stops, model.steps)) else [declared, *ways])


def _stops(model: WorkflowModel) -> Iterator[tuple[JsonPath, Any]]:
    for path, step in walk(("steps",), model.steps):
        if step.uses == STOP and step.if_ is not False:
            yield (*path, "with", "outputs"), step.with_.get("outputs", {})


def _always_stops(step: StepModel) -> bool:
    return step.uses == STOP and step.if_ in (None, True) and step.foreach is None and step.on_error == "fail"
