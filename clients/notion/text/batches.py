"""Splits blocks into requests within Notion's limits: 100 in a list, 1,000 in all, two levels of nesting, 500 KB."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from clients.listing import Json
from clients.notion.text.blocks import children_of, with_children

CHILDREN_MOST = 100
BLOCKS_MOST = 1000
BYTES_MOST = 450_000
"""Notion accepts 500 KB; the rest is for the envelope."""
LEVELS_MOST = 2


class Batch(Struct):
    """The blocks of one request, and the blocks that later requests append inside the last of them."""

    sent: list[Json] = field(default_factory=list)
    inside_of_last: list[Json] = field(default_factory=list)


class _Size(Struct, frozen=True):
    blocks: int
    bytes: int
    levels: int
    longest: int
    """The longest list of children."""

    @property
    def fits(self) -> bool:
        """Return whether a block of this size, with its children, fits into one request."""
        is_short = self.longest <= CHILDREN_MOST and self.blocks <= BLOCKS_MOST
        return is_short and self.levels <= LEVELS_MOST and self.bytes <= BYTES_MOST


def batches(blocks: Sequence[Json]) -> Iterator[Batch]:
    """Pack blocks in order; the appended part is always a beginning of the whole."""
    batch, count, weight = Batch(), 0, 0
    for block in blocks:
        size = _size(block)
        sent, inside = (block, []) if size.fits else _opened(block)
        size = size if size.fits else _size(sent)
        is_full = len(batch.sent) == CHILDREN_MOST or count + size.blocks > BLOCKS_MOST
        if batch.sent and (is_full or weight + size.bytes > BYTES_MOST):
            yield batch
            batch, count, weight = Batch(), 0, 0
        batch.sent.append(sent)
        count, weight = count + size.blocks, weight + size.bytes
        if inside:
            batch.inside_of_last = inside
            yield batch
            batch, count, weight = Batch(), 0, 0
    if batch.sent:
        yield batch


def is_opened(block: Json) -> bool:
    """Return whether a block is too large for one request, so that its children are sent later."""
    return not _size(block).fits


def _opened(block: Json) -> tuple[Json, list[Json]]:
    """Return a block without its children, and the children; a table keeps its first row, which Notion requires."""
    inside = children_of(block)
    kept = inside[:1] if block["type"] == "table" else []
    return with_children(block, kept), inside[len(kept) :]


def _size(block: Json) -> _Size:
    children = children_of(block)
    sizes = [_size(child) for child in children]
    # Forty bytes of room: for the list around the children, and commas.
    own = len(json.dumps(with_children(block, []), ensure_ascii=False, separators=(",", ":")).encode()) + 40
    return _Size(
        blocks=1 + sum(size.blocks for size in sizes),
        bytes=own + sum(size.bytes for size in sizes),
        levels=1 + max(size.levels for size in sizes) if sizes else 0,
        longest=max([len(children), *(size.longest for size in sizes)]),
    )
