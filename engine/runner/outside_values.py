"""Values that services gave, as JSON that can be stored, compared and calculated with, whatever they really sent."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from clients.errors import BadAnswer
from engine.expressions.deferred import Deferred
from engine.run_file import FileContent

DEEPEST = 200
_WHOLE = range(-(2**63), 2**63)


Keep = Callable[[FileContent], Any]
"""Keeps a file that a step gave, and gives what stands for it in JSON."""


def _no_file(_file: FileContent) -> Any:
    raise TypeError("only steps that read or write may give files")


def plain_json(value: Any, keep: Keep = _no_file, depth: int = 0) -> Any:
    """Return the value as JSON of whole characters and finite numbers.

    NUL and half a surrogate pair become U+FFFD, NaN and infinity null, a file what `keep` gives. A whole number over
    64 bits becomes its digits as text: they may name something, and a number with a point would name another thing.
    Raises BadAnswer (nested over 200 levels) and TypeError (no JSON at all, such as bytes: a mistake in a step type).
    """
    if isinstance(value, str):
        return whole_text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value in _WHOLE else _digits(value)
    if isinstance(value, float):
        return _finite(value)
    if depth > DEEPEST:
        raise BadAnswer(f"The answer is nested deeper than {DEEPEST} levels.")
    if isinstance(value, dict):
        return {whole_text(str(key)): plain_json(inner, keep, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(inner, keep, depth + 1) for inner in value]
    if isinstance(value, Deferred):  # it was made plain before it was kept
        return value
    if isinstance(value, FileContent):
        return keep(value)
    raise TypeError(f"a step gave a {type(value).__name__}, which is no JSON value")


def whole_text(text: str) -> str:
    """Return the text with U+FFFD in place of what cannot be kept: NUL, and each half of a surrogate pair."""
    if "\0" in text:  # CEL's runtime would end the text there
        text = text.replace("\0", "\ufffd")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _digits(number: int) -> str | None:
    try:
        return str(number)
    except ValueError:  # thousands of digits, which Python does not write
        return None


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
