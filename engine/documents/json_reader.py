"""A strict JSON parser that records the position of every value and explains errors in plain words."""

from __future__ import annotations

import re
from bisect import bisect_right
from json import JSONDecodeError, decoder
from typing import Any, NoReturn

from clients.in_workspace.levels import LEVELS_MOST
from engine.base.problem import Problem

_BLANK = re.compile(r"[ \t\n\r]+")
_BLANKS = frozenset(" \t\n\r")
_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]*))(\.[0-9]+)?([eE][+-]?[0-9]+)?(?![0-9A-Za-z_.+-])")
_WORD = re.compile(r"-?[A-Za-z_][A-Za-z_0-9]*|[-+.0-9A-Za-z_]+|.", re.DOTALL)
_CONSTANTS = {"true": True, "false": False, "null": None}
_FOREIGN_CONSTANTS = {"True": "true", "False": "false", "None": "null", "undefined": "null", "nil": "null"}
_NOT_FINITE = {"NaN", "Infinity", "-Infinity", "-NaN"}
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_scan_string = getattr(decoder, "scanstring")  # noqa: B009 - the C scanner behind json.loads; typeshed leaves it out


class Spots:
    """The positions in an object or list: its start, the starts of its keys, the spots of its values, and its end."""

    __slots__ = ("_inside", "end", "start")

    def __init__(
        self, start: int, keys: dict[str, int], values: dict[str, Any] | list[Any], end: int, by: int = 0
    ) -> None:
        """`by`: how far the keys and values have still to be moved."""
        self.start, self.end = start, end
        self._inside = (keys, values, by)

    @property
    def keys(self) -> dict[str, int]:
        """The starts of the keys of an object."""
        return self._settled()[0]

    @property
    def values(self) -> dict[str, Any] | list[Any]:
        """The spots of the values, by key or in order."""
        return self._settled()[1]

    def moved(self, by: int) -> Spots:
        """Return the same at another place; what is inside follows when it is looked at."""
        keys, values, left = self._inside
        return Spots(self.start + by, keys, values, self.end + by, left + by)

    def _settled(self) -> tuple[dict[str, int], dict[str, Any] | list[Any], int]:
        inside = self._inside
        if inside[2]:
            keys, values, by = inside
            new: dict[str, Any] | list[Any]
            if isinstance(values, dict):
                new = {key: moved(one, by) for key, one in values.items()}
            else:
                new = [moved(one, by) for one in values]
            inside = self._inside = ({key: one + by for key, one in keys.items()}, new, 0)
        return inside


Spot = int | Spots
"""The start of a scalar, or the Spots of an object or list: indexes into the text."""


def moved(spot: Spot, by: int) -> Spot:
    """Return the spot of a value that is so many characters further."""
    return spot.moved(by) if isinstance(spot, Spots) else spot + by


def number_at(text: str, spot: int) -> str:
    """Return the number that is written at a place of a text, "" if there is no number."""
    number = _NUMBER.match(text, spot)
    return number.group() if number else ""


class Lines:
    """Converts an index into a text to a line and a column, both from 1."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def place(self, index: int) -> tuple[int, int]:
        """Return (line, column) of the character at `index`."""
        line = bisect_right(self._starts, index)
        return line, index - self._starts[line - 1] + 1

    def index(self, line: int, column: int) -> int:
        """Return the index of the character at a place of the text; lines beyond its end count as the last one."""
        return self._starts[min(line, len(self._starts)) - 1] + column - 1


REMEDIES = {
    "syntax": "Correct it here; what follows is not read until then.",
    "duplicate_key": "Remove one of the two, or rename it.",
    "surrogate": "Write the whole character, or remove it.",
    "number_range": "Put it in quotes.",
    "not_a_number": "Write null, or remove the key.",
    "not_utf8": "Save the file as UTF-8.",
    "too_deep": "Reduce the nesting.",
    "too_large": "Make the file smaller.",
}
"""The remedy for each problem code of a JSON text."""


class UnparsableText(Exception):
    """The text cannot be parsed beyond this point; the reader's last problem says why."""


class JsonReader:
    """Parses one text: `read()` returns value and spot; `problems` lists the errors."""

    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.problems: list[Problem] = []
        self._lines = Lines(text)
        # Only such texts can contain half of a surrogate pair; all others are spared the check of each string.
        self._watch_surrogates = "\\ud" in text.lower() or not _is_unicode(text)

    def read(self, depth: int = 1) -> tuple[Any, Spot]:
        """Return the value of the whole text and its spots.

        Raises UnparsableText at the first syntax error; other errors (duplicate keys, NaN) are recorded and parsing
        continues.
        """
        value, spot, end = self._value(self._blank(0), depth)
        end = self._blank(end)
        if end < len(self.text):
            self._stop(end, f"Unexpected {self._seen(end)} after the end of the document.")
        return value, spot

    def _blank(self, index: int) -> int:
        if self.text[index : index + 1] not in _BLANKS:
            return index
        match = _BLANK.match(self.text, index)
        return match.end() if match else index

    def _value(self, index: int, depth: int) -> tuple[Any, Spot, int]:
        first = self.text[index : index + 1]
        if first == '"':
            value, end = self._string(index)
            return value, index, end
        if first == "{" or first == "[":  # noqa: PLR1714 - the hot path
            if depth > LEVELS_MOST:
                self._stop(index, f"Objects and lists are nested deeper than {LEVELS_MOST} levels.", "too_deep")
            return self._object(index, depth) if first == "{" else self._list(index, depth)
        number = _NUMBER.match(self.text, index)
        if number:
            return self._number(number), index, number.end()
        return self._constant(index)

    def _object(self, index: int, depth: int) -> tuple[dict[str, Any], Spots, int]:
        value: dict[str, Any] = {}
        keys: dict[str, int] = {}
        places: dict[str, Any] = {}
        at = self._blank(index + 1)
        if self.text.startswith("}", at):
            return value, Spots(index, keys, places, at + 1), at + 1
        while True:
            start = at
            if not self.text.startswith('"', at):
                self._no_key(index, at)
            key, at = self._string(at)
            if key in value:
                self._note(start, f"The key {key!r} appears twice in one object.", "duplicate_key")
            at = self._blank(at)
            if not self.text.startswith(":", at):
                self._no_colon(index, at, key)
            value[key], places[key], at = self._value(self._blank(at + 1), depth + 1)
            keys[key] = start
            at = self._blank(at)
            if self.text.startswith("}", at):
                return value, Spots(index, keys, places, at + 1), at + 1
            at = self._after_comma(index, at, "}")

    def _list(self, index: int, depth: int) -> tuple[list[Any], Spots, int]:
        value: list[Any] = []
        places: list[Any] = []
        at = self._blank(index + 1)
        if self.text.startswith("]", at):
            return value, Spots(index, {}, places, at + 1), at + 1
        while True:
            item, spot, at = self._value(at, depth + 1)
            value.append(item)
            places.append(spot)
            at = self._blank(at)
            if self.text.startswith("]", at):
                return value, Spots(index, {}, places, at + 1), at + 1
            at = self._after_comma(index, at, "]")

    def _after_comma(self, opened: int, index: int, closing: str) -> int:
        if not self.text.startswith(",", index):
            self._no_comma(opened, index, closing)
        at = self._blank(index + 1)
        if self.text[at : at + 1] in {"}", "]"}:
            self._stop(index, f"Unexpected comma before {self.text[at]!r}.")
        return at

    def _string(self, index: int) -> tuple[str, int]:
        try:
            value, end = _scan_string(self.text, index + 1, True)  # noqa: FBT003 - strict: no raw control characters
        except JSONDecodeError as error:
            self._stop(*_string_mistake(error, index))
        if self._watch_surrogates and not _is_unicode(value):
            self._note(index, "This text contains half of a surrogate pair, which is not a character.", "surrogate")
            value = value.encode("utf-8", "replace").decode()
        return value, end

    def _number(self, match: re.Match[str]) -> int | float:
        whole, fraction, exponent = match.groups()
        if fraction is None and exponent is None:
            # Python refuses to parse thousands of digits, so the length is checked first.
            value: int | float = int(whole) if len(whole) <= 20 else _LARGEST + 1
            fits = _SMALLEST <= value <= _LARGEST
        else:
            value = float(match.group())
            fits = abs(value) != float("inf")
        if not fits:
            self._note(match.start(), "This number does not fit into 64 bits; write it as text.", "number_range")
            return 0
        return value

    def _constant(self, index: int) -> tuple[Any, Spot, int]:
        word = self._word(index)
        end = index + len(word)
        if word in _CONSTANTS:
            return _CONSTANTS[word], index, end
        if word in _NOT_FINITE:
            self._note(index, f"{word} is not a number in JSON; use null or leave it out.", "not_a_number")
            return None, index, end
        return self._stop(index, self._no_value(word))

    def _no_value(self, word: str) -> str:
        """Explain why `word` does not begin a value."""
        if not word:
            return "The text ends where a value is expected." if self.text.strip() else "The file is empty."
        if word in _FOREIGN_CONSTANTS:
            return f"JSON writes {_FOREIGN_CONSTANTS[word]} here, not {word}."
        if word[0] in "+-.0123456789":
            return f"{word} is not a number as JSON writes them (such as 7, -0.5 or 1e6)."
        return _FOREIGN_MARKS.get(word, f"A value is expected here, not {word!r}; text needs double quotes.")

    def _no_key(self, opened: int, index: int) -> NoReturn:
        word = self._word(index)
        if not word:
            self._cut(opened)
        said = _FOREIGN_MARKS.get(word, f"A key in double quotes is expected here, not {word!r}.")
        self._stop(index, said)

    def _no_colon(self, opened: int, index: int, key: str) -> NoReturn:
        if index >= len(self.text):
            self._cut(opened)
        self._stop(index, f"A colon is missing after the key {key!r}.")

    def _no_comma(self, opened: int, index: int, closing: str) -> NoReturn:
        if index >= len(self.text):
            self._cut(opened)
        seen = self.text[index]
        if seen in "}]":
            line, column = self._lines.place(opened)
            self._stop(index, f"{seen!r} is here where {closing!r} must close what line {line}, column {column} opens.")
        self._stop(index, _FOREIGN_MARKS.get(seen, f"A comma is missing before {self._seen(index)}."))

    def _cut(self, opened: int) -> NoReturn:
        line, column = self._lines.place(opened)
        self._stop(
            len(self.text),
            f"The text ends too early: {self.text[opened]!r} of line {line}, column {column} is not closed.",
        )

    def _word(self, index: int) -> str:
        match = _WORD.match(self.text, index)
        return match.group() if match else ""

    def _seen(self, index: int) -> str:
        """Quote the text at `index`, shortened."""
        rest = self.text[index : index + 31].split("\n", 1)[0].rstrip()
        return repr(rest if len(rest) <= 30 else rest[:30] + "…")

    def _note(self, index: int, message: str, code: str) -> None:
        line, column = self._lines.place(index)
        remedy = REMEDIES.get(code, "")
        self.problems.append(Problem(message, code, file=self.file, line=line, column=column, remedy=remedy))

    def _stop(self, index: int, message: str, code: str = "syntax") -> NoReturn:
        self._note(index, message, code)
        raise UnparsableText(message)


_FOREIGN_MARKS = {
    "'": "JSON uses double quotes, not single ones.",
    "/": "JSON has no comments; remove this.",
    "#": "JSON has no comments; remove this.",
    "“": "These are typographic quotes; JSON uses the plain double quote.",
    "”": "These are typographic quotes; JSON uses the plain double quote.",
    ",": "A value is missing before this comma.",
    ":": "A key in double quotes is missing before this colon.",
}


def _string_mistake(error: JSONDecodeError, start: int) -> tuple[int, str]:
    """Return the position and a plain explanation of the C scanner's error in the string that opens at `start`."""
    if error.msg.startswith("Unterminated"):
        return start, "This text has no closing double quote."
    if error.msg.startswith("Invalid control"):
        return error.pos, r"A line break or tab inside a text is written \n or \t in JSON."
    if "uXXXX" in error.msg:
        return error.pos, r"\u must be followed by four hexadecimal digits."
    return error.pos, r"This is not a JSON escape; a backslash itself is written \\."


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
