"""The shape of what each step puts out, known before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.compiler.model import StepModel
from engine.errors import OrchestraError
from engine.expressions.celtypes import Schema
from engine.registry import step_type

ITEM_STATUS: Schema = {"type": "string"}
ITEM_ERROR: Schema = {
    "anyOf": [
        {"type": "object", "properties": {"type": {"type": "string"}, "message": {"type": "string"}}},
        {"type": "null"},
    ]
}

Prompts = Callable[[str], Mapping[str, Any]]
"""Gives the prompt document of a reference; raises an OrchestraError."""


def output_schema(step: StepModel, prompts: Prompts) -> Schema:
    """Return the JSON Schema of a step's output; an unknown shape is `{}`."""
    if step.foreach is None:
        return once_schema(step, prompts)
    inner = inner_schemas(step, prompts)
    fields: dict[str, Any] = {"key": {"type": "string"}, "status": ITEM_STATUS, "error": ITEM_ERROR, **inner}
    if step.output is not None:
        fields["output"] = {}
    return {"type": "array", "items": {"type": "object", "properties": fields}}


def once_schema(step: StepModel, prompts: Prompts) -> Schema:
    """Return the schema of the output of one pass of a step, its loop left aside."""
    if step.uses is not None:
        return action_schema(step, prompts)
    if step.output is not None:
        return _tree_schema(step.output)
    return {"type": "object", "properties": inner_schemas(step, prompts)}


def inner_schemas(step: StepModel, prompts: Prompts) -> dict[str, Schema]:
    """Return the output schema of each step inside a group or loop, by id."""
    if step.steps is None:
        return {step.id: once_schema(step, prompts)}
    return {inner.id: output_schema(inner, prompts) for inner in step.steps}


def step_prompts(step: StepModel, prompts: Prompts) -> dict[str, Mapping[str, Any]]:
    """Return the prompts that a step's `prompt` field names, by reference; unknown ones are left out."""
    reference = step.with_.get("prompt")
    if not isinstance(reference, str) or "{{" in reference:
        return {}
    try:
        return {reference: prompts(reference)}
    except OrchestraError:
        return {}


def action_schema(step: StepModel, prompts: Prompts) -> Schema:
    """Return the schema of the output of one call of a step; an unknown shape is `{}`."""
    assert step.uses is not None
    try:
        return step_type(step.uses).output_schema(step.with_, step_prompts(step, prompts))
    except OrchestraError:
        return {}


def _tree_schema(tree: Any) -> Schema:
    """Return what can be said of a value written with expressions in it."""
    if isinstance(tree, dict) and tree:
        return {"type": "object", "properties": {key: _tree_schema(inner) for key, inner in tree.items()}}
    if isinstance(tree, str):
        whole = tree.startswith("{{") and tree.endswith("}}")
        return {} if whole else {"type": "string"}
    kinds: dict[type, Schema] = {bool: {"type": "boolean"}, int: {"type": "integer"}, float: {"type": "number"}}
    return kinds.get(type(tree), {})
