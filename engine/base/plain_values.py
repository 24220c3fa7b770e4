"""Convert values from services to JSON that can be stored, compared and calculated with."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from clients.errors import BadAnswer
from clients.listing import DEEPEST
from engine.base.json_text import whole_text
from engine.base.lazy_values import Deferred
from engine.base.run_file import PLACE, FileContent, place_of

_WHOLE = range(-(2**63), 2**63)  # the integers of CEL


Keep = Callable[[FileContent], Any]
"""Stores a file that a step returned, and returns its JSON representation."""

IsGiven = Callable[[str], bool]
"""Tells whether whoever gives a value may name the file of a run at this place."""
OUTSIDE = "outside:"
"""Before the place of a file in a value from outside that only imitates one: no step reads a file there."""


def _no_file(_file: FileContent) -> Any:
    raise TypeError("only steps that read or write may give files")


def any_file(_place: str) -> bool:
    """Return True: the value has been checked before, or names no files."""
    return True


def plain_json(value: Any, keep: Keep = _no_file, depth: int = 0, is_given: IsGiven = any_file) -> Any:
    """Return the value as JSON with valid Unicode and finite numbers.

    NUL and lone surrogates become U+FFFD, NaN and infinity null, and a file the return value of `keep`. An object that
    names a file of a run which is not given no longer does. An integer over 64 bits becomes its digits as text: it may
    be an id, and a float would be another id. Raises BadAnswer (nested over 200 levels) and TypeError (not JSON at all,
    such as bytes: a bug in a step type).
    """
    if not isinstance(value, dict | list | tuple):
        return _plain_single(value, keep)
    if depth > DEEPEST:
        raise BadAnswer(f"The answer is nested deeper than {DEEPEST} levels.")
    if not isinstance(value, dict):
        return [
            one
            if (type(one) is str and one.isascii() and "\0" not in one)
            else plain_json(one, keep, depth + 1, is_given)
            for one in value
        ]
    found: dict[str, Any] = {}
    for key, one in value.items():
        name = key if type(key) is str and key.isascii() and "\0" not in key else whole_text(str(key))
        if one is None or type(one) is bool or (type(one) is str and one.isascii() and "\0" not in one):
            found[name] = one  # most are
        elif type(one) is int and one in _WHOLE:
            found[name] = one
        elif isinstance(one, dict | list | tuple):
            found[name] = plain_json(one, keep, depth + 1, is_given)
        else:
            found[name] = _plain_single(one, keep)
    place = place_of(found) if PLACE in found else None
    return found if place is None or is_given(place) else {**found, PLACE: f"{OUTSIDE}{place}"}


def _plain_single(value: Any, keep: Keep) -> Any:
    """Return a value that is no object or list."""
    if isinstance(value, str):
        return value if value.isascii() and "\0" not in value else whole_text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value in _WHOLE else _digits(value)
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, Deferred):  # it was converted before it was stored
        return value
    if isinstance(value, FileContent):
        return keep(value)
    raise TypeError(f"a step gave a {type(value).__name__}, which is not a JSON value")


def _digits(number: int) -> str | None:
    try:
        return str(number)
    except ValueError:  # thousands of digits, which Python does not write
        return None


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
