"""Where CEL's checker is stricter than JSON: dyn() around what may be of either kind, names in brackets behind dots.

A checked value has one type; in JSON a value may be null, and objects of different fields stand for one another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from engine.expressions.kinds import split_kinds
from engine.expressions.templates import Spelling, Token, path_before, tokens

_OVERLOAD = re.compile(r"<input>:(\d+):(\d+): found no matching overload for '([^']*)' applied to '\((.*)\)'")
_RANGE = re.compile(r"<input>:(\d+):(\d+): expression of type 'wf\.[^']*' cannot be the range of a comprehension")
_BOTH_SIDES = {"_==_": "==", "_!=_": "!=", "_+_": "+", "@in": "in"}
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
    told: list[tuple[str, Spelling]] = []
    looser: Spelling | None = spelt
    while looser is not None and len(told) < _MOST_PLACES:
        try:
            return environment.compile(looser.text), looser
        except RuntimeError as error:
            told.append((str(error), looser))
        looser = loosened(looser, told[-1][0])
    raise Unsound(*told[-1 if looser is None else 0])


def loosened(spelt: Spelling, errors: str) -> Spelling | None:
    """Return the spelling without the first of the checker's errors that only comes of its strictness, None if none."""
    for line, column, function, applied in _OVERLOAD.findall(errors):
        edits = _edits(spelt, spelt.offset(int(line), int(column)), function, split_kinds(applied))
        if edits:
            return _edited(spelt, edits)
    for line, column in _RANGE.findall(errors):
        edits = _untyped_before(spelt.text, _selector_end(spelt.text, spelt.offset(int(line), int(column))))
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
    """Put dyn() around the path that ends here and begins at `least` or behind it; nothing where there is none."""
    path = path_before(text, end)
    begin = text.rfind(path, 0, end)
    if not path or begin < least or _ENTRY.match(path):
        return []
    return [(begin, begin, "dyn("), (begin + len(path), begin + len(path), ")")]


def _selector_end(text: str, begin: int) -> int:
    """Return where the name, the name behind a dot, or what stands in brackets ends that begins here."""
    depth = 0
    for token in tokens(text, begin):
        depth += {"open": 1, "close": -1}.get(token.kind, 0)
        if depth == 0 and token.kind in ("name", "string", "close"):
            return token.offset + len(token.text)
    return begin


def _operand_end(text: str, begin: int) -> int:
    """Return where a name, text, or what stands in brackets ends, with all that is selected from it."""
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
    """Tell whether something may be in a list of other objects, or a name in an object."""
    return holder.startswith("wf.") or (holder.startswith("list(") and _may_share(item, holder[5:-1]))


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
