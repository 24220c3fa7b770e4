"""The step that reads a feed."""

from __future__ import annotations

from typing import Any, ClassVar

from clients.errors import InvalidRequest
from clients.http.fetching import DocumentVersion
from clients.http.request import SERVICE
from engine.plugins.step import Call, Effect, Fields, JsonValue, Output, StepType, destination, option, outside
from engine.sandbox.web import feed, feed_note

FEED_BYTES = 10_485_760


class FeedFields(Fields):
    """The feed, and how many entries."""

    url: str = destination("Address of the feed (RSS, Atom or JSON)", min_length=1)
    limit: int = option("At most", 20, ge=1, le=500)


class Entry(Output):
    """An entry; `id` is the one that the feed gives, or else its address."""

    id: str = outside("Id")
    title: str = outside("Title")
    url: str = outside("Address")
    published_at: str | None
    updated_at: str | None
    author: str = outside("Author")
    summary: str = outside("Text")
    tags: list[str] = outside("Tags")


class Feed(Output):
    """The feed, and its entries in the feed's order, mostly newest first. `truncated`: a feed of more than 1000
    entries was not read to its end, or a title or text was cut.
    """

    title: str = outside("Title")
    url: str = outside("Address of its site")
    entries: list[Entry]
    has_more: bool
    truncated: bool


class Read(StepType):
    """Read the entries of an RSS, Atom or JSON feed. Texts come without HTML."""

    name = "rss.read"
    title = "Read a feed"
    service = "http"
    connection_optional: ClassVar[bool] = True
    effect = Effect.READS
    fields = FeedFields
    output = Feed

    def call(self, call: Call) -> JsonValue:
        """Return {title, url, entries, has_more, truncated}; a note says what was not read."""
        it: FeedFields = call.fields
        fetched = call.client.fetch(it.url, FEED_BYTES, DocumentVersion())
        try:
            read = feed(fetched.content, fetched.content_type, fetched.url)
        except InvalidRequest as error:
            error.service = SERVICE
            raise
        has_more = len(read["entries"]) > it.limit
        shown = read["entries"][: it.limit]
        note = feed_note(read, shown)
        call.notes += [one for one in (note, read["note"]) if one]
        entries = [entry(one) for one in shown]
        about = {"title": read["title"], "url": read["url"]}
        return {**about, "entries": entries, "has_more": has_more, "truncated": bool(note)}


def entry(one: dict[str, Any]) -> dict[str, Any]:
    """Return an entry of `engine.sandbox.web.feed` as workflows see it."""
    return {
        "id": one["id"] or one["url"],
        "title": one["title"],
        "url": one["url"],
        "published_at": one["at"],
        "updated_at": one["updated_at"],
        "author": one["author"],
        "summary": one["text"],
        "tags": one["tags"],
    }
