"""What is wrong with an expression that CEL refuses to compile: its messages in words that the author knows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors import ExpressionError
from engine.expressions.functions import call_words, field_words, followers, is_call, syntax_words
from engine.expressions.templates import TOO_DEEP, TOO_DEEP_REMEDY, Spelling, path_before
from engine.expressions.wording import nearest, plain_reason, without_code

_UNKNOWN = re.compile(r"undeclared reference to '(\w+)")
_SELECTED = re.compile(r"\s*\.\s*\??(\w+)")


def compile_error(text: str, spelt: Spelling, known: Mapping[str, Sequence[str]] | None = None) -> ExpressionError:
    """Return the first of CEL's compile errors in plain words; arguments as of `compile_errors`."""
    return compile_errors(text, spelt, "", known)[0]


def compile_errors(
    text: str, spelt: Spelling, source: str, known: Mapping[str, Sequence[str]] | None = None
) -> list[ExpressionError]:
    """Return all of CEL's compile errors in plain words, without those that only follow from another.

    `known` gives the fields of each message type and, under "", the names that an expression may begin with;
    `source` is what the author wrote, for suggestions. Details of each: `offset` into it.
    """
    if "recursion" in text:
        return [ExpressionError(TOO_DEEP, remedy=TOO_DEEP_REMEDY)]
    found = [one.groups() for one in re.finditer(r"<input>:(\d+):(\d+): (.*)", text) if "*error*" not in one[3]]
    if any("Syntax error" in reason for *_, reason in found):
        found = found[:1]  # what follows was read in the wrong place
    if not found:
        return [ExpressionError(without_code(text), offset=0)]
    told = [
        (spelt.offset(int(line), int(column)), reason.removesuffix(" [INVALID_ARGUMENT]"))
        for line, column, reason in found
    ]
    names = {offset: name[1] for offset, reason in told if (name := _UNKNOWN.search(reason))}
    left_out = followers(names, spelt.text)
    return [_worded(reason, offset, spelt, source, known) for offset, reason in told if offset not in left_out]


def _worded(
    reason: str, offset: int, spelt: Spelling, source: str, known: Mapping[str, Sequence[str]] | None
) -> ExpressionError:
    own = spelt.source_of(offset) - len(".orValue")
    if "'orValue'" in reason and own >= 0 and source.startswith("default", own):  # as the author wrote it
        reason, offset = reason.replace("'orValue'", "'default'"), offset - len(".orValue")
    message, remedy = plain_reason(reason, known or {})
    name = _UNKNOWN.search(reason)
    is_function = name is not None and is_call(spelt.text, offset)
    if name and is_function:
        message, remedy = call_words(name[1])
    if name:  # CEL may point behind the name, at the dot or bracket that follows
        begin = spelt.text.rfind(name.group(1), 0, offset + len(name.group(1)))
        offset = begin if begin >= 0 else offset
    offset = spelt.source_of(offset)
    if "Syntax error" in reason:
        message, remedy = syntax_words(source or spelt.text, offset) or (message, remedy)
    selected = _SELECTED.match(source, offset) if "operand of a select" in reason else None
    remedy = (selected and field_words(selected[1], path_before(source, offset))) or remedy
    field = re.search(r"undefined field '([^']*)' not found in struct '([^']*)'", reason)
    near = nearest(field[1], (known or {}).get(field[2], ())) if field else None
    if field and near and (holder := path_before(source, offset)):
        remedy = f"`{holder}.{field[1]}`: did you mean `{holder}.{near}`?"
    missing: dict[str, Any] = {"name": field[1], "holder": field[2]} if field else {}
    if is_function:
        missing["is_function"] = True
    return ExpressionError(message, remedy=remedy, offset=offset, **missing)
