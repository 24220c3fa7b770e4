"""New and changed pages of a Notion database."""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from pydantic import Field

from engine.names import moment_of, timestamp
from engine.step import Fields, JsonValue, Output, destination, option, outside
from engine.trigger import Found, Item, Look, TriggerType
from engine.triggers.notion_texts import Texts

OVERLAP = timedelta(minutes=10)
"""Notion tells times by the minute, and its clock is not ours: so much is listed again."""
_A_DAY = timedelta(days=1)
_BEFORE = "it was there before"
_OWN = "a workflow wrote it"
_ADDED = "it was added, not changed"

Page = Mapping[str, Any]


class ItemsFields(Fields):
    """Which pages count."""

    database: str = destination("Database", format="notion-database", min_length=1)
    include_own: bool = option("Also what a workflow wrote", default=False)


class NotionItem(Output):
    """A page of the database; `properties` are plain values by name."""

    id: str = Field(title="Its id")
    url: str = Field(title="Its address")
    title: str = outside("Title")
    properties: dict[str, Any] = outside("Properties")
    created_at: str = Field(title="When it was made, to the minute")
    last_edited_at: str = Field(title="When it was changed last, to the minute")
    created_by: str = Field(title="Who made it (an id)")
    last_edited_by: str = Field(title="Who changed it last (an id)")


class _Items(TriggerType):
    """What both looks at a database have in common: by time, with an overlap; what is known is not listed again."""

    service = "notion"
    fields = ItemsFields
    item = NotionItem
    moment: ClassVar[Literal["created_time", "last_edited_time"]]
    """By which time pages are listed."""

    def source(self, fields: ItemsFields) -> str:
        """Return the database: another one has other pages."""
        return fields.database.strip().casefold()

    def look(self, look: Look) -> Found:
        """List the pages made or changed since the cursor: {since: a time as Notion told it, texts (as `Texts`)}."""
        if look.cursor is None:
            return self._first(look)
        since = moment_of(look.cursor["since"])
        own = look.client.bot()
        items: list[Item] = []
        texts = Texts(look)
        for page in look.client.finder.changed_since(look.fields.database, self.moment, since - OVERLAP):
            if len(items) >= look.limit:
                return Found(items, _cursor(since, texts.cursor(has_more=True)), has_more=True)
            items += self._listed(look, page, own, texts)
            since = max(since, self._time_of(page))
        return Found(items, _cursor(since, texts.cursor(has_more=False)))

    @abstractmethod
    def _states(self, page: Page, texts: Texts) -> list[tuple[str, str]]:
        """What is known of a page once it was listed: [(id, why it starts no run)]; the last is the thing itself.

        Nothing where the page is to wait.
        """

    @abstractmethod
    def _is_own(self, page: Page, own: str) -> bool:
        """Whether a workflow did it; `own` is the id of the connection."""

    def _listed(self, look: Look, page: Page, own: str, texts: Texts) -> Iterator[Item]:
        """The page as items, as far as nobody knows of them."""
        states = self._states(page, texts)
        unseen = set(look.unseen([some_id for some_id, _ in states]))
        is_new = bool(states) and states[0][0] in unseen
        for some_id, skip in states:
            if some_id in unseen:
                own_skip = _OWN if self._is_own(page, own) and not look.fields.include_own else ""
                yield self._item(page, some_id, (skip if is_new else "") or own_skip)

    def _item(self, page: Page, some_id: str, skip: str) -> Item:
        value = {name: page[name] for name in NotionItem.model_fields}
        return Item(some_id, value, str(page["title"]) or "Untitled", self._time_of(page), skip)

    def _time_of(self, page: Page) -> datetime:
        return moment_of(page["created_at" if self.moment == "created_time" else "last_edited_at"])

    def _first(self, look: Look) -> Found:
        """List what does not count, as such; the next look lists the rest."""
        counting, since = self._counting(look)
        known, texts = {page["id"] for page in counting}, Texts(look)
        before = look.client.finder.changed_since(look.fields.database, self.moment, since - OVERLAP)
        skipped = [
            self._item(page, some_id, _BEFORE)
            for page in before
            if page["id"] not in known
            for some_id, _ in self._states(page, texts)
        ]
        return Found(skipped, _cursor(since, texts.cursor(has_more=False)), has_more=bool(counting))

    def _counting(self, look: Look) -> tuple[Sequence[Page], datetime]:
        """The pages that count as new at the first look, and the time from which on to look."""
        start, finder, database = look.start, look.client.finder, look.fields.database
        if start.since is not None:
            minute = start.since.replace(second=0, microsecond=0)
            return list(finder.changed_since(database, self.moment, minute)), minute
        # By Notion's clock, not by ours: where there is no page yet, any time that is surely past will do.
        newest = finder.newest(database, self.moment, start.last or 1)
        since = min((self._time_of(page) for page in newest), default=look.now - _A_DAY)
        return ([] if start.is_now else newest), since


class ItemAdded(_Items):
    """Starts a run for each page that is made in a database.

    Pages that a workflow or this connection made are left out unless asked for. A page that is moved into the database,
    or taken out of the trash, counts by when it was made.
    """

    name = "notion.item_added"
    title = "A new item in a Notion database"
    moment = "created_time"

    def _states(self, page: Page, texts: Texts) -> list[tuple[str, str]]:
        return [(str(page["id"]), "")]

    def _is_own(self, page: Page, own: str) -> bool:
        return bool(page["key"]) or page["created_by"] == own


class ItemUpdated(_Items):
    """Starts a run for each change of a page in a database, but not for its making.

    Changes by this connection, and so by workflows, are left out unless asked for. Notion tells the minute of a change:
    several changes within one minute are one, unless a property or the text says something else by the next look. For
    that the texts of pages that were changed in the present minute are read, of 20 in one look; further ones count once
    their minute is over. Notion tells only who changed a page last: a change by a person is not seen if a workflow
    changes the page before the next look.
    """

    name = "notion.item_updated"
    title = "A changed item in a Notion database"
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
    """What tells properties from those of a moment before; addresses of files change by themselves."""
    text = json.dumps(_lasting(properties), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _lasting(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return value["name"] if {"name", "url"} == set(value) else {name: _lasting(one) for name, one in value.items()}
    return [_lasting(one) for one in value] if isinstance(value, list) else value
