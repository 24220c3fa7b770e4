"""Where CEL's checker is stricter than JSON: dyn() around what may be of either kind, names in brackets behind dots.

A checked value has one type; in JSON a value may be null, and objects of different fields stand for one another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from engine.expressions.templates import Spelling, Token, path_before, tokens
from engine.expressions.wording import split_kinds

_OVERLOAD = re.compile(r"<input>:(\d+):(\d+): found no matching overload for '([^']*)' applied to '\((.*)\)'")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_WORDS = {"in", "true", "false", "null"}
_ENTRY = re.compile(r"steps(\.\w+)?\Z")
_MOST_PLACES = 32
"""Places of one expression at which the checker may be too strict."""


class Unsound(Exception):
    """An expression does not compile: CEL's errors, and the spelling they are about."""

    def __init__(self, errors: str, spelt: Spelling) -> None:
        super().__init__(errors)
        self.errors, self.spelt = errors, spelt


Edit = tuple[int, int, str]
"""(begin, end, text put there)"""


def compile_in(environment: Any, spelt: Spelling) -> tuple[Any, Spelling]:
    """Compile a spelling in a CEL environment; return (what came of it, the spelling that was compiled).

    Raises Unsound where it is wrong in earnest.
    """
    for _ in range(_MOST_PLACES):
        try:
            return environment.compile(spelt.text), spelt
        except RuntimeError as error:
            reason = error
            looser = loosened(spelt, str(error))
        if looser is None:
            break
        spelt = looser
    raise Unsound(str(reason), spelt) from reason


def loosened(spelt: Spelling, errors: str) -> Spelling | None:
    """Return the spelling without the first of the checker's errors that only comes of its strictness, None if none."""
    for line, column, function, applied in _OVERLOAD.findall(errors):
        edits = _edits(spelt, spelt.offset(int(line), int(column)), function, split_kinds(applied))
        if edits:
            return _edited(spelt, edits)
    return None


def _edits(spelt: Spelling, offset: int, function: str, kinds: Sequence[str]) -> list[Edit]:
    text = spelt.text
    if function == "_?_:_" and kinds[0] in ("bool", "dyn") and _may_share(kinds[1], kinds[2]):
        return _around(text, text.find("?", offset) + 1, ":")
    if function == "orValue" and _may_share(_of_optional(kinds[0]), kinds[1]):
        return _around(text, text.find("(", offset) + 1, ")")
    if function in ("_[_]", "_[?_]") and (_of_optional(kinds[0]) or kinds[0]).startswith("wf."):
        return _without_brackets(text, text.find("[", offset))
    return []


def _of_optional(kind: str) -> str:
    return kind.removeprefix("optional_type(").removesuffix(")") if kind.startswith("optional_type(") else ""


def _may_share(one: str, other: str) -> bool:
    """Tell whether JSON has one name for both: null stands for anything, and one object for another."""
    if "null_type" in (one, other):
        return bool(one and other)
    if one.startswith("list(") and other.startswith("list("):
        return _may_share(one[5:-1], other[5:-1])
    return _is_object(one) and _is_object(other)


def _is_object(kind: str) -> bool:
    return kind.startswith(("wf.", "map("))


def _around(text: str, begin: int, closing: str) -> list[Edit]:
    """Put dyn() around what stands from here to the sign that ends it."""
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
    """Write `a['b']` as `a.b`; where another text decides, take what it names from any object."""
    inside = list(_in_brackets(text, opening))
    if not inside:
        return []
    path = path_before(text, opening)
    key = inside[-1].text[1:-1] if len(inside) == 1 + (inside[0].text == "?") and inside[-1].kind == "string" else ""
    if _NAME.match(key) and key not in _WORDS:
        mark = ".?" if inside[0].text == "?" else "."
        return [(opening, inside[-1].offset + len(inside[-1].text) + 1, f"{mark}{key}")]
    if not path or _ENTRY.match(path):
        return []
    begin = text.rfind(path, 0, opening)
    return [(begin, begin, "dyn("), (begin + len(path), begin + len(path), ")")]


def _in_brackets(text: str, opening: int) -> Iterator[Token]:
    depth = 0
    for token in tokens(text, opening):
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        if depth == 0:
            return
        if token.offset > opening and token.kind != "space":
            yield token


def _edited(spelt: Spelling, edits: Sequence[Edit]) -> Spelling:
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
