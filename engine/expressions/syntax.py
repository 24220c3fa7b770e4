"""The syntax tree of a checked CEL expression, in a form that can be compared, hashed and walked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

# (field, number, type, repeated, whether in the message's oneof) of the few messages of
# cel/expr/{checked,syntax}.proto that matter here.
_MESSAGES: dict[str, list[tuple[str, int, str, bool, bool]]] = {
    "Checked": [
        ("references", 2, "ReferenceOf", True, False),
        ("types", 3, "TypeOf", True, False),
        ("expr", 4, "Expr", False, False),
        ("source", 5, "Source", False, False),
    ],
    "ReferenceOf": [("key", 1, "int64", False, False)],
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
    "CreateStruct": [("message_name", 1, "string", False, False), ("entries", 2, "Entry", True, False)],
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
class SyntaxNode:
    """A node. Two nodes are equal if they mean the same, whatever their position.

    `kind`: constant, ident, select (`a.b`, `a['b']`), has (`has(a.b)`), optional (`a.?b`), call, list, struct, loop (a
    macro such as `map`; its parts are range, first result, condition, step, result). Before its names are put back, a
    tree also has nodes of the kind root.
    """

    kind: str
    name: str = ""
    """The name, field or function; for a loop its variable."""
    parts: tuple[SyntaxNode, ...] = ()
    value: Any = None
    """For a constant (type, value); for a loop the names of its accumulator and its second variable.

    For a root the offset of its first name.
    """
    offset: int = field(default=0, compare=False)

    def having(self, parts: tuple[SyntaxNode, ...]) -> SyntaxNode:
        """Return the node with other parts."""
        return SyntaxNode(self.kind, self.name, parts, self.value, self.offset)

    @property
    def is_path_step(self) -> bool:
        """Return whether this selects one name from its only part."""
        return self.kind in ("select", "optional")


ARRANGED = "_arranged"
"""The condition of a macro of ours for CEL's checker: `x.sort()` is `x.filter(each, _arranged('sort', []))`."""
Names = Mapping[str, tuple[str, ...]]
"""The path that each field of the first message replaces (engine/expressions/roots.py)."""


def tree(found: Any) -> SyntaxNode:
    """Return the syntax tree of a checked expression; `with_names` puts its names back."""
    return _node(found.expr, {entry.key: entry.value for entry in found.source.positions})


def with_names(node: SyntaxNode, names: Names) -> SyntaxNode:
    """Return a tree with the original names in place of its roots."""
    if node.kind != "root":
        return node.having(tuple([with_names(part, names) for part in node.parts])) if node.parts else node
    path = names.get(node.name, (node.name,))
    if len(path) == 1:
        return SyntaxNode("ident", path[0], offset=node.offset)
    return SyntaxNode("select", path[1], (SyntaxNode("ident", path[0], offset=node.value),), offset=node.offset)


def checked(serialized: bytes) -> Any:
    """Return a serialized `cel.expr.CheckedExpr` (in an Any) as a message of the reduced form above."""
    from google.protobuf import any_pb2

    return _checked_class().FromString(any_pb2.Any.FromString(serialized).value)


def serialized_as(serialized: bytes, found: Any) -> bytes:
    """Return a serialized checked expression, with this message in place of its own."""
    from google.protobuf import any_pb2

    box = any_pb2.Any.FromString(serialized)
    box.value = found.SerializeToString()
    return bytes(box.SerializeToString())


def walk(node: SyntaxNode) -> Iterator[SyntaxNode]:
    """Yield a node and all nodes inside it, outer before inner."""
    yield node
    for part in node.parts:
        yield from walk(part)


def every(expr: Any) -> Iterator[Any]:
    """Yield an expression and all inside it."""
    ahead = [expr]
    while ahead:
        one = ahead.pop()
        yield one
        ahead += _inside(one, one.WhichOneof("choice"))


def _inside(expr: Any, kind: str | None) -> list[Any]:
    inner: Any = None if kind is None else getattr(expr, kind)
    if kind == "select":
        return [inner.operand]
    if kind == "call":
        return [inner.target, *inner.args] if inner.HasField("target") else list(inner.args)
    if kind == "list":
        return list(inner.elements)
    if kind == "struct":
        return [part for one in inner.entries for part in (one.map_key, one.value)]
    if kind == "comprehension":
        return [inner.iter_range, inner.accu_init, inner.loop_condition, inner.loop_step, inner.result]
    return []


def _node(expr: Any, positions: Mapping[int, int]) -> SyntaxNode:
    kind = expr.WhichOneof("choice") or "constant"
    offset = positions.get(expr.id, 0)
    inner = getattr(expr, kind)
    if kind == "ident":
        return SyntaxNode("ident", inner.name.lstrip("."), offset=offset)
    if kind == "select":
        if inner.operand.WhichOneof("choice") == "struct" and inner.operand.struct.message_name:
            return SyntaxNode("root", inner.field, value=positions.get(inner.operand.id, 0), offset=offset)
        return SyntaxNode(
            "has" if inner.test_only else "select", inner.field, (_node(inner.operand, positions),), None, offset
        )
    if kind == "constant":
        which = inner.WhichOneof("choice")
        return SyntaxNode("constant", value=(which, getattr(inner, which) if which else None), offset=offset)
    parts = tuple(_node(one, positions) for one in _inside(expr, kind))
    if kind == "call":
        return _call(inner.function, parts, offset)
    if kind == "comprehension":
        return SyntaxNode("loop", inner.iter_var, parts, (inner.accu_var, inner.iter_var2), offset)
    return SyntaxNode(kind, parts=parts, offset=offset)


def _call(function: str, parts: tuple[SyntaxNode, ...], offset: int) -> SyntaxNode:
    if function in ("_?._", "_[_]", "_[?_]") and len(parts) == 2:
        named = parts[1].kind == "constant" and parts[1].value[0] == "string_value" and parts[1].value[1]
        if named:
            return SyntaxNode("select" if function == "_[_]" else "optional", named, parts[:1], offset=offset)
    return SyntaxNode("call", function, parts, offset=offset)


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
