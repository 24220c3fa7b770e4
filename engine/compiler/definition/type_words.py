"""Types of values in plain words: what a field takes, what it was given, and how to convert it."""

from __future__ import annotations

from engine.base.run_file import FORMAT
from engine.expressions.cel_types import Schema, plain

WHOLE = "Make the whole field one expression: {{ … }} with nothing around it."
FILE = "Name the output of a step that gives a file, such as steps.fetch.output.file (`file.read` takes one of yours)."
_WANTED = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}
_SEEN = {
    "STRING": "text",
    "INT": "a whole number",
    "DOUBLE": "a number with a point",
    "BOOL": "true or false",
    "LIST": "a list",
    "MAP": "an object",
    "NULL": "null",
    "TIMESTAMP": "a time",
    "DURATION": "a duration",
}
_CONVERSIONS = {
    "boolean": "Compare it with something, like x == 'yes' or x > 0.",
    "array": "Name a list, or make one of it: [x].",
    "integer": "Turn it into a whole number with int(…).",
    "number": "Turn it into a number with double(…).",
    "object": "Name an object, or write one: {'name': x}.",
    "string": "Name a text, or turn it into one with text(…).",
}


def wanted(schema: Schema) -> str:
    """Return what a field takes: "text", "a whole number or null"."""
    if is_file(schema):
        return "a file of the run"
    options = [schema, *schema.get("anyOf", [])]
    kinds: list[str] = []
    for option in options:
        kind = option.get("type")
        kinds += [kind] if isinstance(kind, str) else list(kind or [])
    return " or ".join(dict.fromkeys(_WANTED.get(kind, kind) for kind in kinds if kind != "null")) or "another value"


def is_file(schema: Schema) -> bool:
    """Return whether this is the schema of a file of the run, perhaps nullable."""
    return plain(schema, schema)[0].get("format") == FORMAT


def is_no_file(schema: Schema) -> bool:
    """Return whether a value certainly is not a file of the run: of another type, or an object with other fields."""
    kind = plain(schema, schema)[0].get("type", "object")
    return not is_file(schema) and (kind not in ("object", "null") or bool(schema.get("properties")))


def seen(kind: str) -> str:
    """Return the name of a CEL type for people."""
    return _SEEN.get(kind.split("<", 1)[0], "an object")


def conversion(schema: Schema, kind: str) -> str:
    """Return how to convert a value of a CEL type to what `schema` requires."""
    head = kind.split("<", 1)[0]
    if schema.get("type") == "string" and head in ("INT", "DOUBLE", "BOOL"):
        return "Turn it into text with string(…)."
    if schema.get("type") == "string" and head in ("LIST", "MAP"):
        return "Turn it into text with json(…), or take one field of it."
    return _CONVERSIONS.get(str(schema.get("type")), "Use an expression that gives that.")
