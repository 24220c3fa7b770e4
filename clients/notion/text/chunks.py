"""Splits Markdown into chunks of lines that belong together, as Notion parses it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

Kind = Literal["line", "code", "equation", "tags", "table"]

FENCE = re.compile(r"\s*(`{3,}|~{3,})([^`]*)$")
_EQUATION = re.compile(r"\s*\$\$\s*$")
_TAGS = r"(?:details|table|columns?|callout|synced_block\w*|meeting-notes)"
_OPENS = re.compile(rf"\s*<{_TAGS}\b[^>]*(?<!/)>\s*$|\s*:{{3,}}\s*(?:callout|columns?)\b")
_CLOSES = re.compile(rf"\s*</{_TAGS}>\s*$|\s*:{{3,}}\s*$")
_ROW = re.compile(r"\s*\|.*\|\s*$")
_RULE_OF_TABLE = re.compile(r"\s*\|(?:\s*:?-+:?\s*\|)+\s*$")
_CHILDLESS = re.compile(r"\s*(?:#{1,6}\s|-{3,}\s*$|\*{3,}\s*$|_{3,}\s*$|!\[)")


class Chunk(Struct, frozen=True):
    """The lines of one block, and the deeper lines that follow as its children."""

    kind: Kind
    lines: tuple[str, ...]
    """The block's own lines, including opening and closing ones."""
    inside: tuple[str, ...] = ()
    blank_before: int = 0
    """The number of blank lines before it."""

    @property
    def text(self) -> str:
        """All its lines."""
        return "\n".join((*self.lines, *self.inside))

    @property
    def blocks(self) -> int:
        """Estimate how many blocks it becomes; never too low."""
        own = 1 if self.kind in {"code", "equation"} else len(self.lines)
        return own + sum(1 for line in self.inside if line.strip())


def chunks(lines: Sequence[str]) -> Iterator[Chunk]:
    """Yield the chunks of a text."""
    position = blank = 0
    while position < len(lines):
        if not lines[position].strip():
            position, blank = position + 1, blank + 1
            continue
        kind, end = _own(lines, position)
        after = _end_of_inside(lines, position, end) if _holds(kind, lines[position]) else end
        inside = tuple(line for line in lines[end:after])
        yield Chunk(kind, tuple(lines[position:end]), inside, blank)
        position, blank = after, 0


def depth_of(line: str) -> int:
    """Return a line's indent level: a tab or two spaces each."""
    before = line[: len(line) - len(line.lstrip())]
    return len(before.replace("\t", "  ")) // 2


def without_indent(lines: Sequence[str], like: str) -> list[str]:
    """Return the lines with the indent of the line `like` removed."""
    most = len(like) - len(like.lstrip())
    return [line[min(most, len(line) - len(line.lstrip())) :] for line in lines]


def _own(lines: Sequence[str], start: int) -> tuple[Kind, int]:
    """Return the kind of block that begins at a line, and where its own lines end."""
    line = lines[start]
    if fence := FENCE.match(line):
        return "code", _end_of_code(lines, start, fence)
    if _EQUATION.match(line):
        return "equation", _after(lines, start, _EQUATION)
    if _OPENS.match(line):
        return "tags", _end_of_tags(lines, start)
    if _ROW.match(line) and start + 1 < len(lines) and _RULE_OF_TABLE.match(lines[start + 1]):
        rows = (number for number in range(start, len(lines)) if not _ROW.match(lines[number]))
        return "table", next(rows, len(lines))
    return "line", start + 1


def _after(lines: Sequence[str], start: int, closing: re.Pattern[str]) -> int:
    found = (number + 1 for number in range(start + 1, len(lines)) if closing.match(lines[number]))
    return next(found, len(lines))


def _end_of_tags(lines: Sequence[str], start: int) -> int:
    opened, number = 0, start
    while number < len(lines):
        opened += bool(_OPENS.match(lines[number])) - bool(_CLOSES.match(lines[number]))
        if opened == 0:
            return number + 1
        fence = FENCE.match(lines[number])
        number = _end_of_code(lines, number, fence) if fence else number + 1
    return len(lines)


def _end_of_code(lines: Sequence[str], start: int, fence: re.Match[str]) -> int:
    return _after(lines, start, re.compile(r"\s*" + fence[1] + r"\s*$"))


def _holds(kind: Kind, line: str) -> bool:
    """Return whether deeper lines after it are its children."""
    return kind == "tags" or (kind == "line" and not _CHILDLESS.match(line))


def _end_of_inside(lines: Sequence[str], start: int, end: int) -> int:
    depth, position, after = depth_of(lines[start]), end, end
    while position < len(lines):
        if not lines[position].strip():
            position += 1
        elif depth_of(lines[position]) > depth:
            position = after = _own(lines, position)[1]
        else:
            break
    return after
