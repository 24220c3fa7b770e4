"""Steps that write whole pages of Notion: made below a page or in a database, or brought up to date by their key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from clients.errors import InvalidRequest
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
    gone_explained,
    option,
    outside,
)

_ONE_PLACE = "Give a database or a page below which it goes, one of the two."
# Notion answers queries from a consistent store, yet a request that was cut off may still be at work for some seconds.
LAG_SECONDS = 5.0
TEXT_SECONDS = 300.0
"""A text of a megabyte takes some thirty requests, at three a second, and Notion thinks over each."""


class Reading(StepType):
    """A step that reads from Notion."""

    service = "notion"
    effect = Effect.READS


class PageOutput(Output):
    """The page that was written."""

    id: str
    url: str
    title: str = outside("Title")


class WrittenPageOutput(PageOutput):
    """The page that was written, with all that people can set of it, as plain values by name."""

    properties: dict[str, Any] = outside("Properties")


class _PageFields(Fields):
    """What a page says."""

    title: str = content("Title", min_length=1)
    properties: dict[str, Any] = content("Properties", {})
    markdown: str = content("Text (Markdown)", "", widget="text")


class CreatePageFields(_PageFields):
    """Where the page goes (a database, or a page above it), and what it says; `properties` by the database's names."""

    database: str = destination("Database", "", format="notion-database")
    parent: str = destination("Below this page", "", format="notion-page")


class CreateItemFields(_PageFields):
    """Where the page goes, and what it says; `properties` are plain values by the names in the database."""

    database: str = destination("Database", format="notion-database", min_length=1)


class UpsertPageFields(CreateItemFields):
    """Where the page goes, which one it is, and what it says; `markdown` replaces what the page said before."""

    key: str = option("Key: one page for each", min_length=1)


class UpsertPageOutput(WrittenPageOutput):
    """The page that was written, and whether it is new."""

    created: bool


class _WritesPage(StepType):
    """What the writes of whole pages of a database have in common."""

    service = "notion"
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    lag_seconds = LAG_SECONDS
    timeout_seconds = TEXT_SECONDS
    output: ClassVar[type[Output] | None] = WrittenPageOutput
    undoes = "moves the page that it made to the trash"
    stays = "the page in the trash, and the database's property `Orchestra key`"
    updates = True

    def undo(self, call: Call, written: Written) -> None:
        """Move the page that it made to the trash, unless it was changed since."""
        it = call.fields
        with changes_respected():
            call.client.items.undo(written.output, it.database, it.title, it.properties, it.markdown, written.done_at)

    def update(self, call: Call, written: Written) -> JsonValue:
        """Give the page the new title, properties and text; an empty text leaves the old one."""
        return self._rewritten(call, written, written.marker)

    def target(self, fields: Any) -> str:
        """Writes to one database go one at a time."""
        return str(fields.database).strip().lower()

    @staticmethod
    def _rewritten(call: Call, written: Written, key: str) -> dict[str, JsonValue]:
        it = call.fields
        with gone_explained():
            page: dict[str, JsonValue] = call.client.items.rewrite(
                written.output["id"], it.database, it.title, it.properties, it.markdown, key
            )
        return page


class CreateItem(_WritesPage):
    """Makes a new page in a database; its property `Orchestra key` tells which write made it."""

    name = "notion.create_item"
    title = "Create a database item"
    fields = CreateItemFields

    def call(self, call: Call) -> JsonValue:
        """Make it, or finish it where an earlier attempt began it."""
        it = call.fields
        return call.client.items.create(it.database, it.title, it.properties, it.markdown, call.marker)

    def find(self, call: Call) -> JsonValue | None:
        """Look for the finished page with this write's marker."""
        return call.client.items.find(call.fields.database, call.marker)


class CreatePage(_WritesPage):
    """Makes a new page, in a database (where `Orchestra key` tells which write made it) or below another page."""

    name = "notion.create_page"
    title = "Create a page"
    fields = CreatePageFields

    def call(self, call: Call) -> JsonValue:
        """Make it, or finish it where an earlier attempt began it."""
        it = call.fields
        if bool(it.database) == bool(it.parent):
            raise InvalidRequest(_ONE_PLACE, service="notion")
        if it.database:
            return call.client.items.create(it.database, it.title, it.properties, it.markdown, call.marker)
        _check_has_no_properties(it)
        begun_at = call.intended_at if call.is_again else None
        return call.client.pages.create(it.parent, it.title, it.markdown, begun_at, call.made_by_others)

    def find(self, call: Call) -> JsonValue | None:
        """Look for the finished page: by this write's marker, below a page by what it says."""
        it = call.fields
        if it.database:
            return call.client.items.find(it.database, call.marker)
        return call.client.pages.find(it.parent, it.title, it.markdown, call.intended_at, call.made_by_others)

    def is_marked(self, fields: Any) -> bool:
        """A page below a page has no place for a marker."""
        return bool(fields.database)

    def undo(self, call: Call, written: Written) -> None:
        """Move the page that it made to the trash, unless it was changed since."""
        if call.fields.database:
            super().undo(call, written)
            return
        with changes_respected():
            call.client.pages.undo(written.output, call.fields.markdown, written.done_at)

    def update(self, call: Call, written: Written) -> JsonValue:
        """Give the page the new title, properties and text; an empty text leaves the old one."""
        it = call.fields
        if it.database:
            return super().update(call, written)
        with gone_explained():
            return call.client.pages.rewrite(written.output["id"], it.title, it.markdown)

    def target(self, fields: Any) -> str:
        """The database, or the page above."""
        return str(fields.database or fields.parent).strip().lower()

    def problems(self, arguments: Mapping[str, JsonValue], prompts: Mapping[str, Any]) -> list[tuple[str, str]]:
        """A page has one place."""
        is_one = bool(arguments.get("database")) != bool(arguments.get("parent"))
        return [] if is_one else [("database", _ONE_PLACE)]


def _check_has_no_properties(fields: Any) -> None:
    if fields.properties:
        raise InvalidRequest(
            f"A page below a page has no properties but its title, so none called {next(iter(fields.properties))!r}.",
            service="notion",
            remedy="Leave out `properties`, or give a database instead of `parent`.",
        )


class UpsertPage(_WritesPage):
    """Makes the page with this key, or updates it where it is there already."""

    name = "notion.upsert_page"
    title = "Create or update a page"
    fields = UpsertPageFields
    output = UpsertPageOutput

    def call(self, call: Call) -> JsonValue:
        """Look the key up, then make or update the page."""
        it = call.fields
        return call.client.items.upsert(it.database, it.key, it.title, it.properties, it.markdown)

    def find(self, call: Call) -> JsonValue | None:
        """Give the page with the key, if it already says all that was asked."""
        it = call.fields
        return call.client.items.find_upsert(
            it.database, it.key, it.title, it.properties, it.markdown, call.intended_at
        )

    def why_kept(self, written: Written) -> str:
        """A page that was there before is not ours to throw away."""
        if written.output.get("created"):
            return super().why_kept(written)
        return "The page was there before, and what it said then is not known."

    def update(self, call: Call, written: Written) -> JsonValue:
        """Give the page the new key, title, properties and text; an empty text leaves the old one."""
        return {**self._rewritten(call, written, call.fields.key), "created": False}
