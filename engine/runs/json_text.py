"""The text of a JSON document with one field a line, as people read it in logs; made several times a second."""

from __future__ import annotations

import json
from collections.abc import Mapping
from json.encoder import encode_basestring as _quoted
from types import MappingProxyType
from typing import Any

_LINE = "\n  "
_WORDS = {True: "true", False: "false"}


def indented(value: Mapping[str, Any], ready: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return what `json.dumps(value, ensure_ascii=False, indent=2)` does, keys being texts.

    `ready` has the texts of some of the values, as `indented_inside` gave them. The C encoder of Python 3.11 cannot
    indent, and the one in Python takes four times as long as this.
    """
    if not value:
        return "{}"
    lines = [f"{_quoted(key)}: {ready[key] if key in ready else _text(inner, _LINE)}" for key, inner in value.items()]
    return f"{{{_LINE}{f',{_LINE}'.join(lines)}\n}}"


def indented_inside(value: Any) -> str:
    """Return the text of a value of an object, as it stands in the text of that object."""
    return _text(value, _LINE)


def _text(value: Any, line: str) -> str:
    """Return the text of a value inside an object whose closing bracket stands after `line`."""
    kind = type(value)
    if kind is str:
        return _quoted(value)
    if value is None:
        return "null"
    if kind is dict:
        if not value:
            return "{}"
        deeper = f"{line}  "
        inside = f",{deeper}".join([f"{_quoted(key)}: {_text(inner, deeper)}" for key, inner in value.items()])
        return f"{{{deeper}{inside}{line}}}"
    if kind is list or kind is tuple:
        if not value:
            return "[]"
        deeper = f"{line}  "
        inside = f",{deeper}".join([_text(inner, deeper) for inner in value])
        return f"[{deeper}{inside}{line}]"
    if kind is int:
        return repr(value)
    return _WORDS[value] if kind is bool else json.dumps(value)
