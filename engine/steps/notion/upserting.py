"""Steps that write whole Notion pages: create them below a page or in a database, or update them by their key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from clients.errors import InvalidRequest
from clients.notion.overflow import titled
from engine.plugins.step import (
    FITTED,
    Call,
    Effect,
    Fields,
    JsonValue,
    Output,
    Preview,
    Prompts,
    Repeat,
    StepType,
    Written,
    address,
    changes_respected,
    content,
    destination,
    gone_explained,
    lines_of,
    outside,
    own,
)

_ONE_PLACE = "Give either a database or a parent page."
# Notion's queries are consistent, but an interrupted request may still be running for some seconds.
LAG_SECONDS = 5.0
TEXT_SECONDS = 300.0
"""A text of a megabyte takes some thirty requests, at three per second, and Notion takes its time for each."""


class Reading(StepType):
    """A step that reads from Notion."""

    service = "notion"
    effect = Effect.READS


class PageOutput(Output):
    """The page that was written."""

    id: str
    url: str = address("Address")
    title: str = outside("Title")


class WrittenPageOutput(PageOutput):
    """The page that was written, with all editable properties as plain values by name."""

    properties: dict[str, JsonValue] = outside("Properties")
    fitted: list[str] = own("What was too long")


class _PageFields(Fields):
    """The content of a page."""

    title: str = content("Title", min_length=1)
    properties: dict[str, JsonValue] = content("Properties", {}, drops_empty=True)
    markdown: str = content("Text (Markdown)", "", widget="text", markup="markdown")


class CreatePageFields(_PageFields):
    """Where to create the page (a database or a parent page), and its content; `properties` by the database's names.

    A time without an offset is one of the workspace's `time_zone`. Lines and numbers stay as they are written: a list
    is one whose numbers begin at 1 and count on, and `28. November` is a paragraph.
    """

    database: str = destination("Database", "", format="notion-database")
    parent: str = destination("Parent page", "", format="notion-page")


class CreateItemFields(_PageFields):
    """Where to create the page, and its content; `properties` are plain values by the database's names.

    A time without an offset is one of the workspace's `time_zone`.
    """

    database: str = destination("Database", format="notion-database", min_length=1)


class UpsertPageFields(CreateItemFields):
    """Where the page goes, its key, and its content; `markdown` replaces the old text."""

    key: str = destination("Key that identifies the page", min_length=1)


class UpsertPageOutput(WrittenPageOutput):
    """The page that was written, and whether it was created."""

    created: bool


def page_text(title: str, properties: Mapping[str, JsonValue], markdown: str) -> str:
    """Return a page as people read it: its title, its properties, its text."""
    return "\n\n".join(part for part in (f"# {title}", lines_of(properties), markdown.strip()) if part)


class _WritesPage(StepType):
    """Base of the steps that write whole pages of a database."""

    makes = ("an item of a database", "a change of an item")
    service = "notion"
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    lag_seconds = LAG_SECONDS
    timeout_seconds = TEXT_SECONDS
    tells_fitted = True
    output: ClassVar[type[Output] | None] = WrittenPageOutput
    undoes = "moves the page that it created to the trash"
    stays = "the page in the trash, and the database's property `Orchestra key`"
    updates = True

    def preview(self, call: Call) -> Preview:
        """Return the new page."""
        it = call.fields
        call.notes += self.told(call)
        return Preview(it.title, page_text(it.title, it.properties, it.markdown))

    def undo(self, call: Call, written: Written) -> None:
        """Move the page it created to the trash, unless it has been changed since."""
        it = call.fields
        with changes_respected():
            call.client.items.undo(written.output, it.database, it.title, it.properties, it.markdown, written.done_at)

    def update(self, call: Call, written: Written) -> JsonValue:
        """Set the new title, properties and text; an empty text keeps the old one."""
        return self._rewritten(call, written, written.marker)

    def target(self, fields: Any) -> str:
        """Serialize writes to the same database."""
        return str(fields.database).strip().lower()

    def _rewritten(self, call: Call, written: Written, key: str) -> dict[str, JsonValue]:
        it = call.fields
        with gone_explained():
            page: dict[str, JsonValue] = call.client.items.rewrite(
                written.output["id"], it.database, it.title, it.properties, it.markdown, key
            )
        return {**page, FITTED: self.told(call)}

    def told(self, call: Call) -> list[str]:
        """Return what becomes of values that a property cannot hold, in sentences."""
        it = call.fields
        said: list[str] = call.client.items.told(it.title, it.properties, it.database)
        return said


class CreateItem(_WritesPage):
    """Create a page in a database; its property `Orchestra key` identifies the write that created it."""

    name = "notion.create_item"
    title = "Create a database item"
    fields = CreateItemFields

    def call(self, call: Call) -> JsonValue:
        """Create the page, or finish it if an earlier attempt was interrupted."""
        it = call.fields
        page = call.client.items.create(it.database, it.title, it.properties, it.markdown, call.marker)
        return {**page, FITTED: self.told(call)}

    def find(self, call: Call) -> JsonValue | None:
        """Look for the finished page with this write's marker."""
        page = call.client.items.find(call.fields.database, call.marker)
        return None if page is None else {**page, FITTED: self.told(call)}


class CreatePage(_WritesPage):
    """Create a page below another page, or in a database, where `Orchestra key` identifies the write."""

    name = "notion.create_page"
    title = "Create a page"
    agreed = "If you agree, this page is created."
    fields = CreatePageFields

    def call(self, call: Call) -> JsonValue:
        """Create the page, or finish it if an earlier attempt was interrupted."""
        it = call.fields
        if bool(it.database) == bool(it.parent):
            raise InvalidRequest(_ONE_PLACE, service="notion")
        if it.database:
            page = call.client.items.create(it.database, it.title, it.properties, it.markdown, call.marker)
            return {**page, FITTED: self.told(call)}
        _check_has_no_properties(it)
        begun_at = call.intended_at if call.is_again else None
        title, text, _ = titled(it.title, it.markdown)
        page = call.client.pages.create(it.parent, title, text, begun_at, call.made_by_others)
        return {**page, FITTED: self.told(call)}

    def find(self, call: Call) -> JsonValue | None:
        """Look for the finished page: by this write's marker or, below a page, by its content."""
        it = call.fields
        if it.database:
            found = call.client.items.find(it.database, call.marker)
        else:
            title, text, _ = titled(it.title, it.markdown)
            found = call.client.pages.find(it.parent, title, text, call.intended_at, call.made_by_others)
        return None if found is None else {**found, FITTED: self.told(call)}

    def told(self, call: Call) -> list[str]:
        """Return what becomes of values that do not fit; a page below a page has only a title."""
        it = call.fields
        return super().told(call) if it.database else titled(it.title, it.markdown)[2]

    def is_marked(self, fields: Any) -> bool:
        """Return False for a page below a page, which has no place for a marker."""
        return bool(fields.database)

    def undo(self, call: Call, written: Written) -> None:
        """Move the page it created to the trash, unless it has been changed since."""
        if call.fields.database:
            super().undo(call, written)
            return
        with changes_respected():
            text = titled(call.fields.title, call.fields.markdown)[1]
            call.client.pages.undo(written.output, text, written.done_at)

    def update(self, call: Call, written: Written) -> JsonValue:
        """Set the new title, properties and text; an empty text keeps the old one."""
        it = call.fields
        if it.database:
            return super().update(call, written)
        title, text, _ = titled(it.title, it.markdown)
        with gone_explained():
            return {**call.client.pages.rewrite(written.output["id"], title, text), FITTED: self.told(call)}

    def target(self, fields: Any) -> str:
        """Return the database, or the parent page."""
        return str(fields.database or fields.parent).strip().lower()

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Prompts) -> list[tuple[str, str]]:
        """Require exactly one place."""
        is_one = bool(arguments.get("database")) != bool(arguments.get("parent"))
        return [] if is_one else [("database", _ONE_PLACE)]


def _check_has_no_properties(fields: Any) -> None:
    if fields.properties:
        raise InvalidRequest(
            f"A page inside another page has no property but its title, so not {next(iter(fields.properties))!r}.",
            service="notion",
            remedy="Leave out `properties`, or give a database instead of `parent`.",
        )


class UpsertPage(_WritesPage):
    """Update the page with this key, or create it if no page has the key."""

    name = "notion.upsert_page"
    title = "Create or update a page"
    fields = UpsertPageFields
    output = UpsertPageOutput

    def call(self, call: Call) -> JsonValue:
        """Look the key up, then update or create the page."""
        it = call.fields
        page = call.client.items.upsert(it.database, it.key, it.title, it.properties, it.markdown)
        return {**page, FITTED: self.told(call)}

    def find(self, call: Call) -> JsonValue | None:
        """Return the page with the key, if its content is already as requested."""
        it = call.fields
        page = call.client.items.find_upsert(
            it.database, it.key, it.title, it.properties, it.markdown, call.intended_at
        )
        return None if page is None else {**page, FITTED: self.told(call)}

    def preview(self, call: Call) -> Preview:
        """Return the page, and how it is now if there is one with this key."""
        it = call.fields
        call.notes += self.told(call)
        page = call.client.items.with_key(it.database, it.key)
        if page is None:
            text = page_text(it.title, it.properties, it.markdown)
            return Preview(it.title, text, None, f"{it.database} {it.key}")
        present = {name: page["properties"].get(name) for name in it.properties}
        before = page_text(page["title"], present, page["markdown"])
        after = page_text(it.title, it.properties, it.markdown if it.markdown.strip() else page["markdown"])
        return Preview(it.title, after, before, page["id"], page["last_edited_at"])

    def why_kept(self, written: Written) -> str:
        """Return a reason if the page existed before: then it is not ours to delete."""
        if written.output.get("created"):
            return super().why_kept(written)
        return "The page already existed, and its earlier content is not known."

    def update(self, call: Call, written: Written) -> JsonValue:
        """Set the new key, title, properties and text; an empty text keeps the old one."""
        return {**self._rewritten(call, written, call.fields.key), "created": False}
