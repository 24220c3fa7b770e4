"""Reads JSON as models write it: with quotes of other kinds, comments, trailing commas, or words of Python.

Only what can be meant in one way is read. A text that could be meant in two, such as a quotation mark within a quoted
text, is refused, and so is one that ends too early: what is missing is not known.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

_SPACE = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/|#[^\n]*)*", re.DOTALL)
_NUMBER = re.compile(r"[-+]?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w.])")
_WORD = re.compile(r"[^\W\d]\w*")
_WORDS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}
_ENDS = {'"': '"', "'": "'", "“": "”"}
"""The quotation mark that ends a text, by the one that begins it."""
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "/": "/", "\\": "\\", '"': '"', "'": "'"}
_LEVELS_MOST = 60
_SHOWN = 40


def strict_json(text: str) -> Any:
    """Parse JSON by RFC 8259: Python would also accept NaN, and make infinity of 1e999. Raises ValueError."""
    try:
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("it has too many levels") from None


def loose_json(text: str) -> Any:
    """Parse a text that is JSON, or that can only be meant as one JSON value. Raises ValueError."""
    try:
        return strict_json(text)
    except ValueError as error:
        strict = error
    try:
        value, end = loose_json_at(text, 0)
    except ValueError:
        # The strict reader's words: they fit what the model should have written.
        raise strict from None
    if _SPACE.match(text, end).end() != len(text):  # type: ignore[union-attr]  # it matches anything
        raise strict
    return value


def loose_json_at(text: str, at: int) -> tuple[Any, int]:
    """Return the value that begins at a place, and where it ends. Raises ValueError."""
    reader = _Reader(text, at)
    return reader.value(_LEVELS_MOST), reader.at


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not a JSON number")


def _finite(written: str) -> float:
    number = float(written)
    if math.isinf(number):
        raise ValueError(f"{written[:_SHOWN]} is too large a number")
    return number


class _Reader:
    def __init__(self, text: str, at: int) -> None:
        self._text, self.at = text, at

    def value(self, levels: int) -> Any:
        """Read a value; afterwards, `at` is where it ends."""
        sign = self._next()
        if levels == 0:
            raise ValueError("it has too many levels")
        if sign == "{":
            return self._object(levels - 1)
        if sign == "[":
            return self._array(levels - 1)
        if sign in _ENDS:
            return self._quoted()
        return self._bare()

    def _object(self, levels: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self.at += 1
        while self._next() != "}":
            name = self._quoted() if self._next() in _ENDS else self._match(_WORD)
            if name in found:
                raise ValueError(f"it has {name!r} twice")
            self._take(":")
            found[name] = self.value(levels)
            self._end_of_item("}")
        self.at += 1
        return found

    def _array(self, levels: int) -> list[Any]:
        found: list[Any] = []
        self.at += 1
        while self._next() != "]":
            found.append(self.value(levels))
            self._end_of_item("]")
        self.at += 1
        return found

    def _quoted(self) -> str:
        end, said = _ENDS[self._text[self.at]], []
        self.at += 1
        while (sign := self._text[self.at : self.at + 1]) != end:
            if not sign:
                raise ValueError("it ends within a text")
            said.append(self._escaped() if sign == "\\" else sign)
            self.at += 1
        self.at += 1
        return "".join(said)

    def _escaped(self) -> str:
        """Read an escape; `at` is then its last character. Half of a pair of surrogates is refused."""
        self.at += 1
        sign = self._text[self.at : self.at + 1]
        if sign in _ESCAPES:
            return _ESCAPES[sign]
        found = re.compile(r"u(?:[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|[\da-fA-F]{4})").match(
            self._text, self.at
        )
        if found is None:
            raise ValueError("it has an unknown escape")
        self.at = found.end() - 1
        said: str = json.loads(f'"\\{found[0]}"')
        # Raises ValueError for half of a pair: no text can be stored with it.
        said.encode()
        return said

    def _bare(self) -> Any:
        number = _NUMBER.match(self._text, self.at)
        if number is not None:
            self.at = number.end()
            # JSON has no plus before a number.
            return strict_json(number[0].removeprefix("+"))
        word = self._match(_WORD)
        if word not in _WORDS:
            raise ValueError(f"{word!r} is not a value")
        return _WORDS[word]

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self.at)
        if found is None:
            raise ValueError(f"there is no value at {self.at}")
        self.at = found.end()
        return found[0]

    def _end_of_item(self, closing: str) -> None:
        if self._next() != closing:
            self._take(",")

    def _take(self, sign: str) -> None:
        if self._next() != sign:
            raise ValueError(f"there is no {sign!r} at {self.at}")
        self.at += 1

    def _next(self) -> str:
        """Skip spaces and comments; return the character that follows."""
        found = _SPACE.match(self._text, self.at)
        assert found is not None
        self.at = found.end()
        return self._text[self.at : self.at + 1]
