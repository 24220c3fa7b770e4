"""New and changed pages of a Notion database."""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from msgspec.structs import replace
from pydantic import Field

from clients.listing import UnreadableItem
from engine.base.clock import moment_of, timestamp
from engine.base.json_text import JsonObject
from engine.plugins.step import Fields, JsonValue, Output, address, destination, option, outside
from engine.plugins.trigger import Found, Item, Look, TriggerType, unreadable_item
from engine.triggers.notion_texts import Texts

OVERLAP = timedelta(minutes=10)
"""Changes of this period are listed again: Notion's times are in minutes, and its clock is not ours."""
_A_DAY = timedelta(days=1)
_BEFORE = "it already existed"
_OWN = "a workflow wrote it"
_TIMES = {"created_time": "created_at", "last_edited_time": "last_edited_at"}
"""Notion's names of times -> ours."""
_ADDED = "it was added, not changed"

Page = JsonObject


class ItemsFields(Fields):
    """The database, and which pages count."""

    database: str = destination("Database", format="notion-database", min_length=1)
    include_own: bool = option("Also what a workflow wrote", default=False)


class NotionItem(Output):
    """A page of the database; `properties` are plain values by name."""

    id: str = Field(title="Its id")
    url: str = address("Address")
    title: str = outside("Title")
    properties: dict[str, JsonValue] = outside("Properties")
    created_at: str = Field(title="When it was made, to the minute")
    last_edited_at: str = Field(title="When it was changed last, to the minute")
    created_by: str = Field(title="Who made it (an id)")
    last_edited_by: str = Field(title="Who changed it last (an id)")


class _Items(TriggerType):
    """Base of both database triggers: lists by time with an overlap, without known pages."""

    service = "notion"
    fields = ItemsFields
    item = NotionItem
    moment: ClassVar[Literal["created_time", "last_edited_time"]]
    """The time by which pages are listed."""

    def source(self, fields: ItemsFields) -> str:
        """Return the database: another database has other pages."""
        return fields.database.strip().casefold()

    def look(self, look: Look) -> Found:
        """List the pages created or changed since the cursor: {since: a time from Notion, texts (see `Texts`)}."""
        if look.cursor is None:
            return self._first(look)
        since = moment_of(look.cursor["since"])
        own = look.client.bot()
        items: list[Item] = []
        texts = Texts(look)
        for page in look.client.finder.changed_since(look.fields.database, self.moment, since - OVERLAP):
            if len(items) >= look.limit:
                return Found(items, _cursor(since, texts.cursor(has_more=True)), has_more=True)
            if isinstance(page, UnreadableItem):
                items += [unreadable_item(one) for one in self._unseen(look, page)]
                continue
            items += self._listed(look, page, own, texts)
            since = max(since, self._time_of(page))
        return Found(items, _cursor(since, texts.cursor(has_more=False)))

    @abstractmethod
    def _states(self, page: Page, texts: Texts) -> list[tuple[str, str]]:
        """Return a listed page's known states: [(id, why it starts no run)]; the last is the item itself.

        Return an empty list if the page has to wait.
        """

    @abstractmethod
    def _is_own(self, page: Page, own: str) -> bool:
        """Tell whether a workflow did it; `own` is the id of the connection."""

    def _listed(self, look: Look, page: Page, own: str, texts: Texts) -> Iterator[Item]:
        """Yield the unseen items of a page."""
        states = self._states(page, texts)
        unseen = set(look.unseen([some_id for some_id, _ in states]))
        is_new = bool(states) and states[0][0] in unseen
        for some_id, skip in states:
            if some_id in unseen:
                own_skip = _OWN if self._is_own(page, own) and not look.fields.include_own else ""
                yield self._item(page, some_id, (skip if is_new else "") or own_skip)

    def _unseen(self, look: Look, page: UnreadableItem) -> list[UnreadableItem]:
        """Return an unreadable page if it is not known; each change of it is a separate item."""
        is_change = self.moment == "last_edited_time" and isinstance(page.raw, Mapping)
        when = page.raw.get(self.moment, "") if is_change else ""
        named = replace(page, id=f"{page.id}:{when}" if when else page.id)
        return [named] if look.unseen([named.id]) else []

    def _item(self, page: Page, some_id: str, skip: str) -> Item:
        value = {name: page[name] for name in NotionItem.model_fields}
        return Item(some_id, value, str(page["title"]) or "Untitled", self._time_of(page), skip)

    def _time_of(self, page: Page) -> datetime:
        return moment_of(page[_TIMES[self.moment]])

    def _first(self, look: Look) -> Found:
        """List pages that do not count, as skipped; the next poll lists the rest."""
        counting, since = self._counting(look)
        known, texts = {page["id"] for page in counting}, Texts(look)
        before = look.client.finder.changed_since(look.fields.database, self.moment, since - OVERLAP)
        skipped: list[Item] = []
        for page in before:
            if isinstance(page, UnreadableItem):
                skipped += [Item(one.id, title=one.title, skip=_BEFORE) for one in self._unseen(look, page)]
            elif page["id"] not in known:
                skipped += [self._item(page, some_id, _BEFORE) for some_id, _ in self._states(page, texts)]
        return Found(skipped, _cursor(since, texts.cursor(has_more=False)), has_more=bool(counting))

    def _counting(self, look: Look) -> tuple[Sequence[Page], datetime]:
        """Return the pages that count as new at the first poll, and the time from which to poll."""
        start, finder, database = look.start, look.client.finder, look.fields.database
        if start.since is not None:
            minute = start.since.replace(second=0, microsecond=0)
            pages = finder.changed_since(database, self.moment, minute)
            return [page for page in pages if not isinstance(page, UnreadableItem)], minute
        # By Notion's clock, not ours: if there is no page yet, any time certainly in the past will do.
        newest = finder.newest(database, self.moment, start.last or 1)
        since = min((self._time_of(page) for page in newest), default=look.now - _A_DAY)
        return ([] if start.is_now else newest), since


class ItemAdded(_Items):
    """Starts a run for each new page in a database.

    Pages that a workflow or this connection created are left out by default. A page that is moved into the database or
    restored from the trash counts by its time of creation.
    """

    name = "notion.item_added"
    title = "A new item in a Notion database"
    happens = "an item is added to a Notion database"
    watches = "an item of a database"
    moment = "created_time"

    def _states(self, page: Page, texts: Texts) -> list[tuple[str, str]]:
        return [(str(page["id"]), "")]

    def _is_own(self, page: Page, own: str) -> bool:
        return bool(page["key"]) or page["created_by"] == own


class ItemUpdated(_Items):
    """Starts a run for each change of a page in a database, but not for its creation.

    Changes by this connection, and so by workflows, are left out by default. Notion records only the minute of a
    change: several changes within one minute count as one, unless a property or the text differs at the next poll. To
    detect that, the poll reads the texts of pages changed in the current minute, 20 at most; others count once their
    minute is over. Notion records only who changed a page last: a person's change is missed if a workflow changes the
    page before the next poll.
    """

    name = "notion.item_updated"
    title = "A changed item in a Notion database"
    happens = "an item of a Notion database changes"
    watches = "a change of an item"
    moment = "last_edited_time"

    def _states(self, page: Page, texts: Texts) -> list[tuple[str, str]]:
        text = texts.part(page)
        if text is None:
            return []
        state = f"{page['id']}:{page['last_edited_at']}:{_digest(page['properties'])}" + (f":{text}" if text else "")
        if page["created_at"] != page["last_edited_at"]:
            return [(state, "")]
        return [(f"{page['id']}:added", _ADDED), (state, _ADDED)]

    def _is_own(self, page: Page, own: str) -> bool:
        return bool(page["last_edited_by"] == own)


def _cursor(since: datetime, texts: JsonValue) -> JsonValue:
    return {"since": timestamp(since), **({"texts": texts} if texts else {})}


def _digest(properties: JsonValue) -> str:
    """Return a fingerprint of properties, without file addresses, which change by themselves."""
    text = json.dumps(_lasting(properties), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _lasting(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return value["name"] if {"name", "url"} == set(value) else {name: _lasting(one) for name, one in value.items()}
    return [_lasting(one) for one in value] if isinstance(value, list) else value
