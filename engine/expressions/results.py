"""What an expression gives: the JSON Schema of the value of a checked CEL expression."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.expressions.syntax import checked

Schema = Mapping[str, Any]
_PRIMITIVES = {1: "boolean", 2: "integer", 3: "integer", 4: "number", 5: "string"}
_TIMES = {2: "string", 3: "number"}
"""A time is written down as text, a duration as seconds."""


def result_schema(serialized: bytes, message: Callable[[str], Schema]) -> Schema:
    """Return what is known of the value of an expression; `{}` where it may be anything.

    `serialized`: a `cel.expr.CheckedExpr` in an Any; `message` gives the schema of a message type by its name.
    """
    found = checked(serialized)
    return _Reading({one.key: one.value for one in found.types}, message).schema(found.expr)


class _Reading:
    def __init__(self, types: Mapping[int, Any], message: Callable[[str], Schema]) -> None:
        self._types, self._message = types, message

    def schema(self, expr: Any) -> Schema:
        """Return the schema of a part: of what is written out its parts', of all else that of its type."""
        kind = expr.WhichOneof("choice")
        if kind == "struct" and _has_plain_keys(expr.struct.entries):
            entries = expr.struct.entries
            fields = {one.map_key.constant.string_value: self.schema(one.value) for one in entries}
            return {"type": "object", "properties": fields}
        if kind == "list" and expr.list.elements and not expr.list.optional_indices:
            return {"type": "array", "items": one_schema([self.schema(one) for one in expr.list.elements])}
        gathered = _gathered(expr.comprehension) if kind == "comprehension" else None
        if gathered is not None:
            return {"type": "array", "items": self.schema(gathered)}
        return self._of_type(self._types[expr.id]) if expr.id in self._types else {}

    def _of_type(self, kind: Any) -> Schema:
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
        return self._message(kind.message_type) if which == "message_type" else {}


def one_schema(schemas: Sequence[Schema]) -> Schema:
    """Return the schema that all have; `{}` where they differ."""
    return schemas[0] if schemas and all(one == schemas[0] for one in schemas[1:]) else {}


def _typed(name: str | None) -> Schema:
    return {} if name is None else {"type": name}


def _has_plain_keys(entries: Sequence[Any]) -> bool:
    keys = [one.map_key.constant for one in entries if not one.optional_entry]
    return bool(keys) and len(keys) == len(entries) and all(one.WhichOneof("choice") == "string_value" for one in keys)


def _gathered(loop: Any) -> Any:
    """Return what `map` and `filter` put into their list, None for another macro."""
    step = loop.loop_step.call
    if step.function == "_?_:_" and len(step.args) == 3:  # only where a condition holds
        step = step.args[1].call
    if step.function != "_+_" or len(step.args) != 2 or loop.result.ident.name != loop.accu_var:
        return None
    added = step.args[1].list.elements
    return added[0] if len(added) == 1 and step.args[0].ident.name == loop.accu_var else None
