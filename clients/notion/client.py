"""The Notion client (notion-client): database pages with property values and Markdown text."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime

import httpx

from clients.check_line import CheckLine, failed
from clients.client import Client, Opening
from clients.errors import ServiceError
from clients.listing import Json
from clients.notion.api import NotionApiClock, answered, notion_api, reading
from clients.notion.block_writer import PageFiles
from clients.notion.check import look
from clients.notion.comments import Comments
from clients.notion.content import Content
from clients.notion.databases import Databases
from clients.notion.finding import Finder
from clients.notion.items import DatabasePages
from clients.notion.pacer import REQUESTS_PER_SECOND, Pacer
from clients.notion.references import NotionReferences
from clients.notion.service import NOTION, URL, NotionSettings
from clients.notion.texts import PageTexts
from clients.notion.written import WrittenPages
from clients.pacing.paces import Paces
from clients.wording import counted


class NotionClient(Client):
    """One Notion connection."""

    service = NOTION
    http: httpx.Client

    def __init__(
        self,
        settings: NotionSettings,
        http: httpx.Client,
        paces: Paces | None = None,
        zone: Callable[[], str] = lambda: "UTC",
    ) -> None:
        self.http = http
        self._settings = settings
        self._has_token = bool(settings.token.get_secret_value())
        self.clock = NotionApiClock()
        token = settings.token.get_secret_value()
        self._api = api = notion_api(http, settings.base_url, token, _pacer(settings, paces), self.clock)
        self._databases = Databases(api)
        content, references = Content(api), NotionReferences(api)
        written = WrittenPages(api, content)
        self.items = DatabasePages(api, self._databases, content, references, written, zone)
        self.pages = PageTexts(api, content, written)
        self.comments = Comments(api)
        self.finder = Finder(api, self._databases, references, zone)
        self.schemas, self.files = self._databases, PageFiles(api)
        self._account = self._bot = ""
        self._lock = threading.Lock()

    @classmethod
    def open(cls, settings: NotionSettings, opening: Opening) -> NotionClient:
        """Return a client for these settings."""
        return cls(settings, opening.http(NOTION, settings.base_url), opening.paces, opening.time_zone)

    def account(self) -> str:
        """Return `workspace id:workspace name`; fetched once."""
        with self._lock:
            self._account = self._account or self._workspace()
            return self._account

    def identity(self) -> str:
        """Return the id of the workspace; unlike its name, it never changes."""
        return self.account().partition(":")[0]

    def label(self) -> str:
        """Return the name of the workspace."""
        return self.account().partition(":")[2]

    def bot(self) -> str:
        """Return the id of the connection itself, as in `created_by` and `last_edited_by`."""
        self.account()
        return self._bot

    def _workspace(self) -> str:
        with reading():
            user = answered(self._api.users.me())
            self._bot = str(user["id"])
            bot = user.get("bot") or {}
            return f"{bot.get('workspace_id') or user['id']}:{bot.get('workspace_name') or user.get('name') or ''}"

    def check(self) -> list[CheckLine]:
        """Run the checks that workflows depend on: [(what, ok, sentence)]; raises no service error."""
        if not self._has_token:
            return [
                CheckLine(
                    "sign-in",
                    ok=False,
                    text="There is no token yet. Create one at https://www.notion.so/my-integrations.",
                )
            ]
        try:
            lines = [CheckLine("sign-in", ok=True, text=f"Connected to the workspace {self.label()}.")]
            found = self._databases.all()
        except ServiceError as error:
            return [failed(self.service, "sign-in", error)]
        if found:
            names = ", ".join(source.name for source in found[:5])
            return [
                *lines,
                CheckLine("databases", ok=True, text=f"Shared with it: {counted(len(found), 'database')}, {names}."),
            ]
        remedy = "Open a database in Notion, menu ..., Connections, and add this connection."
        return [*lines, CheckLine("databases", ok=False, text=f"No database is shared with this connection. {remedy}")]

    def look_closer(self, now: datetime) -> Iterator[CheckLine]:
        """Yield lines about the databases."""
        with suppress(httpx.HTTPError):
            yield from look(self._settings, self.http, now)

    def databases(self) -> list[Json]:
        """List the databases for a picker: [{id, name, url}]."""
        return [{"id": each.id, "name": each.name, "url": each.url} for each in self._databases.all()]

    def database(self, database: str) -> Json:
        """Describe a database by name, address or id: {id, url, title, data_sources: [{id, name}]}."""
        return self._databases.database(database)

    def data_source(self, database: str) -> Json:
        """Describe the table in a database: {id, url, title, properties: {name: {type, options, is_read_only}}}."""
        return self._databases.find(database).described()


def _pacer(settings: NotionSettings, paces: Paces | None) -> Pacer | None:
    rate = settings.requests_per_second
    # A stand-in or a proxy may allow more, so only Notion itself is paced unless the settings ask for it.
    if rate is None and settings.base_url == URL:
        rate = REQUESTS_PER_SECOND
    return Pacer(rate, paces, settings.token.get_secret_value()) if rate else None
