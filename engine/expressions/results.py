"""Derive the JSON Schema of the value of a checked CEL expression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.base.json_text import JsonSchema

_PRIMITIVES = {1: "boolean", 2: "integer", 3: "integer", 4: "number", 5: "string"}
_TIMES = {2: "string", 3: "number"}
"""A timestamp becomes text, a duration seconds."""


def result_schema(found: Any, messages: Mapping[str, JsonSchema]) -> JsonSchema:
    """Return what is known about the value of a checked expression; `{}` if it may be anything.

    `messages` has the schemas of message types by name.
    """
    return _Reading({one.key: one.value for one in found.types}, messages).schema(found.expr)


class _Reading:
    def __init__(self, types: Mapping[int, Any], messages: Mapping[str, JsonSchema]) -> None:
        self._types, self._messages = types, messages

    def schema(self, expr: Any) -> JsonSchema:
        """Return the schema of a node: for a literal from its parts, otherwise from its type."""
        kind = expr.WhichOneof("choice")
        if kind == "struct" and _has_plain_keys(expr.struct.entries):
            entries = expr.struct.entries
            fields = {one.map_key.constant.string_value: self.schema(one.value) for one in entries}
            return {"type": "object", "properties": fields}
        if kind == "list" and expr.list.elements and not expr.list.optional_indices:
            return {"type": "array", "items": one_schema([self.schema(one) for one in expr.list.elements])}
        loop = expr.comprehension
        gathered = _gathered(loop) if kind == "comprehension" else None
        if gathered is not None and gathered.ident.name == loop.iter_var and self._is_list(loop.iter_range):
            return self.schema(loop.iter_range)  # a filter: its items are items of its list
        if gathered is not None:
            return {"type": "array", "items": self.schema(gathered)}
        if kind == "call" and expr.call.function == "sum":
            return {"type": "number"}
        return self._of_type(self._types[expr.id]) if expr.id in self._types else {}

    def _is_list(self, expr: Any) -> bool:
        return expr.id in self._types and self._types[expr.id].WhichOneof("choice") == "list_type"

    def _of_type(self, kind: Any) -> JsonSchema:
        which = kind.WhichOneof("choice")
        if which == "primitive":
            return _typed(_PRIMITIVES.get(kind.primitive))
        if which == "wrapper":
            return {"type": [_PRIMITIVES[kind.wrapper], "null"]} if kind.wrapper in _PRIMITIVES else {}
        if which == "well_known":
            return _typed(_TIMES.get(kind.well_known))
        if which == "list_type":
            return {"type": "array", "items": self._of_type(kind.list_type.elem_type)}
        if which == "map_type":
            values = self._of_type(kind.map_type.value_type)
            return {"type": "object", "additionalProperties": values} if values else {"type": "object"}
        return self._messages.get(kind.message_type, {}) if which == "message_type" else {}


def one_schema(schemas: Sequence[JsonSchema]) -> JsonSchema:
    """Return the schema if all are equal, else `{}`."""
    return schemas[0] if schemas and all(one == schemas[0] for one in schemas[1:]) else {}


def _typed(name: str | None) -> JsonSchema:
    return {} if name is None else {"type": name}


def _has_plain_keys(entries: Sequence[Any]) -> bool:
    keys = [one.map_key.constant for one in entries if not one.optional_entry]
    return bool(keys) and len(keys) == len(entries) and all(one.WhichOneof("choice") == "string_value" for one in keys)


def _gathered(loop: Any) -> Any:
    """Return the item that `map` and `filter` add to their list, None for other macros."""
    step = loop.loop_step.call
    if step.function == "_?_:_" and len(step.args) == 3:  # added only under a condition
        step = step.args[1].call
    if step.function != "_+_" or len(step.args) != 2 or loop.result.ident.name != loop.accu_var:
        return None
    added = step.args[1].list.elements
    return added[0] if len(added) == 1 and step.args[0].ident.name == loop.accu_var else None
