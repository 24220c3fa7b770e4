"""What other languages write, and how it is written here: the remedy of an error and its fix read the same tables."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from clients.wording import nearest
from engine.expressions.function_table import FUNCTIONS
from engine.expressions.templates import tokens

WRITTEN: Mapping[str, str] = {one.name: one.written for one in FUNCTIONS}
"""A call of each function, as remedies show it."""
ELSEWHERE: Mapping[str, str] = {name: one.name for one in FUNCTIONS for name in one.elsewhere.split()}
"""Our functions by their names in other languages."""
CONSTANTS: Mapping[str, str] = {
    **dict.fromkeys(("None", "NULL", "Null", "nil", "undefined"), "null"),
    **dict.fromkeys(("True", "TRUE"), "true"),
    **dict.fromkeys(("False", "FALSE"), "false"),
}
CALLED_SIGNS: Mapping[str, str] = {"not": "!x", "and": "a && b", "or": "a || b"}
"""Operators that other languages write as words: `not(x)` is read as a call."""


class ForeignSyntax(Struct, frozen=True):
    """A sign of other languages, where an expression cannot be read."""

    written: str
    """At the place of the error."""
    remedy: str
    replaced: str = ""
    """A pattern of what is replaced by `ours`; empty where more than the sign has to change."""
    ours: str = ""


SIGNS = (
    ForeignSyntax("=>", "What becomes of each item is written x.map(item, item.name)."),
    ForeignSyntax("??", "What stands in for a missing value is written default(path, value)."),
    ForeignSyntax("===", "Equal is written a == b.", "===", "=="),
    ForeignSyntax("!==", "Unlike is written a != b.", "!==", "!="),
    ForeignSyntax("<>", "Unlike is written a != b.", "<>", "!="),
    ForeignSyntax("and", "And is written a && b.", r"(?i)\band\b", "&&"),
    ForeignSyntax("or", "Or is written a || b.", r"(?i)\bor\b", "||"),
    ForeignSyntax("not", "Not is written !x.", r"(?i)\bnot\s+", "!"),
    ForeignSyntax("if", "A choice is written condition ? a : b."),
    ForeignSyntax("/", "A pattern is a text: x.matches('^[a-z]+$')."),
    ForeignSyntax("|", "Functions are called like x.trim(); or is written a || b."),
    ForeignSyntax("&", "And is written a && b.", "(?<!&)&(?!&)", "&&"),
    ForeignSyntax("=", "Equal is written a == b.", "(?<![=!<>])=(?!=)", "=="),
    ForeignSyntax(";", "An expression has no ';'."),
    ForeignSyntax("$", "Names are steps.<id>.output, inputs.<name> and, in a loop, the item's."),
)
"""The first whose sign stands at the place of an error is meant."""
_REPLACED = [(re.compile(one.replaced), one.ours) for one in SIGNS if one.replaced]
_CONSTANT = re.compile(rf"\b(?:{'|'.join(CONSTANTS)})\b")


def meant_by(name: str) -> str | None:
    """Return the function with this name in other languages, or with a similar name."""
    return ELSEWHERE.get(name) or nearest(name, list(WRITTEN))


def with_our_signs(source: str) -> str:
    """Return an expression with our signs and constants in place of other languages' own; texts stay."""
    pieces, position = [], 0
    for one in tokens(source):
        if one.kind == "string":
            pieces += [_replaced(source[position : one.offset]), one.text]
            position = one.offset + len(one.text)
    return "".join([*pieces, _replaced(source[position:])])


def _replaced(text: str) -> str:
    for pattern, ours in _REPLACED:
        text = pattern.sub(ours, text)
    return _CONSTANT.sub(lambda found: CONSTANTS[found[0]], text)
