"""The names in the values of a run that somebody of this workspace has declared; all others may be words of strangers.

A name is declared by the fields and the output of its step type, by what the workflow says at the same place, or by a
workflow, prompt or tool of the workspace that the step uses. What a tool of an MCP server says of itself is no
declaration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from msgspec import Struct

from engine.base.definitions import RunDefinition
from engine.base.json_text import JsonObject, JsonSchema
from engine.base.step_path import in_workflow
from engine.base.step_tree import CALL, StepDefinition, StepNode, step_nodes
from engine.expressions.cel_types import resolved, within
from engine.plugins.registry import TOOL, step_types, tool_type
from engine.plugins.step import StepType, fields_schema
from engine.record.types.run import Run
from engine.record.types.step import StepRecord

_MOST_SCHEMAS = 200
"""How many schemas are looked at for one place: a reference may lead to itself."""
_IN_ANY = ("anyOf", "oneOf", "allOf")


class Declared(Struct, frozen=True):
    """The schemas of one place in a value; a name is declared if one of them has it."""

    schemas: tuple[JsonSchema, ...] = ()

    def __or__(self, other: Declared) -> Declared:
        """Return what either declares."""
        return Declared(self.schemas + other.schemas)

    def member(self, name: str) -> Declared | None:
        """Return what is declared inside a member; None if its name is not declared."""
        found = [(one, _mapping(one.get("properties"))) for one in self._choices()]
        inner = tuple(within(one, known[name]) for one, known in found if name in known)
        return Declared(inner) if inner else None

    def others(self) -> Declared:
        """Return what is declared inside the members whose names are not."""
        return Declared(tuple(within(one, one.get("additionalProperties")) for one in self._choices()))

    def items(self) -> Declared:
        """Return what is declared inside the items of a list."""
        return Declared(tuple(within(one, one.get("items")) for one in self._choices()))

    def _choices(self) -> Iterator[JsonSchema]:
        """Yield the schemas with their references followed, and each alternative in them."""
        ahead: list[Any] = list(self.schemas)
        for one in islice(ahead, _MOST_SCHEMAS):  # it grows
            if not isinstance(one, Mapping):
                continue
            if isinstance(one.get("$ref"), str):
                ahead.append(resolved(one))
                continue
            yield one
            ahead += [within(one, inner) for name in _IN_ANY for inner in _list(one.get(name))]


NOTHING = Declared()


def written(value: Any) -> Declared:
    """Return the names that stand in a value of a workflow file."""
    return Declared((_schema_of(value),))


class DeclaredInRun:
    """What the definition of a run declares."""

    def __init__(self, run: Run) -> None:
        self._definition: RunDefinition = run["definition"]
        self._nodes = {node.path: node for node in step_nodes(self._definition["workflow"])}

    def arguments(self, step: StepRecord) -> Declared:
        """Return what is declared in the arguments of a step."""
        node = self._node(step["path"])
        return NOTHING if node is None else self._arguments(node.step)

    def output(self, step: StepRecord) -> Declared:
        """Return what is declared in the output of a step; a record of a group or loop has no output."""
        node = self._node(step["path"])
        return NOTHING if node is None else self._output(node.step)

    def places(self, path: str | None) -> Declared:
        """Return what may be named as the place of an error, in a step or else in the workflow."""
        node = self._node(path or "")
        if node is None:
            document = self._definition["workflow"]
            return written(document) | Declared(({"properties": {"inputs": document.get("inputs", {})}},))
        fields = self._arguments(node.step)
        return written(node.step.json) | fields | Declared(({"properties": {"with": {"anyOf": fields.schemas}}},))

    def _node(self, path: str) -> StepNode[StepDefinition] | None:
        return self._nodes.get(in_workflow(path))

    def _arguments(self, step: StepDefinition) -> Declared:
        kind = self._kind(step.uses)
        fields = NOTHING if kind is None else Declared((fields_schema(kind.fields),))
        return fields | written(step.arguments)

    def _output(self, step: StepDefinition) -> Declared:
        if step.uses == CALL:
            called = self._definition.get("workflows", {}).get(str(step.arguments.get("workflow")), {})
            return written(called.get("outputs"))
        kind = self._kind(step.uses)
        return NOTHING if kind is None else Declared((kind.output_schema(step.arguments, self._definition["prompts"]),))

    def _kind(self, uses: str) -> StepType | None:
        own = self._definition.get("tools", {}).get(uses)
        return tool_type(own) if own is not None and uses.startswith(TOOL) else step_types().get(uses)


def _schema_of(value: Any) -> JsonSchema:
    if isinstance(value, Mapping):
        return {"properties": {str(name): _schema_of(one) for name, one in value.items()}}
    return {"items": {"anyOf": [_schema_of(one) for one in value]}} if isinstance(value, list) else {}


def _mapping(value: Any) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
