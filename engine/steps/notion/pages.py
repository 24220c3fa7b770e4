"""Steps for existing Notion pages: read them, set properties, move them to the trash and restore them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from engine.plugins.step import (
    FITTED,
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Preview,
    Repeat,
    StepType,
    Written,
    address,
    changes_respected,
    content,
    destination,
    outside,
)
from engine.steps.notion.upserting import LAG_SECONDS, PageOutput, Reading, WrittenPageOutput, page_text


class ReadPageFields(Fields):
    """The page: its id or its address."""

    page: str = destination("Page", format="notion-page", min_length=1)


class ChangePageFields(Fields):
    """The page: its id or its address."""

    page: str = destination("Page", format="notion-page", min_length=1)


class PageText(Output):
    """A page as a query returns it; `properties` are plain values by name."""

    id: str
    url: str = address("Address")
    title: str = outside("Title")
    properties: dict[str, JsonValue] = outside("Properties")
    created_at: str
    last_edited_at: str


class Markdown(Output):
    """The text of a page; `truncated`: Notion does not return all of it.

    `broken_lines`: the number of line breaks caused only by Notion's limit on the size of a block.
    """

    markdown: str = outside("Text (Markdown)")
    truncated: bool
    broken_lines: int


class GetPageOutput(Markdown, PageText):
    """The page and its text; `truncated`: Notion does not return all of it.

    `broken_lines`: the number of line breaks caused only by Notion's limit on the size of a block.
    """


_CUT = "Notion does not return all blocks of the page: the others are not in `markdown`."


def noted(call: Call, page: Mapping[str, JsonValue]) -> JsonValue:
    """Return a page with its text, and leave a note on the call if Notion does not return all of that."""
    call.notes += [_CUT] if page["truncated"] else []
    return dict(page)


class GetPage(Reading):
    """Read a page: its properties and its text."""

    name = "notion.get_page"
    title = "Read a page"
    fields = ReadPageFields
    output = GetPageOutput

    def call(self, call: Call) -> JsonValue:
        """Read the page."""
        return noted(call, call.client.pages.get(call.fields.page))


class ChangesPage(StepType):
    """Base of the steps that write to one page; writes to the same page are serialized."""

    makes = ("a change of an item",)
    service = "notion"
    effect = Effect.WRITES
    repeat: ClassVar[Repeat | None] = Repeat.SAFE
    lag_seconds = LAG_SECONDS

    def target(self, fields: Any) -> str:
        """Return the page."""
        return str(fields.page).strip().lower()

    def preview(self, call: Call) -> Preview:
        """Return the page as it will be, and as it is."""
        page = call.client.pages.get(call.fields.page)
        call.notes += self.fitted(call)
        before, after = self.shown(call.fields, page)
        return Preview(page["title"], after, before, page["id"], call.client.pages.version(call.fields.page))

    def fitted(self, call: Call) -> list[str]:
        """Return what would become of values that are too long."""
        return []

    def shown(self, fields: Any, page: Mapping[str, Any]) -> tuple[str, str]:
        """Return what people see of a page before and after the step."""
        raise NotImplementedError(self.name)


class UpdateItemFields(ChangePageFields):
    """The page, and the properties to set; others stay unchanged, null clears a property."""

    title: str = content("Title", "")
    properties: dict[str, JsonValue] = content("Properties", {}, drops_empty=True)


class UpdateItemOutput(WrittenPageOutput):
    """The page after the change; `before` holds the old values of the changed properties."""

    before: dict[str, JsonValue] = outside("Before")


class UpdateItem(ChangesPage):
    """Set properties of a page by name; others stay unchanged."""

    name = "notion.update_item"
    title = "Update a database item"
    fields = UpdateItemFields
    output = UpdateItemOutput
    tells_fitted = True
    undoes = "restores the earlier values of the properties that it changed"

    def fitted(self, call: Call) -> list[str]:
        """Return what becomes of values that a property cannot hold."""
        it = call.fields
        said: list[str] = call.client.items.told(it.title, it.properties, page=it.page)
        return said

    def shown(self, fields: Any, page: Mapping[str, Any]) -> tuple[str, str]:
        """Return the properties that it sets."""
        present = {name: page["properties"].get(name) for name in fields.properties}
        before = page_text(page["title"], present, "")
        return before, page_text(fields.title or page["title"], fields.properties, "")

    def call(self, call: Call) -> JsonValue:
        """Set the properties."""
        page = call.client.items.update(call.fields.page, call.fields.properties, call.fields.title)
        return {**page, FITTED: self.fitted(call)}

    def why_kept(self, written: Written) -> str:
        """Return a reason if nothing was changed."""
        if written.output.get("before"):
            return super().why_kept(written)
        return "The page already had these values; its earlier ones are not known."

    def undo(self, call: Call, written: Written) -> None:
        """Restore the old values, unless one has been changed since."""
        with changes_respected():
            call.client.items.put_back(written.output)


class MovedPageOutput(PageOutput):
    """The page, and whether this step moved it: it may have been there already."""

    changed: bool


class _MovesPage(ChangesPage):
    """Base of the steps that move a page to the trash or restore it."""

    fields = ChangePageFields
    output = MovedPageOutput

    def shown(self, fields: Any, page: Mapping[str, Any]) -> tuple[str, str]:
        """Return the page, which is moved as it is."""
        text = page_text(page["title"], page["properties"], page["markdown"])
        return text, text

    def why_kept(self, written: Written) -> str:
        """Return a reason if the page was not moved."""
        return super().why_kept(written) if written.output.get("changed") else "The page already existed."


class Archive(_MovesPage):
    """Move a page to the trash, from which it can be restored."""

    name = "notion.archive"
    approval = "always"
    title = "Move a page to the trash"
    done = "in the trash"
    undoes = "restores the page from the trash"

    def call(self, call: Call) -> JsonValue:
        """Move the page."""
        return call.client.pages.trash(call.fields.page)

    def undo(self, call: Call, written: Written) -> None:
        """Restore the page."""
        call.client.pages.restore(written.output["id"])


class Restore(_MovesPage):
    """Restore a page from the trash."""

    name = "notion.restore"
    title = "Restore a page from the trash"
    done = "restored"
    undoes = "moves the page back to the trash"

    def call(self, call: Call) -> JsonValue:
        """Restore the page."""
        return call.client.pages.restore(call.fields.page)

    def undo(self, call: Call, written: Written) -> None:
        """Move the page back to the trash, unless somebody has changed it since."""
        with changes_respected():
            call.client.pages.trash_again(written.output["id"], written.done_at)
