"""Splits Markdown for Notion's limits, and recognizes it after Notion has rewritten it."""

from __future__ import annotations

import html
import itertools
import re
import string
from collections.abc import Sequence

from clients.notion.text.chunks import chunks
from clients.notion.text.inline import long_links_shown
from clients.notion.text.literal import with_numbers

PART_BYTES = 100_000
"""Far below Notion's 500 KB a request."""
PART_BLOCKS = 400
"""A request may have 1,000 (developers.notion.com, request limits); fewer are answered sooner."""

_LINK = re.compile(r"\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*\)")
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]*>")
_ATTRIBUTES = re.compile(r"\{(?:[a-z]+=\"[^\"}\n]*\"\s*)+\}\s*$", re.MULTILINE)
_NUMBER = re.compile(r"^[^\S\n]*(?:[>*+-][^\S\n]+)*\d+[.)]\s", re.MULTILINE)
_TASK = re.compile(r"^([^\S\n]*[-*+][^\S\n]+)\[[ xX]\]", re.MULTILINE)
_FENCE_LINE = re.compile(r"^[^\S\n]*(?:`{3,}|~{3,}).*$", re.MULTILINE)
_MARKUP = str.maketrans("", "", string.punctuation + string.whitespace)


def parts(text: str, size_bytes: int = PART_BYTES, blocks: int = PART_BLOCKS) -> list[str]:
    """Split a text into parts that together mean the same; a link that is too long is shown as code after its text.

    Parts are never split inside a block or its children, so one may be larger than requested: see
    `is_too_large`. An empty text has no parts.
    """
    packed: list[list[str]] = []
    bytes_left = blocks_left = 0
    for chunk in chunks(long_links_shown(text).replace("\r\n", "\n").split("\n")):
        size, count = len(chunk.text.encode()) + 1 + chunk.blank_before, chunk.blocks
        if not packed or size > bytes_left or count > blocks_left:
            packed.append([])
            bytes_left, blocks_left = size_bytes, blocks
        packed[-1] += [*([""] * chunk.blank_before if packed[-1] else ()), chunk.text]
        bytes_left, blocks_left = bytes_left - size, blocks_left - count
    return ["\n".join(part) for part in packed]


def is_too_large(part: str, size_bytes: int = PART_BYTES, blocks: int = PART_BLOCKS) -> bool:
    """Return whether a part is a single block that exceeds the limits of a request."""
    found = list(itertools.islice(chunks(part.split("\n")), 2))
    return len(found) == 1 and (found[0].blocks > blocks or len(part.encode()) > size_bytes)


def essence(text: str) -> str:
    """Reduce Markdown to what Notion preserves: its words, without markup, link addresses and the numbers of lists."""
    return _essence(with_numbers(text))


def _essence(text: str) -> str:
    """Return the essence of a part; joined, the essences of all parts are the essence of the text."""
    text = html.unescape(long_links_shown(text))
    text = _TASK.sub(r"\1", _NUMBER.sub("", _FENCE_LINE.sub("", _ATTRIBUTES.sub("", text))))
    return _TAG.sub("", _LINK.sub("]", text)).translate(_MARKUP)


def says_at_end(present: str, text: str) -> bool:
    """Return whether a page with the text `present` ends with `text`."""
    wanted = essence(text)
    return essence(present).endswith(wanted) if wanted else present.rstrip().endswith(text.strip())


def arrived(present: str, pieces: Sequence[str], *, is_all: bool = False) -> int | None:
    """Return how many parts of a text the page ends with, by their essence; the next one may have arrived partly.

    The parts come from a text as `literal` writes it.
    `is_all`: the page must hold nothing else; None if it does.
    """
    sums = list(itertools.accumulate((_essence(piece) for piece in pieces), initial=""))
    # A part without letters, such as a divider, leaves no trace, so it is assumed to be missing.
    told = [count for count in range(len(sums)) if not count or sums[count] != sums[count - 1]]
    for count in reversed(told):
        place = 0 if is_all and present.startswith(sums[count]) else present.rfind(sums[count]) if not is_all else -1
        rest = present[place + len(sums[count]) :]
        following = sums[count + 1] if count < len(pieces) else sums[count]
        if place >= 0 and following.startswith(sums[count] + rest):
            return count
    return None
