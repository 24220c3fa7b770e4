"""Appends blocks and files to a page; an interrupted append is continued without duplicates."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from clients.errors import Conflict, InvalidRequest, NotFound
from clients.listing import Json
from clients.notion.api import SERVICE, answered, every, is_limit, page_id, reading
from clients.notion.databases import CLOCK_SKEW
from clients.notion.text.batches import batches, is_opened
from clients.notion.text.blocks import children_of
from clients.notion.text.inline import written
from clients.notion.values import plain_text, rich_text

if TYPE_CHECKING:
    from notion_client import Client

_NOT_TEXT = frozenset({"child_page", "child_database"})


class BlockWriter:
    """Appends through the API of one connection."""

    def __init__(self, api: Client) -> None:
        self._api = api

    def append(self, parent_id: str, blocks: Sequence[Json]) -> None:
        """Append blocks to a page or block, in order."""
        for batch in batches(blocks):
            last = self._send(parent_id, batch.sent)
            if batch.inside_of_last:
                self.append(last, batch.inside_of_last)

    def go_on(self, page_id: str, blocks: Sequence[Json], begun_at: datetime) -> None:
        """Append the blocks that an earlier attempt, which began then, did not write.

        Raises Conflict if somebody has changed what that attempt had written.
        """
        there = [each for each in self._children(page_id) if each["type"] not in _NOT_TEXT]
        fresh = _tail(there, begun_at)
        done = overlap([_said(each) for each in fresh], [_sent(each) for each in blocks])
        self._finish(page_id, blocks, there[len(there) - done :])

    def take_out(self, page_id: str, blocks: Sequence[Json], since: datetime) -> int:
        """Delete the blocks appended last, from the end, as far as they match and are not older.

        Returns how many of them no longer exist.
        """
        fresh = _tail(self._children(page_id), since)
        there = overlap([_said(each) for each in fresh], [_sent(each) for each in blocks])
        # From the end, so that an interruption leaves a beginning, which `overlap` still finds.
        for block in reversed(fresh[len(fresh) - there :]):
            with reading():
                self._api.blocks.delete(block["id"])
        return len(blocks) - there

    def _finish(self, parent_id: str, blocks: Sequence[Json], there: Sequence[Json]) -> None:
        """Append what follows the existing blocks; only the last of these may lack some of its children."""
        if there and is_opened(last := blocks[len(there) - 1]):
            inside = children_of(last)
            present = self._children(there[-1]["id"])
            if [_said(each) for each in present] != [_sent(each) for each in inside[: len(present)]]:
                raise Conflict("Somebody changed the text while it was being written.", service=SERVICE)
            self._finish(there[-1]["id"], inside, present)
        self.append(parent_id, blocks[len(there) :])

    def _send(self, parent_id: str, blocks: Sequence[Json]) -> str:
        """Append blocks in one request, or in several if Notion finds them too large; return the id of the last."""
        try:
            with reading():
                answer = answered(self._api.blocks.children.append(parent_id, children=list(blocks)))
                return str(answer["results"][-1]["id"])
        except InvalidRequest as error:
            if len(blocks) == 1 or not is_limit(error):
                raise
        # Notion does not say how much too large they are, so halves are tried until they fit.
        half = len(blocks) // 2
        self._send(parent_id, blocks[:half])
        return self._send(parent_id, blocks[half:])

    def _children(self, parent_id: str) -> list[Json]:
        with reading():
            found = list(every(self._api.blocks.children.list, block_id=parent_id))
            return [each for each in found if not each.get("in_trash")]


def _tail(there: Sequence[Json], begun_at: datetime) -> list[Json]:
    """Return the last blocks of a page that were created since then."""
    old = [
        number
        for number, block in enumerate(there)
        # Notion rounds times down to the minute; the skew covers that, too.
        if datetime.fromisoformat(block["created_time"]) < begun_at - CLOCK_SKEW
    ]
    return list(there[old[-1] + 1 if old else 0 :])


def overlap(present: Sequence[Any], wanted: Sequence[Any]) -> int:
    """Return how many of the first wanted items are the last present ones (Knuth, Morris, Pratt)."""
    fallback = [0] * len(wanted)
    matched = 0
    for place in range(1, len(wanted)):
        while matched and wanted[place] != wanted[matched]:
            matched = fallback[matched - 1]
        matched += wanted[place] == wanted[matched]
        fallback[place] = matched
    matched = 0
    for thing in present:
        while matched and (matched == len(wanted) or thing != wanted[matched]):
            matched = fallback[matched - 1]
        matched += matched < len(wanted) and thing == wanted[matched]
    return matched


def _said(block: Json) -> tuple[str, str]:
    """Return what identifies a block that Notion returns: its type and its letters."""
    kind = block["type"]
    content = block.get(kind) or {}
    text = plain_text(content.get("rich_text")) + str(content.get("expression") or "")
    text += "".join(plain_text(cell) for cell in content.get("cells") or [])
    # Without blanks, since Notion loses some of them.
    return kind, "".join(text.split())


def _sent(block: Json) -> tuple[str, str]:
    """Return what identifies a block to be sent, as `_said` does for one that Notion returns."""
    kind = block["type"]
    content = block[kind]
    pieces = [*content.get("rich_text", []), *(piece for cell in content.get("cells", []) for piece in cell)]
    text = "".join(written(piece) for piece in pieces) + str(content.get("expression", ""))
    return kind, "".join(text.split())


UPLOAD_MOST = 20 * 1024 * 1024
"""Bytes of a file that is sent in one part (developers.notion.com, Uploading small files)."""
_SHOWN_AS = {"image": "image", "video": "video", "audio": "audio"}


def _kind_of(media_type: str) -> str:
    return "pdf" if media_type == "application/pdf" else _SHOWN_AS.get(media_type.partition("/")[0], "file")


class PageFiles:
    """Files on pages: uploaded, then shown in a block of their own."""

    def __init__(self, api: Client) -> None:
        self._api = api

    def add(self, page: str, name: str, content: bytes, media_type: str, caption: str) -> Json:
        """Upload a file and append it to a page: {id of the block, page, type, name}. Raises InvalidRequest."""
        if not content or len(content) > UPLOAD_MOST:
            raise InvalidRequest(
                f"{name!r} has {len(content):,} bytes; Notion takes 1 to {UPLOAD_MOST:,} at once.",
                service=SERVICE,
                remedy="Shorten it, or put it on a drive and link to it.",
            )
        kind, some_id = _kind_of(media_type), page_id(page)
        with reading():
            made = answered(self._api.file_uploads.create(mode="single_part", filename=name, content_type=media_type))
            answered(self._api.file_uploads.send(made["id"], file=(name, content, media_type)))
            shown: Json = {"type": "file_upload", "file_upload": {"id": made["id"]}, "caption": rich_text(caption)}
            block = {"type": kind, kind: {**shown, **({"name": name} if kind == "file" else {})}}
            answer = answered(self._api.blocks.children.append(some_id, children=[block]))
            return {"id": str(answer["results"][-1]["id"]), "page": some_id, "type": kind, "name": name}

    def find(self, page: str, name: str, media_type: str, since: datetime, others: Collection[str]) -> Json | None:
        """Return what `add` returned, if this connection has put a file of this name on the page since then."""
        kind, some_id = _kind_of(media_type), page_id(page)
        with reading():
            own = str(answered(self._api.users.me())["id"])
            for block in every(self._api.blocks.children.list, block_id=some_id):
                is_one = block["type"] == kind and _file_name(block[kind]) == name and block["id"] not in others
                is_fresh = datetime.fromisoformat(block["created_time"]) >= since - CLOCK_SKEW
                if is_one and is_fresh and block["created_by"]["id"] == own:
                    return {"id": str(block["id"]), "page": some_id, "type": kind, "name": name}
        return None

    def undo(self, block: str) -> None:
        """Delete the block of a file; one that is gone stays so. Raises Conflict if somebody else has edited it."""
        try:
            with reading():
                found = answered(self._api.blocks.retrieve(block))
        except NotFound:
            return
        if found.get("in_trash"):
            return
        if found["last_edited_by"]["id"] != found["created_by"]["id"]:
            raise Conflict("Somebody else has edited it since.", service=SERVICE)
        with reading():
            self._api.blocks.delete(block)


def _file_name(about: Json) -> str:
    """Return the name of a file in a block: only the type `file` has it; for others it is the end of the address."""
    hosted = about.get("file") or {}
    return str(about.get("name") or unquote(urlsplit(str(hosted.get("url") or "")).path.rpartition("/")[2]))
