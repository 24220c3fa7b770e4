"""Finds pages and databases: by properties, by words, by time of change."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from clients.errors import InvalidRequest
from clients.listing import ItemList, Json, UnreadableItem, readable, times_of
from clients.notion.api import answers, every, page_id, reading
from clients.notion.databases import KEY_PROPERTY, Databases
from clients.notion.pages import page_of
from clients.notion.query import filter_of, sorts_of
from clients.notion.references import NotionReferences
from clients.notion.values import plain_text
from clients.notion.whole import whole

if TYPE_CHECKING:
    from notion_client import Client

Moment = Literal["created_time", "last_edited_time"]


class Finder:
    """The searches of one connection. Raises only errors of `clients.errors`."""

    def __init__(
        self, api: Client, databases: Databases, references: NotionReferences, zone: Callable[[], str]
    ) -> None:
        self._api, self._databases, self._references, self._zone = api, databases, references, zone

    def query(
        self,
        database: str,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - Notion's word
        sorts: Sequence[str | Mapping[str, Any]] = (),
        limit: int = 100,
    ) -> tuple[ItemList, bool]:
        """List pages of a database (see `notion.query` for filters and sorts), and return whether there are more."""
        source = self._databases.find(database)
        asked: Json = {"sorts": sorts_of(source.schema, sorts)} if sorts else {}
        conditions = self._conditions(database, filter or {})
        if conditions:
            asked["filter"] = conditions
        with self._databases.used():
            found = every(self._api.data_sources.query, data_source_id=source.id, **asked)
            each = list(readable(itertools.islice(found, limit + 1), self._page))
        return ItemList(each[:limit]), len(each) > limit

    def _page(self, page: Json) -> Json:
        with self._databases.used():
            return page_of(whole(self._api, page))

    def _conditions(self, database: str, asked: Mapping[str, Any]) -> Json | None:
        """Return a filter in Notion's form; on an unknown name the schema is refreshed before the filter is refused."""
        try:
            with self._databases.used():
                return filter_of(self._databases.find(database).schema, asked, self._references.id_of, self._zone())
        except InvalidRequest:
            return filter_of(self._databases.find(database).schema, asked, self._references.id_of, self._zone())

    def search(self, words: str, kind: str, limit: int) -> tuple[ItemList, bool]:
        """Search pages and databases by words in their titles, last edited first; also return whether there are more.

        `kind` is "page", "database" or "" for both. Notion's index may lag some minutes.
        """
        asked: Json = {"sort": {"timestamp": "last_edited_time", "direction": "descending"}}
        if kind:
            value = "data_source" if kind == "database" else kind
            asked["filter"] = {"property": "object", "value": value}
        with reading():
            every_one = every(self._api.search, query=words, **asked)
            found = (one for one in every_one if not (isinstance(one, Mapping) and one.get("in_trash")))
            some = list(readable(itertools.islice(found, limit + 1), _found))
        return ItemList(some[:limit]), len(some) > limit

    def users(self, limit: int) -> tuple[ItemList, bool]:
        """List the people and connections of the workspace, and return whether there are more: [{id, name, …}]."""
        with reading():
            found = list(itertools.islice(every(self._api.users.list), limit + 1))
            return ItemList(readable(found[:limit], _user)), len(found) > limit

    def blocks(self, parent: str, limit: int) -> tuple[ItemList, bool]:
        """List the blocks of a page, or inside a block, in order, and return whether there are more."""
        with reading():
            every_one = every(self._api.blocks.children.list, block_id=page_id(parent))
            found = list(itertools.islice(every_one, limit + 1))
            return ItemList(readable(found[:limit], _block)), len(found) > limit

    def changed_since(self, database: str, moment: Moment, since: datetime) -> Iterator[Json | UnreadableItem]:
        """Yield the pages created (`created_time`) or changed since then, earliest first.

        Notion rounds these times down to the minute, and so is `since`: pages may be yielded again. Each is a page as
        in `query`, with `created_by`, `last_edited_by` (ids) and `key`, which is not empty if a workflow wrote the
        page.
        """
        minute: datetime | None = since.replace(second=0, microsecond=0)
        given: set[str] = set()
        while minute is not None:
            condition = {moment: {"on_or_after": minute.isoformat()}, "timestamp": moment}
            begin, minute = minute, None
            for answer in self._answers(database, moment, "ascending", condition):
                new = [page for page in answer["results"] if _mark(page, moment) not in given]
                given.update(_mark(page, moment) for page in new)
                yield from readable(new, self._dated)
                minutes = (_minute_of(page[moment]) for page in answer["results"] if _has_time(page, moment))
                last = max(minutes, default=begin)
                if answer.get("has_more") and last > begin:
                    # A new query by time: a page changed in the meantime moves to the end of the list, taking Notion's
                    # cursor with it or shifting other pages before it.
                    minute = last
                    break

    def newest(self, database: str, moment: Moment, limit: int) -> list[Json]:
        """Return the most recently created or changed pages, in the form of `changed_since`, latest first."""
        pages = (page for answer in self._answers(database, moment, "descending") for page in answer["results"])
        good = (page for page in readable(pages, self._dated) if not isinstance(page, UnreadableItem))
        return list(itertools.islice(good, limit))

    def _answers(self, database: str, moment: Moment, direction: str, condition: Json | None = None) -> Iterator[Json]:
        """Yield the pages of a database by time, one API answer after the other."""
        source = self._databases.find(database)
        asked: Json = {"sorts": [{"timestamp": moment, "direction": direction}]}
        if condition:
            asked["filter"] = condition
        with self._databases.used():
            yield from answers(self._api.data_sources.query, data_source_id=source.id, **asked)

    def _dated(self, page: Json) -> Json:
        with self._databases.used():
            found = {**page_of(whole(self._api, page)), **_by_whom(page)}
            return times_of(found, "created_at", "last_edited_at")


def _mark(page: Any, moment: Moment) -> str:
    """Return a value that tells a listed page from the same page after a change."""
    known = page if isinstance(page, Mapping) else {"id": page}
    return f"{known.get('id')}@{known.get(moment)}"


def _has_time(page: Any, moment: Moment) -> bool:
    try:
        return bool(_minute_of(page[moment]))
    except (LookupError, TypeError, ValueError):
        return False


def _minute_of(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(second=0, microsecond=0)


def _by_whom(page: Mapping[str, Any]) -> Json:
    key = (page["properties"].get(KEY_PROPERTY) or {}).get("rich_text")
    return {
        "created_by": str((page.get("created_by") or {}).get("id") or ""),
        "last_edited_by": str((page.get("last_edited_by") or {}).get("id") or ""),
        "key": plain_text(key),
    }


def _found(each: Mapping[str, Any]) -> Json:
    """Return a search result: {id, kind, url, title, last_edited_at}."""
    is_page = each["object"] == "page"
    title = page_of(each)["title"] if is_page else plain_text(each.get("title"))
    return {
        "id": str(each["id"]),
        "kind": "page" if is_page else "database",
        "url": str(each.get("url") or ""),
        "title": title,
        "last_edited_at": str(each["last_edited_time"]),
    }


def _user(found: Mapping[str, Any]) -> Json:
    """Return a user: {id, name, kind: person | bot, email}; the address is empty without the right to see it."""
    email = (found.get("person") or {}).get("email") or ""
    return {
        "id": str(found["id"]),
        "name": found.get("name") or "",
        "kind": str(found.get("type") or ""),
        "email": email,
    }


def _block(found: Mapping[str, Any]) -> Json:
    """Return a block: {id, type, text, url, checked, has_children, created_at, last_edited_at}."""
    kind = str(found["type"])
    about = found.get(kind) or {}
    cells = " | ".join(plain_text(cell) for cell in about.get("cells") or [])
    text = plain_text(about.get("rich_text")) or about.get("title") or about.get("expression") or cells
    hosted = about.get(about.get("type") or "")
    url = about.get("url") or (hosted.get("url") if isinstance(hosted, Mapping) else "")
    return {
        "id": str(found["id"]),
        "type": kind,
        "text": str(text or plain_text(about.get("caption"))),
        "url": str(url or ""),
        "checked": about.get("checked"),
        "has_children": bool(found.get("has_children")),
        "created_at": str(found["created_time"]),
        "last_edited_at": str(found["last_edited_time"]),
    }
