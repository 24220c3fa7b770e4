"""Relax CEL's type checks where JSON is more flexible: insert dyn(), and replace brackets with dots.

A value has one static type in CEL; in JSON any value may be null, and objects with different fields may occur in one
place. CEL is asked first. Each of its errors that is only due to this is then removed by rewriting the expression at
that place, until it compiles or an error is genuine; checks elsewhere in the expression stay strict.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from engine.expressions.templates import Spelling, Token, path_before, tokens
from engine.expressions.wording.kinds import split_kinds

_OVERLOAD = re.compile(r"<input>:(\d+):(\d+): found no matching overload for '([^']*)' applied to '\((.*)\)'")
_RANGE = re.compile(r"<input>:(\d+):(\d+): expression of type 'wf\.[^']*' cannot be the range of a comprehension")
_BOTH_SIDES = {"_==_": "==", "_!=_": "!=", "_+_": "+", "@in": "in"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_WORDS = {"in", "true", "false", "null"}
_ENTRY = re.compile(r"wf\.T\d+\{\}\.(s\d+|s(\.\w+)?)\Z")
"""A path, as passed to CEL (engine/expressions/roots.py), that is `steps` or one step."""
_MOST_PLACES = 32
"""The most places in one expression at which the checker may be too strict."""


class RelaxationFailed(Exception):
    """An expression does not compile: CEL's errors, and the spelling they refer to."""

    def __init__(self, errors: str, spelt: Spelling) -> None:
        super().__init__(errors)
        self.errors, self.spelt = errors, spelt


Edit = tuple[int, int, str]
"""(begin, end, replacement)"""


def compile_in(environment: Any, spelt: Spelling) -> tuple[Any, list[Sequence[Edit]]]:
    """Compile a spelling in a CEL environment; return (compiled expression, edits that were made one after the other).

    Raises RelaxationFailed if an error is genuine.
    """
    told: list[tuple[str, Spelling]] = []
    made: list[Sequence[Edit]] = []
    edits: Sequence[Edit] = ()
    while len(told) < _MOST_PLACES:
        try:
            return environment.compile(spelt.text), made
        except RuntimeError as error:
            told.append((str(error), spelt))
        edits = loosening(spelt, told[-1][0])
        if not edits:
            break
        made.append(edits)
        spelt = edited(spelt, edits)
    # after too many places, the errors of the text as it was written; else the ones that no edit removes
    raise RelaxationFailed(*told[0 if edits else -1])


def loosening(spelt: Spelling, errors: str) -> Sequence[Edit]:
    """Return the edits that remove the first relaxable type error, or none."""
    for line, column, function, applied in _OVERLOAD.findall(errors):
        edits = _edits(spelt, spelt.offset(int(line), int(column)), function, split_kinds(applied))
        if edits:
            return edits
    for line, column in _RANGE.findall(errors):
        edits = _untyped_before(spelt.text, _selector_end(spelt.text, spelt.offset(int(line), int(column))))
        if edits:
            return edits
    return ()


def _edits(spelt: Spelling, offset: int, function: str, kinds: Sequence[str]) -> list[Edit]:
    text = spelt.text
    if function == "_?_:_" and kinds[0] in ("bool", "dyn") and _may_share(kinds[1], kinds[2]):
        return _around(text, text.find("?", offset) + 1, ":")
    if function == "orValue" and _may_share(_of_optional(kinds[0]), kinds[1]):
        return _around(text, text.find("(", offset) + 1, ")")
    if function in ("_[_]", "_[?_]") and (_of_optional(kinds[0]) or kinds[0]).startswith("wf."):
        return _without_brackets(text, text.find("[", offset))
    if function == "size" and kinds[0].startswith("wf."):
        is_method = re.match(r"\(\s*\)", text[text.find("(", offset) :])
        if is_method:
            return _untyped_before(text, text.rfind(".", 0, offset + 1))
        return _around(text, text.find("(", offset) + 1, ")")
    if function in _BOTH_SIDES and (_may_share(kinds[0], kinds[1]) or (function == "@in" and _may_hold(*kinds))):
        behind = offset + len(_BOTH_SIDES[function])
        return [*_untyped_before(text, offset), *_untyped_before(text, _operand_end(text, behind), behind)]
    return []


def _untyped_before(text: str, end: int, least: int = 0) -> list[Edit]:
    """Wrap the path that ends here in dyn(), if it begins at `least` or later."""
    path = path_before(text, end)
    begin = text.rfind(path, 0, end)
    if not path or begin < least or _ENTRY.match(path):
        return []
    return [(begin, begin, "dyn("), (begin + len(path), begin + len(path), ")")]


def _selector_end(text: str, begin: int) -> int:
    """Return the end of the name, the name behind a dot, or the bracket that begins here."""
    depth = 0
    for token in tokens(text, begin):
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        if depth == 0 and token.kind in ("name", "string", "close"):
            return token.offset + len(token.text)
    return begin


def _operand_end(text: str, begin: int) -> int:
    """Return the end of the operand (a name, a string or a bracket), including everything selected from it."""
    depth, end, is_selecting = 0, begin, True
    for token in tokens(text, begin):
        if token.kind == "space":
            continue
        is_next = token.kind == "open" or token.text in (".", "?") or is_selecting
        if depth == 0 and (token.kind == "close" or not is_next):
            break
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        is_selecting = token.text in (".", "?")
        end = token.offset + len(token.text)
    return end


def _of_optional(kind: str) -> str:
    return kind.removeprefix("optional_type(").removesuffix(")") if kind.startswith("optional_type(") else ""


def _may_hold(item: str, holder: str) -> bool:
    """Return whether an item may be in a list of other objects, or a name in an object."""
    return holder.startswith("wf.") or (holder.startswith("list(") and _may_share(item, holder[5:-1]))


def _may_share(one: str, other: str) -> bool:
    """Return whether two types may be the same in JSON: null fits anything, and one object another."""
    if "null_type" in (one, other):
        return bool(one and other)
    if one.startswith("list(") and other.startswith("list("):
        return _may_share(one[5:-1], other[5:-1])
    return _is_object(one) and _is_object(other)


def _is_object(kind: str) -> bool:
    return kind.startswith(("wf.", "map("))


def _around(text: str, begin: int, closing: str) -> list[Edit]:
    """Wrap the text from here to the closing sign in dyn()."""
    around: list[str] = []
    for token in tokens(text, begin):
        if not around and token.text == closing:
            return [(begin, begin, " dyn("), (token.offset, token.offset, ") ")]
        is_choice = token.text == "?" and text[token.offset - 1] not in ".["
        if token.kind == "open" or is_choice:
            around.append(token.text)
        elif token.kind == "close" or (token.text == ":" and around[-1:] == ["?"]):
            around.pop()
    return []


def _without_brackets(text: str, opening: int) -> list[Edit]:
    """Write `a['b']` as `a.b`; if the key is an expression, wrap the object in dyn()."""
    inside = list(_in_brackets(text, opening))
    if not inside:
        return []
    key = inside[-1].text[1:-1] if len(inside) == 1 + (inside[0].text == "?") and inside[-1].kind == "string" else ""
    if _NAME.match(key) and key not in _WORDS:
        mark = ".?" if inside[0].text == "?" else "."
        return [(opening, inside[-1].offset + len(inside[-1].text) + 1, f"{mark}{key}")]
    return _untyped_before(text, opening)


def _in_brackets(text: str, opening: int) -> Iterator[Token]:
    depth = 0
    for token in tokens(text, opening):
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        if depth == 0:
            return
        if token.offset > opening and token.kind != "space":
            yield token


def edited(spelt: Spelling, edits: Sequence[Edit]) -> Spelling:
    """Return a spelling with these edits made."""
    text, pieces = spelt.text, list(spelt.pieces)
    for begin, end, put in sorted(edits, reverse=True):
        moved = len(put) - (end - begin)
        pieces = [
            *(piece for piece in pieces if piece[0] < begin),
            (begin, spelt.source_of(begin)),
            (end + moved, spelt.source_of(end)),
            *((offset + moved, source) for offset, source in pieces if offset > end),
        ]
        text = text[:begin] + put + text[end:]
    return Spelling(text, tuple(pieces))
