"""Pages in general: read, create below other pages, append and replace text, move to the trash and restore."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from clients.errors import Conflict
from clients.listing import Json
from clients.notion.api import SERVICE, answered, every, id_in, page_id, reading
from clients.notion.content import Content
from clients.notion.databases import CLOCK_SKEW
from clients.notion.pages import brief, is_created_since, is_edited_since, page_of
from clients.notion.text.markdown import arrived, essence, parts, says_at_end
from clients.notion.values import rich_text
from clients.notion.written import WrittenPages, is_in_trash, left

if TYPE_CHECKING:
    from notion_client import Client

_SIGNATURE = re.compile(r"\?[^\s()<>\"']*X-Amz-[^\s()<>\"']*")
"""The signature in the address of a file stored by Notion, which changes with every request."""
_LONGEST_WRITE = timedelta(minutes=30)
"""The longest time between the first block and the end of a long write."""


class PageTexts:
    """Any page shared with the connection. Raises only errors of `clients.errors`."""

    def __init__(self, api: Client, content: Content, written: WrittenPages) -> None:
        self._api, self._content, self._written = api, content, written

    def get(self, page: str) -> Json:
        """Read a page by id or address: {id, url, title, properties, markdown, truncated, ...}."""
        some_id = page_id(page)
        return {**page_of(self._written.shown(some_id)), **self._content.read(some_id)}

    def version(self, page: str) -> str:
        """Return a text that differs once a page is edited (within Notion's minute), or moved to the trash."""
        found = self._written.shown(page_id(page))
        return "in the trash" if is_in_trash(found) else str(found["last_edited_time"])

    def text(self, page: str) -> Json:
        """Read the text of a page: {id, url, title, markdown, truncated}."""
        some_id = page_id(page)
        return {**brief(self._written.shown(some_id)), **self._content.read(some_id)}

    def fingerprint(self, page_id: str) -> str:
        """Return a fingerprint of a page's text (16 digits), without the changing signatures of files."""
        text = _SIGNATURE.sub("", str(self._content.read(page_id)["markdown"]))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def create(
        self,
        parent: str,
        title: str,
        markdown: str = "",
        begun_at: datetime | None = None,
        others: Collection[str] = (),
    ) -> Json:
        """Create a page below another: {id, url, title, properties}; `begun_at`: finish the one begun then.

        `others`: ids of pages created by other writes.
        """
        above = self._written.shown(page_id(parent))["id"]
        begun = next(self._below(above, title, begun_at, others), None) if begun_at else None
        if begun and self._is_begun(begun, markdown):
            self._content.complete(begun["id"], markdown)
            return left(begun)
        text = self._content.at_creation(markdown)
        values = {"title": {"title": rich_text(title)}}
        with reading():
            made = answered(self._api.pages.create(parent={"page_id": above}, properties=values, **(text or {})))
        if text is None:
            self._content.append(made["id"], markdown)
        return left(made)

    def rewrite(self, page: str, title: str, markdown: str) -> Json:
        """Replace title and text of a page: {id, url, title, properties}; an empty text keeps the old one."""
        found = self._written.shown(page_id(page))
        with reading():
            after = answered(self._api.pages.update(found["id"], properties={"title": {"title": rich_text(title)}}))
        if markdown.strip():
            self._content.complete(found["id"], markdown)
        return left(after)

    def undo(self, written: Mapping[str, Any], markdown: str, done_at: datetime) -> None:
        """Move a page that `create` made (`written`) to the trash. Raises Conflict if it has been changed since."""
        with reading():
            self._written.trash(written, markdown, done_at)

    def find(
        self, parent: str, title: str, markdown: str, intended_at: datetime, others: Collection[str] = ()
    ) -> Json | None:
        """Return what `create` returned, if a page with this title was created there since then and has the full text.

        `others`: ids of pages of other writes, as two with the same title and text look alike.
        """
        wanted = essence(markdown)
        found = self._below(self._written.shown(page_id(parent))["id"], title, intended_at, others)
        whole = (page for page in found if essence(self._content.read(page["id"])["markdown"]) == wanted)
        return next((left(page) for page in whole), None)

    def append(self, page: str, markdown: str, begun_at: datetime | None = None) -> Json:
        """Append text to a page: {id, url, title}; if an attempt began then, only the rest is added."""
        found = self._written.shown(page_id(page))
        is_begun = begun_at is not None and is_edited_since(found, begun_at)
        self._content.append(found["id"], markdown, begun_at if is_begun else None)
        return brief(found)

    def take_out(self, page: str, markdown: str, done_at: datetime) -> None:
        """Remove what an `append`, made at `done_at`, added to a page. Raises Conflict if it has been changed since."""
        self._content.take_out(page, markdown, done_at - _LONGEST_WRITE)

    def find_append(self, page: str, markdown: str, intended_at: datetime) -> Json | None:
        """Return what `append` returned, if the page was changed since then and ends with the text."""
        found = self._written.shown(page_id(page))
        if not is_edited_since(found, intended_at):
            return None
        return brief(found) if says_at_end(self._content.read(found["id"])["markdown"], markdown) else None

    def replace(self, page: str, markdown: str) -> Json:
        """Replace the whole text of a page: {id, url, title, before}; `before` is None if the text was the same."""
        found = self._written.shown(page_id(page))
        before = str(self._content.read(found["id"])["markdown"])
        if essence(before) == essence(markdown) != "":
            return {**brief(found), "before": None}
        if before.strip():
            self._content.complete(found["id"], markdown)
        else:
            self._content.append(found["id"], markdown)
        return {**brief(found), "before": before}

    def put_back(self, page: str, markdown: str, before: str) -> None:
        """Restore the text that a page had before a `replace`. Raises Conflict if it has been changed since."""
        present = essence(self._content.read(page)["markdown"])
        if present == essence(before):
            return
        if present != essence(markdown):
            raise Conflict("The text of the page has been changed since.", service=SERVICE)
        self._content.replace(page, before)

    def trash(self, page: str) -> Json:
        """Move a page to the trash: {id, url, title, changed}; `changed` is false if it was already there."""
        return self._moved(page, in_trash=True)

    def restore(self, page: str) -> Json:
        """Restore a page from the trash: {id, url, title, changed}; `changed` is false if it was not there."""
        return self._moved(page, in_trash=False)

    def trash_again(self, page: str, restored_at: datetime) -> None:
        """Move a restored page back to the trash. Raises Conflict if somebody has edited it."""
        found = self._written.shown(page)
        if is_in_trash(found):
            return
        with reading():
            own = str(answered(self._api.users.me())["id"])
            by = str((found.get("last_edited_by") or {}).get("id") or own)
            is_later = datetime.fromisoformat(found["last_edited_time"]) > restored_at + CLOCK_SKEW
        if by != own or is_later:
            what = f"Page {brief(found)['title']!r:.100}: it has been edited since ({found['last_edited_time']})."
            raise Conflict(what, service=SERVICE)
        self._moved(page, in_trash=True)

    def _moved(self, page: str, *, in_trash: bool) -> Json:
        found = self._written.shown(page_id(page))
        is_changed = is_in_trash(found) != in_trash
        if is_changed:
            with reading():
                self._api.pages.update(found["id"], in_trash=in_trash)
        return {**brief(found), "changed": is_changed}

    def _is_begun(self, page: Json, markdown: str) -> bool:
        present = essence(self._content.read(page["id"])["markdown"])
        return arrived(present, parts(markdown), is_all=True) is not None

    def _below(self, parent_id: str, title: str, since: datetime, others: Collection[str]) -> Iterator[Json]:
        """Yield the child pages with this title that were created since then, except `others`."""
        theirs = {id_in(one) or one for one in others}  # an id that a person entered may be an address
        with reading():
            blocks = list(every(self._api.blocks.children.list, block_id=parent_id))
            for block in blocks:
                is_one = block["type"] == "child_page" and block["child_page"]["title"] == title
                if is_one and block["id"] not in theirs and is_created_since(block, since):
                    yield answered(self._api.pages.retrieve(block["id"]))
