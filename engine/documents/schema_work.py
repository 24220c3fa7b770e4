"""Check values against JSON Schemas with bounded work: a malicious schema or value ends with `TooMuchWork`."""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any

from engine.base.json_text import JsonSchema
from engine.expressions.patterns import BadPattern, pattern

MOST_STEPS = 1_000_000
"""Steps of one check: a keyword applied, an entry of its list, a character of a message."""
_AN_ERROR = 20
"""The steps charged for an error, besides those for its message."""
_STEPS_A_PATTERN = 1_000
"""The steps charged for RE2's work on a pattern."""
_work = threading.local()
_TIME = r"([01]\d|2[0-3]):[0-5]\d(:([0-5]\d|60)(\.\d+)?)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)?"
_FORMATS = {
    "date": re.compile(r"\d{4}-\d\d-\d\d", re.ASCII),
    "date-time": re.compile(rf"\d{{4}}-\d\d-\d\d[Tt ]{_TIME}", re.ASCII),
    "time": re.compile(_TIME, re.ASCII),
}
"""The formats that are checked, as in RFC 3339 (second 60 is a leap second), but seconds and offset may be missing.

Others are only remarks.
"""


class TooMuchWork(Exception):
    """The check would take too long."""


def errors_of(validator: Any, value: Any, most_steps: int = MOST_STEPS) -> Iterator[Any]:
    """Yield the errors of a value. Raises TooMuchWork."""
    _work.left = most_steps
    yield from validator.iter_errors(value)


@cache
def bounded_validator() -> Any:
    """Return the validator class of JSON Schema 2020-12 with linear-time patterns and bounded work."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    own = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
        "enum": _enum,
        "const": _const,
        "multipleOf": _multiple_of,
        "format": _format,
    }
    keywords = {**Draft202012Validator.VALIDATORS, **own}
    checks = {name: _counted(check) for name, check in keywords.items()}
    bounded: Any = extend(Draft202012Validator, checks)  # type: ignore[no-untyped-call]
    bounded.evolve = _evolve
    return bounded


def _evolve(self: Any, **changes: Any) -> Any:
    """Return the same validator for a subschema: unlike in the library, its `$schema` cannot choose another one."""
    for field in self.__attrs_attrs__:
        if field.init:
            changes.setdefault(field.alias, getattr(self, field.name))
    return type(self)(**changes)


def _spend(steps: int) -> None:
    _work.left = getattr(_work, "left", MOST_STEPS) - steps
    if _work.left < 0:
        raise TooMuchWork


Check = Callable[[Any, Any, Any, Any], Iterator[Any] | None]


def _counted(check: Check) -> Check:
    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        _spend(1 + (len(value) if isinstance(value, dict | list) else 0))
        for error in check(validator, value, instance, schema) or ():
            _spend(_AN_ERROR + len(error.message) // 4)
            yield error

    return counted


def _is_found(source: str, text: str) -> bool:
    """Return whether a pattern is found in a text; an invalid one (reported at its place) never is."""
    try:
        compiled = pattern(source)
    except BadPattern:
        return False
    _spend(1 + len(text) * compiled.steps // _STEPS_A_PATTERN)
    return compiled.is_found_in(text)


def _error(message: str) -> Any:
    from jsonschema import ValidationError

    return ValidationError(message)


def _pattern(_validator: Any, source: str, instance: Any, _schema: Any) -> Iterator[Any]:
    if isinstance(instance, str) and not _is_found(source, instance):
        yield _error(f"{_short(instance)} does not match {source!r}")


def _pattern_properties(
    validator: Any, patterns: Mapping[str, JsonSchema], instance: Any, _schema: Any
) -> Iterator[Any]:
    if isinstance(instance, dict):
        for source, inner in patterns.items():
            for name, value in instance.items():
                if _is_found(source, name):
                    yield from validator.descend(value, inner, path=name, schema_path=source)


def _additional_properties(validator: Any, allowed: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    more = [name for name in instance if name not in known and not any(_is_found(source, name) for source in patterns)]
    if isinstance(allowed, dict):
        for name in more:
            yield from validator.descend(instance[name], allowed, path=name)
    elif more and not allowed:
        words = ", ".join(repr(name) for name in more[:20])
        verb = "was" if len(more) == 1 else "were"
        yield _error(f"Additional properties are not allowed ({words} {verb} unexpected)")


def _unique_items(_validator: Any, wanted: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    if wanted and isinstance(instance, list):
        texts = [_canonical(item) for item in instance]
        _spend(sum(len(text) for text in texts) // 10 + len(texts))
        if len(set(texts)) < len(texts):
            yield _error(f"{_short(instance)} has non-unique elements")


def _enum(_validator: Any, allowed: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    own = _canonical(instance)
    texts = [_canonical(one) for one in allowed]
    _spend((len(own) + sum(len(text) for text in texts)) // 10)
    if own not in texts:
        yield _error(f"{_short(instance)} is not one of {_short(allowed)}")


def _const(_validator: Any, wanted: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    own, other = _canonical(instance), _canonical(wanted)
    _spend((len(own) + len(other)) // 10)
    if own != other:
        yield _error(f"{_short(wanted)} was expected")


def _multiple_of(_validator: Any, divisor: float, instance: Any, _schema: Any) -> Iterator[Any]:
    """Divide as one writes: 19.99 is a multiple of 0.01, though neither is a binary fraction."""
    from fractions import Fraction

    if isinstance(instance, bool) or not isinstance(instance, int | float) or not math.isfinite(instance):
        return
    quotient = Fraction(repr(instance)) / Fraction(repr(divisor))
    _spend(quotient.numerator.bit_length() // 64)
    if quotient.denominator != 1:
        yield _error(f"{_short(instance)} is not a multiple of {divisor!r}")


def _format(_validator: Any, name: str, instance: Any, _schema: Any) -> Iterator[Any]:
    if isinstance(instance, str) and name in _FORMATS and not _has_format(instance, name):
        yield _error(f"{_short(instance)} is not a {name}")


def _has_format(text: str, name: str) -> bool:
    if not _FORMATS[name].fullmatch(text):
        return False
    try:
        return name == "time" or bool(date.fromisoformat(text[:10]))
    except ValueError:  # a day that its month does not have
        return False


def _canonical(value: Any) -> str:
    """Return equal text for values that JSON Schema treats as equal, such as 1 and 1.0."""
    return json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:80]}…"
