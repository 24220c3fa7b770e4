"""Pages and databases that are looked for: by properties, by words, by when they were changed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from clients.errors import InvalidRequest
from clients.notion.api import answers, every, reading
from clients.notion.databases import KEY_PROPERTY, Databases
from clients.notion.pages import page_of
from clients.notion.query import filter_of, sorts_of
from clients.notion.references import References
from clients.notion.values import Json, plain_text
from clients.notion.whole import whole

if TYPE_CHECKING:
    from notion_client import Client

Moment = Literal["created_time", "last_edited_time"]


class Finder:
    """The questions of one connection. Raises errors of `clients.errors` only."""

    def __init__(self, api: Client, databases: Databases, references: References) -> None:
        self._api, self._databases, self._references = api, databases, references

    def query(
        self,
        database: str,
        filter: Mapping[str, Any] | None = None,  # noqa: A002 - Notion's word
        sorts: Sequence[str | Mapping[str, Any]] = (),
        limit: int = 100,
    ) -> tuple[list[Json], bool]:
        """List pages of a database (see `notion_query` for filters and sorts), and whether there are more."""
        source = self._databases.find(database)
        asked: Json = {"sorts": sorts_of(source.schema, sorts)} if sorts else {}
        conditions = self._conditions(database, filter or {})
        if conditions:
            asked["filter"] = conditions
        with self._databases.used():
            found = every(self._api.data_sources.query, data_source_id=source.id, **asked)
            pages = [page_of(whole(self._api, each)) for each in itertools.islice(found, limit + 1)]
        return pages[:limit], len(pages) > limit

    def _conditions(self, database: str, asked: Mapping[str, Any]) -> Json | None:
        """Write a filter; what it names may be new, so before it is refused the database is described anew."""
        try:
            with self._databases.used():
                return filter_of(self._databases.find(database).schema, asked, self._references.id_of)
        except InvalidRequest:
            return filter_of(self._databases.find(database).schema, asked, self._references.id_of)

    def search(self, words: str, kind: str, limit: int) -> tuple[list[Json], bool]:
        """Find pages and databases by words of their titles, the last edited first, and whether there are more.

        `kind` is "page", "database" or "" for both. Notion's index may be some minutes behind.
        """
        asked: Json = {"sort": {"timestamp": "last_edited_time", "direction": "descending"}}
        if kind:
            value = "data_source" if kind == "database" else kind
            asked["filter"] = {"property": "object", "value": value}
        with reading():
            found = (each for each in every(self._api.search, query=words, **asked) if not each.get("in_trash"))
            some = [_found(each) for each in itertools.islice(found, limit + 1)]
        return some[:limit], len(some) > limit

    def changed_since(self, database: str, moment: Moment, since: datetime) -> Iterator[Json]:
        """Give the pages that were made (`created_time`) or changed since then, the earliest first.

        Notion rounds these times down to the minute: `since` is, too, so what it gives may have been given before.
        Each is a page as `query` gives it, with `created_by`, `last_edited_by` (ids) and `key`, which is not empty for
        a page that a workflow wrote.
        """
        minute: datetime | None = since.replace(second=0, microsecond=0)
        given: set[tuple[str, str]] = set()
        while minute is not None:
            condition = {moment: {"on_or_after": minute.isoformat()}, "timestamp": moment}
            begin, minute = minute, None
            for answer in self._answers(database, moment, "ascending", condition):
                new = [page for page in answer["results"] if (page["id"], page[moment]) not in given]
                given.update((page["id"], page[moment]) for page in new)
                yield from map(self._dated, new)
                last = max((_minute_of(page[moment]) for page in answer["results"]), default=begin)
                if answer.get("has_more") and last > begin:
                    # Asked anew, by time: a page that is changed meanwhile goes to the end of the list, and takes the
                    # place where Notion's cursor stands along, or moves others before it.
                    minute = last
                    break

    def newest(self, database: str, moment: Moment, limit: int) -> list[Json]:
        """Give the pages that were made or changed last, as `changed_since` gives them, the latest first."""
        pages = (page for answer in self._answers(database, moment, "descending") for page in answer["results"])
        return [self._dated(page) for page in itertools.islice(pages, limit)]

    def _answers(self, database: str, moment: Moment, direction: str, condition: Json | None = None) -> Iterator[Json]:
        """Give the pages of a database by a time, answer by answer as Notion gives them."""
        source = self._databases.find(database)
        asked: Json = {"sorts": [{"timestamp": moment, "direction": direction}]}
        if condition:
            asked["filter"] = condition
        with self._databases.used():
            yield from answers(self._api.data_sources.query, data_source_id=source.id, **asked)

    def _dated(self, page: Json) -> Json:
        with self._databases.used():
            return {**page_of(whole(self._api, page)), **_by_whom(page)}


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
    """A page or database that the search gave: {id, kind, url, title, last_edited_at}."""
    is_page = each["object"] == "page"
    title = page_of(each)["title"] if is_page else plain_text(each.get("title"))
    return {
        "id": str(each["id"]),
        "kind": "page" if is_page else "database",
        "url": str(each.get("url") or ""),
        "title": title,
        "last_edited_at": str(each["last_edited_time"]),
    }
