"""JSON text as the engine stores it: events and acceptances on one line, logs with one field a line.

It is written with orjson, because Python's own encoder takes ten times as long, and its fast half cannot indent.
Python's encoder still writes what orjson refuses: integers over 64 bits, lone surrogates, more than 254 levels.
It is read with msgspec, which unlike orjson keeps integers of any size.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec
import orjson

JsonObject: TypeAlias = Mapping[str, Any]
"""A JSON object whose members belong to a user or a service, such as the inputs of a run or the output of a step."""
JsonSchema: TypeAlias = Mapping[str, Any]
"""A JSON Schema; `{}` accepts every value."""

_STRICT = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
"""Values that are not JSON are an error, instead of being converted."""
_INDENTED = _STRICT | orjson.OPT_INDENT_2


def whole_text(text: str) -> str:
    """Return the text with U+FFFD in place of NUL and of each lone surrogate."""
    if "\0" in text:  # CEL's runtime would end the text there
        text = text.replace("\0", "\ufffd")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def compact(value: Any) -> str:
    """Return compact JSON text without lone surrogates; NaN becomes null. Raises TypeError for other types."""
    try:
        return orjson.dumps(value, option=_STRICT).decode()
    except TypeError:
        return whole_text(json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")))


def value_of(text: str | bytes) -> Any:
    """Return the value of a JSON text. Raises ValueError, RecursionError."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError):  # Python's own reader also takes NaN and lone surrogates
        return json.loads(text if isinstance(text, str) else text.decode())


def is_same(one: Any, other: Any) -> bool:
    """Return whether two values are the same JSON: Python equates 1, 1.0 and true. Raises TypeError as `compact`."""
    return compact(one) == compact(other)


def is_alike(one: Any, other: Any) -> bool:
    """Return whether two values are the same JSON, whatever the order of the members of their objects."""
    return alike_text(one) == alike_text(other)


def alike_text(value: Any) -> str:
    """Return a text that is the same for values that are alike, as `is_alike` says; a key to find them by."""
    return json.dumps(value, sort_keys=True)


def indented(value: Mapping[str, Any], ready: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the text of an object, indented by two spaces per level, with a newline at its end.

    `ready` has the texts of some of the values, as returned by `indented_inside`. Raises TypeError for values that are
    not JSON.
    """
    parts = {**value, **{key: orjson.Fragment(text) for key, text in ready.items()}}
    try:
        return orjson.dumps(parts, option=_INDENTED | orjson.OPT_APPEND_NEWLINE).decode()
    except TypeError:
        return f"{_indented_by_python(value)}\n"


def indented_inside(value: Any) -> str:
    """Return the text of a value as it appears inside the text of an object."""
    try:
        text = orjson.dumps(value, option=_INDENTED).decode()
    except TypeError:
        text = _indented_by_python(value)
    return text.replace("\n", "\n  ")  # only real line ends: inside a text they are escaped


def _indented_by_python(value: Any) -> str:
    return whole_text(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2))
