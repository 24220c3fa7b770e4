"""Find comparisons with a text that a value can never have: a misspelt status, or one not in its schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.base.wording import did_you_mean
from engine.documents.schema_parts import resolved, within
from engine.expressions.celtypes import ANYTHING, Schema
from engine.expressions.syntax import Node, walk

_EQUALITIES = ("_==_", "_!=_")
_MOST_SHOWN = 60


@dataclass(frozen=True)
class NeverSo:
    """A comparison with a text that is never equal: message, remedy, and the `offset` of the text."""

    message: str
    remedy: str
    offset: int


def has_comparisons(node: Node) -> bool:
    """Return whether there may be such a comparison below a node."""
    return any(one.kind == "call" and (one.name in _EQUALITIES or one.name == "@in") for one in walk(node))


def never_so(node: Node, schemas: Mapping[str, Schema]) -> Iterator[NeverSo]:
    """Yield every such comparison below a node; `schemas` are those of the variables in scope."""
    if node.kind == "loop":
        yield from never_so(node.parts[0], schemas)
        inner = {**schemas, **dict.fromkeys(node.value, ANYTHING), node.name: _item(node.parts[0], schemas)}
        for part in node.parts[1:]:
            yield from never_so(part, inner)
        return
    if node.kind == "call" and len(node.parts) == 2 and (node.name in _EQUALITIES or node.name == "@in"):
        sides = [node.parts] if node.name == "@in" else [node.parts, node.parts[::-1]]
        for value, texts in sides:
            yield from _wrong_texts(value, texts, schemas)
    for part in node.parts:
        yield from never_so(part, schemas)


def _wrong_texts(value: Node, texts: Node, schemas: Mapping[str, Schema]) -> Iterator[NeverSo]:
    allowed = _allowed(_schema(value, schemas))
    if allowed is None:
        return
    names = [one for one in allowed if isinstance(one, str)]
    for one in texts.parts if texts.kind == "list" else (texts,):
        if one.kind == "constant" and one.value[0] == "string_value" and one.value[1] not in names:
            said = f"{_shown(value)} is never {one.value[1][:_MOST_SHOWN]!r}."
            yield NeverSo(said, did_you_mean(one.value[1], names) or "It is no text.", one.offset)


def _schema(node: Node, schemas: Mapping[str, Schema]) -> Schema:
    """Return the schema of the value at a path; any value if it is unknown."""
    if node.kind == "ident":
        return resolved(schemas.get(node.name, ANYTHING))
    if node.kind == "select":
        holder = _schema(node.parts[0], schemas)
        return resolved(within(holder, holder.get("properties", {}).get(node.name)))
    if node.kind == "call" and node.name == "_[_]":
        return _item(node.parts[0], schemas)
    return ANYTHING


def _item(node: Node, schemas: Mapping[str, Schema]) -> Schema:
    holder = _schema(node, schemas)
    return resolved(within(holder, holder.get("items"))) if holder.get("type") == "array" else ANYTHING


def _allowed(schema: Schema) -> list[Any] | None:
    """Return all values that the schema allows, or None if they are not a short list."""
    if "const" in schema:
        return [schema["const"]]
    if isinstance(schema.get("enum"), list):
        return list(schema["enum"])
    choices = schema.get("anyOf")
    if not isinstance(choices, list):
        return [None] if schema.get("type") == "null" else None
    found = [_allowed(resolved(within(schema, one))) for one in choices]
    return None if None in found else [value for values in found for value in values or []]


def _shown(node: Node) -> str:
    if node.kind == "select":
        return f"{_shown(node.parts[0])}.{node.name}"
    return node.name if node.kind == "ident" else f"{_shown(node.parts[0])}[…]"
