"""Steps that work on Notion: pages of databases, and the text of pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel, ConfigDict

from clients.errors import NotFound
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

_UNDOES = "moves the page that it made to the trash"
_STAYS = "the page in the trash, and the database's property `Orchestra key`"
_GONE = "It was deleted since. `orchestra runs rerun RUN --force` writes it anew."
# Notion answers queries from a consistent store, yet a request that was cut off may still be at work for some seconds.
_LAG_SECONDS = 5.0


class _Database(Fields):
    database: str = destination("Database", format="notion-database", min_length=1)


class PageText(BaseModel):
    """A page as a query gives it; `properties` are plain values by name."""

    model_config = ConfigDict(extra="forbid")

    id: str
    url: str
    title: str = outside("Title")
    properties: dict[str, Any] = outside("Properties")
    created_at: str
    last_edited_at: str


class PageOutput(Output):
    """The page that was written."""

    id: str
    url: str
    title: str = outside("Title")


class WrittenPageOutput(PageOutput):
    """The page that was written, with all that people can set of it, as plain values by name."""

    properties: dict[str, Any] = outside("Properties")


@contextmanager
def _gone_explained() -> Iterator[None]:
    """Say what to do where the page to update is there no more."""
    try:
        yield
    except NotFound as error:
        error.remedy = _GONE
        raise


def _database_of(fields: Any) -> str:
    """Writes to one database go one at a time."""
    return str(fields.database).strip().lower()


class CreatePageFields(_Database):
    """Where the page goes, and what it says; `properties` are plain values by the names in the database."""

    title: str = content("Title", min_length=1)
    properties: dict[str, Any] = content("Properties", {})
    markdown: str = content("Text (Markdown)", "", widget="text")


class CreatePage(StepType):
    """Makes a new page in a database; its property `Orchestra key` tells which write made it."""

    name = "notion.create_page"
    title = "Create a page"
    service = "notion"
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    lag_seconds = _LAG_SECONDS
    fields = CreatePageFields
    output = WrittenPageOutput

    def call(self, call: Call) -> JsonValue:
        """Make it, or finish it where an earlier attempt began it."""
        it = call.fields
        return call.client.create_page(it.database, it.title, it.properties, it.markdown, call.marker)

    def find(self, call: Call) -> JsonValue | None:
        """Look for the finished page with this write's marker."""
        return call.client.find_page(call.fields.database, call.marker)

    undoes = _UNDOES
    stays = _STAYS

    def undo(self, call: Call, written: Written) -> None:
        """Move it to the trash, unless it was changed since."""
        with changes_respected():
            call.client.undo_page(written.output, call.fields.markdown, written.done_at)

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Give the page the new title, properties and text; an empty text leaves the old one."""
        it = call.fields
        with _gone_explained():
            return call.client.update_page(
                written.output["id"], it.database, it.title, it.properties, it.markdown, written.marker
            )

    def target(self, fields: Any) -> str:
        """The database."""
        return _database_of(fields)


class UpsertPageFields(CreatePageFields):
    """Where the page goes, which one it is, and what it says; `markdown` replaces what the page said before."""

    key: str = option("Key: one page for each", min_length=1)


class UpsertPageOutput(WrittenPageOutput):
    """The page that was written, and whether it is new."""

    created: bool


class UpsertPage(StepType):
    """Makes the page with this key, or updates it where it is there already."""

    name = "notion.upsert_page"
    title = "Create or update a page"
    service = "notion"
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    lag_seconds = _LAG_SECONDS
    fields = UpsertPageFields
    output = UpsertPageOutput

    def call(self, call: Call) -> JsonValue:
        """Look the key up, then make or update the page."""
        it = call.fields
        return call.client.upsert_page(it.database, it.key, it.title, it.properties, it.markdown)

    def find(self, call: Call) -> JsonValue | None:
        """Give the page with the key, if it already says all that was asked."""
        it = call.fields
        return call.client.find_upsert(it.database, it.key, it.title, it.properties, it.markdown, call.intended_at)

    undoes = _UNDOES
    stays = _STAYS

    def why_kept(self, written: Written) -> str:
        """A page that was there before is not ours to throw away."""
        if written.output.get("created"):
            return super().why_kept(written)
        return "The page was there before, and what it said then is not known."

    def undo(self, call: Call, written: Written) -> None:
        """Move the page that it made to the trash, unless it was changed since."""
        with changes_respected():
            call.client.undo_page(written.output, call.fields.markdown, written.done_at)

    updates = True

    def update(self, call: Call, written: Written) -> JsonValue:
        """Give the page the new key, title, properties and text; an empty text leaves the old one."""
        it = call.fields
        with _gone_explained():
            page = call.client.update_page(
                written.output["id"], it.database, it.title, it.properties, it.markdown, it.key
            )
        return {**page, "created": False}

    def target(self, fields: Any) -> str:
        """The database."""
        return _database_of(fields)


class QueryFields(_Database):
    """Which pages: `filter` is {property: value} or a filter in Notion's form; `sorts` are names, `-` for falling."""

    filter: dict[str, Any] = option("Filter", {})
    sorts: list[str | dict[str, Any]] = option("Sort by", [])
    limit: int = option("At most", 25, ge=1, le=1000)


class QueryOutput(Output):
    """The pages that were found."""

    pages: list[PageText]


class Query(StepType):
    """Finds pages of a database by their properties."""

    name = "notion.query"
    title = "Find pages"
    service = "notion"
    effect = Effect.READS
    fields = QueryFields
    output = QueryOutput

    def call(self, call: Call) -> JsonValue:
        """Ask the database."""
        it = call.fields
        return {"pages": call.client.query(it.database, it.filter, it.sorts, it.limit)}


class GetPageFields(Fields):
    """Which page: its id or its address."""

    page: str = option("Page", format="notion-page", min_length=1)


class GetPageOutput(PageText, Output):
    """The page and its text; `truncated` where Notion does not give all of it."""

    markdown: str = outside("Text (Markdown)")
    truncated: bool


class GetPage(StepType):
    """Reads a page: its properties and its text."""

    name = "notion.get_page"
    title = "Read a page"
    service = "notion"
    effect = Effect.READS
    fields = GetPageFields
    output = GetPageOutput

    def call(self, call: Call) -> JsonValue:
        """Read it."""
        return call.client.get_page(call.fields.page)


class AppendMarkdownFields(Fields):
    """Which page (id or address), and what to add at its end."""

    page: str = destination("Page", format="notion-page", min_length=1)
    markdown: str = content("Text (Markdown)", min_length=1, widget="text")


class AppendMarkdown(StepType):
    """Adds text at the end of a page."""

    name = "notion.append_markdown"
    title = "Add to a page"
    service = "notion"
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    lag_seconds = _LAG_SECONDS
    fields = AppendMarkdownFields
    output = PageOutput

    def call(self, call: Call) -> JsonValue:
        """Add it, or the rest of it where an earlier attempt began."""
        begun_at = call.intended_at if call.is_again else None
        return call.client.append_markdown(call.fields.page, call.fields.markdown, begun_at)

    def find(self, call: Call) -> JsonValue | None:
        """See whether the page was changed since and ends with the text."""
        return call.client.find_append(call.fields.page, call.fields.markdown, call.intended_at)

    lasts = "Notion does not say which blocks of the page the text became: take them out there."

    def target(self, fields: Any) -> str:
        """The page."""
        return str(fields.page).strip().lower()
