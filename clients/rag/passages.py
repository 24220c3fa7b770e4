"""Divide a text into passages of some paragraphs each, which keep their place in the text and their headings."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from operator import itemgetter

from msgspec import Struct

PageStart = tuple[int, int]
"""The number of a page, and where it begins in the text."""
LEAST, MOST = 800, 1_600
"""Characters of a passage: shorter ones are joined, longer ones divided. About 200 to 400 tokens of English."""
_PARAGRAPH = re.compile(r"\S[^\n]*(?:\n(?![ \t]*(?:\n|#{1,6} ))[^\n]*)*")
"""Lines up to an empty one, or to a heading of Markdown."""
_HEADING = re.compile(r"(#{1,6}) +(.+?)[ #]*$", re.MULTILINE)
_ENDS = re.compile(r"(?<=[.!?。！？])\s+|\n+|(?<=[。！？])|[ \t]+")


class Passage(Struct, frozen=True):
    """A part of a document; `start` and `end` are offsets into its text, in characters."""

    start: int
    end: int
    page: int | None
    """Its page, from 1; None if the document has no pages."""
    headings: str
    """The headings above it, from the outermost in."""


def passages(text: str, page_starts: Sequence[PageStart] = ()) -> Iterator[Passage]:
    """Yield the passages of a text in order. `page_starts`: where each page begins in it, rising."""
    begun: tuple[int, int] | None = None
    above: list[tuple[int, str]] = []
    path = ""
    for start, end in _pieces(text):
        heading = _HEADING.match(text, start, end)
        if begun is not None and (heading or end - begun[0] > MOST):
            yield _passage(begun, path, page_starts)
            begun = None
        if heading:
            above = [one for one in above if one[0] < len(heading[1])] + [(len(heading[1]), heading[2])]
        if begun is None:
            begun, path = (start, end), " > ".join(name for _, name in above)
        begun = (begun[0], end)
        if end - begun[0] >= LEAST:
            yield _passage(begun, path, page_starts)
            begun = None
    if begun is not None:
        yield _passage(begun, path, page_starts)


def _passage(span: tuple[int, int], path: str, page_starts: Sequence[PageStart]) -> Passage:
    at = max(0, bisect_right(page_starts, span[0], key=itemgetter(1)) - 1)
    return Passage(*span, page_starts[at][0] if page_starts else None, path)


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """Yield paragraphs as (start, end), each no longer than MOST."""
    for found in _PARAGRAPH.finditer(text):
        start, end = found.span()
        while end - start > MOST:
            cut = _cut(text, start)
            yield start, cut
            start = cut
        if text[start:end].strip():
            yield start, end


def _cut(text: str, start: int) -> int:
    """Return where to divide a long paragraph: after a sentence, or failing that a word, or anywhere."""
    best = start + MOST
    words = 0
    for found in _ENDS.finditer(text, start + LEAST, best):
        if text[found.start() - 1] in ".!?。！？\n" or "\n" in found[0]:
            return found.end()
        words = found.end()
    return words or best
