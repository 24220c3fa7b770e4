"""The JSON Schemas of the field at which a problem is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from engine.compiler.definition.model import WorkflowModel
from engine.compiler.definition.step_model import StepModel
from engine.expressions.cel_types import Schema, definition
from engine.plugins.step import fields_schema

if TYPE_CHECKING:
    from engine.copilot.fixes.seen import SeenProblem

_DEEPEST = 20


def schemas_of(seen: SeenProblem) -> Iterator[Schema]:
    """Yield the schemas of the field, each alternative by itself; nothing for a field that does not exist."""
    inside: Sequence[str | int] = seen.inside
    if seen.kind is not None and inside[:1] == ("with",):
        root, inside = fields_schema(seen.kind.fields), inside[1:]
    elif seen.kind is not None and inside[:1] == ("triggers",) and inside[2:3] == ("with",):
        root, inside = fields_schema(seen.kind.fields), inside[3:]
    else:
        root = (WorkflowModel if seen.node is None else StepModel).model_json_schema()
    yield from _at(root, inside, root, _DEEPEST)


def takes(seen: SeenProblem, kind: str) -> bool:
    """Return whether the field takes a JSON type, such as `array`."""
    return any(one.get("type") == kind for one in schemas_of(seen))


def _at(schema: Any, path: Sequence[str | int], root: Schema, deep: int) -> Iterator[Schema]:
    if not isinstance(schema, Mapping) or deep == 0:
        return
    if "$ref" in schema:
        yield from _at(definition(str(schema["$ref"]), root), path, root, deep - 1)
    for other in [*schema.get("anyOf", []), *schema.get("oneOf", [])]:
        yield from _at(other, path, root, deep - 1)
    if not path:
        yield schema
    elif isinstance(path[0], int):
        yield from _at(schema.get("items"), path[1:], root, deep - 1)
    else:
        inner = schema.get("properties", {}).get(path[0], schema.get("additionalProperties"))
        yield from _at(inner, path[1:], root, deep - 1)
