"""The names that can be completed at a place of a workflow, with their types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.compiler.checks.report import Report
from engine.documents.json_file import JsonPath
from engine.expressions.cel_types import Schema, plain, within

_DEEPEST = 3
_MOST = 500


@dataclass(frozen=True)
class ScopeName:
    """A name as an expression writes it, such as `steps.mails.output.messages`; `type` is of JSON Schema, or ""."""

    name: str
    type: str


def names_at(report: Report, path: JsonPath) -> list[ScopeName]:
    """Return the names that expressions at a path of the file may use, [] where there are no expressions."""
    around = [path[:end] for end in range(len(path), 0, -1)]
    found = next((report.names[one] for one in around if one in report.names), None)
    if found is None:
        return []
    named = [
        *(one for name, schema in found.variables.items() for one in _within(name, schema, schema, _DEEPEST)),
        *(
            one
            for name, schema in found.steps.items()
            for one in _within(f"steps.{name}.output", schema, schema, _DEEPEST)
        ),
    ]
    return named[:_MOST]


def _within(name: str, schema: Schema, root: Schema, deep: int) -> Iterator[ScopeName]:
    known, _ = plain(schema, root)
    kind = known.get("type")
    yield ScopeName(name, kind if isinstance(kind, str) else "")
    properties = known.get("properties")
    if deep == 0 or not isinstance(properties, dict):
        return
    for key, inner in properties.items():
        if key.isidentifier():
            yield from _within(f"{name}.{key}", within(root, inner), root, deep - 1)
