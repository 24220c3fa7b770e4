"""Parses Markdown into Notion blocks, for text that its Markdown endpoint does not accept."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from clients.listing import Json
from clients.notion.text.chunks import FENCE, Chunk, chunks, without_indent
from clients.notion.text.inline import EQUATION_CHARACTERS, TEXT_UNITS, in_one_line, pieces_of, plain_pieces, written
from clients.notion.text.languages import language_named

PIECES_MOST = 100
TEXT_BYTES = 400_000
"""Maximum size of a block's text as JSON, so that it fits into a request of 500 KB with its formatting."""

_FULL_CHARACTERS = 60_000
_BLANKS_LOST = 8
_MARKS = ("*", "_", "`", "~", "$", "[", "<", "http")
"""Signs of formatting: a full block has at least `_FULL_CHARACTERS` characters, or signs for enough text objects."""

_HEADING = re.compile(r"(#{1,6})(?:\s+(.*))?$")
_TO_DO = re.compile(r"[-*+]\s+\[([ xX])\](?:\s+(.*))?$")
_BULLET = re.compile(r"[-*+](?:\s+(.*))?$")
_NUMBER = re.compile(r"\d+[.)](?:\s+(.*))?$")
_QUOTE = re.compile(r">\s?(.*)$")
_RULE = re.compile(r"(?:-{3,}|\*{3,}|_{3,})$")
_IMAGE = re.compile(r"!\[((?:\\.|[^\]\\])*)\]\((https?://\S+)\)$")
_SUMMARY = re.compile(r"\s*<summary>(.*)</summary>\s*$")
_ONE_LINE_EQUATION = re.compile(r"\$\$(.+)\$\$$")
_END_TAG = re.compile(r"\s*(?:</[\w-]+>|:{3,})\s*$")
_ROW = re.compile(r"<tr\b[^<>]*>(.*?)</tr>", re.DOTALL)
_TD = re.compile(r"<td\b[^<>]*>(.*?)</td>", re.DOTALL)
_CELL = re.compile(r"(?<!\\)\|")
_ANY_TAGS = re.compile(r"</?[a-z_-]+\b[^<>]*>|:{3,}.*")
_DEEPEST = 60
"""Maximum nesting of blocks; each level after the second needs its own request."""


def blocks_of(markdown: str) -> list[Json]:
    """Parse a Markdown text into blocks, each with its `children`, of any depth and number.

    Each block is within Notion's limits: a text that is too long continues in the next block.
    """
    return _read(markdown.replace("\r\n", "\n").split("\n"), 0)


def children_of(block: Json) -> list[Json]:
    """Return the children of a parsed block."""
    inside: list[Json] = block[block["type"]].get("children", [])
    return inside


def with_children(block: Json, children: Sequence[Json]) -> Json:
    """Return a copy of the block with these children, or without any if the list is empty."""
    kind = block["type"]
    content = {name: value for name, value in block[kind].items() if name != "children"}
    return {"type": kind, kind: {**content, "children": list(children)} if children else content}


def _read(lines: Sequence[str], depth: int) -> list[Json]:
    """Return the blocks of some lines; beyond the maximum depth, nested ones become siblings."""
    if depth > _DEEPEST:
        lines = [line.strip() for line in lines if not _ANY_TAGS.fullmatch(line.strip())]
    return [block for chunk in chunks(lines) for block in _blocks(chunk, depth)]


def _blocks(chunk: Chunk, depth: int) -> list[Json]:
    """Return the blocks of a chunk; its children belong to the last of them."""
    if chunk.kind == "tags":
        made = _tagged(chunk, depth)
    elif chunk.kind == "code":
        made = _code(without_indent(chunk.lines, chunk.lines[0]))
    elif chunk.kind == "equation":
        made = _equation("\n".join(without_indent(chunk.lines, chunk.lines[0])).strip().strip("$").strip("\n"))
    elif chunk.kind == "table":
        made = [_table(chunk.lines)]
    else:
        made = _line(chunk.lines[0].strip())
    if chunk.inside and made:
        made[-1] = with_children(made[-1], [*children_of(made[-1]), *_read(chunk.inside, depth + 1)])
    return made


def _line(line: str) -> list[Json]:
    if _RULE.match(line):
        return [{"type": "divider", "divider": {}}]
    if line == "<empty-block/>":
        return [{"type": "paragraph", "paragraph": {"rich_text": []}}]
    if found := _ONE_LINE_EQUATION.match(line):
        return _equation(found[1].strip())
    if (found := _IMAGE.match(line)) and len(found[2]) <= TEXT_UNITS:
        image = {"type": "external", "external": {"url": found[2]}, "caption": pieces_of(found[1])[:PIECES_MOST]}
        return [{"type": "image", "image": image}]
    return _of_words(line)


def _of_words(line: str) -> list[Json]:
    """Return the blocks of a line of text, by its leading sign."""
    if found := _HEADING.match(line):
        return _texted(f"heading_{min(len(found[1]), 4)}", found[2])
    if found := _TO_DO.match(line):
        return _texted("to_do", found[2], checked=found[1] != " ")
    for pattern, kind in ((_BULLET, "bulleted_list_item"), (_NUMBER, "numbered_list_item"), (_QUOTE, "quote")):
        if found := pattern.match(line):
            return _texted(kind, found[1])
    return _texted("paragraph", line)


def broken_lines(markdown: str) -> int:
    """Estimate how many line ends in a text exist only because a Notion block was full."""
    return sum(1 for line, following in itertools.pairwise(markdown.split("\n")) if _is_full(line, following))


def _is_full(line: str, following: str) -> bool:
    # A cheap test first: splitting every pair of lines would take seconds for a long page.
    if len(line) < _FULL_CHARACTERS and sum(map(line.count, _MARKS)) < PIECES_MOST - 1:
        return False
    [block, *more], [after, *_] = _of_words(line.lstrip()), _of_words(following.lstrip())
    kind = block["type"]
    if more or not following.strip() or after["type"] != kind:
        return False
    texts = block[kind]["rich_text"]
    first, *rest = _shares(in_one_line([*texts, *after[kind]["rich_text"]]))
    return bool(rest) and len(first) == len(texts) and _length(first) - _length(texts) <= _BLANKS_LOST


def _length(pieces: Sequence[Json]) -> int:
    return sum(len(written(piece)) for piece in pieces)


def _texted(kind: str, text: str | None, **more: Any) -> list[Json]:
    return [{"type": kind, kind: {"rich_text": some, **more}} for some in _shares(pieces_of(text or ""))]


def _shares(pieces: Sequence[Json]) -> Iterator[list[Json]]:
    """Split the text objects into as many lists as blocks are needed; at least one list."""
    share: list[Json] = []
    size = 0
    for piece in pieces:
        more = len(json.dumps(written(piece), ensure_ascii=False).encode())
        if share and (len(share) == PIECES_MOST or size + more > TEXT_BYTES):
            yield share
            share, size = [], 0
        share.append(piece)
        size += more
    yield share


def _code(lines: Sequence[str]) -> list[Json]:
    fence = FENCE.match(lines[0])
    assert fence is not None
    is_closed = len(lines) > 1 and lines[-1].strip() == fence[1]
    text = "\n".join(lines[1:-1] if is_closed else lines[1:])
    language = language_named(fence[2].strip())
    return [{"type": "code", "code": {"rich_text": some, "language": language}} for some in _shares(plain_pieces(text))]


def _equation(expression: str) -> list[Json]:
    if len(expression) <= EQUATION_CHARACTERS:
        return [{"type": "equation", "equation": {"expression": expression}}]
    pieces = plain_pieces(expression)
    # Too long for an equation, so its source is shown instead.
    return [{"type": "code", "code": {"rich_text": some, "language": "latex"}} for some in _shares(pieces)]


def _tagged(chunk: Chunk, depth: int) -> list[Json]:
    """Return the block for a pair of tags (a toggle, a table); for unknown tags, the blocks inside."""
    is_closed = bool(_END_TAG.match(chunk.lines[-1]))
    lines = chunk.lines[1:-1] if is_closed else chunk.lines[1:]
    opening = chunk.lines[0].strip()
    if opening.startswith("<details"):
        return _toggle(lines, depth)
    if opening.startswith("<table") and (rows := _ROW.findall(_up_to("</tr>", "".join(lines)))):
        return [_table_of([_TD.findall(_up_to("</td>", row)) for row in rows])]
    return _read(lines, depth + 1)


def _up_to(end: str, text: str) -> str:
    """Cut the text after the last closing mark, so that no opening mark after it is searched for its end."""
    return text[: text.rfind(end) + len(end)] if end in text else ""


def _toggle(lines: Sequence[str], depth: int) -> list[Json]:
    found = _SUMMARY.match(lines[0]) if lines else None
    made = _texted("toggle", found[1] if found else "")
    made[-1] = with_children(made[-1], _read(lines[1:] if found else lines, depth + 1))
    return made


def _table(lines: Sequence[str]) -> Json:
    return _table_of([_cells(line) for line in (lines[0], *lines[2:])])


def _table_of(rows: Sequence[list[str]]) -> Json:
    width = max(len(row) for row in rows)
    children = [
        {"type": "table_row", "table_row": {"cells": [_cell(text) for text in row + [""] * (width - len(row))]}}
        for row in rows
    ]
    return {"type": "table", "table": {"table_width": width, "has_column_header": True, "children": children}}


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|")
    return [text.strip() for text in _CELL.split(inner[:-1])]


def _cell(text: str) -> list[Json]:
    """Return a cell's text; formatting is dropped if it needs more text objects than a list allows."""
    pieces = pieces_of(text.replace("\\|", "|"))
    return (
        pieces
        if len(pieces) <= PIECES_MOST
        else plain_pieces("".join(written(piece) for piece in pieces))[:PIECES_MOST]
    )
