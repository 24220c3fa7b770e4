"""The possible results of a workflow, at its end or by `flow.stop`: what its callers can rely on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from engine.compiler.definition.model import WorkflowModel
from engine.compiler.definition.step_model import StepModel
from engine.documents.json_file import JsonPath
from engine.expressions.cel_types import Schema

STOP = "flow.stop"
Ending = Mapping[str, Schema]
"""The outputs of one ending, by name."""


class Endings(Struct, frozen=True):
    """The ways in which a run may succeed."""

    declared: Ending
    """The workflow's own `outputs`, even if no run ever gets that far."""
    ways: Sequence[Ending]

    @property
    def schema(self) -> Schema:
        """The schema of the outputs; an output that differs between endings may be any value."""
        properties: dict[str, Schema] = {}
        for way in (self.declared, *self.ways):
            for name, schema in way.items():
                properties[name] = schema if properties.get(name, schema) == schema else {}
        return {"type": "object", "properties": properties} if properties else {}

    @property
    def maybe_absent(self) -> frozenset[str]:
        """The outputs that some endings lack."""
        names = {name for way in (self.declared, *self.ways) for name in way}
        return frozenset(name for name in names if not all(name in way for way in self.ways))


NOTHING_KNOWN = Endings({}, ())


def endings(model: WorkflowModel, shape: Callable[[JsonPath, Any], Schema]) -> Endings:
    """Return the possible endings; nothing is known if an expression decides which outputs exist.

    `shape` returns the schema of the value at a path of the file.
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
    for node in model.nodes():
        if not node.is_after_failure and node.step.uses == STOP and node.step.if_ is not False:
            yield (*node.place, "with", "outputs"), node.step.with_.get("outputs", {})


def _always_stops(step: StepModel) -> bool:
    return step.uses == STOP and step.if_ in (None, True) and step.foreach is None and step.on_error == "fail"
