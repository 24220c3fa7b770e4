"""Parse JSON from a model's answer, and describe what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from clients.models.loose_json import loose_json, loose_json_at, strict_json
from clients.models.thoughts import without_thoughts
from engine.base.json_text import JsonSchema
from engine.documents.meant_value import as_meant
from engine.documents.schema_check import misfits, schema_faults
from engine.plugins.step import JsonValue

_FAULTS_MOST = 5
_BEGINS = re.compile(r"[{\[]")
_FENCED = re.compile(r"```[^\n`]*\n(.*?)```", re.DOTALL)
_MISSED_MOST = 100
"""How often something else than JSON may begin like it: each time, the parser may read all that follows."""
_SAID_MOST = 200


def read_json(text: str) -> JsonValue:
    """Parse the JSON in an answer: bare, in a code fence, or between a few words. Raises ValueError if it is not one.

    Thoughts before it are left out; what can be meant in one way only is read as if it were JSON.
    """
    found = _values_in(text)
    objects = [one for one in found if isinstance(one, dict)]
    only = objects if objects and len(found) > 1 else found
    if len(only) > 1:
        raise ValueError(f"the answer has {len(only)} JSON values instead of one")
    return only[0]


def read_fitting(text: str, schema: JsonSchema) -> tuple[JsonValue, list[str]]:
    """Return the value in an answer that fits a schema, and an empty list; else what is there, and why it does not fit.

    Only its form may be mended (engine/documents/meant_value.py).
    """
    try:
        values = [_meant(one, schema) for one in _values_in(text)]
    except ValueError as error:
        return None, [f"{error}. It begins: {said[:_SAID_MOST]!r}." if (said := text.strip()) else f"{error}."]
    checked = [(one, faults(one, schema)) for one in values]
    fitting = _distinct([one for one, wrong in checked if not wrong])
    if not fitting:
        inner = _distinct([_meant(one, schema) for value in values for one in _unwrapped(value)])
        fitting = [one for one in inner if not faults(one, schema)]
    if len(fitting) > 1:
        return None, [f"the answer has {len(fitting)} JSON values that fit, instead of one."]
    # Schemas usually want an object, so report why an object does not fit, rather than a list.
    return (fitting[0], []) if fitting else max(checked, key=lambda one: isinstance(one[0], dict))


def _meant(value: JsonValue, schema: JsonSchema) -> JsonValue:
    return as_meant(as_spelled(value, schema), schema)


def _unwrapped(value: JsonValue) -> Iterator[JsonValue]:
    """Yield what a model may have wrapped in a list, in an object with one member, or in a text."""
    if isinstance(value, list | dict) and len(value) == 1:
        yield next(iter(value.values() if isinstance(value, dict) else value))
    elif isinstance(value, str):
        with suppress(ValueError):
            yield strict_json(value)


def _values_in(text: str) -> list[JsonValue]:
    """Return the JSON values in an answer, without repetitions. Raises ValueError if it has no JSON."""
    text = without_thoughts(text).strip().removeprefix("\ufeff")
    try:
        return [loose_json(text)]
    except ValueError as error:
        reason = error
    fenced = [one for block in _FENCED.findall(text) for one in _scanned(block)]
    found = _distinct(fenced or [*_scanned(text)])
    if not found:
        raise ValueError(f"the answer is not JSON ({reason})" if _BEGINS.search(text) else "the answer is not JSON")
    return found


def _scanned(text: str) -> Iterator[JsonValue]:
    """Yield the objects and lists in a text."""
    end = missed = 0
    while missed < _MISSED_MOST and (begun := _BEGINS.search(text, end)) is not None:
        try:
            found, end = loose_json_at(text, begun.start())
        except ValueError:
            end, missed = begun.start() + 1, missed + 1
        else:
            yield found


def _distinct(values: Sequence[JsonValue]) -> list[JsonValue]:
    return [*{json.dumps(one, sort_keys=True): one for one in values}.values()]


def as_spelled(value: JsonValue, schema: Any) -> JsonValue:
    """Return the value with each choice spelled as in the schema (`enum`), if only case or spaces differ."""
    if not isinstance(schema, Mapping):
        return value
    if isinstance(value, list):
        return [as_spelled(each, schema.get("items")) for each in value]
    if isinstance(value, dict):
        known = schema.get("properties") or {}
        return {name: as_spelled(each, known.get(name)) for name, each in value.items()}
    return _choice(value, schema.get("enum") or []) if isinstance(value, str) else value


def _choice(said: str, choices: Sequence[JsonValue]) -> str:
    if said in choices:
        return said
    found = [one for one in choices if isinstance(one, str) and one.strip().casefold() == said.strip().casefold()]
    return found[0] if len(found) == 1 else said


def faults(value: JsonValue, schema: JsonSchema) -> list[str]:
    """Return at most five sentences about what does not fit the schema, each with its place."""
    return list(islice(misfits(value, schema), _FAULTS_MOST))


def schema_problem(schema: Any) -> str:
    """Return why this is not a JSON Schema (draft 2020-12), "" if it is."""
    for path, sentence in schema_faults(schema):
        place = ".".join(map(str, path))
        return f"{place}: {sentence}" if place else sentence
    return ""


def from_outside(schema: Any) -> Any:
    """Return the schema with its free texts marked as coming from outside.

    A model repeats what it has read; only a choice among fixed values (`enum`, `const`) is the schema's own.
    """
    if isinstance(schema, list):
        return [from_outside(each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    marked = {key: _inside(key, value) for key, value in schema.items()}
    return {**marked, "outside": True} if _is_free_text(schema) else marked


def _inside(key: str, value: Any) -> Any:
    """Mark only keywords that contain schemas: an `enum` or a `default` contains values."""
    if key in {"properties", "$defs", "definitions", "patternProperties"} and isinstance(value, Mapping):
        return {name: from_outside(each) for name, each in value.items()}
    if key in {"items", "additionalProperties", "anyOf", "oneOf", "allOf", "prefixItems", "not"}:
        return from_outside(value)
    return value


def _is_free_text(schema: JsonSchema) -> bool:
    kind = schema.get("type")
    holds_text = kind == "string" or (isinstance(kind, list) and "string" in kind)
    says_nothing = kind is None and not {"anyOf", "oneOf", "allOf", "$ref", "properties"} & schema.keys()
    return (holds_text or says_nothing) and not {"enum", "const"} & schema.keys()
