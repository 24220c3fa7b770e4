"""Writes that a run makes once more, because the step is somewhere else: its path is part of what they are known by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from engine.base.errors import OrchestraError
from engine.base.json_text import JsonObject
from engine.base.step_tree import CALLS, StepDefinition, StepNode, step_nodes
from engine.plugins.registry import step_type
from engine.plugins.step import Effect
from engine.workspace.step_renames import StepRenames


class WriteMoved(Struct, frozen=True):
    """A step that writes, at another path than before."""

    step: StepNode[StepDefinition]
    """As it is now."""
    before: str
    """Its path before, with the ids that its parts have now."""

    @property
    def words(self) -> str:
        """What that means, as a sentence without a full stop."""
        does = "what it calls" if self.step.step.uses in CALLS else "it"
        return (
            f"Step {self.step.step.id}: {does} writes again what was written from {self.before}, because a write is "
            f"known by the path of its step, which is now {self.step.path}"
        )


def writes_moved(old: object, new: object, renames: StepRenames = ()) -> Iterator[WriteMoved]:
    """Yield the steps that write and have another path, in file order.

    `renames`: the steps that have another id, (old, new): their receipts follow.
    """
    ids = dict(renames)
    before = {ids.get(one.step.id, one.step.id): _path(one, ids) for one in _nodes(old)}
    for node in _nodes(new):
        known = before.get(node.step.id)
        if known is not None and known != node.path and _writes(node.step):
            yield WriteMoved(node, known)


def steps_that_may_write(document: object) -> set[str]:
    """Return the ids of the steps that may write, or contain a step that may; one of an unknown type may, too."""
    return {around.step.id for node in _nodes(document) if _may_write(node.step) for around in node.up()}


def _nodes(document: object) -> Iterator[StepNode[StepDefinition]]:
    return step_nodes(document) if isinstance(document, Mapping) else iter(())


def _path(node: StepNode[StepDefinition], ids: Mapping[str, str]) -> str:
    return ".".join(ids.get(part, part) for part in node.path.split("."))


def _writes(step: StepDefinition) -> bool:
    """Return whether a step may write; a called workflow may."""
    return step.uses in CALLS or _effect(step) is Effect.WRITES


def _may_write(step: StepDefinition) -> bool:
    return bool(step.uses) and (step.uses in CALLS or _effect(step) in (None, Effect.WRITES))


def _effect(step: StepDefinition) -> Effect | None:
    """Return the effect of a step; None if its type is not known, or its fields have another form."""
    arguments: JsonObject = step.arguments
    try:
        return step_type(step.uses).effect_of(arguments)[0]
    except (OrchestraError, TypeError, AttributeError):
        return None
