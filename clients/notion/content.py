"""The text of Notion pages, read and written as Markdown of any length.

It is sent to Notion's Markdown endpoint. Blocks take over where that endpoint cannot hold a promise: a number for which
no escape is documented, a block larger than a request, a write that was stopped halfway, and an undo.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from clients.errors import Conflict, InvalidRequest, NotFound
from clients.listing import Json
from clients.notion.api import SERVICE, answered, is_limit, reading
from clients.notion.block_writer import BlockWriter
from clients.notion.text.batches import batches
from clients.notion.text.blocks import blocks_of, broken_lines
from clients.notion.text.literal import literal, needs_blocks, plain
from clients.notion.text.markdown import arrived, essence, is_too_large, parts, says_at_end

if TYPE_CHECKING:
    from notion_client import Client

SHORT_CHARACTERS = 2000
"""A text of at most this size is never refused for its length."""
_UNKNOWN = re.compile(r"<unknown\b[^<>]*>")
_EVER = datetime(1970, 1, 2, tzinfo=UTC)


class Content:
    """Reads and writes the content of pages."""

    def __init__(self, api: Client) -> None:
        self._api = api
        self._blocks = BlockWriter(api)

    def read(self, page_id: str) -> Json:
        """Return {markdown, truncated, broken_lines}; what Notion omits from a long page is fetched block by block."""
        with reading():
            found = answered(self._api.pages.retrieve_markdown(page_id))
            text = str(found["markdown"])
            missing = [str(each) for each in found.get("unknown_block_ids") or []]
        loaded = {each: part for each in missing if (part := self._block(each)) is not None}
        text = _UNKNOWN.sub(lambda tag: _in_place(tag[0], loaded), text)
        text = plain(text)
        return {"markdown": text, "truncated": len(loaded) < len(missing), "broken_lines": broken_lines(text)}

    def _block(self, block_id: str) -> str | None:
        """Return the Markdown of one block; None if it is not shared or has none."""
        try:
            with reading():
                return str(answered(self._api.pages.retrieve_markdown(block_id))["markdown"])
        except (NotFound, InvalidRequest):
            return None

    def at_creation(self, markdown: str) -> Json | None:
        """Return the fields that create a page with this text; None if the text needs several requests."""
        if not markdown.strip():
            return {}
        text = literal(markdown)
        if not needs_blocks(text):
            [part, *others] = parts(text)
            return None if others or is_too_large(part) else {"markdown": part}
        [batch, *more] = batches(blocks_of(text))
        return None if more or batch.inside_of_last else {"children": batch.sent}

    def append(self, page_id: str, markdown: str, begun_at: datetime | None = None) -> None:
        """Append text to a page, in as many requests as needed.

        `begun_at` is when an earlier attempt began: only what it did not write is added.
        """
        pieces = parts(literal(markdown))
        start = 0
        if begun_at:
            start = arrived(essence(self.read(page_id)["markdown"]), pieces) or 0
        self._append(page_id, pieces[start:], begun_at)

    def complete(self, page_id: str, markdown: str) -> None:
        """Make a page say exactly this; if it already has the beginning, only the rest is added."""
        pieces = parts(literal(markdown))
        present = essence(self.read(page_id)["markdown"])
        start = arrived(present, pieces, is_all=True)
        if start is None:
            self.replace(page_id, markdown)
        else:
            # All blocks count, however old: they are the beginning of this text.
            self._append(page_id, pieces[start:], _EVER if present else None)

    def replace(self, page_id: str, markdown: str) -> None:
        """Replace the text of a page; child pages and databases are kept, or Notion refuses."""
        pieces = parts(literal(markdown))
        first = pieces[0] if pieces and not needs_blocks(pieces[0]) and not is_too_large(pieces[0]) else ""
        try:
            self._send(page_id, "replace_content", new_str=first)
        except InvalidRequest as error:
            if len(first) <= SHORT_CHARACTERS or not is_limit(error):
                raise
            # Too large after all: the page is emptied first, and all of the text is appended in smaller parts.
            first = ""
            self._send(page_id, "replace_content", new_str="")
        self._append(page_id, pieces[1:] if first else pieces, None)

    def take_out(self, page_id: str, markdown: str, since: datetime) -> None:
        """Remove the text from the end of a page if it was added since then; if it is already gone, do nothing.

        Raises Conflict if the page no longer ends with it, or ends with something merely similar.
        """
        present = self.read(page_id)["markdown"]
        is_whole = says_at_end(present, markdown)
        if not is_whole and essence(markdown) in essence(present):
            raise Conflict("Somebody wrote something after it.", service=SERVICE)
        missing = self._blocks.take_out(page_id, blocks_of(literal(markdown)), since)
        if is_whole and missing:
            raise Conflict("Notion shows the text in different blocks from those written.", service=SERVICE)

    def _append(self, page_id: str, pieces: list[str], begun_at: datetime | None) -> None:
        for number, part in enumerate(pieces):
            self._append_part(page_id, part, None if number else begun_at)

    def _append_part(self, page_id: str, part: str, begun_at: datetime | None) -> None:
        if not needs_blocks(part) and not is_too_large(part):
            try:
                return self._send(page_id, "insert_content", content=part)
            except InvalidRequest as error:
                if len(part) <= SHORT_CHARACTERS or not is_limit(error):
                    raise
        if begun_at:
            return self._blocks.go_on(page_id, blocks_of(part), begun_at)
        return self._blocks.append(page_id, blocks_of(part))

    def _send(self, page_id: str, command: str, **given: str) -> None:
        with reading():
            self._api.pages.update_markdown(page_id, **{"type": command, command: given})


def _in_place(tag: str, loaded: dict[str, str]) -> str:
    """Return the text for an `<unknown url="..."/>` tag whose block was loaded, else the tag."""
    # Ids have dashes in the API, and none in addresses.
    return next((text for block, text in loaded.items() if block.replace("-", "") in tag.replace("-", "")), tag)
