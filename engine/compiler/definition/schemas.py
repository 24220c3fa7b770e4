"""Derive the output schema of each step before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from engine.base.definitions import PromptDefinition
from engine.base.errors import OrchestraError
from engine.base.statuses import StepStatus
from engine.base.step_tree import CALL
from engine.compiler.definition.identifiers import is_speakable
from engine.compiler.definition.step_model import FallbackModel, StepModel
from engine.expressions.cel_types import Schema
from engine.plugins.registry import step_type
from engine.plugins.step import StepType

STATUS: Schema = {
    "type": "string",
    "enum": [one.value for one in (StepStatus.SUCCEEDED, StepStatus.SKIPPED, StepStatus.FAILED)],
}
"""How a step or an item has ended, for the steps after it."""
ITEM_ERROR: Schema = {
    "anyOf": [
        {"type": "object", "properties": {"type": {"type": "string"}, "message": {"type": "string"}}},
        {"type": "null"},
    ]
}

Prompts = Callable[[str], PromptDefinition]
"""Returns the prompt document of a reference; raises an OrchestraError."""


class OutputSchemas(Struct, frozen=True):
    """Returns the JSON Schema of step outputs; an unknown shape is `{}`."""

    prompts: Prompts
    called: Callable[[Mapping[str, object]], Schema] = field(default=lambda _fields: {})
    """Returns the outputs of the workflow that a `workflow.run` step with these fields calls."""
    seen: Callable[[StepModel, StepType], Any] = field(default=lambda _step, _kind: None)
    """Returns what the account of a step was last seen to have; None if nothing is known."""
    unsure: frozenset[str] = frozenset()
    """Ids of steps about which nothing is known, because of another error."""
    compiled: dict[str, Schema] = field(default_factory=dict)
    """The output of one pass of a step by its `output` or its fields, once the expressions in it are compiled."""

    def of(self, step: StepModel) -> Schema:
        """Return the schema of the complete output of a step; with a fallback, the schema that both have."""
        own = self._own(step)
        if not isinstance(step.on_error, FallbackModel):
            return own
        return own if self.of(step.on_error.steps[-1]) == own else {}

    def _own(self, step: StepModel) -> Schema:
        if step.id in self.unsure:
            return {}
        if step.foreach is None:
            return self.once(step)
        inner = self.inside(step)
        if inner is None:
            return {}
        fields: dict[str, Schema] = {"key": {"type": "string"}, "status": STATUS, "error": ITEM_ERROR, **inner}
        if step.output is not None:
            fields["output"] = self.compiled.get(step.id, {})
        return {"type": "array", "items": {"type": "object", "properties": fields}}

    def once(self, step: StepModel) -> Schema:
        """Return the schema of one pass of a step, without its loop."""
        if step.id in self.compiled and step.id not in self.unsure:
            return self.compiled[step.id]
        if step.uses is not None:
            return {} if step.steps is not None else self.action(step)
        if step.output is not None:
            return _tree_schema(step.output)
        inner = None if step.steps is None else self.inside(step)
        return {} if inner is None else {"type": "object", "properties": inner}

    def inside(self, step: StepModel) -> dict[str, Schema] | None:
        """Return the schema of each step inside a group or loop, by id; None if not all ids are known."""
        steps = [step] if step.steps is None else step.steps
        if not all(is_speakable(inner.id) for inner in steps):
            return None
        return {inner.id: self.once(inner) if inner is step else self.of(inner) for inner in steps}

    def siblings(self, steps: Sequence[StepModel]) -> dict[str, Schema]:
        """Return the schema of each step that an expression can refer to, by id."""
        return {step.id: self.of(step) for step in steps if is_speakable(step.id)}

    def action(self, step: StepModel) -> Schema:
        """Return the schema of one call of a step."""
        if step.uses is None or step.id in self.unsure:
            return {}
        if step.uses == CALL:
            return self.called(step.with_)
        try:
            kind = step_type(step.uses)
        except OrchestraError:
            return {}
        schema = kind.output_schema(step.with_, step_prompts(step, self.prompts))
        seen = self.seen(step, kind) if kind.knows_account else None
        return schema if seen is None else kind.seen_schema(step.with_, schema, seen)


def step_prompts(step: StepModel, prompts: Prompts) -> dict[str, PromptDefinition]:
    """Return the prompts named by a step's `prompt` field, by reference, without unknown ones."""
    reference = step.with_.get("prompt")
    if not isinstance(reference, str) or "{{" in reference:
        return {}
    try:
        return {reference: prompts(reference)}
    except OrchestraError:
        return {}


def _tree_schema(tree: Any) -> Schema:
    """Return what is known about a value that contains expressions."""
    if isinstance(tree, dict) and tree:
        return {"type": "object", "properties": {key: _tree_schema(inner) for key, inner in tree.items()}}
    if isinstance(tree, str):
        whole = tree.startswith("{{") and tree.endswith("}}")
        return {} if whole else {"type": "string"}
    kinds: dict[type, Schema] = {bool: {"type": "boolean"}, int: {"type": "integer"}, float: {"type": "number"}}
    return kinds.get(type(tree), {})
