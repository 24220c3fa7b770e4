"""Steps that search for Notion pages, and that describe and create databases."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from clients.notion.service import TITLE
from engine.plugins.step import (
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
    lines_of,
    option,
    outside,
)
from engine.plugins.unreadable import UnreadableThing, unreadable_of
from engine.steps.notion.pages import PageText
from engine.steps.notion.upserting import LAG_SECONDS, Reading


class _DatabaseFields(Fields):
    """The database: its name, its address or its id."""

    database: str = destination("Database", format="notion-database", min_length=1)


class QueryFields(_DatabaseFields):
    """The pages: `filter` is {property: value}, {property: {condition: value}} or a filter in Notion's own format.

    Conditions are `=`, `!=`, `<`, `<=`, `>`, `>=` or Notion's names (`contains`, `on_or_after`, `is_empty`, ...).
    `sorts` are property names, with `-` for descending order.
    """

    filter: dict[str, JsonValue] = option("Filter", {})
    sorts: list[str | dict[str, JsonValue]] = option("Sort by", [])
    limit: int = option("At most", 25, ge=1, le=10_000)


class QueryOutput(Output):
    """The pages found; `unreadable`: those that cannot be read; `has_more`: there are more."""

    pages: list[PageText]
    unreadable: list[UnreadableThing] = Field(default_factory=list)
    has_more: bool


class Query(Reading):
    """Find pages of a database by their properties."""

    name = "notion.query"
    title = "Find pages"
    timeout_seconds = 120.0
    fields = QueryFields
    output = QueryOutput

    def call(self, call: Call) -> JsonValue:
        """Query the database, reading as many result pages as needed."""
        it = call.fields
        pages, has_more = call.client.finder.query(it.database, it.filter, it.sorts, it.limit)
        return {"pages": pages, "unreadable": unreadable_of(call, pages, "pages"), "has_more": has_more}


class SearchFields(Fields):
    """Words of the title (empty: everything that is shared), and the type of object."""

    words: str = destination("Words of the title", "")
    kind: Literal["", "page", "database"] = option("Only", "")
    limit: int = option("At most", 25, ge=1, le=1000)


class FoundThing(BaseModel):
    """A page or database."""

    model_config = ConfigDict(extra="forbid")

    id: str
    kind: str
    url: str = address("Address")
    title: str = outside("Title")
    last_edited_at: str


class SearchOutput(Output):
    """The results, last edited first; `unreadable`: those that cannot be read; `has_more`: there are more."""

    results: list[FoundThing]
    unreadable: list[UnreadableThing] = Field(default_factory=list)
    has_more: bool


class Search(Reading):
    """Find pages and databases by title; Notion's search may be some minutes behind."""

    name = "notion.search"
    title = "Search pages and databases"
    fields = SearchFields
    output = SearchOutput

    def call(self, call: Call) -> JsonValue:
        """Search."""
        results, has_more = call.client.finder.search(call.fields.words, call.fields.kind, call.fields.limit)
        return {"results": results, "unreadable": unreadable_of(call, results, "results"), "has_more": has_more}


class NamedSource(BaseModel):
    """A data source of a database."""

    model_config = ConfigDict(extra="forbid")

    id: str
    name: str = outside("Name")


class DatabaseOutput(Output):
    """The database and its data sources (tables), usually one."""

    id: str
    url: str = address("Address")
    title: str = outside("Title")
    data_sources: list[NamedSource]


class GetDatabase(Reading):
    """Read the name of a database and its data sources."""

    name = "notion.get_database"
    title = "Read a database"
    fields = _DatabaseFields
    output = DatabaseOutput

    def call(self, call: Call) -> JsonValue:
        """Read the database."""
        return call.client.database(call.fields.database)


class DataSourceOutput(Output):
    """The table: each property with its type, its options, and whether Notion sets it itself."""

    id: str
    url: str = address("Address")
    title: str = outside("Title")
    properties: dict[str, dict[str, JsonValue]] = outside("Properties")


class GetDataSource(Reading):
    """Read the properties of a database, with their types and options."""

    name = "notion.get_data_source"
    title = "Read the properties of a database"
    fields = _DatabaseFields
    output = DataSourceOutput

    def call(self, call: Call) -> JsonValue:
        """Read the data source."""
        return call.client.data_source(call.fields.database)


class CreateDatabaseFields(Fields):
    """The parent page, the title, and the properties: {name: type}, or {name: {type, options: [names]}}.

    Types are Notion's, such as `select`, `date` or `checkbox`. If no property has the type `title`, `Name` is added.
    """

    parent: str = destination("Parent page", format="notion-page", min_length=1)
    title: str = content("Title", min_length=1, limit=TITLE)
    properties: dict[str, JsonValue] = option("Properties", {})


class CreateDatabase(StepType):
    """Create a database on a page."""

    name = "notion.create_database"
    title = "Create a database"
    service = "notion"
    effect = Effect.WRITES
    repeat = Repeat.FINDABLE
    lag_seconds = LAG_SECONDS
    fields = CreateDatabaseFields
    output = DatabaseOutput
    undoes = "moves the database to the trash, unless there are pages in it"
    stays = "the database in the trash"

    def call(self, call: Call) -> JsonValue:
        """Create the database."""
        it = call.fields
        return call.client.schemas.create(it.parent, it.title, it.properties)

    def preview(self, call: Call) -> Preview:
        """Return the title and the properties of the database."""
        it = call.fields
        return Preview(it.title, f"# {it.title}\n\n{lines_of(it.properties)}".strip())

    def is_marked(self, fields: Any) -> bool:
        """Return False: a database has no place for a marker."""
        return False

    def find(self, call: Call) -> JsonValue | None:
        """Look for a database with this title on the page."""
        it = call.fields
        return call.client.schemas.find_created(it.parent, it.title, call.intended_at, call.made_by_others)

    def undo(self, call: Call, written: Written) -> None:
        """Move it to the trash, unless there are pages in it or its title was changed."""
        with changes_respected():
            call.client.schemas.undo(written.output)

    def target(self, fields: Any) -> str:
        """Return the parent page."""
        return str(fields.parent).strip().lower()
