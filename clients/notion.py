"""Notion through notion-client: pages of databases, by property values and Markdown."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import httpx
from pydantic import BaseModel, ConfigDict, SecretStr

from clients.base_url import BaseUrl
from clients.counting import counted
from clients.errors import InvalidRequest, NotFound, ServiceError
from clients.notion_api import SERVICE, answered, every, notion_api, page_id, reading, wrong_layer
from clients.notion_content import SHORT_CHARACTERS, Content, is_limit
from clients.notion_databases import KEY_PROPERTY, Databases, Source
from clients.notion_markdown import essence, missing_after, parts
from clients.notion_pages import (
    UNFINISHED,
    brief,
    held_key,
    is_created_since,
    is_edited_since,
    key_value,
    page_of,
    says,
)
from clients.notion_query import filter_of, sorts_of
from clients.notion_values import Json, from_notion, title_property, to_notion
from clients.notion_written import WrittenPages, is_in_trash, left


class NotionSettings(BaseModel):
    """What `connections.<name>` of a Notion workspace may say in config.yaml."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr = SecretStr("")
    base_url: BaseUrl = "https://api.notion.com"


class NotionClient:
    """One Notion connection. Threads may share it; every method raises errors of `clients.errors` only."""

    service: ClassVar[str] = SERVICE
    Settings = NotionSettings
    key_variables: ClassVar[Mapping[str, str]] = {"token": "NOTION_TOKEN"}
    key_place: ClassVar[str] = "Notion, My integrations (share your pages with it, too)"
    key_url: ClassVar[str] = "https://www.notion.so/my-integrations"
    default_url: ClassVar[str] = "https://api.notion.com"

    def __init__(self, settings: NotionSettings, http: httpx.Client) -> None:
        self._has_token = bool(settings.token.get_secret_value())
        self._api = notion_api(http, settings.base_url, settings.token.get_secret_value())
        self._databases = Databases(self._api)
        self._content = Content(self._api)
        self._written = WrittenPages(self._api, self._content)
        self._account = ""
        self._lock = threading.Lock()

    def account(self) -> str:
        """Give `workspace id:workspace name`; asked once."""
        with self._lock:
            self._account = self._account or self._workspace()
            return self._account

    def identity(self) -> str:
        """Give the id of the workspace: unlike its name, it never changes."""
        return self.account().partition(":")[0]

    def _workspace(self) -> str:
        with reading():
            user = answered(self._api.users.me())
            bot = user.get("bot") or {}
            return f"{bot.get('workspace_id') or user['id']}:{bot.get('workspace_name') or user.get('name') or ''}"

    def check(self) -> list[tuple[str, bool, str]]:
        """Try what workflows need: [(what, ok, sentence)]; raises nothing of the service."""
        if not self._has_token:
            return [("sign-in", False, "There is no token yet. Make one at https://www.notion.so/my-integrations.")]
        try:
            name = self.account().partition(":")[2]
            lines = [("sign-in", True, f"Connected to the workspace {name}.")]
            found = self._databases.all()
        except ServiceError as error:
            return [("sign-in", False, f"{error.message} {error.remedy}")]
        if found:
            names = ", ".join(source.name for source in found[:5])
            return [*lines, ("databases", True, f"Shared with it: {counted(len(found), 'database')}, {names}.")]
        remedy = "Open a database in Notion, menu ..., Connections, and add this connection."
        return [*lines, ("databases", False, f"No database is shared with this connection. {remedy}")]

    def databases(self) -> list[Json]:
        """List the databases for a picker: [{id, name, url}]."""
        return [{"id": each.id, "name": each.name, "url": each.url} for each in self._databases.all()]

    def create_page(
        self,
        database: str,
        title: str,
        properties: Mapping[str, Any] | None = None,
        markdown: str = "",
        marker: str = "",
    ) -> Json:
        """Make a page in a database: {id, url, title, properties}; `marker` is kept in its `Orchestra key`.

        A page that was begun with this marker and not finished is finished instead.
        """
        source = self._databases.keyed(database) if marker else self._databases.find(database)
        values = self._values(source, title, properties)
        with self._databases.used():
            begun = self._by_key(source, marker + UNFINISHED) if marker and len(markdown) > SHORT_CHARACTERS else None
            page = self._rewrite(begun, values, markdown, marker) if begun else None
            return left(page or self._write_new(source, values, markdown, marker))

    def find_page(self, database: str, marker: str) -> Json | None:
        """Look for the finished page with this marker, by a query of the data source."""
        page = self._by_key(self._databases.keyed(database), marker)
        return left(page) if page else None

    def upsert_page(
        self,
        database: str,
        key: str,
        title: str,
        properties: Mapping[str, Any] | None = None,
        markdown: str = "",
    ) -> Json:
        """Make or update the one page that holds `key`: {id, url, title, properties, created}.

        `markdown` replaces its content.
        """
        source = self._databases.keyed(database)
        held = held_key(key)
        values = self._values(source, title, properties)
        with self._databases.used():
            page = self._by_key(source, held, held + UNFINISHED)
            if page is None:
                return {**left(self._write_new(source, values, markdown, held)), "created": True}
            return {**left(self._rewrite(page, values, markdown, held)), "created": False}

    def find_upsert(
        self,
        database: str,
        key: str,
        title: str,
        properties: Mapping[str, Any] | None,
        markdown: str,
        intended_at: datetime,
    ) -> Json | None:
        """Give what `upsert_page` gave, if the page with this key says all of it; doubt is None, to send it again."""
        source = self._databases.keyed(database)
        page = self._by_key(source, held_key(key))
        if page is None or not says(source, page, title, properties or {}):
            return None
        if markdown and essence(self._content.read(page["id"])["markdown"]) != essence(markdown):
            return None
        return {**left(page), "created": is_created_since(page, intended_at)}

    def update_page(
        self,
        page: str,
        database: str,
        title: str,
        properties: Mapping[str, Any] | None = None,
        markdown: str = "",
        key: str = "",
    ) -> Json:
        """Let a page say this instead: {id, url, title, properties}; `key` is what its `Orchestra key` shall hold.

        Raises NotFound where it is in the trash.
        """
        source = self._databases.keyed(database)
        values = self._values(source, title, properties)
        found = self._page(page_id(page))
        if is_in_trash(found):
            raise NotFound(f"The page {brief(found)['title']!r:.100} is in the trash.", service=SERVICE)
        with self._databases.used():
            return left(self._rewrite(found, values, markdown, held_key(key)))

    def undo_page(self, written: Mapping[str, Any], markdown: str, done_at: datetime) -> None:
        """Move a page that a write made (`written`: what that gave, `markdown`: its text) to the trash.

        Raises Conflict where somebody changed it since, or where it is not shown any more.
        """
        with reading():
            self._written.trash(written, markdown, done_at)

    def query(
        self,
        database: str,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - Notion's word
        sorts: Sequence[str | Mapping[str, Any]] = (),
        limit: int = 100,
    ) -> list[Json]:
        """List pages of a database (see `notion_query` for filters and sorts): [{id, url, title, properties, ...}]."""
        source = self._databases.find(database)
        asked: Json = {"sorts": sorts_of(source.schema, sorts)} if sorts else {}
        conditions = filter_of(source.schema, filter or {})
        if conditions:
            asked["filter"] = conditions
        with self._databases.used():
            found = every(self._api.data_sources.query, data_source_id=source.id, **asked)
            return [page_of(each) for each in itertools.islice(found, limit)]

    def get_page(self, page: str) -> Json:
        """Read a page by id or address: {id, url, title, properties, markdown, truncated, ...}."""
        some_id = page_id(page)
        return {**page_of(self._page(some_id)), **self._content.read(some_id)}

    def append_markdown(self, page: str, markdown: str, intended_at: datetime | None = None) -> Json:
        """Add text at the end of a page: {id, url, title}; of a text that was begun since then, only the rest."""
        some_id = page_id(page)
        found = self._page(some_id)
        rest = markdown
        if intended_at and len(markdown) > SHORT_CHARACTERS and is_edited_since(found, intended_at):
            rest = missing_after(self._content.read(some_id)["markdown"], markdown)
        self._content.append(some_id, rest)
        return brief(found)

    def find_append(self, page: str, markdown: str, intended_at: datetime) -> Json | None:
        """Give what `append_markdown` gave, if the page was changed since then and ends with the text."""
        some_id = page_id(page)
        found = self._page(some_id)
        if not is_edited_since(found, intended_at):
            return None
        tail = self._content.read(some_id)["markdown"]
        return None if missing_after(tail, markdown) else brief(found)

    def _page(self, some_id: str) -> Json:
        try:
            with reading():
                return answered(self._api.pages.retrieve(some_id))
        except (NotFound, InvalidRequest) as error:
            raise wrong_layer(self._api, some_id, "page", error) from error

    def _values(self, source: Source, title: str, properties: Mapping[str, Any] | None) -> Json:
        return to_notion(source.schema, {title_property(source.schema): title, **(properties or {})})

    def _by_key(self, source: Source, *held: str) -> Json | None:
        """The oldest page that holds one of the keys; a person may have duplicated it."""
        tests = [{"property": KEY_PROPERTY, "rich_text": {"equals": each}} for each in held]
        asked = {
            "filter": {"or": tests} if len(tests) > 1 else tests[0],
            "sorts": [{"timestamp": "created_time", "direction": "ascending"}],
        }
        with self._databases.used():
            return next(every(self._api.data_sources.query, data_source_id=source.id, **asked), None)

    def _write_new(self, source: Source, values: Json, markdown: str, held: str) -> Json:
        """Make a page; one whose text takes several requests is marked as unfinished until it is whole."""
        parent = {"type": "data_source_id", "data_source_id": source.id}
        if len(parts(markdown)) < 2:
            text = {"markdown": markdown} if markdown.strip() else {}
            try:
                with reading():
                    return answered(
                        self._api.pages.create(parent=parent, properties={**values, **key_value(held)}, **text)
                    )
            except InvalidRequest as error:
                if len(markdown) <= SHORT_CHARACTERS or not is_limit(error):
                    raise
        with reading():
            page = answered(self._api.pages.create(parent=parent, properties={**values, **key_value(held, UNFINISHED)}))
        self._content.append(page["id"], markdown)
        return self._update(page["id"], key_value(held)) if held else page

    def _rewrite(self, page: Json, values: Json, markdown: str, held: str) -> Json:
        """Give a page these values and this text; the key last, so that it says "finished"."""
        page = self._update(page["id"], values)
        if markdown.strip():
            self._content.replace(page["id"], markdown)
        return (
            page
            if from_notion(page["properties"]).get(KEY_PROPERTY) == held
            else self._update(page["id"], key_value(held))
        )

    def _update(self, some_id: str, values: Json) -> Json:
        with reading():
            return answered(self._api.pages.update(some_id, properties=values))
