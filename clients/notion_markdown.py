"""Markdown for Notion: cut into parts that its limits allow, and recognised again after Notion has rewritten it."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterable, Iterator

PART_CHARACTERS = 50_000
"""Far below Notion's 500 KB a request, so that a part in any script fits."""
PART_LINES = 400
"""Each line may become a block; a request takes 1,000 (developers.notion.com, request limits)."""

_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_TAG = re.compile(r"</?[a-zA-Z][^>\n]*>")
_NUMBER = re.compile(r"^\s*\d+[.)]\s", re.MULTILINE)
_FENCE_LINE = re.compile(r"^\s*(?:`{3,}|~{3,}).*$", re.MULTILINE)


def parts(text: str, characters: int = PART_CHARACTERS, lines: int = PART_LINES) -> list[str]:
    """Cut a text into parts that, one after the other, mean the same.

    A cut lies at a blank line where possible, else at a line, else at a space; a code block that is cut is a code
    block on both sides. `characters` and `lines` are the size of a part. An empty text has no parts.
    """
    packed: list[list[str]] = []
    room = 0
    for block in _blocks(text):
        for piece in _cut(block, characters, lines):
            size = sum(len(line) + 1 for line in piece)
            if packed and size <= room and len(packed[-1]) + len(piece) < lines:
                packed[-1] += ["", *piece]
                room -= size + 1
            else:
                packed.append(piece)
                room = characters - size
    return ["\n".join(part) for part in packed]


def _blocks(text: str) -> Iterator[list[str]]:
    """Give runs of lines between blank lines, and each code block as one run with all its lines."""
    block: list[str] = []
    fence = ""
    for line in text.split("\n"):
        match = _FENCE.match(line)
        opens, closes = bool(match and not fence), bool(fence and line.strip() == fence)
        if block and (opens or not (line.strip() or fence)):
            yield block
            block = []
        if line.strip() or fence:
            block.append(line)
        if match and opens:
            fence = match[1]
        elif closes:
            fence = ""
            yield block
            block = []
    if block:
        yield block


def _cut(block: list[str], characters: int, lines: int) -> Iterator[list[str]]:
    """Cut a block that is too large on its own."""
    if len(block) < lines and sum(len(line) + 1 for line in block) <= characters:
        yield block
        return
    match = _FENCE.match(block[0])
    head, tail = ([block[0]], [match[1]]) if match else ([], [])
    body = block[1:] if match else block
    if match and body and body[-1].strip() == match[1]:
        body = body[:-1]
    for piece in _packed_lines(body, characters - len("\n".join([*head, *tail])) - 2, lines - 3):
        yield [*head, *piece, *tail]


def _packed_lines(body: Iterable[str], characters: int, lines: int) -> Iterator[list[str]]:
    piece: list[str] = []
    size = 0
    for line in itertools.chain.from_iterable(_pieces(line, characters) for line in body):
        if piece and (size + len(line) + 1 > characters or len(piece) >= lines):
            yield piece
            piece, size = [], 0
        piece.append(line)
        size += len(line) + 1
    if piece:
        yield piece


def _pieces(line: str, characters: int) -> Iterator[str]:
    while len(line) >= characters:
        space = line.rfind(" ", characters // 2, characters - 1)
        place = space + 1 if space > 0 else characters - 1
        yield line[:place]
        line = line[place:]
    yield line


def essence(text: str) -> str:
    """Reduce Markdown to what Notion keeps of it: its letters and digits, without markup and numbering.

    Line by line: the essence of a text is that of its lines, one after the other.
    """
    text = _NUMBER.sub("", _FENCE_LINE.sub("", html.unescape(text)))
    return "".join(re.findall(r"\w+", _TAG.sub("", text).replace("_", "")))


def missing_after(tail: str, text: str) -> str:
    """Give what of `text` is not yet at the end of `tail`: all of it, the rest after some first lines, or nothing."""
    present = essence(tail)
    lines = text.split("\n")
    stretches = list(itertools.accumulate(essence(line) for line in lines))
    for count in range(len(lines), 0, -1):
        if stretches[count - 1] and present.endswith(stretches[count - 1]):
            return "\n".join(lines[count:]).strip("\n")
    return text
