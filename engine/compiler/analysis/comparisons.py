"""Find comparisons with a text that a value can never have: a misspelt status, or one not in its schema."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from clients.wording import did_you_mean
from engine.expressions.cel_types import ANYTHING, Schema, resolved, within
from engine.expressions.interpreter import Domain, Interpreter
from engine.expressions.syntax import SyntaxNode

_EQUALITIES = frozenset({"_==_", "_!=_"})
_COMPARISONS = _EQUALITIES | {"@in"}
_COMPARED = re.compile(r"[=!]=|\bin\b")
_MOST_SHOWN = 60


class NeverSo(Struct, frozen=True):
    """A comparison with a text that is never equal: message, remedy, and the `offset` of the text."""

    message: str
    remedy: str
    offset: int


def has_comparisons(source: str) -> bool:
    """Return whether there may be such a comparison in an expression."""
    return _COMPARED.search(source) is not None


def never_so(node: SyntaxNode, schemas: Mapping[str, Schema]) -> Sequence[NeverSo]:
    """Return every such comparison below a node; `schemas` has the schema of each variable in scope."""
    comparisons = ComparisonDomain()
    Interpreter(comparisons).value(node, None, schemas)
    return comparisons.found


class ComparisonDomain(Domain[Schema, None]):
    """The schemas of values; notes the comparisons that are never so."""

    unknown = ANYTHING

    def __init__(self) -> None:
        self.found: list[NeverSo] = []

    def field(self, node: SyntaxNode, holder: Schema, whole: SyntaxNode, facts: None) -> Schema:
        """Return the schema of a field."""
        holder = resolved(holder)
        return within(holder, holder.get("properties", {}).get(node.name)) if node.kind == "select" else ANYTHING

    def item(self, holder: Schema) -> Schema:
        """Return the schema of an item."""
        holder = resolved(holder)
        return within(holder, holder.get("items")) if holder.get("type") == "array" else ANYTHING

    def call(self, node: SyntaxNode, values: Sequence[Schema], facts: None) -> Schema:
        """Look at a comparison; of other results than items, nothing is known."""
        if node.name in _COMPARISONS:
            self.found += _wrong_texts(node.parts[0], values[0], node.parts[1])
        if node.name in _EQUALITIES:
            self.found += _wrong_texts(node.parts[1], values[1], node.parts[0])
        return self.item(values[0]) if node.name == "_[_]" else ANYTHING


def _wrong_texts(value: SyntaxNode, schema: Schema, texts: SyntaxNode) -> Iterator[NeverSo]:
    allowed = _allowed(resolved(schema))
    if allowed is None:
        return
    names = [one for one in allowed if isinstance(one, str)]
    for one in texts.parts if texts.kind == "list" else (texts,):
        if one.kind == "constant" and one.value[0] == "string_value" and one.value[1] not in names:
            said = f"{_shown(value)} is never {one.value[1][:_MOST_SHOWN]!r}."
            yield NeverSo(said, did_you_mean(one.value[1], names) or "It is not text.", one.offset)


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


def _shown(node: SyntaxNode) -> str:
    if node.kind == "select":
        return f"{_shown(node.parts[0])}.{node.name}"
    return node.name if node.kind == "ident" else f"{_shown(node.parts[0])}[…]"
