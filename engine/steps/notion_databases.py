"""Steps that look for pages of Notion, and that tell what a database is."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from engine.step import Call, Fields, JsonValue, Output, destination, option, outside
from engine.steps.notion import Reading
from engine.steps.notion_pages import PageText


class _DatabaseFields(Fields):
    """Which database: its name, its address or its id."""

    database: str = destination("Database", format="notion-database", min_length=1)


class QueryFields(_DatabaseFields):
    """Which pages: `filter` is {property: value}, {property: {condition: value}} or a filter in Notion's own form.

    Conditions are `=`, `!=`, `<`, `<=`, `>`, `>=` or Notion's names (`contains`, `on_or_after`, `is_empty`, ...).
    `sorts` are names, `-` for falling.
    """

    filter: dict[str, Any] = option("Filter", {})
    sorts: list[str | dict[str, Any]] = option("Sort by", [])
    limit: int = option("At most", 25, ge=1, le=10_000)


class QueryOutput(Output):
    """The pages that were found; `has_more` where there are more than asked for."""

    pages: list[PageText]
    has_more: bool


class Query(Reading):
    """Finds pages of a database by their properties."""

    name = "notion.query"
    title = "Find pages"
    timeout_seconds = 120.0
    fields = QueryFields
    output = QueryOutput

    def call(self, call: Call) -> JsonValue:
        """Ask the database, for as many pages of its answer as it takes."""
        it = call.fields
        pages, has_more = call.client.finder.query(it.database, it.filter, it.sorts, it.limit)
        return {"pages": pages, "has_more": has_more}


class SearchFields(Fields):
    """Words of the title (empty: all that is shared), and what is looked for."""

    words: str = option("Words of the title", "")
    kind: Literal["", "page", "database"] = option("Only", "")
    limit: int = option("At most", 25, ge=1, le=1000)


class FoundThing(BaseModel):
    """A page or database that was found."""

    model_config = ConfigDict(extra="forbid")

    id: str
    kind: str
    url: str
    title: str = outside("Title")
    last_edited_at: str


class SearchOutput(Output):
    """What was found, the last edited first; `has_more` where there is more than asked for."""

    results: list[FoundThing]
    has_more: bool


class Search(Reading):
    """Finds pages and databases by their titles; Notion's search may be some minutes behind."""

    name = "notion.search"
    title = "Search pages and databases"
    fields = SearchFields
    output = SearchOutput

    def call(self, call: Call) -> JsonValue:
        """Search."""
        results, has_more = call.client.finder.search(call.fields.words, call.fields.kind, call.fields.limit)
        return {"results": results, "has_more": has_more}


class NamedSource(BaseModel):
    """A data source of a database."""

    model_config = ConfigDict(extra="forbid")

    id: str
    name: str = outside("Name")


class DatabaseOutput(Output):
    """The database, and the data sources (tables) in it; mostly one."""

    id: str
    url: str
    title: str = outside("Title")
    data_sources: list[NamedSource]


class GetDatabase(Reading):
    """Reads what a database is called and which data sources it has."""

    name = "notion.get_database"
    title = "Read a database"
    fields = _DatabaseFields
    output = DatabaseOutput

    def call(self, call: Call) -> JsonValue:
        """Ask for it."""
        return call.client.database(call.fields.database)


class DataSourceOutput(Output):
    """The table: of each property its type, its options, and whether Notion sets it itself."""

    id: str
    url: str
    title: str = outside("Title")
    properties: dict[str, dict[str, Any]] = outside("Properties")


class GetDataSource(Reading):
    """Reads which properties the pages of a database have, of which types, with which options."""

    name = "notion.get_data_source"
    title = "Read the properties of a database"
    fields = _DatabaseFields
    output = DataSourceOutput

    def call(self, call: Call) -> JsonValue:
        """Ask for them."""
        return call.client.data_source(call.fields.database)
