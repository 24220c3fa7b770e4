"""Translate CEL's compile errors into words that the author of the expression knows.

What is written in the manner of other languages, and the wrong use of a function, get remedies of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from clients.wording import nearest
from engine.base.errors import ExpressionError
from engine.expressions.foreign import CALLED_SIGNS, CONSTANTS, ELSEWHERE, SIGNS, WRITTEN, meant_by
from engine.expressions.function_table import FUNCTIONS
from engine.expressions.templates import TOO_DEEP, TOO_DEEP_REMEDY, Spelling, path_before, tokens
from engine.expressions.wording.messages import plain_reason, without_code

_MOST_TOLD = 20
_UNKNOWN = re.compile(r"undeclared reference to '(\w+)")
_UNKNOWN_FIELD = re.compile(r"undefined field '([^']*)' not found in struct '([^']*)'")
_STEP = re.compile(r"steps\.\w+")
_SELECTED = re.compile(r"\s*\.\s*\??(\w+)")
_NOT = re.compile(r"\bnot\s+\Z")
_WORD = re.compile(r"[A-Za-z_]\w*")
_CLOCKS = frozenset({"now", "today", "utcnow", "Date"})
_MACROS = frozenset(one.name for one in FUNCTIONS if one.is_macro)
"""They name their own variables: with wrong arguments those names are unknown."""


def compile_errors(
    text: str, spelt: Spelling, source: str, known: Mapping[str, Sequence[str]]
) -> list[ExpressionError]:
    """Return all of CEL's compile errors in plain words, except those that only follow from another.

    `known` maps each message type to its fields, and "" to the names that an expression may begin with; `source` is the
    text as the author wrote it. Each error has the detail `offset` into it. The error about an unknown name also has
    `unknown` ("name", "function" or "field"), `name`, `guess` (the name that was probably meant, or None) and, for a
    field, the message type that is its `holder` and the path `of` the value that lacks it.
    """
    if "recursion" in text:
        return [ExpressionError(TOO_DEEP, remedy=TOO_DEEP_REMEDY)]
    found = [one.groups() for one in re.finditer(r"<input>:(\d+):(\d+): (.*)", text) if "*error*" not in one[3]]
    found = found[:_MOST_TOLD]
    if any("Syntax error" in reason for *_, reason in found):
        found = found[:1]  # later errors follow from this one
    if not found:
        return [ExpressionError(without_code(text), offset=0)]
    told = [
        (spelt.offset(int(line), int(column)), reason.removesuffix(" [INVALID_ARGUMENT]"))
        for line, column, reason in found
    ]
    names = {offset: name[1] for offset, reason in told if (name := _UNKNOWN.search(reason))}
    left_out = _followers(names, spelt.text)
    return [_worded(reason, offset, spelt, source, known) for offset, reason in told if offset not in left_out]


def _field_remedy(name: str, fields: Sequence[str], holder: str) -> str:
    """Return a suggestion for the field that was meant, or an empty text."""
    near = nearest(name, fields)
    if holder and near:
        return f"`{holder}.{name}`: did you mean `{holder}.{near}`?"
    if _STEP.fullmatch(holder) and "output" in fields:
        return f"What a step gives is in its output: `{holder}.output.{name}`."
    return ""


def _worded(
    reason: str, offset: int, spelt: Spelling, source: str, known: Mapping[str, Sequence[str]]
) -> ExpressionError:
    own = spelt.source_of(offset) - len(".orValue")
    if "'orValue'" in reason and own >= 0 and source.startswith("default", own):  # as the author wrote it
        reason, offset = reason.replace("'orValue'", "'default'"), offset - len(".orValue")
    message, remedy = plain_reason(reason, known)
    name = _UNKNOWN.search(reason)
    is_function = name is not None and _is_call(spelt.text, offset)
    called = _qualified(name[1], spelt.text, offset) if name and is_function else ""
    if called:
        message, remedy = _call_words(called)
    elif name and name[1] in CONSTANTS:
        remedy = f"Write {CONSTANTS[name[1]]}."
    if name:  # CEL may point behind the name, at the dot or bracket that follows
        begin = spelt.text.rfind(name.group(1), 0, offset + len(name.group(1)))
        offset = begin if begin >= 0 else offset
    offset = spelt.source_of(offset)
    if "Syntax error" in reason:
        message, remedy = _syntax_words(source, offset) or (message, remedy)
    selected = _SELECTED.match(source, offset) if "operand of a select" in reason else None
    remedy = (selected and _field_words(selected[1], path_before(source, offset))) or remedy
    field = _UNKNOWN_FIELD.search(reason)
    if field:
        of = path_before(source, offset)
        remedy = _field_remedy(field[1], known.get(field[2], ()), of) or remedy
        return ExpressionError(
            message, remedy=remedy, offset=offset, of=of, **_unknown_field(field[1], field[2], known)
        )
    return ExpressionError(message, remedy=remedy, offset=offset, **_unknown_name(name, known, called))


def _qualified(name: str, text: str, offset: int) -> str:
    """Return the name of a function with the name space before it: CEL points at the bracket behind it."""
    return f"math.{name}" if text[:offset].endswith(f"math.{name}") else name


def _unknown_field(name: str, holder: str, known: Mapping[str, Sequence[str]]) -> Mapping[str, object]:
    fields = known.get(holder, ())
    guess = nearest(name, fields)
    return {"unknown": "field", "name": name, "holder": holder, "guess": guess, "has_others": bool(fields)}


def _unknown_name(found: re.Match[str] | None, known: Mapping[str, Sequence[str]], called: str) -> Mapping[str, object]:
    if found is None:
        return {}
    name = found[1].split(".")[0]
    if called:
        return _unknown_function(name, called)
    return {"unknown": "name", "name": name, "guess": nearest(name, known.get("", ()))}


def _call_words(name: str) -> tuple[str, str]:
    """Return (message, remedy) for a call of an unknown function, or with the wrong number of arguments."""
    if name in WRITTEN:
        return f"{name!r} does not take these arguments.", f"Write it like {WRITTEN[name]}."
    message = f"There is nothing named {name!r} here."
    if name in CALLED_SIGNS:
        return message, f"Write it like {CALLED_SIGNS[name]}."
    if name in _CLOCKS:
        return message, "There is no clock; run.started_at is when the run began."
    meant = meant_by(name)
    if meant is None:
        return message, f"Functions are: {', '.join(WRITTEN)}."
    return message, f"Did you mean {meant!r}? Write it like {WRITTEN[meant]}."


def _unknown_function(name: str, called: str) -> dict[str, str | None]:
    """Return the details of the error about an unknown function, called with its name space; {} if it exists."""
    if called in WRITTEN:
        return {}
    guess = None if name in CALLED_SIGNS or name in _CLOCKS else meant_by(called)
    return {"unknown": "function", "name": name, "guess": guess}


def _syntax_words(source: str, offset: int) -> tuple[str, str] | None:
    """Return (message, remedy) for a known kind of syntax error at this offset, else None."""
    if not source.strip():
        return "There is no expression between the brackets.", "Write one, such as inputs.name, or take them out."
    begin = _lone_bar(source, offset)
    if behind := _NOT.search(source[:begin]):
        begin = behind.start()
    sign = next((one for one in SIGNS if _stands(one.written, source, begin)), None)
    if sign is None:
        return None
    message = f"The expression cannot be read at {sign.written!r}."
    return message, _filter_words(source, begin, sign.written) or sign.remedy


def _stands(sign: str, source: str, offset: int) -> bool:
    """Return whether a sign stands at an offset: CEL may read the first characters of `===`, and stop behind them."""
    word = _WORD.match(source, offset)  # `or` is an operator, but not at the beginning of `order`
    if word or sign.isalpha():
        return word is not None and word[0] == sign
    return sign in source[max(0, offset - len(sign) + 1) : offset + len(sign)]


def _lone_bar(source: str, begin: int) -> int:
    """Return the offset of a single `|`: CEL skips it, and reports an error only later."""
    bars = {token.offset for token in tokens(source) if token.text == "|"}
    return min((bar for bar in bars if not {bar - 1, bar + 1} & bars), default=begin)


def _filter_words(source: str, begin: int, sign: str) -> str:
    """Return how to call the function behind a `|`; an empty text if it is unknown."""
    name = re.match(r"\|\s*([A-Za-z_]\w*)", source[begin:]) if sign == "|" else None
    meant = meant_by(name[1]) if name is not None else None
    return f"Functions are called like {WRITTEN[meant]}." if meant is not None else ""


def _field_words(name: str, holder: str) -> str | None:
    """Return the remedy for a field of other languages, such as `.length`, if it is known."""
    meant = "size" if name == "size" else ELSEWHERE.get(name)
    return None if meant is None else f"Write it like {WRITTEN[meant].replace('x', holder or 'x', 1)}."


def _is_call(text: str, offset: int) -> bool:
    """Return whether CEL's unknown name is a function: then CEL points at the bracket."""
    return text[offset : offset + 1] == "("


def _is_macro(name: str) -> bool:
    return name in _MACROS or (name not in WRITTEN and meant_by(name) in _MACROS)


def _followers(unknown: Mapping[int, str], text: str) -> set[int]:
    """Return the offsets of names that are unknown only because a call around or behind them is.

    `unknown` maps the offsets in `text` at which CEL points to names.
    """
    calls = {offset: name for offset, name in unknown.items() if _is_call(text, offset)}
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
