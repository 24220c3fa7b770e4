"""Makes a model's value fit its schema where only the form keeps it from fitting, and it can be meant in one way.

A second question would cost as much as the first one. So null, or an empty text, for a field that may be left out is
the object without it; "120" is a number where a number is wanted, "true" a boolean, and 4711 a text where a text is.
What could be meant in two ways stays as it is: "1,234", "yes", 1.10 for a text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.base.json_text import JsonSchema
from engine.documents.schema_check import misfits

_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?")
"""A number as JSON writes it, without an exponent, that a float keeps."""
_BOOLEANS = {"true": True, "false": False}
_DEFINITIONS = ("$defs", "definitions")
_DEEPEST = 50
_NOTHING = (None, "")


def as_meant(value: Any, schema: JsonSchema) -> Any:
    """Return the value as it fits the schema; what cannot be made to fit, as far as it can be. A fitting one stays."""
    if not isinstance(schema, Mapping) or _fits(value, schema, schema):
        return value
    return _meant(value, schema, schema, _DEEPEST)


def _meant(value: Any, schema: Any, root: JsonSchema, levels: int) -> Any:
    schema = _pointed(schema, root)
    if not isinstance(schema, Mapping) or levels == 0:
        return value
    if isinstance(value, list):
        return [_meant(each, schema.get("items"), root, levels - 1) for each in value]
    for keyword in ("anyOf", "oneOf"):
        if isinstance(schema.get(keyword), list):
            value = _one_of(value, schema[keyword], root, levels - 1)
    for part in schema.get("allOf") or ():
        value = _meant(value, part, root, levels - 1)
    if isinstance(value, dict):
        return _object(value, schema, root, levels - 1)
    return _only(_converted(value, _types(schema)), value)


def _object(value: dict[str, Any], schema: JsonSchema, root: JsonSchema, levels: int) -> dict[str, Any]:
    known, required = schema.get("properties") or {}, schema.get("required") or ()
    found = {}
    for name, each in value.items():
        inner = known.get(name)
        meant = each if inner is None else _meant(each, inner, root, levels)
        is_left_out = inner is not None and name not in required and meant in _NOTHING
        if not is_left_out or _fits(meant, inner, root):
            found[name] = meant
    return found


def _one_of(value: Any, schemas: Sequence[Any], root: JsonSchema, levels: int) -> Any:
    """Return the value as it fits one of the schemas, if it does so in one way only."""
    if any(_fits(value, one, root) for one in schemas):
        return value
    meant = [_meant(value, one, root, levels) for one in schemas]
    return _only((one for one, schema in zip(meant, schemas, strict=True) if _fits(one, schema, root)), value)


def _converted(value: Any, types: Sequence[str]) -> Iterator[Any]:
    """Yield a value in each of the types that it is not of, where that is possible."""
    if _type(value) in types or (isinstance(value, int) and "number" in types):
        return
    if isinstance(value, str):
        said = value.strip()
        number = json.loads(said) if _NUMBER.fullmatch(said) else None
        if number is not None and ("number" in types or ("integer" in types and isinstance(number, int))):
            yield number
        if "boolean" in types and said.lower() in _BOOLEANS:
            yield _BOOLEANS[said.lower()]
    elif isinstance(value, int) and not isinstance(value, bool) and "string" in types:
        yield str(value)


def _type(value: Any) -> str:
    names = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
    return names.get(type(value), "")


def _types(schema: JsonSchema) -> Sequence[str]:
    kind = schema.get("type")
    return [kind] if isinstance(kind, str) else kind if isinstance(kind, list) else []


def _only(found: Iterator[Any], value: Any) -> Any:
    """Return what was found, if it is one value; else the value itself."""
    distinct = {json.dumps(one, sort_keys=True): one for one in found}
    return next(iter(distinct.values())) if len(distinct) == 1 else value


def _pointed(schema: Any, root: JsonSchema) -> Any:
    """Return the schema that a `$ref` leads to; a chain of them is followed as far as it is short."""
    for _ in range(_DEEPEST):
        target = schema.get("$ref") if isinstance(schema, Mapping) else None
        if not isinstance(target, str):
            return schema
        schema = root
        for name in target.split("/")[1:]:
            schema = schema.get(name.replace("~1", "/").replace("~0", "~")) if isinstance(schema, Mapping) else None
    return schema


def _fits(value: Any, schema: Any, root: JsonSchema) -> bool:
    if not isinstance(schema, Mapping):
        return schema is not False
    whole = {**{name: root[name] for name in _DEFINITIONS if name in root}, **schema}
    return next(iter(misfits(value, whole)), None) is None
