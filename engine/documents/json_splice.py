"""Edits of a JSON text that leave all of it but their place as its author wrote it.

Each edit is a `Splice`. How new text is laid out is read from the place: the indent, its unit, the line ends, what
separates the members, and whether they are on one line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, overload

from msgspec import Struct

from engine.documents.json_file import JsonFile, JsonPath
from engine.documents.json_reader import Spot, Spots

_DECODER = json.JSONDecoder()
_BLANKS = re.compile(r"[ \t]*")
_FIRST_INDENT = re.compile(r"\n([ \t]+)[^\s]")
_UNIT = "  "


class Misplaced(Exception):
    """A splice does not fit: its place has another text."""


@dataclass(frozen=True)
class Splice:
    """At an index of a text, one text in place of another."""

    start: int
    removed: str
    inserted: str

    @property
    def inverse(self) -> Splice:
        """The splice that undoes this one."""
        return Splice(self.start, self.inserted, self.removed)

    def of(self, text: str) -> str:
        """Return the changed text. Raises Misplaced."""
        end = self.start + len(self.removed)
        if text[self.start : end] != self.removed:
            raise Misplaced
        return text[: self.start] + self.inserted + text[end:]


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """Return a text after splices; each one refers to the text that the ones before it give. Raises Misplaced."""
    for one in splices:
        text = one.of(text)
    return text


def inverse(splices: Sequence[Splice]) -> tuple[Splice, ...]:
    """Return the splices that undo these."""
    return tuple(one.inverse for one in reversed(splices))


def difference(before: str, after: str) -> tuple[Splice, ...]:
    """Return one splice from a text to another; none if they are equal."""
    if before == after:
        return ()
    start = _shared(before, after)
    rest, other = before[start:], after[start:]
    same = _shared(rest[::-1], other[::-1])
    return (Splice(start, rest[: len(rest) - same], other[: len(other) - same]),)


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts begin with in common."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


class Layout(Struct, frozen=True):
    """How text is laid out at a place: for new text there."""

    indent: str
    unit: str
    newline: str
    is_inline: bool
    """Whether all is on one line."""
    comma: str = ", "
    colon: str = ": "

    def of_json(self, value: Any) -> str:
        """Return the text of a value on one line."""
        return json.dumps(value, ensure_ascii=False, separators=(self.comma, self.colon))


Write = Callable[[Layout], str]
"""Returns the text of a new value for a layout."""


class _Spans(Sequence[tuple[int, int]]):
    """The (start, end) of each member, found when it is asked for: an edit of a long list needs few of them."""

    def __init__(self, text: str, starts: Sequence[Spot], spots: Sequence[Spot]) -> None:
        self._text, self._starts, self._spots = text, starts, spots

    def __len__(self) -> int:
        return len(self._spots)

    @overload
    def __getitem__(self, index: int) -> tuple[int, int]: ...

    @overload
    def __getitem__(self, index: slice) -> list[tuple[int, int]]: ...

    def __getitem__(self, index: int | slice) -> tuple[int, int] | list[tuple[int, int]]:
        if isinstance(index, slice):
            return [self[one] for one in range(len(self))[index]]
        return _start(self._starts[index]), _end(self._text, self._spots[index])


class Members:
    """The members of an object or a list in a text, each with its key, if it has one."""

    def __init__(self, text: str, box: Spots) -> None:
        self.text, self.box = text, box
        self.close = _end(text, box) - 1
        """The index of the closing bracket."""
        values = box.values
        self.keys: Sequence[str | int] = list(values) if isinstance(values, dict) else range(len(values))
        starts = [box.keys[key] for key in values] if isinstance(values, dict) else values
        self.spans = _Spans(text, starts, list(values.values()) if isinstance(values, dict) else values)

    def raw(self) -> str:
        """Return the text from the first member to the last."""
        return self.text[self.spans[0][0] : self.spans[-1][1]] if self.spans else ""

    def gap(self, where: int) -> str:
        """Return what separates a new member at this index from its neighbour."""
        if len(self.spans) > 1:
            after = min(max(where, 1), len(self.spans) - 1)
            return self.text[self.spans[after - 1][1] : self.spans[after][0]]
        layout = self.layout()
        return layout.comma if layout.is_inline else f",{layout.newline}{layout.indent}"

    def layout(self) -> Layout:
        """Return the layout of a member."""
        text, newline, whole = self.text, newline_of(self.text), unit_of(self.text)
        outer = indent_at(text, self.box.start)
        if not self.spans:
            is_inline = "\n" not in text or _is_within_line(text, self.box.start)
            return Layout(
                outer if is_inline else outer + whole, whole, newline, is_inline, *self._marks(is_inline=is_inline)
            )
        first = self.spans[0][0]
        is_inline = not _begins_line(text, first)
        indent = indent_at(text, first)
        unit = indent.removeprefix(outer) if indent.startswith(outer) else ""
        return Layout(indent, unit or whole, newline, is_inline, *self._marks(is_inline=is_inline))

    def _marks(self, *, is_inline: bool) -> tuple[str, str]:
        text = self.text
        if not is_inline:
            return ", ", self._colon()
        between = text[self.spans[0][1] : self.spans[1][0]] if len(self.spans) > 1 else ""
        comma = between if between and "\n" not in between else ", "
        return comma, self._colon()

    def _colon(self) -> str:
        if not isinstance(self.box.values, dict):
            return ": "
        for key, spot in self.box.values.items():
            mark = self.text[_DECODER.raw_decode(self.text, self.box.keys[key])[1] : _start(spot)]
            return mark if "\n" not in mark else ": "
        return ": "


def members(file: JsonFile, path: JsonPath) -> Members:
    """Return the members of the object or list at a path."""
    spot = _spot(file, path)
    assert isinstance(spot, Spots), path
    return Members(file.text, spot)


def inserted(file: JsonFile, path: JsonPath, where: int, write: Write, key: str | None = None) -> Splice:
    """Return the splice that adds a member to the object or list at `path`, before its member number `where`."""
    found, text = members(file, path), file.text
    layout = found.layout()
    new = write(layout)
    if key is not None:
        new = f"{json.dumps(key, ensure_ascii=False)}{layout.colon}{new}"
    if not found.spans:
        inside = text[found.box.start + 1 : found.close]
        if not layout.is_inline:
            new = f"{layout.newline}{layout.indent}{new}{layout.newline}{indent_at(text, found.box.start)}"
        return Splice(found.box.start + 1, inside, new)
    gap = found.gap(where)
    if where < len(found.spans):
        return Splice(found.spans[where][0], "", new + gap)
    return Splice(found.spans[-1][1], "", gap + new)


def replaced(file: JsonFile, path: JsonPath, write: Write) -> Splice:
    """Return the splice that replaces the value at a path, which is not the whole document."""
    text, around = file.text, members(file, path[:-1])
    layout = around.layout()
    start, end = span(file, path)
    old = text[start:end]
    is_one_line = old[0] == "{" and "\n" not in old and bool(old[1:-1].strip())
    indent = indent_at(text, start)
    is_inline = is_one_line or _is_within_line(text, start)
    return Splice(start, old, write(Layout(indent, layout.unit, layout.newline, is_inline, ", ", layout.colon)))


def removed(file: JsonFile, path: JsonPath, count: int = 1) -> Splice:
    """Return the splice that removes the member at a path, and with `count` also the members after it."""
    found, text = members(file, path[:-1]), file.text
    first = found.keys.index(path[-1])
    behind = first + count
    if first == 0 and behind == len(found.spans):
        start, end = found.box.start + 1, found.close
    elif behind < len(found.spans):
        start, end = found.spans[first][0], found.spans[behind][0]
    else:
        start, end = found.spans[first - 1][1], found.spans[behind - 1][1]
    return Splice(start, text[start:end], "")


def span(file: JsonFile, path: JsonPath) -> tuple[int, int]:
    """Return the start and the end of the value at a path."""
    spot = _spot(file, path)
    return _start(spot), _end(file.text, spot)


def reindented(raw: str, old: str, new: str) -> str:
    """Return a part of a text for a place with another indent; strings have no line breaks that could change."""
    return raw.replace(f"\n{old}", f"\n{new}")


def indent_at(text: str, index: int) -> str:
    """Return the indent of the line of an index."""
    match = _BLANKS.match(text, text.rfind("\n", 0, index) + 1)
    assert match is not None
    return match.group()[: index - match.start()]


def newline_of(text: str) -> str:
    """Return the line end of a text."""
    return "\r\n" if "\r" in text and "\r\n" in text else "\n"


def unit_of(text: str) -> str:
    """Return the indent of one level."""
    match = _FIRST_INDENT.search(text)
    return match.group(1) if match else _UNIT


def _begins_line(text: str, index: int) -> bool:
    start = text.rfind("\n", 0, index) + 1
    return start > 0 and not text[start:index].strip()


def _is_within_line(text: str, index: int) -> bool:
    """Return whether the member with the value at this index shares its line with the bracket around it."""
    start = text.rfind("\n", 0, index) + 1
    return bool(re.search(r"[\[{,]", re.sub(r'"(?:[^"\\]|\\.)*"', "", text[start:index])))


def _spot(file: JsonFile, path: JsonPath) -> Spot:
    spot = file.spot
    for part in path:
        assert isinstance(spot, Spots), path
        spot = spot.values[part]  # type: ignore[index]
    return spot


def _start(spot: Spot) -> int:
    return spot.start if isinstance(spot, Spots) else spot


def _end(text: str, spot: Spot) -> int:
    return spot.end if isinstance(spot, Spots) else _DECODER.raw_decode(text, spot)[1]
