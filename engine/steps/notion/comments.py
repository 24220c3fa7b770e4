"""Steps for comments on Notion pages."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from clients.notion.service import COMMENT
from engine.plugins.step import (
    Call,
    JsonValue,
    Output,
    Preview,
    Repeat,
    Written,
    content,
    destination,
    option,
    outside,
)
from engine.plugins.unreadable import UnreadableThing, unreadable_of
from engine.steps.notion.pages import ChangePageFields, ChangesPage, ReadPageFields
from engine.steps.notion.upserting import Reading


class Comment(BaseModel):
    """A comment, and the discussion it belongs to."""

    model_config = ConfigDict(extra="forbid")

    id: str
    discussion_id: str
    text: str = outside("Text")
    created_by: str
    created_at: str


class CommentOutput(Comment, Output):
    """The comment that was written."""


class AddCommentFields(ChangePageFields):
    """The page and the text; `discussion` is the id of an existing discussion, empty to start one."""

    text: str = content("Comment", min_length=1, widget="text", limit=COMMENT)
    discussion: str = destination("Discussion", "")


class AddComment(ChangesPage):
    """Comment on a page."""

    name = "notion.add_comment"
    title = "Comment on a page"
    repeat = Repeat.FINDABLE
    fields = AddCommentFields
    output = CommentOutput
    undoes = "deletes the comment"

    def call(self, call: Call) -> JsonValue:
        """Write the comment."""
        return call.client.comments.add(call.fields.page, call.fields.text, call.fields.discussion)

    def preview(self, call: Call) -> Preview:
        """Return the comment, and the page that it is on."""
        page = call.client.pages.get(call.fields.page)
        return Preview(page["title"], call.fields.text)

    def is_marked(self, fields: Any) -> bool:
        """Return False: a comment has no place for a marker."""
        return False

    def find(self, call: Call) -> JsonValue | None:
        """Look for a comment of ours with this text on the page."""
        it = call.fields
        return call.client.comments.find(it.page, it.text, it.discussion, call.intended_at, call.made_by_others)

    def undo(self, call: Call, written: Written) -> None:
        """Delete the comment."""
        call.client.comments.delete(written.output["id"])


class ListCommentsFields(ReadPageFields):
    """The page, and the maximum number of comments."""

    limit: int = option("At most", 100, ge=1, le=1000)


class ListCommentsOutput(Output):
    """The open comments, oldest first; `unreadable`: comments that cannot be read; `has_more`: there are more."""

    comments: list[Comment]
    unreadable: list[UnreadableThing] = Field(default_factory=list)
    has_more: bool


class ListComments(Reading):
    """List the open comments on a page."""

    name = "notion.list_comments"
    title = "List comments on a page"
    fields = ListCommentsFields
    output = ListCommentsOutput

    def call(self, call: Call) -> JsonValue:
        """Return the comments."""
        comments, has_more = call.client.comments.all(call.fields.page, call.fields.limit)
        return {"comments": comments, "unreadable": unreadable_of(call, comments, "comments"), "has_more": has_more}
