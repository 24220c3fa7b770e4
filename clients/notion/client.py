"""Notion through notion-client: pages of databases, by property values and Markdown."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import ClassVar

import httpx
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from clients.base_url import BaseUrl
from clients.counting import counted
from clients.errors import ServiceError
from clients.notion.api import SERVICE, answered, notion_api, reading
from clients.notion.comments import Comments
from clients.notion.content import Content, Way
from clients.notion.databases import Databases
from clients.notion.finding import Finder
from clients.notion.items import Items
from clients.notion.pacing import REQUESTS_PER_SECOND, Pacer
from clients.notion.references import References
from clients.notion.service_clock import ServiceClock
from clients.notion.texts import Pages
from clients.notion.values import Json
from clients.notion.written import WrittenPages

_NOTION_ITSELF = "https://api.notion.com"


class NotionSettings(BaseModel):
    """What `connections.<name>` of a Notion workspace may say in config.yaml."""

    model_config = ConfigDict(extra="forbid")

    token: SecretStr = SecretStr("")
    base_url: BaseUrl = _NOTION_ITSELF
    write_as: Way = "markdown"
    requests_per_second: float | None = Field(None, gt=0, le=1000)
    """Three where none is given; a server that is not Notion's own, such as the demo, has no limit then."""


class NotionClient:
    """One Notion connection. Threads may share it; every method raises errors of `clients.errors` only."""

    service: ClassVar[str] = SERVICE
    Settings = NotionSettings
    key_variables: ClassVar[Mapping[str, str]] = {"token": "NOTION_TOKEN"}
    key_place: ClassVar[str] = "Notion, My integrations (share your pages with it, too)"
    key_url: ClassVar[str] = "https://www.notion.so/my-integrations"
    default_url: ClassVar[str] = _NOTION_ITSELF

    def __init__(self, settings: NotionSettings, http: httpx.Client) -> None:
        self._has_token = bool(settings.token.get_secret_value())
        self.clock = ServiceClock()
        token = settings.token.get_secret_value()
        self._api = api = notion_api(http, settings.base_url, token, _pacer(settings), self.clock)
        self._databases = Databases(api)
        content, references = Content(api, settings.write_as), References(api)
        written = WrittenPages(api, content)
        self.items = Items(api, self._databases, content, references, written)
        self.pages = Pages(api, content, written)
        self.comments = Comments(api)
        self.finder = Finder(api, self._databases, references)
        self._account = self._bot = ""
        self._lock = threading.Lock()

    def account(self) -> str:
        """Give `workspace id:workspace name`; asked once."""
        with self._lock:
            self._account = self._account or self._workspace()
            return self._account

    def identity(self) -> str:
        """Give the id of the workspace: unlike its name, it never changes."""
        return self.account().partition(":")[0]

    def bot(self) -> str:
        """Give the id of the connection itself, as `created_by` and `last_edited_by` name it."""
        self.account()
        return self._bot

    def _workspace(self) -> str:
        with reading():
            user = answered(self._api.users.me())
            self._bot = str(user["id"])
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

    def database(self, database: str) -> Json:
        """Describe a database by name, address or id: {id, url, title, data_sources: [{id, name}]}."""
        return self._databases.database(database)

    def data_source(self, database: str) -> Json:
        """Describe the table in a database: {id, url, title, properties: {name: {type, options, is_read_only}}}."""
        return self._databases.find(database).described()


def _pacer(settings: NotionSettings) -> Pacer | None:
    rate = settings.requests_per_second
    if rate is None and settings.base_url == _NOTION_ITSELF:
        rate = REQUESTS_PER_SECOND
    return Pacer(rate) if rate else None
