"""The functions of the language by name, each with how it is written, and what other languages call them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.expressions.templates import tokens
from engine.expressions.wording import nearest

_WRITTEN: Mapping[str, str] = {
    "size": "size(x)",
    "has": "has(steps.read.output)",
    "default": "default(steps.read.output.kind, 'none')",
    "text": "text(x)",
    "json": "json(x)",
    "string": "string(x)",
    "int": "int(x)",
    "double": "double(x)",
    "bool": "bool(x)",
    "type": "type(x)",
    "timestamp": "timestamp('2026-11-20T09:00:00Z')",
    "duration": "duration('90s')",
    "startsWith": "x.startsWith('a')",
    "endsWith": "x.endsWith('a')",
    "contains": "x.contains('a')",
    "matches": "x.matches('^[a-z]+$')",
    "split": "x.split(', ')",
    "join": "x.join(', ')",
    "replace": "x.replace('a', 'b')",
    "substring": "x.substring(0, 10)",
    "trim": "x.trim()",
    "lowerAscii": "x.lowerAscii()",
    "upperAscii": "x.upperAscii()",
    "indexOf": "x.indexOf('a')",
    "lastIndexOf": "x.lastIndexOf('a')",
    "charAt": "x.charAt(0)",
    "format": "'%s of %d'.format([x, 3])",
    "all": "x.all(item, item.done)",
    "exists": "x.exists(item, item.done)",
    "exists_one": "x.exists_one(item, item.done)",
    "filter": "x.filter(item, item.done)",
    "map": "x.map(item, item.name)",
    "orValue": "x.?name.orValue('none')",
    "hasValue": "x.?name.hasValue()",
    "getFullYear": "x.getFullYear()",
    "getMonth": "x.getMonth()",
    "getDate": "x.getDate()",
    "getDayOfWeek": "x.getDayOfWeek()",
    "getHours": "x.getHours('Europe/Berlin')",
    "getMinutes": "x.getMinutes()",
    "getSeconds": "x.getSeconds()",
    "greatest": "math.greatest(x, y)",
    "least": "math.least(x, y)",
    "abs": "math.abs(x)",
    "round": "math.round(x)",
    "ceil": "math.ceil(x)",
    "floor": "math.floor(x)",
}
_ELSEWHERE: Mapping[str, str] = {
    **dict.fromkeys(("length", "len", "count"), "size"),
    **dict.fromkeys(("toLowerCase", "lower", "lowercase", "downcase"), "lowerAscii"),
    **dict.fromkeys(("toUpperCase", "upper", "uppercase", "upcase"), "upperAscii"),
    **dict.fromkeys(("includes", "include"), "contains"),
    **dict.fromkeys(("strip", "trimStart", "trimEnd"), "trim"),
    **dict.fromkeys(("str", "toString"), "string"),
    **dict.fromkeys(("parseInt", "integer", "toInt"), "int"),
    **dict.fromkeys(("float", "number", "Number", "parseFloat"), "double"),
    **dict.fromkeys(("some", "any"), "exists"),
    **dict.fromkeys(("test", "match", "regex"), "matches"),
    **dict.fromkeys(("slice", "substr"), "substring"),
    **dict.fromkeys(("JSON", "toJson", "stringify", "toJSON"), "json"),
    **dict.fromkeys(("coalesce", "ifempty", "ifNull"), "default"),
    **dict.fromkeys(("date", "datetime", "parseDate", "DateTime"), "timestamp"),
    **dict.fromkeys(("max", "maximum"), "greatest"),
    **dict.fromkeys(("min", "minimum"), "least"),
    "every": "all",
    "find": "filter",
}
_SIGNS: Mapping[str, str] = {"not": "!x", "and": "a && b", "or": "a || b"}
_SYNTAX = (
    ("??", "What stands in for a missing value is written default(path, value)."),
    ("==", "Equal is written a == b, unlike a != b."),
    ("and", "And is written a && b."),
    ("or", "Or is written a || b."),
    ("|", "Functions are called like x.trim(); or is written a || b."),
    ("&", "And is written a && b."),
    ("=", "Equal is written a == b."),
    (";", "An expression has no ';'."),
    ("$", "Names are steps.<id>.output, inputs.<name> and, in a loop, the item's."),
)
_WORD = re.compile(r"[A-Za-z_]\w*")
_CLOCKS = frozenset({"now", "today", "utcnow", "Date"})
_MACROS = frozenset({"all", "exists", "exists_one", "filter", "map"})
"""They name their items themselves: with wrong arguments those names mean nothing."""


def call_words(name: str) -> tuple[str, str]:
    """Return (message, remedy) for a call of a function that does not exist, or not with so many arguments."""
    if name in _WRITTEN:
        return f"{name!r} does not take these arguments.", f"Write it like {_WRITTEN[name]}."
    message = f"There is nothing named {name!r} here."
    if name in _SIGNS:
        return message, f"Write it like {_SIGNS[name]}."
    if name in _CLOCKS:
        return message, "There is no clock; run.started_at is when the run began."
    meant = meant_by(name)
    if meant is None:
        return message, f"Functions are: {', '.join(_WRITTEN)}."
    return message, f"Did you mean {meant!r}? Write it like {_WRITTEN[meant]}."


def syntax_words(source: str, offset: int) -> tuple[str, str] | None:
    """Return (message, remedy) where an expression cannot be read from here on and it is known why, else None."""
    if not source.strip():
        return "There is no expression between the brackets.", "Write one, such as inputs.name, or take them out."
    begin = max(offset - 1, 0) if source[offset - 1 : offset + 1] == "??" else offset
    word = _WORD.match(source, begin)  # `or` is a sign, and the begin of `order` is none
    sign = next((sign for sign, _ in _SYNTAX if (word[0] == sign if word else source.startswith(sign, begin))), None)
    return None if sign is None else (f"The expression cannot be read at {sign!r}.", dict(_SYNTAX)[sign])


def meant_by(name: str) -> str | None:
    """Return the function that is called so elsewhere, or has nearly this name."""
    return _ELSEWHERE.get(name) or nearest(name, list(_WRITTEN))


def field_words(name: str, holder: str) -> str | None:
    """Return what to write instead of a field that other languages have, such as `.length`; None where it is none."""
    meant = "size" if name == "size" else _ELSEWHERE.get(name)
    return None if meant is None else f"Write it like {_WRITTEN[meant].replace('x', holder or 'x', 1)}."


def is_call(text: str, offset: int) -> bool:
    """Tell whether CEL means a function by what it does not know here: then it points at the bracket."""
    return text[offset : offset + 1] == "("


def _is_macro(name: str) -> bool:
    return name in _MACROS or (name not in _WRITTEN and meant_by(name) in _MACROS)


def followers(unknown: Mapping[int, str], text: str) -> set[int]:
    """Return the offsets of names that are unknown only because a call around or behind them is.

    `unknown`: names by where CEL points in `text`.
    """
    calls = {offset: name for offset, name in unknown.items() if is_call(text, offset)}
    inside = [(offset, _closing(text, offset)) for offset, name in calls.items() if _is_macro(name)]
    held = {offset: text[:offset].rstrip() for offset in calls}
    return {
        offset
        for offset, name in unknown.items()
        if any(begin < offset < end for begin, end in inside)
        or any(held[begin].endswith(f"{name}.{called}") for begin, called in calls.items())
    }


def _closing(text: str, opening: int) -> int:
    depth = 0
    for token in tokens(text, opening):  # a bracket in a text is none
        depth += (token.kind == "open") - (token.kind == "close")
        if depth == 0:
            return token.offset
    return len(text)
