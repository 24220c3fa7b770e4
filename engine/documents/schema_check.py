"""Check JSON Schemas from users, and values against them, without loading anything from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

from msgspec import Struct

from clients.in_workspace.levels import LEVELS_MOST, is_deep
from clients.wording import did_you_mean
from engine.base.json_text import JsonSchema
from engine.base.wording import member_path
from engine.documents.schema_work import MOST_STEPS, TooMuchWork, bounded_validator, errors_of
from engine.expressions.json_values import compact_json
from engine.expressions.patterns import BadPattern, TooManyPatterns, counted_patterns, pattern

Path = tuple[str | int, ...]
_MOST_STEPS = 16
_NONE = "This is not a JSON Schema: "
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
_LONGEST_SEEN = 80
_MOST_PARTS = 20_000
_MOST_STEPS_A_SCHEMA = 5 * MOST_STEPS
_MOST_ERRORS = 50
_KEPT_CHARACTERS = 2_000
"""The faults of schemas up to this length are cached: schemas of variables are short, and often alike."""
_SHORT_CHARACTERS = 20_000
"""Validators are cached for 256 schemas up to this length, and for four longer ones: each holds its whole schema."""
_TOO_INVOLVED = "Its schema cannot be used: it is too complex to be checked."
_TOO_MUCH = (
    f"It takes more than {MOST_STEPS:,} steps to check it against its schema."
    " Give less, or remove alternatives, patterns and unlimited lists from the schema."
)
_TOO_LARGE = f"This schema is too large: at most {_MOST_PARTS:,} keywords and values are allowed. Describe less."
_PATTERNS_LEFT = "'unevaluatedProperties' cannot be combined with 'patternProperties' here. Use additionalProperties."
# Keywords whose schemas apply to the same value, so that a cycle through them never ends.
_SAME_VALUE_LISTS = ("allOf", "anyOf", "oneOf")
_SAME_VALUE = ("not", "if", "then", "else")
_REFERENCES = ("$ref", "$dynamicRef")
_TRUST = frozenset({"outside", "role", "sender", "address"})
"""Keywords with which step types say what is trusted (engine/expressions/origins.py)."""
_NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords whose members are schemas by name."""
_VALUES = frozenset({"enum", "const", "default", "examples", "required"})


class SchemaViolation(Struct, frozen=True):
    """One violation of a schema."""

    place: str
    """Where in the value, such as `items[2].total`; empty: the value as a whole."""
    message: str
    """What is wrong there, as a sentence."""
    is_checked: bool = True
    """False: the check came to no end, for the reason in `message`."""

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


def schema_faults(schema: Any) -> Iterator[tuple[Path, str]]:
    """Yield (path inside the schema, sentence) for each problem of a schema that somebody has written.

    Its default must fit, and it must not say what only step types say: which text comes from outside, and from whom.
    """
    found = list(foreign_faults(schema))
    yield from found
    if not found:
        yield from _claims(schema, ())


def foreign_faults(schema: Any) -> Iterator[tuple[Path, str]]:
    """Yield the same for the schema of another server, in which such words mean nothing (engine/tools)."""
    text = compact_json(schema) if isinstance(schema, Mapping) else ""
    yield from _kept_faults(text) if 0 < len(text) <= _KEPT_CHARACTERS else _found_faults(schema)


@lru_cache(maxsize=1024)
def _kept_faults(text: str) -> tuple[tuple[Path, str], ...]:
    return tuple(_found_faults(json.loads(text)))


def _found_faults(schema: Any) -> Iterator[tuple[Path, str]]:
    broken = list(_broken(schema))
    yield from broken
    if not broken and isinstance(schema, Mapping) and "default" in schema:
        for misfit in misfits(schema["default"], schema):
            yield ("default",), f"The default does not fit: {misfit}"


def _claims(schema: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield each keyword that decides what is trusted; the values in a schema are no schemas."""
    if isinstance(schema, list):
        for number, one in enumerate(schema):
            yield from _claims(one, (*path, number))
    for key, one in schema.items() if isinstance(schema, Mapping) else ():
        if key in _TRUST:
            yield (*path, key), f"{key!r} says where text comes from or goes, which a schema cannot. Take it out."
        elif key in _NAMED and isinstance(one, Mapping):
            for name, inner in one.items():
                yield from _claims(inner, (*path, key, name))
        elif key not in _VALUES:
            yield from _claims(one, (*path, key))


def is_usable(schema: Any) -> bool:
    """Return whether this is a JSON Schema that can check values; cached."""
    return isinstance(schema, Mapping) and _validator(compact_json(schema))[0] is not None


def misfits(value: Any, schema: JsonSchema) -> Iterator[str]:
    """Yield a sentence for each violation of the schema by `value`, or one that says that the schema is invalid."""
    return (str(one) for one in placed_misfits(value, schema))


def placed_misfits(value: Any, schema: JsonSchema, most: int = _MOST_ERRORS) -> Iterator[SchemaViolation]:
    """Yield at most `most` violations of the schema with their places, or one that says why nothing was checked."""
    if not schema:
        return
    validator, reason = _validator(compact_json(schema))
    if validator is None:
        yield SchemaViolation("", f"Its schema cannot be used: {reason}", is_checked=False)
    elif is_deep(value):
        yield SchemaViolation("", f"It is nested deeper than {LEVELS_MOST} levels.", is_checked=False)
    else:
        yield from _errors(validator, value, most)


def _errors(validator: Any, value: Any, most: int) -> Iterator[SchemaViolation]:
    try:
        for error in islice(errors_of(validator, value), most):
            yield SchemaViolation(_place(error), f"{_message(error)}.")
    except RecursionError:
        yield SchemaViolation("", _TOO_INVOLVED, is_checked=False)
    except TooMuchWork:
        yield SchemaViolation("", _TOO_MUCH, is_checked=False)
    except BaseException as error:
        # The validator keeps its references in Rust, where a full stack is a panic instead of a RecursionError.
        if type(error).__name__ != "PanicException":
            raise
        yield SchemaViolation("", _TOO_INVOLVED, is_checked=False)


def _place(error: Any) -> str:
    place = ""
    for part in error.absolute_path:
        place = f"{place}[{part}]" if isinstance(part, int) else member_path(place, part)
    return place


def _message(error: Any) -> str:
    text: str = error.message
    written = repr(error.instance)
    if text.startswith(written):
        text = f"{_as_json_words(error.instance)}{text[len(written) :]}"
    if error.validator in ("enum", "const"):
        text = text.replace(repr(error.validator_value), _as_json_words(error.validator_value))
    return text if len(text) <= 300 else f"{text[:_LONGEST_SEEN]}… ({error.validator})"


def _as_json_words(value: Any) -> str:
    """Return a value as the validator writes it, with the words of JSON: null, true and false."""
    if value is None or isinstance(value, bool):
        return compact_json(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_as_json_words, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {_as_json_words(one)}' for key, one in value.items())}}}"
    return repr(value)


def _validator(text: str) -> tuple[Any, str]:
    """Return (validator, ""), or (None, reason) if there can be none; of long schemas only the last ones are kept."""
    return _short(text) if len(text) <= _SHORT_CHARACTERS else _long(text)


def _made(text: str) -> tuple[Any, str]:
    schema = json.loads(text)
    _, reason = next(_broken(schema), ((), ""))
    return (None, reason) if reason else (bounded_validator()(schema), "")


_short, _long = lru_cache(maxsize=256)(_made), lru_cache(maxsize=4)(_made)


def _broken(schema: Any) -> Iterator[tuple[Path, str]]:
    if _is_large(schema):
        yield (), _TOO_LARGE
        return
    try:
        traps = _counted_traps(schema)
    except TooMuchWork as error:
        yield (), str(error)
        return
    yield from traps
    if _leads_back(schema):
        yield (), "This refers back to itself without going deeper into the value."
        return
    try:
        yield from _meta_faults(schema)
    except TooMuchWork:
        yield (), _TOO_LARGE


def _counted_traps(schema: Any) -> list[tuple[Path, str]]:
    """Return the traps of a schema. Raises TooMuchWork for its own patterns, TooManyPatterns for the file's."""
    with counted_patterns() as own:
        try:
            return list(_traps(schema, schema, ()))
        except TooManyPatterns as error:
            if error.within is own:
                raise TooMuchWork(str(error)) from None
            raise


def _is_large(schema: Any) -> bool:
    """Return whether a schema has too many parts or levels to be checked."""
    level, count = [schema], 0
    for _ in range(LEVELS_MOST):
        level = [
            inner
            for part in level
            if isinstance(part, dict | list)
            for inner in (part.values() if isinstance(part, dict) else part)
        ]
        count += len(level)
        if count > _MOST_PARTS:
            return True
    return bool(level)


def _meta_faults(schema: Any) -> Iterator[tuple[Path, str]]:
    validator = bounded_validator()
    for error in islice(errors_of(validator(validator.META_SCHEMA), schema, _MOST_STEPS_A_SCHEMA), _MOST_ERRORS):
        message = error.message if len(error.message) <= 300 else f"{error.message[:_LONGEST_SEEN]}…"
        path = tuple(error.absolute_path)
        if path[-1:] == ("type",) and isinstance(error.instance, str):
            yield path, _NONE + f"there is no type {error.instance!r}. {did_you_mean(error.instance, _TYPES)}"
        else:
            yield path, f"{_NONE}{message}."


def _traps(part: Any, schema: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield what the meta-schema accepts: a `$ref` that leads outside or nowhere, and an invalid pattern.

    A validator would fetch an external `$ref` from the network.
    """
    if isinstance(part, Mapping):
        for keyword, fault in (
            ("$ref", _reference_fault),
            ("$dynamicRef", _reference_fault),
            ("pattern", _pattern_fault),
        ):
            if isinstance(part.get(keyword), str) and (said := fault(part[keyword], schema)):
                yield (*path, keyword), said
        yield from _traps_of_names(part, schema, path)
        for key, inner in part.items():
            yield from _traps(inner, schema, (*path, key))
    elif isinstance(part, list):
        for number, inner in enumerate(part):
            yield from _traps(inner, schema, (*path, number))


def _leads_back(schema: Any) -> bool:
    """Return whether schemas apply to the same value in a cycle, or in a chain too long to follow."""
    children = {id(part): [id(inner) for inner in _same_value(part, schema)] for part in _objects(schema)}
    followed: set[int] = set()
    for _ in range(_MOST_STEPS):
        followed |= {part for part, inner in children.items() if followed.issuperset(inner)}
    return len(followed) < len(children)


def _objects(part: Any) -> Iterator[JsonSchema]:
    if isinstance(part, Mapping):
        yield part
    inner = part.values() if isinstance(part, Mapping) else part if isinstance(part, list) else ()
    for one in inner:
        yield from _objects(one)


def _same_value(part: JsonSchema, schema: Any) -> Iterator[JsonSchema]:
    """Yield the schemas inside this one that apply to the same value."""
    inner = [part.get(keyword) for keyword in _SAME_VALUE]
    for keyword in _SAME_VALUE_LISTS:
        inner += part[keyword] if isinstance(part.get(keyword), list) else []
    if isinstance(part.get("dependentSchemas"), Mapping):
        inner += part["dependentSchemas"].values()
    inner += [_pointed(part[keyword], schema) for keyword in _REFERENCES if isinstance(part.get(keyword), str)]
    return (one for one in inner if isinstance(one, Mapping))


def _pointed(target: str, schema: Any) -> Any:
    """Return the part of the schema that `#/a/b` points at, if any."""
    value = schema
    for name in target.split("/")[1:]:
        key = name.replace("~1", "/").replace("~0", "~")
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _is_in_list(target: str, schema: Any) -> bool:
    """Return whether `#/a/b` leads into a list, so that nothing is pointed at."""
    value = schema
    for name in target.split("/")[1:]:
        if isinstance(value, list):
            return True
        value = value.get(name.replace("~1", "/").replace("~0", "~")) if isinstance(value, Mapping) else None
    return False


def _reference_fault(target: str, schema: Any) -> str:
    if not (target == "#" or target.startswith("#/")):
        return "A $ref may only point inside the same schema, like #/$defs/name."
    value = _pointed(target, schema)
    if value is None:
        if _is_in_list(target, schema):
            return f"A $ref may not lead into a list, as {target!r} does: point to `#`, or to #/$defs/name."
        return f"The $ref {target!r} points to nothing."
    return "" if isinstance(value, Mapping | bool) else f"The $ref {target!r} does not point to a schema."


def _traps_of_names(part: JsonSchema, schema: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the problems of `patternProperties`, whose names are patterns."""
    if isinstance(part.get("patternProperties"), Mapping):
        for name in part["patternProperties"]:
            if said := _pattern_fault(name, schema):
                yield (*path, "patternProperties", name), said
    if "unevaluatedProperties" in part and any("patternProperties" in one for one in _objects(schema)):
        yield (*path, "unevaluatedProperties"), _PATTERNS_LEFT


def _pattern_fault(source: str, _schema: Any) -> str:
    try:
        pattern(source)
    except BadPattern as error:
        return f"This pattern is not a valid regular expression (RE2): {error}"
    return ""
