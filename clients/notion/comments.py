"""Comments on pages: add, list, delete."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from clients.errors import NotFound, OutcomeUnknown
from clients.listing import ItemList, Json, readable
from clients.notion.api import SERVICE, answered, every, id_in, page_id, reading
from clients.notion.pages import is_created_since
from clients.notion.values import plain_text, rich_text

if TYPE_CHECKING:
    from notion_client import Client


class Comments:
    """Comments that the connection can read and write. Raises only errors of `clients.errors`."""

    def __init__(self, api: Client) -> None:
        self._api = api

    def add(self, page: str, text: str, discussion: str = "") -> Json:
        """Comment on a page, or in the discussion with the id `discussion`: {id, discussion_id, text, ...}."""
        place = {"discussion_id": discussion} if discussion else {"parent": {"page_id": page_id(page)}}
        with reading():
            return _comment(answered(self._api.comments.create(**place, rich_text=rich_text(text))))

    def all(self, page: str, limit: int) -> tuple[ItemList, bool]:
        """List the open comments on a page, oldest first, and return whether there are more."""
        with reading():
            found = list(itertools.islice(every(self._api.comments.list, block_id=page_id(page)), limit + 1))
            return ItemList(readable(found[:limit], _comment)), len(found) > limit

    def find(
        self, page: str, text: str, discussion: str, intended_at: datetime, others: Collection[str] = ()
    ) -> Json | None:
        """Return what `add` returned, if this connection has created a comment with this text since then.

        `others`: ids of comments of other writes, as two with the same text look alike.
        Raises OutcomeUnknown for a discussion that Notion does not list with the page: one on a block of it, or one
        that has been resolved.
        """
        theirs = {id_in(one) or one for one in others}  # an id that a person entered may lack its dashes
        with reading():
            own = str(answered(self._api.users.me())["id"])
            found = list(every(self._api.comments.list, block_id=page_id(page)))
            if discussion and all(each["discussion_id"] != discussion for each in found):
                raise OutcomeUnknown(
                    f"Notion does not list the discussion {discussion!r:.60} with this page: nobody can tell whether "
                    "the comment is in it.",
                    service=SERVICE,
                )
            for each in reversed(found):
                is_own = each["created_by"]["id"] == own and each["id"] not in theirs
                is_fresh = is_created_since(each, intended_at)
                is_there = not discussion or each["discussion_id"] == discussion
                if is_own and is_fresh and is_there and plain_text(each["rich_text"]) == text:
                    return _comment(each)
        return None

    def delete(self, comment_id: str) -> None:
        """Delete a comment; if it is already gone, do nothing."""
        try:
            with reading():
                self._api.comments.delete(comment_id)
        except NotFound:
            return


def _comment(found: Mapping[str, Any]) -> Json:
    return {
        "id": str(found["id"]),
        "discussion_id": str(found["discussion_id"]),
        "text": plain_text(found["rich_text"]),
        "created_by": str(found["created_by"]["id"]),
        "created_at": str(found["created_time"]),
    }
