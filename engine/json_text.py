"""The JSON text that the engine itself keeps: events and acceptances on one line, logs with one field a line.

Python's own encoder takes ten times as long, and its fast half cannot indent. It still writes what orjson refuses:
whole numbers over 64 bits, halves of surrogate pairs, more than 254 levels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson

from engine.runner.outside_values import whole_text

_STRICT = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
"""What is no JSON is an error, and not written somehow."""
_INDENTED = _STRICT | orjson.OPT_INDENT_2


def compact(value: Any) -> str:
    """Return the text without spaces, of whole characters only; NaN is null. Raises TypeError for what is no JSON."""
    try:
        return orjson.dumps(value, option=_STRICT).decode()
    except TypeError:
        return whole_text(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")))


def is_same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same JSON: to Python 1, 1.0 and true are equal. Raises TypeError as `compact`."""
    return compact(one) == compact(other)


def indented(value: Mapping[str, Any], ready: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the text of an object, two spaces a level, with a newline at its end.

    `ready` has the texts of some of the values, as `indented_inside` gave them. Raises TypeError for what is no JSON.
    """
    parts = {**value, **{key: orjson.Fragment(text) for key, text in ready.items()}}
    try:
        return orjson.dumps(parts, option=_INDENTED | orjson.OPT_APPEND_NEWLINE).decode()
    except TypeError:
        return f"{_indented_by_python(value)}\n"


def indented_inside(value: Any) -> str:
    """Return the text of a value of an object, as it stands in the text of that object."""
    try:
        text = orjson.dumps(value, option=_INDENTED).decode()
    except TypeError:
        text = _indented_by_python(value)
    return text.replace("\n", "\n  ")


def _indented_by_python(value: Any) -> str:
    return whole_text(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2))
