"""Steps for pages of Notion that are there: read, given other properties, put into the trash and taken out of it."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.step import (
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Repeat,
    StepType,
    Written,
    changes_respected,
    content,
    destination,
    option,
    outside,
)
from engine.steps.notion import LAG_SECONDS, PageOutput, Reading, WrittenPageOutput


class ReadPageFields(Fields):
    """Which page: its id or its address."""

    page: str = option("Page", format="notion-page", min_length=1)


class ChangePageFields(Fields):
    """Which page: its id or its address."""

    page: str = destination("Page", format="notion-page", min_length=1)


class PageText(Output):
    """A page as a query gives it; `properties` are plain values by name."""

    id: str
    url: str
    title: str = outside("Title")
    properties: dict[str, Any] = outside("Properties")
    created_at: str
    last_edited_at: str


class Markdown(Output):
    """What a page says; `truncated` where Notion does not give all of it.

    `broken_lines`: so many line ends are only there because a block of Notion was full.
    """

    markdown: str = outside("Text (Markdown)")
    truncated: bool
    broken_lines: int


class GetPageOutput(Markdown, PageText):
    """The page and its text; `truncated` where Notion does not give all of it.

    `broken_lines`: so many line ends are only there because a block of Notion was full.
    """


class GetPage(Reading):
    """Reads a page: its properties and its text."""

    name = "notion.get_page"
    title = "Read a page"
    fields = ReadPageFields
    output = GetPageOutput

    def call(self, call: Call) -> JsonValue:
        """Read it."""
        return call.client.pages.get(call.fields.page)


class ChangesPage(StepType):
    """What the writes to one page have in common: they go one at a time."""

    service = "notion"
    effect = Effect.WRITES
    repeat: ClassVar[Repeat | None] = Repeat.SAFE
    lag_seconds = LAG_SECONDS

    def target(self, fields: Any) -> str:
        """The page."""
        return str(fields.page).strip().lower()


class UpdateItemFields(ChangePageFields):
    """Which page, and what to set of it; what is not named stays as it is, null empties a property."""

    title: str = content("Title", "")
    properties: dict[str, Any] = content("Properties", {})


class UpdateItemOutput(WrittenPageOutput):
    """The page after it; `before` is what the properties said that were changed."""

    before: dict[str, Any] = outside("Before")


class UpdateItem(ChangesPage):
    """Sets properties of a page, by their names, and leaves the others."""

    name = "notion.update_item"
    title = "Update a database item"
    fields = UpdateItemFields
    output = UpdateItemOutput
    undoes = "gives the properties that it changed what they said before"

    def call(self, call: Call) -> JsonValue:
        """Set them."""
        return call.client.items.update(call.fields.page, call.fields.properties, call.fields.title)

    def why_kept(self, written: Written) -> str:
        """Where nothing was changed there is nothing to put back."""
        if written.output.get("before"):
            return super().why_kept(written)
        return "The page said all of it already; what it may have said before is not known."

    def undo(self, call: Call, written: Written) -> None:
        """Give the properties what they said before, unless one was changed since."""
        with changes_respected():
            call.client.items.put_back(written.output)


class MovedPageOutput(PageOutput):
    """The page, and whether this moved it: it may have been there already."""

    changed: bool


class _MovesPage(ChangesPage):
    """What the ways into the trash and out of it have in common."""

    fields = ChangePageFields
    output = MovedPageOutput

    def why_kept(self, written: Written) -> str:
        """What did not happen cannot be taken back."""
        return super().why_kept(written) if written.output.get("changed") else "The page was there before."


class Archive(_MovesPage):
    """Moves a page to the trash, from which it can be restored."""

    name = "notion.archive"
    title = "Move a page to the trash"
    done = "in the trash"
    undoes = "takes the page out of the trash"

    def call(self, call: Call) -> JsonValue:
        """Move it."""
        return call.client.pages.trash(call.fields.page)

    def undo(self, call: Call, written: Written) -> None:
        """Take it out again."""
        call.client.pages.restore(written.output["id"])


class Restore(_MovesPage):
    """Takes a page out of the trash."""

    name = "notion.restore"
    title = "Take a page out of the trash"
    done = "restored"
    undoes = "moves the page to the trash again"

    def call(self, call: Call) -> JsonValue:
        """Move it."""
        return call.client.pages.restore(call.fields.page)

    def undo(self, call: Call, written: Written) -> None:
        """Put it back, unless somebody has worked on it since."""
        with changes_respected():
            call.client.pages.trash_again(written.output["id"], written.done_at)
