"""Parse JSON from a model's answer, and describe what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from engine.base.json_text import JsonSchema
from engine.documents.schema_check import misfits, schema_faults
from engine.plugins.step import JsonValue

_FAULTS_MOST = 5
_THOUGHTS = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
"""The text a reasoning model writes before its answer, if the server does not remove it (Ollama, llama.cpp)."""


def read_json(text: str) -> JsonValue:
    """Parse the JSON in an answer: bare, in a code fence, or after a few words or thoughts. Raises ValueError."""
    text = without_thoughts(text)
    try:
        return _loads(text)
    except ValueError as error:
        inner = text[text.find("{") : text.rfind("}") + 1]
        if not inner:
            raise ValueError("the answer is not JSON") from error
    try:
        return _loads(inner)
    except ValueError as error:
        raise ValueError(f"the answer is not JSON ({error})") from error


def without_thoughts(text: str) -> str:
    """Return an answer without what the model has thought before it."""
    return _THOUGHTS.sub("", text)


def _loads(text: str) -> JsonValue:
    """Parse JSON by RFC 8259: Python would also accept NaN and Infinity."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it has too many levels") from None


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not a JSON number")


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
