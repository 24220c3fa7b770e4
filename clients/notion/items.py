"""Database pages written by one connection: properties, text, and the key of the write that created them.

A long text takes several requests, and the program may stop between any two. Such a page is therefore created with
its key marked as unfinished, and gets the plain key with the last request. A repeated write finds the page by either
key, adds what is missing, and never creates a second page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from clients.errors import Conflict, InvalidRequest, NotFound
from clients.listing import Json
from clients.notion.api import SERVICE, answered, every, is_limit, page_id, reading
from clients.notion.content import SHORT_CHARACTERS, Content
from clients.notion.databases import KEY_PROPERTY, Databases, DataSource
from clients.notion.overflow import fitted, may_overflow, note, told, with_rest
from clients.notion.pages import (
    UNFINISHED,
    brief,
    changed_by,
    held_key,
    is_created_since,
    key_value,
    page_of,
    says,
)
from clients.notion.text.markdown import essence
from clients.notion.values import Schema, from_notion, title_property, to_notion
from clients.notion.whole import whole
from clients.notion.written import is_in_trash, left

if TYPE_CHECKING:
    from notion_client import Client

    from clients.notion.references import NotionReferences
    from clients.notion.written import WrittenPages


class WantedPage(Struct, frozen=True):
    """A page to write: values in Notion's form, its text, and values moved into the text."""

    values: Json
    markdown: str
    note: str

    @property
    def text(self) -> str:
        """The full text of a new page."""
        return "\n\n".join(text for text in (self.markdown, self.note) if text.strip())


class DatabasePages:
    """Creates and changes pages of databases. Raises only errors of `clients.errors`."""

    def __init__(
        self,
        api: Client,
        databases: Databases,
        content: Content,
        references: NotionReferences,
        written: WrittenPages,
        zone: Callable[[], str],
    ) -> None:
        self._api, self._databases, self._content = api, databases, content
        self._references, self._written, self._zone = references, written, zone

    def create(
        self,
        database: str,
        title: str,
        properties: Mapping[str, Any] | None = None,
        markdown: str = "",
        marker: str = "",
    ) -> Json:
        """Create a page in a database: {id, url, title, properties}; `marker` is stored in its `Orchestra key`.

        A page that was begun with this marker and not finished is finished instead.
        """
        # Without a marker, no property is added to a person's database.
        source = self._databases.keyed(database) if marker else self._databases.find(database)
        wanted = self._wanted(source, title, properties, markdown)
        with self._databases.used():
            takes_several = marker and self._content.at_creation(wanted.text) is None
            begun = self._by_key(source, marker, marker + UNFINISHED) if takes_several else None
            page = self._finish(begun, wanted, marker) if begun else self._write_new(source, wanted, marker)
            return left(page)

    def find(self, database: str, marker: str) -> Json | None:
        """Find the finished page with this marker, by a query of the data source."""
        page = self._by_key(self._databases.keyed(database), marker)
        return left(page) if page else None

    def upsert(
        self,
        database: str,
        key: str,
        title: str,
        properties: Mapping[str, Any] | None = None,
        markdown: str = "",
    ) -> Json:
        """Create or update the one page with this `key`: {id, url, title, properties, created}.

        `markdown` replaces its content.
        """
        source = self._databases.keyed(database)
        held = held_key(key)
        wanted = self._wanted(source, title, properties, markdown)
        with self._databases.used():
            page = self._by_key(source, held, held + UNFINISHED)
            if page is None:
                return {**left(self._write_new(source, wanted, held)), "created": True}
            return {**left(self._rewrite(page, wanted, held)), "created": False}

    def with_key(self, database: str, key: str) -> Json | None:
        """Return the page with this `key` and its text: {id, url, title, properties, markdown, …}; None without one."""
        source = self._databases.find(database)
        held = held_key(key)
        page = self._by_key(source, held, held + UNFINISHED) if KEY_PROPERTY in source.schema else None
        return None if page is None else {**page_of(page), **self._content.read(page["id"])}

    def find_upsert(
        self,
        database: str,
        key: str,
        title: str,
        properties: Mapping[str, Any] | None,
        markdown: str,
        intended_at: datetime,
    ) -> Json | None:
        """Return what `upsert` returned, if the page with this key matches fully; None if in doubt, to repeat it."""
        source = self._databases.keyed(database)
        page = self._by_key(source, held_key(key))
        wanted = self._wanted(source, title, properties, markdown)
        if page is None or not says(page, wanted.values):
            return None
        if wanted.text and not self._says_text(page["id"], wanted):
            return None
        return {**left(page), "created": is_created_since(page, intended_at)}

    def rewrite(
        self,
        page: str,
        database: str,
        title: str,
        properties: Mapping[str, Any] | None = None,
        markdown: str = "",
        key: str = "",
    ) -> Json:
        """Replace values and text of a page: {id, url, title, properties}; `key` is stored in its `Orchestra key`.

        Raises NotFound if it is in the trash.
        """
        source = self._databases.keyed(database)
        wanted = self._wanted(source, title, properties, markdown)
        found = self._live(page_id(page))
        with self._databases.used():
            return left(self._rewrite(found, wanted, held_key(key)))

    def update(self, page: str, properties: Mapping[str, Any], title: str = "") -> Json:
        """Set some properties of a page (and the title, if given).

        Returns {id, url, title, properties, before}; `before` has the previous values of the changed properties. Raises
        NotFound if the page is in the trash.
        """
        found = self._live(page_id(page))
        schema = self._schema_of(found)
        fitting, rest = fitted(schema, _given(schema, title, properties))
        values = self._in_notion_s_form(schema, fitting)
        before = changed_by(found, values)
        with self._databases.used():
            after = self._update(found["id"], values) if before else found
            if rest and essence(note(rest)) not in essence(self._content.read(found["id"])["markdown"]):
                self._content.append(found["id"], note(rest))
        return {**left(after), "before": before}

    def told(self, title: str, properties: Mapping[str, Any], database: str = "", page: str = "") -> list[str]:
        """Return what would become of values that do not fit a database, or a page's database, in sentences."""
        if not may_overflow(title, properties):
            return []
        schema = self._databases.find(database).schema if database else self._schema_of(self._live(page_id(page)))
        return told(schema, fitted(schema, _given(schema, title, properties))[1])

    def put_back(self, written: Mapping[str, Any]) -> None:
        """Restore what an `update` changed; `written` is what it returned.

        Raises Conflict if one of these properties was changed since, or the page is no longer shared.
        """
        with reading():
            page = self._written.found(str(written["id"]))
            now = left(page)["properties"]
            before = dict(written["before"])
            if all(now.get(name) == value for name, value in before.items()):
                return
            changed = [name for name in before if now.get(name) != written["properties"].get(name)]
            if changed or is_in_trash(page):
                what = f"Its property {changed[0]!r} has been changed since." if changed else "It is in the trash."
                raise Conflict(f"Page {written['title']!r:.100}: {what}", service=SERVICE)
            self._update(page["id"], to_notion(self._schema_of(page), before))

    def undo(
        self,
        written: Mapping[str, Any],
        database: str,
        title: str,
        properties: Mapping[str, Any],
        markdown: str,
        done_at: datetime,
    ) -> None:
        """Move a page that a write created to the trash; `written` is what that write returned.

        Raises Conflict if somebody has changed it, or it is no longer shared.
        """
        with reading():
            schema = self._databases.find(database).schema
            rest = fitted(schema, _given(schema, title, properties))[1]
            self._written.trash(written, with_rest(markdown, rest), done_at)

    def _live(self, some_id: str) -> Json:
        found = self._written.shown(some_id)
        if is_in_trash(found):
            raise NotFound(
                f"The page {brief(found)['title']!r:.100} is in the trash.",
                service=SERVICE,
                remedy="Restore it first, with the step `notion.restore`.",
            )
        return found

    def _schema_of(self, page: Json) -> Schema:
        """Return the properties of a page: from its data source, or its own."""
        source = page["parent"].get("data_source_id")
        return self._databases.find(source).schema if source else page["properties"]

    def _wanted(
        self, source: DataSource, title: str, properties: Mapping[str, Any] | None, markdown: str
    ) -> WantedPage:
        def made(schema: Schema) -> WantedPage:
            values, rest = fitted(schema, _given(schema, title, properties))
            return WantedPage(self._in_notion_s_form(schema, values), markdown, note(rest))

        try:
            with self._databases.used():
                return made(source.schema)
        except InvalidRequest:  # the cached schema may be outdated; a refusal must be about the current one
            return made(self._databases.find(source.id).schema)

    def _in_notion_s_form(self, schema: Schema, values: Mapping[str, Any]) -> Json:
        return to_notion(schema, self._references.resolved(schema, values), self._zone())

    def _says_text(self, some_id: str, wanted: WantedPage) -> bool:
        present = essence(self._content.read(some_id)["markdown"])
        return present == essence(wanted.text) if wanted.markdown.strip() else essence(wanted.note) in present

    def _by_key(self, source: DataSource, *held: str) -> Json | None:
        """Return the oldest page with one of the keys; a person may have duplicated it."""
        tests = [{"property": KEY_PROPERTY, "rich_text": {"equals": each}} for each in held]
        asked = {
            "filter": {"or": tests} if len(tests) > 1 else tests[0],
            "sorts": [{"timestamp": "created_time", "direction": "ascending"}],
        }
        with self._databases.used():
            found = next(every(self._api.data_sources.query, data_source_id=source.id, **asked), None)
            return None if found is None else whole(self._api, found)

    def _write_new(self, source: DataSource, wanted: WantedPage, held: str) -> Json:
        """Create a page; one whose text needs several requests is marked as unfinished until it is complete."""
        parent = {"type": "data_source_id", "data_source_id": source.id}
        text = self._content.at_creation(wanted.text)
        if text is not None:
            try:
                with reading():
                    values = {**wanted.values, **key_value(held)}
                    return whole(self._api, answered(self._api.pages.create(parent=parent, properties=values, **text)))
            except InvalidRequest as error:
                if len(wanted.text) <= SHORT_CHARACTERS or not is_limit(error):
                    raise
        with reading():
            values = {**wanted.values, **key_value(held, UNFINISHED)}
            page = whole(self._api, answered(self._api.pages.create(parent=parent, properties=values)))
        self._content.append(page["id"], wanted.text)
        return self._update(page["id"], key_value(held)) if held else page

    def _finish(self, page: Json, wanted: WantedPage, held: str) -> Json:
        """Write the missing parts of a page, and the key last, since it marks the page as finished."""
        self._content.complete(page["id"], wanted.text)
        return self._update(page["id"], {**wanted.values, **key_value(held)})

    def _rewrite(self, page: Json, wanted: WantedPage, held: str) -> Json:
        """Replace values and text of a page; with a long text it is marked as unfinished until it is complete."""
        if wanted.markdown.strip() and self._content.at_creation(wanted.text) is None:
            self._update(page["id"], key_value(held, UNFINISHED))
            return self._finish(page, wanted, held)
        page = self._update(page["id"], wanted.values)
        if wanted.markdown.strip():
            self._content.replace(page["id"], wanted.text)
        elif wanted.note and not self._says_text(page["id"], wanted):
            self._content.append(page["id"], wanted.note)
        is_keyed = from_notion(page["properties"]).get(KEY_PROPERTY) == held
        return page if is_keyed else self._update(page["id"], key_value(held))

    def _update(self, some_id: str, values: Json) -> Json:
        with reading():
            return whole(self._api, answered(self._api.pages.update(some_id, properties=values)))


def _given(schema: Schema, title: str, properties: Mapping[str, Any] | None) -> Json:
    """Return the properties to set, including the title if one is given."""
    return {**({title_property(schema): title} if title else {}), **(properties or {})}
