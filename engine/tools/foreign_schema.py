"""JSON Schemas of other servers: what steps take of them. Nothing in them can say what is trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from engine.base.errors import InvalidInput
from engine.base.json_text import JsonSchema
from engine.documents.schema_check import foreign_faults

_PARTS_MOST = 5_000
"""Parts of a schema with the parts that it refers to in their place: a small one can refer to millions."""
_BY_NAME = ("properties", "patternProperties")
_SINGLE = ("items", "additionalProperties", "not")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_VALUES = frozenset(
    (
        *("type", "enum", "const", "default", "title", "description", "examples", "required", "pattern"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength"),
        *("minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
    )
)
"""Keywords that are taken over as they are. Not `format`, which here names a picker or a file."""


def require_schema(name: str, schema: object) -> None:
    """Raise InvalidInput if a schema cannot be used for a step. `name`: what it describes, for people."""
    if schema is None:
        raise InvalidInput(f"The server gives no schema of its {name}.")
    if not isinstance(schema, Mapping):
        raise InvalidInput(f"The schema of its {name} is not a JSON Schema that describes an object.")
    for _, said in foreign_faults(schema):
        raise InvalidInput(f"The schema of its {name} cannot be used: {said}")
    kinds = plain_schema(schema).get("type", "object")
    if name == "input" and "object" not in (kinds if isinstance(kinds, list) else [kinds]):
        raise InvalidInput("The schema of its input does not describe an object.")


def plain_schema(schema: JsonSchema) -> dict[str, Any]:
    """Return a schema with the usual keywords only, and what it refers to in its place. Raises InvalidInput.

    A part that contains itself becomes any value there: values are held to the schema as it is.
    """
    return _Plain(schema, _VALUES).of(schema, ())


def open_schema(schema: JsonSchema) -> dict[str, Any]:
    """Return the same without fixed values: another server's are its own words, like all that it says."""
    return _Plain(schema, _VALUES - {"enum", "const"}).of(schema, ())


class _Plain:
    """Makes one schema plain."""

    def __init__(self, root: JsonSchema, values: AbstractSet[str]) -> None:
        self._root, self._values, self._parts = root, values, 0

    def of(self, schema: Any, around: tuple[str, ...]) -> dict[str, Any]:
        """Return a part of it; `around`: the references that led here."""
        self._parts += 1
        if self._parts > _PARTS_MOST:
            raise InvalidInput("A schema of the tool is too complex: its parts refer to each other too often.")
        if not isinstance(schema, Mapping):
            return {"not": {}} if schema is False else {}
        found = {name: value for name, value in schema.items() if name in self._values}
        found.update(self._inside(schema, around))
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference not in around:
            found = {**self.of(self._pointed(reference), (*around, reference)), **found}
        return found

    def _inside(self, schema: JsonSchema, around: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        for keyword in _BY_NAME:
            if isinstance(schema.get(keyword), Mapping):
                yield keyword, {name: self.of(one, around) for name, one in schema[keyword].items()}
        for keyword in _LISTS:
            if isinstance(schema.get(keyword), list):
                yield keyword, [self.of(one, around) for one in schema[keyword]]
        for keyword in _SINGLE:
            if keyword in schema:
                one = schema[keyword]
                is_word = keyword == "additionalProperties" and isinstance(one, bool)
                yield keyword, one if is_word else self.of(one, around)

    def _pointed(self, reference: str) -> Any:
        value: Any = self._root
        for name in reference.split("/")[1:]:
            key = name.replace("~1", "/").replace("~0", "~")
            value = value.get(key) if isinstance(value, Mapping) else None
        return value
