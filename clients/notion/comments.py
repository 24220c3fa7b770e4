"""Comments on pages: added, listed, taken back."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from clients.errors import NotFound, OutcomeUnknown
from clients.notion.api import SERVICE, answered, every, id_in, page_id, reading
from clients.notion.pages import is_created_since
from clients.notion.values import Json, plain_text, rich_text

if TYPE_CHECKING:
    from notion_client import Client


class Comments:
    """The comments that one connection reads and writes. Raises errors of `clients.errors` only."""

    def __init__(self, api: Client) -> None:
        self._api = api

    def add(self, page: str, text: str, discussion: str = "") -> Json:
        """Comment on a page, or in a discussion of it, whose id `discussion` is: {id, discussion_id, text, ...}."""
        place = {"discussion_id": discussion} if discussion else {"parent": {"page_id": page_id(page)}}
        with reading():
            return _comment(answered(self._api.comments.create(**place, rich_text=rich_text(text))))

    def all(self, page: str, limit: int) -> tuple[list[Json], bool]:
        """List the open comments on a page, the oldest first, and whether there are more."""
        with reading():
            found = list(itertools.islice(every(self._api.comments.list, block_id=page_id(page)), limit + 1))
            return [_comment(each) for each in found[:limit]], len(found) > limit

    def find(
        self, page: str, text: str, discussion: str, intended_at: datetime, others: Collection[str] = ()
    ) -> Json | None:
        """Give what `add` gave, if a comment of this text was made by this connection since then.

        `others`: ids of comments that other writes have made: two of the same text cannot be told apart else.
        Raises OutcomeUnknown for a discussion that Notion does not list with the page: one on a block of it, or one
        that was resolved meanwhile.
        """
        theirs = {id_in(one) or one for one in others}  # one that a person gave may lack its dashes
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
        """Take a comment back; one that is gone already stays gone."""
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
