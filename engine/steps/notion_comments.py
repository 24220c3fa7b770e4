"""Steps for comments on pages of Notion."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from engine.step import (
    Call,
    JsonValue,
    Output,
    Repeat,
    Written,
    content,
    destination,
    option,
    outside,
)
from engine.steps.notion import Reading
from engine.steps.notion_pages import ChangePageFields, ChangesPage, ReadPageFields


class Comment(BaseModel):
    """A comment, and the discussion that it is part of."""

    model_config = ConfigDict(extra="forbid")

    id: str
    discussion_id: str
    text: str = outside("Text")
    created_by: str
    created_at: str


class CommentOutput(Comment, Output):
    """The comment that was written."""


class AddCommentFields(ChangePageFields):
    """Which page, and what to say; `discussion` is the id of one that is going on there, empty begins one."""

    text: str = content("Comment", min_length=1, max_length=100_000, widget="text")
    discussion: str = destination("Discussion", "")


class AddComment(ChangesPage):
    """Comments on a page."""

    name = "notion.add_comment"
    title = "Comment on a page"
    repeat = Repeat.FINDABLE
    fields = AddCommentFields
    output = CommentOutput
    undoes = "deletes the comment"

    def call(self, call: Call) -> JsonValue:
        """Write it."""
        return call.client.comments.add(call.fields.page, call.fields.text, call.fields.discussion)

    def is_marked(self, fields: Any) -> bool:
        """A comment has no place for a marker."""
        return False

    def find(self, call: Call) -> JsonValue | None:
        """Look for an own comment of this text among those of the page."""
        it = call.fields
        return call.client.comments.find(it.page, it.text, it.discussion, call.intended_at, call.made_by_others)

    def undo(self, call: Call, written: Written) -> None:
        """Delete it."""
        call.client.comments.delete(written.output["id"])


class ListCommentsFields(ReadPageFields):
    """Which page, and how many comments at most."""

    limit: int = option("At most", 100, ge=1, le=1000)


class ListCommentsOutput(Output):
    """The open comments, the oldest first; `has_more` where there are more than asked for."""

    comments: list[Comment]
    has_more: bool


class ListComments(Reading):
    """Lists the open comments on a page."""

    name = "notion.list_comments"
    title = "List comments on a page"
    fields = ListCommentsFields
    output = ListCommentsOutput

    def call(self, call: Call) -> JsonValue:
        """Ask for them."""
        comments, has_more = call.client.comments.all(call.fields.page, call.fields.limit)
        return {"comments": comments, "has_more": has_more}
