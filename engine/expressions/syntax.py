"""The syntax tree of a checked CEL expression, in a form that can be compared, hashed and walked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

# (field, number, type, repeated, of the message's choice of one) of the few messages of
# cel/expr/{checked,syntax}.proto that matter here.
_MESSAGES: dict[str, list[tuple[str, int, str, bool, bool]]] = {
    "Checked": [
        ("types", 3, "TypeOf", True, False),
        ("expr", 4, "Expr", False, False),
        ("source", 5, "Source", False, False),
    ],
    "TypeOf": [("key", 1, "int64", False, False), ("value", 2, "Type", False, False)],
    "Type": [
        ("primitive", 3, "int32", False, True),
        ("wrapper", 4, "int32", False, True),
        ("well_known", 5, "int32", False, True),
        ("list_type", 6, "ListType", False, True),
        ("map_type", 7, "MapType", False, True),
        ("message_type", 9, "string", False, True),
    ],
    "ListType": [("elem_type", 1, "Type", False, False)],
    "MapType": [("key_type", 1, "Type", False, False), ("value_type", 2, "Type", False, False)],
    "Source": [("positions", 4, "Position", True, False)],
    "Position": [("key", 1, "int64", False, False), ("value", 2, "int32", False, False)],
    "Expr": [
        ("id", 2, "int64", False, False),
        ("constant", 3, "Constant", False, True),
        ("ident", 4, "Ident", False, True),
        ("select", 5, "Select", False, True),
        ("call", 6, "CallExpr", False, True),
        ("list", 7, "CreateList", False, True),
        ("struct", 8, "CreateStruct", False, True),
        ("comprehension", 9, "Comprehension", False, True),
    ],
    "Constant": [
        ("null_value", 1, "int64", False, True),
        ("bool_value", 2, "bool", False, True),
        ("int64_value", 3, "int64", False, True),
        ("uint64_value", 4, "uint64", False, True),
        ("double_value", 5, "double", False, True),
        ("string_value", 6, "string", False, True),
        ("bytes_value", 7, "bytes", False, True),
    ],
    "Ident": [("name", 1, "string", False, False)],
    "Select": [
        ("operand", 1, "Expr", False, False),
        ("field", 2, "string", False, False),
        ("test_only", 3, "bool", False, False),
    ],
    "CallExpr": [
        ("target", 1, "Expr", False, False),
        ("function", 2, "string", False, False),
        ("args", 3, "Expr", True, False),
    ],
    "CreateList": [("elements", 1, "Expr", True, False), ("optional_indices", 2, "int32", True, False)],
    "CreateStruct": [("entries", 2, "Entry", True, False)],
    "Entry": [
        ("map_key", 3, "Expr", False, False),
        ("value", 4, "Expr", False, False),
        ("optional_entry", 5, "bool", False, False),
    ],
    "Comprehension": [
        ("iter_var", 1, "string", False, False),
        ("iter_range", 2, "Expr", False, False),
        ("accu_var", 3, "string", False, False),
        ("accu_init", 4, "Expr", False, False),
        ("loop_condition", 5, "Expr", False, False),
        ("loop_step", 6, "Expr", False, False),
        ("result", 7, "Expr", False, False),
        ("iter_var2", 8, "string", False, False),
    ],
}


@dataclass(frozen=True, slots=True)
class Node:
    """One node. Two are equal where they say the same, wherever they stand.

    `kind`: constant, ident, select (`a.b`, `a['b']`), has (`has(a.b)`), optional (`a.?b`), call, list, struct, loop
    (a macro such as `map`; its parts are range, first result, condition, step, result).
    """

    kind: str
    name: str = ""
    """The name, field or function; of a loop its variable."""
    parts: tuple[Node, ...] = ()
    value: Any = None
    """Of a constant: (type, value). Of a loop: the name of what it gathers, and of its second variable."""
    offset: int = field(default=0, compare=False)

    @property
    def is_path_step(self) -> bool:
        """Tell whether this selects one name from its only part."""
        return self.kind in ("select", "optional")


def tree(serialized: bytes) -> Node:
    """Return the syntax tree of a serialized checked expression (`cel.expr.CheckedExpr` in an Any)."""
    found = checked(serialized)
    return _node(found.expr, {entry.key: entry.value for entry in found.source.positions})


def checked(serialized: bytes) -> Any:
    """Return a serialized checked expression as a message of the form that stands above."""
    from google.protobuf import any_pb2

    return _checked_class().FromString(any_pb2.Any.FromString(serialized).value)


def walk(node: Node) -> Iterator[Node]:
    """Give a node and all inside it, outer before inner."""
    yield node
    for part in node.parts:
        yield from walk(part)


def _node(expr: Any, positions: dict[int, int]) -> Node:
    kind = expr.WhichOneof("choice") or "constant"
    offset = positions.get(expr.id, 0)
    inner = getattr(expr, kind)
    if kind == "ident":
        return Node("ident", inner.name.lstrip("."), offset=offset)
    if kind == "select":
        operand = _node(inner.operand, positions)
        return Node("has" if inner.test_only else "select", inner.field, (operand,), offset=offset)
    if kind == "constant":
        which = inner.WhichOneof("choice")
        return Node("constant", value=(which, getattr(inner, which) if which else None), offset=offset)
    if kind == "call":
        return _call(inner, positions, offset)
    if kind == "list":
        return Node("list", parts=tuple(_node(one, positions) for one in inner.elements), offset=offset)
    if kind == "struct":
        pairs = [(_node(one.map_key, positions), _node(one.value, positions)) for one in inner.entries]
        return Node("struct", parts=tuple(part for pair in pairs for part in pair), offset=offset)
    parts = (inner.iter_range, inner.accu_init, inner.loop_condition, inner.loop_step, inner.result)
    return Node(
        "loop",
        inner.iter_var,
        tuple(_node(one, positions) for one in parts),
        (inner.accu_var, inner.iter_var2),
        offset,
    )


def _call(call: Any, positions: dict[int, int], offset: int) -> Node:
    arguments = [call.target, *call.args] if call.HasField("target") else list(call.args)
    parts = tuple(_node(one, positions) for one in arguments)
    if call.function in ("_?._", "_[_]", "_[?_]") and len(parts) == 2:
        named = parts[1].kind == "constant" and parts[1].value[0] == "string_value" and parts[1].value[1]
        if named:
            return Node("select" if call.function == "_[_]" else "optional", named, parts[:1], offset=offset)
    return Node("call", call.function, parts, offset=offset)


@cache
def _checked_class() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="orchestra/checked.proto", package="orchestra", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        if any(is_choice for *_, is_choice in fields):
            message.oneof_decl.add(name="choice")
        for spelt, number, kind, repeated, is_choice in fields:
            added = message.field.add(name=spelt, number=number)
            added.label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            if is_choice:
                added.oneof_index = 0
            if kind in _MESSAGES:
                added.type, added.type_name = kinds.TYPE_MESSAGE, f".orchestra.{kind}"
            else:
                added.type = getattr(kinds, f"TYPE_{kind.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("orchestra.Checked"))
