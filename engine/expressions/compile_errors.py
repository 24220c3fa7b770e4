"""Translate CEL's compile errors into words that the author of the expression knows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from engine.base.errors import ExpressionError
from engine.base.wording import nearest
from engine.expressions.functions import call_words, field_words, followers, is_call, syntax_words, unknown_function
from engine.expressions.templates import TOO_DEEP, TOO_DEEP_REMEDY, Spelling, path_before
from engine.expressions.wording.messages import plain_reason, without_code

_MOST_TOLD = 20
_UNKNOWN = re.compile(r"undeclared reference to '(\w+)")
_UNKNOWN_FIELD = re.compile(r"undefined field '([^']*)' not found in struct '([^']*)'")
_STEP = re.compile(r"steps\.\w+")
_SELECTED = re.compile(r"\s*\.\s*\??(\w+)")


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
    left_out = followers(names, spelt.text)
    return [_worded(reason, offset, spelt, source, known) for offset, reason in told if offset not in left_out]


def _field_remedy(name: str, fields: Sequence[str], holder: str) -> str:
    """Return a suggestion for the field that was meant; an empty text if there is none."""
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
    is_function = name is not None and is_call(spelt.text, offset)
    if name and is_function:
        message, remedy = call_words(name[1])
    if name:  # CEL may point behind the name, at the dot or bracket that follows
        begin = spelt.text.rfind(name.group(1), 0, offset + len(name.group(1)))
        offset = begin if begin >= 0 else offset
    offset = spelt.source_of(offset)
    if "Syntax error" in reason:
        message, remedy = syntax_words(source, offset) or (message, remedy)
    selected = _SELECTED.match(source, offset) if "operand of a select" in reason else None
    remedy = (selected and field_words(selected[1], path_before(source, offset))) or remedy
    field = _UNKNOWN_FIELD.search(reason)
    if field:
        of = path_before(source, offset)
        remedy = _field_remedy(field[1], known.get(field[2], ()), of) or remedy
        return ExpressionError(
            message, remedy=remedy, offset=offset, of=of, **_unknown_field(field[1], field[2], known)
        )
    return ExpressionError(message, remedy=remedy, offset=offset, **_unknown_name(name, known, is_function=is_function))


def _unknown_field(name: str, holder: str, known: Mapping[str, Sequence[str]]) -> Mapping[str, object]:
    fields = known.get(holder, ())
    guess = nearest(name, fields)
    return {"unknown": "field", "name": name, "holder": holder, "guess": guess, "has_others": bool(fields)}


def _unknown_name(
    found: re.Match[str] | None, known: Mapping[str, Sequence[str]], *, is_function: bool
) -> Mapping[str, object]:
    if found is None:
        return {}
    name = found[1].split(".")[0]
    if is_function:
        return unknown_function(name)
    return {"unknown": "name", "name": name, "guess": nearest(name, known.get("", ()))}
