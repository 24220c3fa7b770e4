"""Pages as such: read, made below other pages, their text added to and replaced, into the trash and out of it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from clients.errors import Conflict
from clients.notion.api import SERVICE, answered, every, id_in, page_id, reading
from clients.notion.content import Content
from clients.notion.markdown import arrived, essence, parts, says_at_end
from clients.notion.pages import CLOCK_SKEW, brief, is_created_since, is_edited_since, page_of
from clients.notion.values import Json, rich_text
from clients.notion.written import WrittenPages, is_in_trash, left

if TYPE_CHECKING:
    from notion_client import Client

_SIGNATURE = re.compile(r"\?[^\s()<>\"']*X-Amz-[^\s()<>\"']*")
"""The part of the address of a file kept by Notion that is another one each time it is asked for."""
_LONGEST_WRITE = timedelta(minutes=30)
"""How long before its end a write of a long text may have made its first block."""


class Pages:
    """Any page that is shared with one connection. Raises errors of `clients.errors` only."""

    def __init__(self, api: Client, content: Content, written: WrittenPages) -> None:
        self._api, self._content, self._written = api, content, written

    def get(self, page: str) -> Json:
        """Read a page by id or address: {id, url, title, properties, markdown, truncated, ...}."""
        some_id = page_id(page)
        return {**page_of(self._written.shown(some_id)), **self._content.read(some_id)}

    def text(self, page: str) -> Json:
        """Read what a page says: {id, url, title, markdown, truncated}."""
        some_id = page_id(page)
        return {**brief(self._written.shown(some_id)), **self._content.read(some_id)}

    def fingerprint(self, page_id: str) -> str:
        """Give what tells a page's text from any other (16 digits); signatures of files change by themselves."""
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
        """Make a page below another one: {id, url, title, properties}; `begun_at`: finish what was begun then.

        `others`: ids of pages that other writes have made.
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
        """Let a page say this instead: {id, url, title, properties}; an empty text leaves the old one."""
        found = self._written.shown(page_id(page))
        with reading():
            after = answered(self._api.pages.update(found["id"], properties={"title": {"title": rich_text(title)}}))
        if markdown.strip():
            self._content.complete(found["id"], markdown)
        return left(after)

    def undo(self, written: Mapping[str, Any], markdown: str, done_at: datetime) -> None:
        """Move a page that `create` made (`written`) to the trash. Raises Conflict where it was changed since."""
        with reading():
            self._written.trash(written, markdown, done_at)

    def find(
        self, parent: str, title: str, markdown: str, intended_at: datetime, others: Collection[str] = ()
    ) -> Json | None:
        """Give what `create` gave, if a page of this title was made there since then and says all of the text.

        `others`: ids of pages that other writes have made: two of the same title and text cannot be told apart else.
        """
        wanted = essence(markdown)
        found = self._below(self._written.shown(page_id(parent))["id"], title, intended_at, others)
        whole = (page for page in found if essence(self._content.read(page["id"])["markdown"]) == wanted)
        return next((left(page) for page in whole), None)

    def append(self, page: str, markdown: str, begun_at: datetime | None = None) -> Json:
        """Add text at the end of a page: {id, url, title}; of a text that was begun since then, only the rest."""
        found = self._written.shown(page_id(page))
        is_begun = begun_at is not None and is_edited_since(found, begun_at)
        self._content.append(found["id"], markdown, begun_at if is_begun else None)
        return brief(found)

    def take_out(self, page: str, markdown: str, done_at: datetime) -> None:
        """Take out of a page what an `append`, done then, added to it. Raises Conflict where it was changed since."""
        self._content.take_out(page, markdown, done_at - _LONGEST_WRITE)

    def find_append(self, page: str, markdown: str, intended_at: datetime) -> Json | None:
        """Give what `append` gave, if the page was changed since then and ends with the text."""
        found = self._written.shown(page_id(page))
        if not is_edited_since(found, intended_at):
            return None
        return brief(found) if says_at_end(self._content.read(found["id"])["markdown"], markdown) else None

    def replace(self, page: str, markdown: str) -> Json:
        """Let a page say this and nothing else: {id, url, title, before}; `before` is None where it did."""
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
        """Let a page say again what it said before a `replace`. Raises Conflict where it says something else since."""
        present = essence(self._content.read(page)["markdown"])
        if present == essence(before):
            return
        if present != essence(markdown):
            raise Conflict("What the page says was changed since.", service=SERVICE)
        self._content.replace(page, before)

    def trash(self, page: str) -> Json:
        """Move a page to the trash: {id, url, title, changed}; `changed` is false where it lay there already."""
        return self._moved(page, in_trash=True)

    def restore(self, page: str) -> Json:
        """Take a page out of the trash: {id, url, title, changed}; `changed` is false where it was not in it."""
        return self._moved(page, in_trash=False)

    def trash_again(self, page: str, restored_at: datetime) -> None:
        """Move a page to the trash that was taken out of it then. Raises Conflict where somebody has worked on it."""
        found = self._written.shown(page)
        if is_in_trash(found):
            return
        with reading():
            own = str(answered(self._api.users.me())["id"])
            by = str((found.get("last_edited_by") or {}).get("id") or own)
            is_later = datetime.fromisoformat(found["last_edited_time"]) > restored_at + CLOCK_SKEW
        if by != own or is_later:
            what = f"Page {brief(found)['title']!r:.100}: it was edited since ({found['last_edited_time']})."
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
        """The pages below a page that have this title and were made since then, but not by others."""
        theirs = {id_in(one) or one for one in others}  # one that a person gave may be an address
        with reading():
            blocks = list(every(self._api.blocks.children.list, block_id=parent_id))
            for block in blocks:
                is_one = block["type"] == "child_page" and block["child_page"]["title"] == title
                if is_one and block["id"] not in theirs and is_created_since(block, since):
                    yield answered(self._api.pages.retrieve(block["id"]))
