"""The order of words on a page: tesseract reads the columns of a table one after the other, people read its rows."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, TypeAlias

from msgspec import Struct

Word: TypeAlias = dict[str, Any]
"""{text, confidence, box, page, line}; `line` is (block, paragraph, line) as tesseract counts them."""
_PROSE = 3.5
"""Words in a line of a block, as a median: blocks of longer lines are columns of text, which are read downwards."""
_SIDE_BY_SIDE = 0.4
"""How much of the lower block must be beside the other one."""
_LONG = 300
"""Pixels of a line whose own slope is measured."""
_SAME_ROW = 0.5
"""Lines belong to one row if their middles are less than this part of a line's height apart."""


class _Line(Struct, frozen=True):
    """A line as tesseract found it."""

    words: Sequence[Word]
    block: str

    @property
    def left(self) -> int:
        return min(int(word["box"][0]) for word in self.words)

    @property
    def right(self) -> int:
        return max(int(word["box"][0] + word["box"][2]) for word in self.words)

    @property
    def top(self) -> int:
        return min(int(word["box"][1]) for word in self.words)

    @property
    def bottom(self) -> int:
        return max(int(word["box"][1] + word["box"][3]) for word in self.words)


def in_rows(words: Iterable[Word]) -> list[Word]:
    """Return the words of a page in reading order: blocks of short lines that are side by side, row by row.

    The `line` of a word in them is (table, "", row).
    """
    lines = [
        _Line(list(found), line[0]) for line, found in groupby(words, lambda word: tuple[str, str, str](word["line"]))
    ]
    if not _is_upright(lines):
        return [word for line in lines for word in line.words]
    blocks: dict[str, list[_Line]] = {}
    for line in lines:
        blocks.setdefault(line.block, []).append(line)
    slope, ordered = _slope(list(blocks.values())), list[Word]()
    for together in _tables(list(blocks.values()), slope):
        found = [line for block in together for line in block]
        ordered += _by_rows(found, slope) if len(together) > 1 else [word for line in found for word in line.words]
    return ordered


def _tables(blocks: Sequence[list[_Line]], slope: float) -> Iterator[list[list[_Line]]]:
    """Yield the blocks in order, those that are parts of one table together."""
    left = list(blocks)
    while left:
        group = [left.pop(0)]
        while more := next((one for one in left if any(_are_beside(one, other, slope) for other in group)), None):
            left.remove(more)
            group.append(more)
        yield group


def _are_beside(one: Sequence[_Line], other: Sequence[_Line], slope: float) -> bool:
    if _is_prose(one) and _is_prose(other):
        return False
    (top, bottom), (other_top, other_bottom) = _height(one, slope), _height(other, slope)
    beside = min(bottom, other_bottom) - max(top, other_top)
    apart = _left(one) >= _right(other) or _left(other) >= _right(one)
    return apart and beside > _SIDE_BY_SIDE * min(bottom - top, other_bottom - other_top)


def _is_prose(block: Sequence[_Line]) -> bool:
    return statistics.median(len(line.words) for line in block) >= _PROSE


def _by_rows(lines: Sequence[_Line], slope: float) -> list[Word]:
    """Return the words of lines from top to bottom, and within a row from left to right."""
    height = statistics.median(line.bottom - line.top for line in lines)
    rows: list[list[_Line]] = []
    for line in sorted(lines, key=lambda line: _middle(line, slope)):
        if rows and _middle(line, slope) - _middle(rows[-1][-1], slope) < _SAME_ROW * height:
            rows[-1].append(line)
        else:
            rows.append([line])
    table = lines[0].block
    return [
        {**word, "line": (table, "", str(number))}
        for number, row in enumerate(rows)
        for line in sorted(row, key=lambda line: line.left)
        for word in line.words
    ]


def _is_upright(lines: Sequence[_Line]) -> bool:
    """Return whether lines go from left to right: on a turned page, boxes stay as in the picture."""
    runs = [int(line.words[-1]["box"][0] - line.words[0]["box"][0]) for line in lines if len(line.words) > 1]
    return 2 * len([run for run in runs if run > 0]) >= len(runs)


def _slope(blocks: Sequence[list[_Line]]) -> float:
    """Return how far lines sink for each pixel to the right, on a page that was laid down askew."""
    long = [line for block in blocks for line in block if line.right - line.left > _LONG]
    found = [_rise(line.words[0], line.words[-1]) for line in long]
    return statistics.median(found or [_drift(one, other) for block in blocks for one, other in _far(block)] or [0.0])


def _far(block: Sequence[_Line]) -> Iterator[tuple[_Line, _Line]]:
    """Yield pairs of lines that are half a block apart."""
    return zip(block, block[len(block) // 2 :], strict=False) if len(block) > 3 else iter(())


def _drift(upper: _Line, lower: _Line) -> float:
    """Return the slope that the left edges of two lines show: what sinks to the right goes left further down."""
    down = lower.top - upper.top
    return -(lower.left - upper.left) / down if down > 0 else 0.0


def _rise(first: Word, last: Word) -> float:
    across = last["box"][0] - first["box"][0]
    down = (last["box"][1] + last["box"][3] / 2) - (first["box"][1] + first["box"][3] / 2)
    return float(down / across) if across > 0 else 0.0


def _middle(line: _Line, slope: float) -> float:
    return (line.top + line.bottom) / 2 - slope * (line.left + line.right) / 2


def _height(block: Sequence[_Line], slope: float) -> tuple[float, float]:
    """Return (top, bottom) of a block as it would be on a page that is not askew."""
    places = [(_middle(line, slope), (line.bottom - line.top) / 2) for line in block]
    return min(middle - half for middle, half in places), max(middle + half for middle, half in places)


def _left(block: Sequence[_Line]) -> int:
    return min(line.left for line in block)


def _right(block: Sequence[_Line]) -> int:
    return max(line.right for line in block)
