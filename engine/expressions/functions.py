"""Explain the wrong use of a function, and expressions in the manner of other languages."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.base.wording import nearest
from engine.expressions.function_table import FUNCTIONS
from engine.expressions.templates import tokens

_WRITTEN: Mapping[str, str] = {one.name: one.written for one in FUNCTIONS}
_ELSEWHERE: Mapping[str, str] = {name: one.name for one in FUNCTIONS for name in one.elsewhere.split()}
_SIGNS: Mapping[str, str] = {"not": "!x", "and": "a && b", "or": "a || b"}
_SYNTAX = (
    ("??", "What stands in for a missing value is written default(path, value)."),
    ("==", "Equal is written a == b, unlike a != b."),
    ("and", "And is written a && b."),
    ("or", "Or is written a || b."),
    ("if", "A choice is written condition ? a : b."),
    ("/", "A pattern is a text: x.matches('^[a-z]+$')."),
    ("|", "Functions are called like x.trim(); or is written a || b."),
    ("&", "And is written a && b."),
    ("=", "Equal is written a == b."),
    (";", "An expression has no ';'."),
    ("$", "Names are steps.<id>.output, inputs.<name> and, in a loop, the item's."),
)
_WORD = re.compile(r"[A-Za-z_]\w*")
_CLOCKS = frozenset({"now", "today", "utcnow", "Date"})
_MACROS = frozenset(one.name for one in FUNCTIONS if one.is_macro)
"""They name their own variables: with wrong arguments those names are unknown."""


def call_words(name: str) -> tuple[str, str]:
    """Return (message, remedy) for a call of an unknown function, or with the wrong number of arguments."""
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


def unknown_function(name: str) -> dict[str, str | None]:
    """Return the details of the error about an unknown function; {} if the function exists."""
    if name in _WRITTEN:
        return {}
    guess = None if name in _SIGNS or name in _CLOCKS else meant_by(name)
    return {"unknown": "function", "name": name, "guess": guess}


def syntax_words(source: str, offset: int) -> tuple[str, str] | None:
    """Return (message, remedy) for a known kind of syntax error at this offset, else None."""
    if not source.strip():
        return "There is no expression between the brackets.", "Write one, such as inputs.name, or take them out."
    begin = max(offset - 1, 0) if source[offset - 1 : offset + 1] == "??" else offset
    begin = _lone_bar(source, begin)
    word = _WORD.match(source, begin)  # `or` is an operator, but not at the beginning of `order`
    sign = next((sign for sign, _ in _SYNTAX if (word[0] == sign if word else source.startswith(sign, begin))), None)
    if sign is None:
        return None
    return f"The expression cannot be read at {sign!r}.", _filter_words(source, begin, sign) or dict(_SYNTAX)[sign]


def _lone_bar(source: str, begin: int) -> int:
    """Return the offset of a single `|`: CEL skips it, and reports an error only later."""
    bars = {token.offset for token in tokens(source) if token.text == "|"}
    return min((bar for bar in bars if not {bar - 1, bar + 1} & bars), default=begin)


def _filter_words(source: str, begin: int, sign: str) -> str:
    """Return how to call the function behind a `|`; an empty text if it is unknown."""
    name = re.match(r"\|\s*([A-Za-z_]\w*)", source[begin:]) if sign == "|" else None
    meant = meant_by(name[1]) if name is not None else None
    return f"Functions are called like {_WRITTEN[meant]}." if meant is not None else ""


def meant_by(name: str) -> str | None:
    """Return the function with this name in other languages, or with a similar name."""
    return _ELSEWHERE.get(name) or nearest(name, list(_WRITTEN))


def field_words(name: str, holder: str) -> str | None:
    """Return the remedy for a field of other languages, such as `.length`; None if there is none."""
    meant = "size" if name == "size" else _ELSEWHERE.get(name)
    return None if meant is None else f"Write it like {_WRITTEN[meant].replace('x', holder or 'x', 1)}."


def is_call(text: str, offset: int) -> bool:
    """Return whether CEL's unknown name is a function: then CEL points at the bracket."""
    return text[offset : offset + 1] == "("


def _is_macro(name: str) -> bool:
    return name in _MACROS or (name not in _WRITTEN and meant_by(name) in _MACROS)


def followers(unknown: Mapping[int, str], text: str) -> set[int]:
    """Return the offsets of names that are unknown only because a call around or behind them is.

    `unknown` maps the offsets in `text` at which CEL points to names.
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
    for token in tokens(text, opening):  # brackets inside strings are not tokens
        depth += (token.kind == "open") - (token.kind == "close")
        if depth == 0:
            return token.offset
    return len(text)
