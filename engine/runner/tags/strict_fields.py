"""The fields of a call that must not take text from outside: where it goes, and what instructs a model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from engine.base.run_file import place_of
from engine.expressions.cel_types import Schema, chosen, resolved, within
from engine.plugins.step import Prompts, Role, fields_schema, takes_files
from engine.runner.tags.tags import Tag

_STRICT = (Role.DESTINATION, Role.INSTRUCTION)
_INSTRUCTING = ("system", "developer")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACES = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_DEEPEST = 12  # a schema may refer to itself; deeper fields count as strict, to be safe


@cache
def strict_names(fields: type[BaseModel]) -> frozenset[str]:
    """Return the names of the fields that have such a part; the variables of a prompt may."""
    schema = fields_schema(fields)
    known = schema.get("properties", {})
    names = {name for name, one in known.items() if _has_strict_part(within(schema, one))}
    return frozenset(names | ({"variables"} & known.keys()))


def strict_parts(
    fields: type[BaseModel], name: str, value: Any, tag: Tag, prompts: Prompts
) -> Iterator[tuple[str, Tag, bool]]:
    """Yield the parts of a field that must not take text from outside: (path in words, tag, whether it takes files).

    `prompts` are those that the call names.
    """
    schema = fields_schema(fields)
    if name == "variables" and prompts:
        for variable in _instructing(prompts):
            yield f"{name}.{variable}", tag.field(variable), False
        return
    own = within(schema, schema.get("properties", {}).get(name))
    for path, part, is_for_files in _inside(own, name, value, tag, ""):
        if not (takes_files(own) and _is_run_file(value, path)):
            yield path, part, is_for_files or takes_files(own)


def _inside(schema: Schema, path: str, value: Any, tag: Tag, role: str) -> Iterator[tuple[str, Tag, bool]]:
    schema = _meant(resolved(schema), value)
    role = schema.get("role", role)
    if isinstance(value, list) and "items" in schema:
        for index, one in enumerate(value):
            yield from _inside(within(schema, schema["items"]), f"{path}.{index}", one, tag.item(index), role)
    elif isinstance(value, dict) and "properties" in schema:
        for name, one in value.items():
            inner = within(schema, schema["properties"].get(name))
            yield from _inside(inner, f"{path}.{name}", one, tag.field(name), role)
    elif role in _STRICT:
        yield path, tag, takes_files(schema)


def _is_run_file(value: Any, path: str) -> bool:
    """Return whether a field, or the item of its list at a path, is a file of a run: its name leads nowhere."""
    for index in path.split(".")[1:]:
        value = value[int(index)] if isinstance(value, list) else value
    return isinstance(value, dict) and place_of(value) is not None


def _meant(schema: Schema, value: Any) -> Schema:
    """Return the alternative of a type that a value has chosen; the type itself if none."""
    if isinstance(value, list):
        options = [resolved(within(schema, one)) for one in (*schema.get("oneOf", ()), *schema.get("anyOf", ()))]
        arrays = [one for one in options if one.get("type") == "array"]
        return {**arrays[0], "role": arrays[0].get("role", schema.get("role", ""))} if arrays else schema
    return chosen(schema, value) or schema


def _has_strict_part(schema: Any, depth: int = 0) -> bool:
    if not isinstance(schema, Mapping):
        return False
    schema = resolved(schema)
    if depth > _DEEPEST or schema.get("role") in _STRICT:
        return True
    inner = [*schema.get("properties", {}).values(), *schema.get("oneOf", ()), *schema.get("anyOf", ())]
    inner += [schema[key] for key in ("items", "additionalProperties") if key in schema]
    return any(_has_strict_part(within(schema, one), depth + 1) for one in inner if isinstance(one, Mapping))


def _instructing(prompts: Prompts) -> Iterator[str]:
    """Yield the variables in the instructions of prompts."""
    for prompt in prompts.values():
        said = [one.get("content") for one in prompt.get("messages", ()) if one.get("role") in _INSTRUCTING]
        inside = [text for one in said for text in _BRACES.findall(one if isinstance(one, str) else str(one))]
        names = {name for text in inside for name in _NAME.findall(text)}
        yield from sorted(names & set(prompt.get("variables", {})))
