"""Markdown for Notion: cut into parts that its limits allow, and recognised again after Notion has rewritten it."""

from __future__ import annotations

import html
import itertools
import re
import string
from collections.abc import Sequence

from clients.notion.chunks import chunks
from clients.notion.inline import long_links_shown

PART_BYTES = 100_000
"""Far below Notion's 500 KB a request."""
PART_BLOCKS = 400
"""A request takes 1,000 (developers.notion.com, request limits); fewer are answered sooner."""

_LINK = re.compile(r"\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*\)")
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]*>")
_ATTRIBUTES = re.compile(r"\{(?:[a-z]+=\"[^\"}\n]*\"\s*)+\}\s*$", re.MULTILINE)
_NUMBER = re.compile(r"^[^\S\n]*(?:[>*+-][^\S\n]+)*\d+[.)]\s", re.MULTILINE)
_TASK = re.compile(r"^([^\S\n]*[-*+][^\S\n]+)\[[ xX]\]", re.MULTILINE)
_FENCE_LINE = re.compile(r"^[^\S\n]*(?:`{3,}|~{3,}).*$", re.MULTILINE)
_MARKUP = str.maketrans("", "", string.punctuation + string.whitespace)


def parts(text: str, size_bytes: int = PART_BYTES, blocks: int = PART_BLOCKS) -> list[str]:
    """Cut a text into parts that, one after the other, mean the same; what no link can hold is shown beside it.

    A cut never lies inside of a block or of what is nested in it, so a part may be larger than asked: see
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
    """Tell whether a part is one block with more in it than a request takes."""
    found = list(itertools.islice(chunks(part.split("\n")), 2))
    return len(found) == 1 and (found[0].blocks > blocks or len(part.encode()) > size_bytes)


def essence(text: str) -> str:
    """Reduce Markdown to what Notion keeps of it: what it says, without markup, addresses of links and numbering.

    Line by line: the essence of a text is that of its lines, one after the other.
    """
    text = html.unescape(long_links_shown(text))
    text = _TASK.sub(r"\1", _NUMBER.sub("", _FENCE_LINE.sub("", _ATTRIBUTES.sub("", text))))
    return _TAG.sub("", _LINK.sub("]", text)).translate(_MARKUP)


def says_at_end(present: str, text: str) -> bool:
    """Tell whether a page that says `present` ends with a text."""
    wanted = essence(text)
    return essence(present).endswith(wanted) if wanted else present.rstrip().endswith(text.strip())


def arrived(present: str, pieces: Sequence[str], *, is_all: bool = False) -> int | None:
    """How many parts of a text the end of a page holds, by its essence: the next one may have arrived in part.

    `is_all`: the page holds nothing else; None where it does.
    """
    sums = list(itertools.accumulate((essence(piece) for piece in pieces), initial=""))
    # Nobody can see of a part without a letter, such as a line, whether it arrived: it is taken for missing.
    told = [count for count in range(len(sums)) if not count or sums[count] != sums[count - 1]]
    for count in reversed(told):
        place = 0 if is_all and present.startswith(sums[count]) else present.rfind(sums[count]) if not is_all else -1
        rest = present[place + len(sums[count]) :]
        following = sums[count + 1] if count < len(pieces) else sums[count]
        if place >= 0 and following.startswith(sums[count] + rest):
            return count
    return None
