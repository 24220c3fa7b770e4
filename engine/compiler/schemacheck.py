"""JSON Schemas that users write: whether they are ones, and whether a value fits; nothing is loaded for them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from engine.expressions.expressions import compact_json
from engine.expressions.wording import did_you_mean

Path = tuple[str | int, ...]
DEEPEST = 64
_MOST_STEPS = 16
_NONE = "This is no JSON Schema: "
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_LONGEST_SEEN = 80
_TOO_INVOLVED = "Its schema cannot be used: it is too involved to be checked."
# Keywords whose schemas are about the same value, so that a circle through them never ends.
_SAME_VALUE_LISTS = ("allOf", "anyOf", "oneOf")
_SAME_VALUE = ("not", "if", "then", "else")
_REFERENCES = ("$ref", "$dynamicRef")


def schema_faults(schema: Any) -> Iterator[tuple[Path, str]]:
    """Give (path inside the schema, sentence) for all that is wrong with it, its default included."""
    broken = list(_broken(schema))
    yield from broken
    if not broken and isinstance(schema, Mapping) and "default" in schema:
        for misfit in misfits(schema["default"], schema):
            yield ("default",), f"The default does not fit: {misfit}"


def is_usable(schema: Any) -> bool:
    """Tell whether this is a JSON Schema that values can be checked with; quick from the second time on."""
    return isinstance(schema, Mapping) and _validator(compact_json(schema))[0] is not None


def misfits(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """Give a sentence for everything in `value` that does not fit; for a schema that is none, that it is none."""
    if not schema:
        return
    validator, reason = _validator(compact_json(schema))
    if validator is None:
        yield f"Its schema cannot be used: {reason}"
    elif _is_deep(value):
        yield f"It is nested deeper than {DEEPEST} levels."
    else:
        yield from _errors(validator, value)


def _errors(validator: Any, value: Any) -> Iterator[str]:
    try:
        for error in validator.iter_errors(value):
            yield _sentence(error)
    except RecursionError:
        yield _TOO_INVOLVED
    except BaseException as error:
        # The validator keeps its references in Rust, where a full stack is a panic instead of a RecursionError.
        if type(error).__name__ != "PanicException":
            raise
        yield _TOO_INVOLVED


def _is_deep(value: Any) -> bool:
    """Tell whether lists and objects are nested deeper than a validator can follow."""
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, dict | list)
        ]
    return bool(level)


def _sentence(error: Any) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    message = error.message if len(error.message) <= 300 else f"{error.message[:_LONGEST_SEEN]}… ({error.validator})"
    return f"{place.lstrip('.') + ': ' if place else ''}{message}."


@lru_cache(maxsize=256)
def _validator(text: str) -> tuple[Any, str]:
    """Return a validator, or None and why there can be none."""
    from jsonschema import Draft202012Validator

    schema = json.loads(text)
    _, reason = next(_broken(schema), ((), ""))
    return (None, reason) if reason else (Draft202012Validator(schema), "")


def _broken(schema: Any) -> Iterator[tuple[Path, str]]:
    from jsonschema import Draft202012Validator

    yield from _traps(schema, schema, ())
    if _leads_back(schema):
        yield (), "This leads back to itself without getting any further into the value."
        return
    for error in Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema):
        message = error.message if len(error.message) <= 300 else f"{error.message[:_LONGEST_SEEN]}…"
        path = tuple(error.absolute_path)
        if path[-1:] == ("type",) and isinstance(error.instance, str):
            yield path, _NONE + f"there is no type {error.instance!r}. {did_you_mean(error.instance, _TYPES)}"
        else:
            yield path, f"{_NONE}{message}."


def _traps(part: Any, schema: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Find what the meta-schema lets through: a `$ref` that leads out or nowhere, a pattern that is none.

    A validator would fetch a foreign `$ref` from the network.
    """
    if isinstance(part, Mapping):
        for keyword, fault in (
            ("$ref", _reference_fault),
            ("$dynamicRef", _reference_fault),
            ("pattern", _pattern_fault),
        ):
            if isinstance(part.get(keyword), str) and (said := fault(part[keyword], schema)):
                yield (*path, keyword), said
        for key, inner in part.items():
            yield from _traps(inner, schema, (*path, key))
    elif isinstance(part, list):
        for number, inner in enumerate(part):
            yield from _traps(inner, schema, (*path, number))


def _leads_back(schema: Any) -> bool:
    """Tell whether schemas apply to one and the same value in a circle, or in a row too long to follow."""
    children = {id(part): [id(inner) for inner in _same_value(part, schema)] for part in _objects(schema)}
    followed: set[int] = set()
    for _ in range(_MOST_STEPS):
        followed |= {part for part, inner in children.items() if followed.issuperset(inner)}
    return len(followed) < len(children)


def _objects(part: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(part, Mapping):
        yield part
    inner = part.values() if isinstance(part, Mapping) else part if isinstance(part, list) else ()
    for one in inner:
        yield from _objects(one)


def _same_value(part: Mapping[str, Any], schema: Any) -> Iterator[Mapping[str, Any]]:
    """Give the schemas inside this one that are about the same value as it is."""
    inner = [part.get(keyword) for keyword in _SAME_VALUE]
    for keyword in _SAME_VALUE_LISTS:
        inner += part[keyword] if isinstance(part.get(keyword), list) else []
    if isinstance(part.get("dependentSchemas"), Mapping):
        inner += part["dependentSchemas"].values()
    inner += [_pointed(part[keyword], schema) for keyword in _REFERENCES if isinstance(part.get(keyword), str)]
    return (one for one in inner if isinstance(one, Mapping))


def _pointed(target: str, schema: Any) -> Any:
    """Return what `#/a/b` points at in the schema, or None."""
    value = schema
    for name in target.split("/")[1:]:
        key = name.replace("~1", "/").replace("~0", "~")
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _reference_fault(target: str, schema: Any) -> str:
    if not (target == "#" or target.startswith("#/")):
        return "A $ref may only point inside the same schema, like #/$defs/name."
    value = _pointed(target, schema)
    if value is None:
        return f"The $ref {target!r} points at nothing."
    return "" if isinstance(value, Mapping | bool) else f"The $ref {target!r} points at no schema."


def _pattern_fault(pattern: str, _schema: Any) -> str:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"This pattern is no regular expression: {error}."
    return ""
