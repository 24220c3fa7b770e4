"""Documents of GraphQL: which operation one sends, and what kind it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct

from clients.errors import InvalidRequest

QUERY, MUTATION = "query", "mutation"
_MOST_CHARACTERS = 100_000
_MOST_TOKENS = 20_000
_MEMBERS = frozenset({"query", "variables", "operationName"})


class GraphQLOperation(Struct, frozen=True):
    """The operation of a document that is sent."""

    name: str
    kind: str
    """`query`, `mutation` or `subscription`."""
    fields: tuple[str, ...]
    """The names of what it selects at the top, also through fragments, such as `addComment`."""


@lru_cache(maxsize=256)
def operation_of(document: str, name: str) -> GraphQLOperation:
    """Return the operation of a document with this name; "" if it has only one. Raises InvalidRequest.

    It follows the grammar, so that names, texts and comments in the document decide nothing (GraphQL, October 2021:
    2.3 Operations, 6.1 Executing Requests).
    """
    from graphql.error import GraphQLSyntaxError
    from graphql.language import OperationDefinitionNode, Source, parse

    if len(document) > _MOST_CHARACTERS:
        raise wrong(f"The document has more than {_MOST_CHARACTERS} characters.", "Ask for less at once.")
    try:
        parsed = parse(Source(document, "document"), no_location=True, max_tokens=_MOST_TOKENS)
    except (GraphQLSyntaxError, RecursionError) as error:
        said = str(error).partition("\n")[0] or "it is nested too deeply"
        raise wrong(f"This is not a document of GraphQL: {said}") from error
    found = [each for each in parsed.definitions if isinstance(each, OperationDefinitionNode)]
    names = [each.name.value if each.name else "" for each in found]
    chosen = [each for each, own in zip(found, names, strict=True) if name in ("", own)]
    if len(chosen) != 1 or len(set(names)) != len(names):
        raise wrong(_which(names, name), "Name the operation to send, and give each one a name of its own.")
    return GraphQLOperation(
        names[found.index(chosen[0])], chosen[0].operation.value, _fields(parsed.definitions, chosen[0])
    )


def _which(names: Sequence[str], name: str) -> str:
    if not names:
        return "The document has no operation."
    shown = ", ".join(each or "(no name)" for each in names)
    return f"The document has no single operation {name!r}: {shown}." if name else f"It has several: {shown}."


def _fields(definitions: Sequence[Any], operation: Any) -> tuple[str, ...]:
    from graphql.language import FieldNode, FragmentDefinitionNode, FragmentSpreadNode

    fragments = {each.name.value: each for each in definitions if isinstance(each, FragmentDefinitionNode)}
    names, seen, left = [], set(), list(operation.selection_set.selections)
    while left:
        each = left.pop(0)
        if isinstance(each, FieldNode):
            names.append(each.name.value)
        elif not isinstance(each, FragmentSpreadNode):
            left[:0] = each.selection_set.selections
        elif each.name.value in fragments and each.name.value not in seen:
            seen.add(each.name.value)
            left[:0] = fragments[each.name.value].selection_set.selections
    return tuple(names)


def is_query(body: bytes) -> bool:
    """Return whether the body of a request sends a query, so that it changes nothing (`ReadRequest.body`).

    A body that servers may read in different ways does not count: with a member twice, or one that is not GraphQL's.
    """
    try:
        sent = json.loads(body.decode("utf-8"), object_pairs_hook=_once)
        if not isinstance(sent, dict) or not _MEMBERS.issuperset(sent) or not isinstance(sent.get("query"), str):
            return False
        name = sent.get("operationName")
        return isinstance(name, str | None) and operation_of(sent["query"], name or "").kind == QUERY
    except (ValueError, RecursionError, InvalidRequest):
        return False


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a member is there twice")
    return dict(pairs)


def wrong(what: str, remedy: str = "") -> InvalidRequest:
    """Return the error for a document that cannot be sent."""
    return InvalidRequest(what, service="github", remedy=remedy or "https://docs.github.com/graphql has its reference.")
