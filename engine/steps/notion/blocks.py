"""Steps that list the blocks of Notion pages and the users of the workspace, and put files on pages."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from clients.notion.service import CAPTION
from engine.base.run_file import RunFile
from engine.plugins.step import (
    Call,
    Fields,
    JsonValue,
    Output,
    Preview,
    Repeat,
    Written,
    changes_respected,
    content,
    option,
    outside,
)
from engine.plugins.unreadable import UnreadableThing, unreadable_of
from engine.steps.notion.pages import ChangePageFields, ChangesPage, ReadPageFields
from engine.steps.notion.upserting import Reading


class NotionBlock(BaseModel):
    """A block: a paragraph, a heading, a task, a picture; `checked` is null unless it is a task."""

    model_config = ConfigDict(extra="forbid")

    id: str
    type: str
    text: str = outside("Text")
    url: str = outside("Address that it shows")
    checked: bool | None
    has_children: bool
    created_at: str
    last_edited_at: str


class ListBlocksFields(ReadPageFields):
    """The page, or a block whose inner blocks are listed, and the maximum number of blocks."""

    limit: int = option("At most", 100, ge=1, le=5000)


class ListBlocksOutput(Output):
    """The blocks in their order; `unreadable`: blocks that cannot be read; `has_more`: there are more."""

    blocks: list[NotionBlock]
    unreadable: list[UnreadableThing] = Field(default_factory=list)
    has_more: bool


class ListBlocks(Reading):
    """List the blocks of a page one by one; `notion.get_markdown` reads all of its text at once."""

    name = "notion.list_blocks"
    title = "List the blocks of a page"
    fields = ListBlocksFields
    output = ListBlocksOutput

    def call(self, call: Call) -> JsonValue:
        """Return the blocks."""
        blocks, has_more = call.client.finder.blocks(call.fields.page, call.fields.limit)
        return {"blocks": blocks, "unreadable": unreadable_of(call, blocks, "blocks"), "has_more": has_more}


class NotionUser(BaseModel):
    """A person, or a connection (`bot`); the address is empty if this connection may not see it."""

    model_config = ConfigDict(extra="forbid")

    id: str
    name: str = outside("Name")
    kind: str
    email: str = outside("Mail address")


class ListUsersFields(Fields):
    """The maximum number of users."""

    limit: int = option("At most", 100, ge=1, le=5000)


class ListUsersOutput(Output):
    """The users; `unreadable`: those that cannot be read; `has_more`: there are more."""

    users: list[NotionUser]
    unreadable: list[UnreadableThing] = Field(default_factory=list)
    has_more: bool


class ListUsers(Reading):
    """List the people and connections of the workspace; guests are not among them."""

    name = "notion.list_users"
    title = "List users"
    fields = ListUsersFields
    output = ListUsersOutput

    def call(self, call: Call) -> JsonValue:
        """Return the users."""
        users, has_more = call.client.finder.users(call.fields.limit)
        return {"users": users, "unreadable": unreadable_of(call, users, "users"), "has_more": has_more}


class UploadFileFields(ChangePageFields):
    """The page, a file of the run, and its caption."""

    file: RunFile = content("File of the run")
    caption: str = content("Caption", "", limit=CAPTION)


class UploadFileOutput(Output):
    """The block that shows the file; `type` is image, pdf, video, audio or file."""

    id: str
    page: str
    type: str
    name: str = outside("Name")


class UploadFile(ChangesPage):
    """Add a file of the run at the end of a page; pictures and PDF files are displayed there."""

    name = "notion.upload_file"
    title = "Put a file on a page"
    done = "put there"
    repeat = Repeat.FINDABLE
    timeout_seconds = 120.0
    fields = UploadFileFields
    output = UploadFileOutput
    undoes = "removes the file from the page"

    def call(self, call: Call) -> JsonValue:
        """Upload the file, then show it."""
        it: Any = call.fields
        data = call.read(it.file)
        return call.client.files.add(it.page, it.file.name, data, it.file.media_type, it.caption)

    def preview(self, call: Call) -> Preview:
        """Return the name of the file, and the page that it goes to."""
        it = call.fields
        page = call.client.pages.get(it.page)
        return Preview(page["title"], f"{it.file.name} ({it.file.bytes:,} bytes)\n{it.caption}".strip())

    def is_marked(self, fields: Any) -> bool:
        """Return False: a block has no place for a marker."""
        return False

    def find(self, call: Call) -> JsonValue | None:
        """Look for a file of ours with this name on the page."""
        it = call.fields
        name, kind = it.file.name, it.file.media_type
        return call.client.files.find(it.page, name, kind, call.intended_at, call.made_by_others)

    def undo(self, call: Call, written: Written) -> None:
        """Remove the block, unless somebody else has edited it."""
        with changes_respected():
            call.client.files.undo(written.output["id"])
