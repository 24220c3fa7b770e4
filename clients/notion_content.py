"""The text of Notion pages, read and written as Markdown of any length."""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

from clients.errors import InvalidRequest, NotFound
from clients.notion_api import answered, reading
from clients.notion_markdown import PART_LINES, parts
from clients.notion_values import Json

if TYPE_CHECKING:
    from notion_client import Client

SHORT_CHARACTERS = 2000
"""A text of this size or less is never refused for its length."""
_LIMIT_WORDS = re.compile(r"length|size|large|long|many|limit|maximum|at most|exceed|≤", re.IGNORECASE)
_UNKNOWN = re.compile(r"<unknown\b[^>]*>")


class Content:
    """Reads and writes the content of pages through the Markdown endpoints."""

    def __init__(self, api: Client) -> None:
        self._api = api

    def read(self, page_id: str) -> Json:
        """Give {markdown, truncated}; blocks that Notion left out of a long page are asked for one by one."""
        with reading():
            found = answered(self._api.pages.retrieve_markdown(page_id))
            text = str(found["markdown"])
            missing = [str(each) for each in found.get("unknown_block_ids") or []]
        loaded = {each: part for each in missing if (part := self._block(each)) is not None}
        text = _UNKNOWN.sub(lambda tag: _in_place(tag[0], loaded), text)
        return {"markdown": text, "truncated": len(loaded) < len(missing)}

    def _block(self, block_id: str) -> str | None:
        """The Markdown of one block; None where it is not shared or has none."""
        try:
            with reading():
                return str(answered(self._api.pages.retrieve_markdown(block_id))["markdown"])
        except (NotFound, InvalidRequest):
            return None

    def append(self, page_id: str, markdown: str) -> None:
        """Add text at the end of a page, in as many requests as its length takes."""
        self._write(page_id, markdown, replaces=False)

    def replace(self, page_id: str, markdown: str) -> None:
        """Replace what the page says; child pages and databases stay, else Notion refuses."""
        self._write(page_id, markdown, replaces=True)

    def _write(self, page_id: str, markdown: str, *, replaces: bool) -> None:
        waiting = deque(parts(markdown))
        while waiting:
            part = waiting.popleft()
            try:
                self._send(page_id, part, replaces=replaces)
                replaces = False
            except InvalidRequest as error:
                lines = min(PART_LINES, part.count("\n") + 1)
                smaller = parts(part, len(part) // 2, max(lines // 2, 5))
                if len(part) <= SHORT_CHARACTERS or len(smaller) < 2 or not is_limit(error):
                    raise
                waiting.extendleft(reversed(smaller))

    def _send(self, page_id: str, part: str, *, replaces: bool) -> None:
        command: Json = (
            {"type": "replace_content", "replace_content": {"new_str": part}}
            if replaces
            else {"type": "insert_content", "insert_content": {"content": part}}
        )
        with reading():
            self._api.pages.update_markdown(page_id, **command)


def is_limit(error: InvalidRequest) -> bool:
    """Tell a refusal for the size of what was sent from any other."""
    return error.http_status == 413 or bool(_LIMIT_WORDS.search(error.message))


def _in_place(tag: str, loaded: dict[str, str]) -> str:
    """The text for an `<unknown url="..."/>` tag whose block was loaded, else the tag."""
    return next((text for block, text in loaded.items() if block.replace("-", "") in tag.replace("-", "")), tag)
