"""The step that calls GitHub's GraphQL API: a query reads, a mutation writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clients.errors import InvalidRequest
from engine.plugins.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Part,
    Preview,
    Prompts,
    Receipt,
    Repeat,
    content,
    instruction,
    lines_of,
    outside,
)
from engine.steps.github.repository import Writing


class GraphqlFields(Fields):
    """A document of GitHub's GraphQL API (https://docs.github.com/graphql), and the values of its variables."""

    document: str = instruction("Document", min_length=2, widget="text")
    variables: dict[str, JsonValue] = content("Variables", {}, markup="markdown")
    operation: str = instruction("Operation (empty: the only one)", "")


class GraphqlError(Part):
    """A part of it that GitHub refused; `path` is where, such as `repository.issue`."""

    message: str = outside("Message")
    type: str
    path: str


class GraphqlOutput(Output):
    """The answer; `errors` belong to parts that failed, and the rest was done."""

    data: Any = outside("Data")
    errors: list[GraphqlError]


class Graphql(Writing):
    """Call GitHub's GraphQL API. A query reads, a mutation writes; the document is parsed to tell which it is."""

    name = "github.graphql"
    makes = ("an issue", "a release")
    approval = "always"
    title = "Call GitHub's GraphQL API"
    is_tool = True
    repeat = Repeat.UNFINDABLE
    lasts = "There is no general way to undo a custom API call."
    fields = GraphqlFields
    output = GraphqlOutput

    def effect_of(self, arguments: Mapping[str, JsonValue]) -> tuple[Effect, Repeat | None]:
        """Return a read only if the operation is known before the run, and is a query."""
        from clients.github.operations import QUERY, operation_of

        document, name = arguments.get("document"), arguments.get("operation", "")
        try:
            if isinstance(document, str) and isinstance(name, str) and operation_of(document, name).kind == QUERY:
                return Effect.READS, None
        except InvalidRequest:
            pass
        return Effect.WRITES, Repeat.UNFINDABLE

    def call(self, call: Call) -> JsonValue:
        """Return {data, errors}."""
        it = call.fields
        found = call.client.graphql(it.document, it.variables, it.operation)
        call.notes += [f"GitHub refused {one['path'] or 'a part'}: {one['message']}" for one in found["errors"]]
        return found

    def preview(self, call: Call) -> Preview:
        """Return the document with its variables, under the names of what it changes."""
        from clients.github.operations import operation_of

        it = call.fields
        title = ", ".join(operation_of(it.document, it.operation).fields)
        return Preview(title, "\n\n".join(part for part in (it.document.strip(), lines_of(it.variables)) if part))

    def target(self, fields: Any) -> str:
        """Return the empty text: which repository it is about is in ids."""
        return ""

    def receipt(self, output: JsonValue) -> Receipt:
        """Return the first id and address in what GitHub returned."""
        return Receipt(id=_first(output["data"], "id") or "done", url=_first(output["data"], "url"))

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Reject a document that cannot be sent, where it is written out."""
        from clients.github.operations import operation_of

        document, name = str(arguments.get("document") or ""), str(arguments.get("operation") or "")
        if "{{" in document + name or not document:
            return []
        try:
            kind = operation_of(document, name).kind
        except InvalidRequest as error:
            return [("operation" if name else "document", f"{error.message} {error.remedy}")]
        return [("document", "GitHub has no subscriptions.")] if kind == "subscription" else []


def _first(value: Any, member: str) -> str:
    """Return the first text of that name, from the outside in."""
    left = [value]
    while left:
        each = left.pop(0)
        if isinstance(each, dict):
            if isinstance(each.get(member), str):
                return str(each[member])
            left += each.values()
        elif isinstance(each, list):
            left += each
    return ""
