"""JSON Schemas that users write: whether they are ones, and whether a value fits; nothing is loaded for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from engine.expressions import compact_json

Path = tuple[str | int, ...]
_LONGEST_SEEN = 80


def schema_faults(schema: Any) -> Iterator[tuple[Path, str]]:
    """Give (path inside the schema, sentence) for all that is wrong with it, its default included."""
    from jsonschema import Draft202012Validator

    yield from _foreign_references(schema, ())
    broken = list(Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema))
    for error in broken:
        yield tuple(error.absolute_path), f"This is no JSON Schema: {error.message}."
    if not broken and isinstance(schema, Mapping) and "default" in schema:
        for misfit in misfits(schema["default"], schema):
            yield ("default",), f"The default does not fit: {misfit}"


def misfits(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """Give a sentence for everything in `value` that does not fit the schema."""
    if not schema or any(True for _ in _foreign_references(schema, ())):
        return
    for error in _validator(compact_json(schema)).iter_errors(value):
        place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
        message = error.message if len(error.message) <= 300 else f"{error.message[:_LONGEST_SEEN]}… {error.validator}"
        yield f"{place.lstrip('.') + ': ' if place else ''}{message}."


@lru_cache(maxsize=256)
def _validator(schema: str) -> Any:
    import json

    from jsonschema import Draft202012Validator

    return Draft202012Validator(json.loads(schema))


def _foreign_references(schema: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Find every `$ref` that leads out of the schema: a validator would fetch it from the network."""
    if isinstance(schema, Mapping):
        target = schema.get("$ref")
        if isinstance(target, str) and not target.startswith("#"):
            yield (*path, "$ref"), "A $ref may only point inside the same schema, like #/$defs/name."
        for key, inner in schema.items():
            yield from _foreign_references(inner, (*path, key))
    elif isinstance(schema, list):
        for number, inner in enumerate(schema):
            yield from _foreign_references(inner, (*path, number))
