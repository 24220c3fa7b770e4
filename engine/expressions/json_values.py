"""The values of expressions as JSON, and as text."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from engine.base.clock import timestamp
from engine.base.errors import ExpressionError

compact_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""Return a value as JSON text without spaces, as `json(x)` and mixed text show it."""


def shown(value: Any) -> str:
    """Return a value as mixed text shows it: strings unchanged, all else as JSON. Raises ExpressionError for null."""
    if isinstance(value, str):
        return value
    if value is None:
        raise ExpressionError("A null stands in the middle of text.", remedy=no_null("x"))
    return compact_json(value)


def no_null(source: str) -> str:
    """Return the remedy for a null, which default() would keep because the value is present."""
    return f"Say what stands there instead: {source} == null ? 'text' : {source}"


def as_json(value: Any) -> Any:
    """Return a CEL result as a plain JSON value.

    Timestamps become RFC 3339 text, durations seconds. Raises ExpressionError for what JSON cannot hold.
    """
    if isinstance(value, str):
        return _checked_text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _checked_integer(value)
    if isinstance(value, float):
        return _checked_float(value)
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        # CEL's maps are unordered; sorted, an expression returns the same text in every process.
        return {key: as_json(value[key]) for key in sorted(map(_checked_key, value))}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    raise ExpressionError(f"The result is a {type(value).__name__}, which JSON cannot hold.")


def _checked_text(value: str) -> str:
    if "\0" in value:
        remedy = r"Take \x00 (or \u0000, \000) out of the expression."
        raise ExpressionError("The result holds the character U+0000, which no value can have.", remedy=remedy)
    return value


def _checked_integer(value: int) -> int:
    if not -(2**63) <= value < 2**63:
        raise ExpressionError(f"The whole number {value} does not fit into 64 bits.")
    return value


def _checked_float(value: float) -> float:
    if not math.isfinite(value):
        remedy = "Guard a division by 0, and look at the numbers: the largest is about 1.8e308."
        raise ExpressionError(f"The result is {value}, which JSON cannot hold.", remedy=remedy)
    return value


def _checked_key(key: Any) -> str:
    if not isinstance(key, str):
        said = compact_json(key)
        raise ExpressionError(f"A map key is {said}; JSON takes only strings.", remedy="Use string(key).")
    return _checked_text(key)
