"""Which values a checked CEL expression uses: the select chains of its syntax tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

# (field, number, type, repeated) of the few messages of cel/expr/{checked,syntax}.proto that matter here.
_MESSAGES: dict[str, list[tuple[str, int, str, bool]]] = {
    "Checked": [("expr", 4, "Expr", False), ("source", 5, "Source", False)],
    "Source": [("positions", 4, "Position", True)],
    "Position": [("key", 1, "int64", False), ("value", 2, "int32", False)],
    "Expr": [
        ("id", 2, "int64", False),
        ("constant", 3, "Constant", False),
        ("ident", 4, "Ident", False),
        ("select", 5, "Select", False),
        ("call", 6, "CallExpr", False),
        ("list", 7, "CreateList", False),
        ("struct", 8, "CreateStruct", False),
        ("comprehension", 9, "Comprehension", False),
    ],
    "Constant": [("string_value", 6, "string", False)],
    "Ident": [("name", 1, "string", False)],
    "Select": [("operand", 1, "Expr", False), ("field", 2, "string", False), ("test_only", 3, "bool", False)],
    "CallExpr": [("target", 1, "Expr", False), ("function", 2, "string", False), ("args", 3, "Expr", True)],
    "CreateList": [("elements", 1, "Expr", True)],
    "CreateStruct": [("entries", 2, "Entry", True)],
    "Entry": [("map_key", 3, "Expr", False), ("value", 4, "Expr", False)],
    "Comprehension": [
        ("iter_var", 1, "string", False),
        ("iter_range", 2, "Expr", False),
        ("accu_var", 3, "string", False),
        ("accu_init", 4, "Expr", False),
        ("loop_condition", 5, "Expr", False),
        ("loop_step", 6, "Expr", False),
        ("result", 7, "Expr", False),
        ("iter_var2", 8, "string", False),
    ],
}


@dataclass(frozen=True)
class Reference:
    """One use of a value, e.g. path ("steps", "mails", "output"), and where its first name stands."""

    path: tuple[str, ...]
    offset: int = 0
    is_guarded: bool = False
    """Used through `has()`, `default()` or an optional select: it may be missing."""


@cache
def _checked_class() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    file = descriptor_pb2.FileDescriptorProto(name="orchestra/checked.proto", package="orchestra", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    scalars = {
        "int64": kinds.TYPE_INT64,
        "int32": kinds.TYPE_INT32,
        "string": kinds.TYPE_STRING,
        "bool": kinds.TYPE_BOOL,
    }
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, repeated in fields:
            added = message.field.add(name=field, number=number)
            added.label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            added.type = scalars.get(kind, kinds.TYPE_MESSAGE)
            if kind not in scalars:
                added.type_name = f".orchestra.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("orchestra.Checked"))


def references(serialized: bytes) -> list[Reference]:
    """Return every use of a variable in a serialized checked expression; loop variables of macros are left out."""
    from google.protobuf import any_pb2

    checked = _checked_class().FromString(any_pb2.Any.FromString(serialized).value)
    positions = {entry.key: entry.value for entry in checked.source.positions}
    return list(_walk(checked.expr, positions, frozenset()))


def _walk(expr: Any, positions: dict[int, int], bound: frozenset[str]) -> Iterator[Reference]:
    chain = _chain(expr, positions)
    if chain is not None:
        if chain.path[0] not in bound:
            yield chain
    elif expr.HasField("comprehension"):
        yield from _walk_comprehension(expr.comprehension, positions, bound)
    else:
        for child in _children(expr):
            yield from _walk(child, positions, bound)


def _walk_comprehension(loop: Any, positions: dict[int, int], bound: frozenset[str]) -> Iterator[Reference]:
    yield from _walk(loop.iter_range, positions, bound)
    inner = bound | {loop.iter_var, loop.iter_var2, loop.accu_var} - {""}
    for child in (loop.accu_init, loop.loop_condition, loop.loop_step, loop.result):
        yield from _walk(child, positions, inner)


def _children(expr: Any) -> Iterator[Any]:
    if expr.HasField("select"):
        yield expr.select.operand
    elif expr.HasField("call"):
        if expr.call.HasField("target"):
            yield expr.call.target
        yield from expr.call.args
    elif expr.HasField("list"):
        yield from expr.list.elements
    elif expr.HasField("struct"):
        for entry in expr.struct.entries:
            if entry.HasField("map_key"):
                yield entry.map_key
            yield entry.value


def _chain(expr: Any, positions: dict[int, int]) -> Reference | None:
    """Return the path that an expression selects, or None where it is no plain chain of names."""
    names: list[str] = []
    guarded = False
    while True:
        if expr.HasField("ident"):
            path = (expr.ident.name.lstrip("."), *reversed(names))
            return Reference(path, positions.get(expr.id, 0), guarded)
        if expr.HasField("select"):
            names.append(expr.select.field)
            guarded = guarded or expr.select.test_only
            expr = expr.select.operand
        elif _is_named_select(expr):
            names.append(expr.call.args[1].constant.string_value)
            guarded = guarded or expr.call.function == "_?._"
            expr = expr.call.args[0]
        else:
            return None


def _is_named_select(expr: Any) -> bool:
    """Tell whether this is `a.?b` or `a['b']`, calls in the tree that select one name."""
    return (
        expr.HasField("call")
        and expr.call.function in ("_?._", "_[_]", "_[?_]")
        and len(expr.call.args) == 2
        and expr.call.args[1].HasField("constant")
        and bool(expr.call.args[1].constant.string_value)
    )
