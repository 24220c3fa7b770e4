"""Changes of a web page."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field

from clients.errors import InvalidRequest
from clients.http.fetching import DocumentVersion
from engine.base.clock import timestamp
from engine.documents.line_differences import opcodes
from engine.plugins.step import Fields, JsonValue, Output, StepType, destination, option, outside
from engine.plugins.trigger import Found, Item, Look, OwnWrite, TriggerType
from engine.steps.web import PAGE_BYTES, text_of

_TEXT_MOST = 200_000
_DIGITS = 24


class WatchedFields(Fields):
    """The page, and which part of it."""

    url: str = destination("Address", min_length=1)
    selector: str = option("Only what this CSS selector matches (empty: the main part)", "", max_length=500)


class PageChange(Output):
    """What the page said, and what it says now."""

    url: str = outside("Address that answered")
    title: str = outside("Title of the page")
    before: str = outside("Text before")
    after: str = outside("Text now")
    changes: str = outside("Lines that came (+) and went (-)")
    seen_at: str = Field(title="When the change was seen")


class PageChanged(TriggerType):
    """Starts a run when the text of a web page, or of a part of it, has changed.

    Only text counts: spaces, empty lines, pictures, scripts and the addresses of links do not. Changes between two
    polls count as one. Give a `selector` for the part that matters, such as `#prices`, if the page also shows a date or
    an advertisement.
    """

    name = "web.page_changed"
    title = "A web page has changed"
    happens = "a web page changes"
    watches = "a page of a server"
    service = "http"
    connection_optional: ClassVar[bool] = True
    fields = WatchedFields
    item = PageChange
    is_about_item = False
    poll_seconds = 900.0
    start_from = ("now",)
    remembered_days = 30

    def may_find(self, fields: Mapping[str, JsonValue], kind: StepType, arguments: Mapping[str, JsonValue]) -> bool:
        """Return whether a request goes to the same server."""
        return is_same_server(fields, arguments)

    def may_be_there(self, fields: Mapping[str, JsonValue], made: OwnWrite) -> bool:
        """Return whether a request went to the same server."""
        return isinstance(made.output, Mapping) and is_same_server(fields, made.output)

    def source(self, fields: WatchedFields) -> str:
        """Return the address with the selector: another part has another text."""
        return f"{fields.url} {fields.selector}".strip()

    def look(self, look: Look) -> Found:
        """Compare the page with the text of the last look.

        The cursor is {etag, modified, text, number}: `number` counts the changes, since a page may return to what it
        said before.
        """
        cursor: Mapping[str, Any] = look.cursor or {"etag": "", "modified": "", "text": None, "number": 0}
        fetched = look.client.fetch(look.fields.url, PAGE_BYTES, DocumentVersion(cursor["etag"], cursor["modified"]))
        if fetched is None:
            return Found([], cursor)
        read = text_of(fetched, look.fields.selector, "text")
        text = _without_noise(read["text"])
        if len(text) > _TEXT_MOST:
            raise InvalidRequest(
                f"The page has {len(text):,} characters; at most {_TEXT_MOST:,} are watched.",
                remedy="Name the part that matters in `selector`.",
            )
        version = {"etag": fetched.version.etag, "modified": fetched.version.modified}
        number = cursor["number"] + (cursor["text"] is not None and cursor["text"] != text)
        moved = {**version, "text": text, "number": number}
        if number == cursor["number"]:
            return Found([], moved)
        value = {
            "url": fetched.url,
            "title": read["title"],
            "before": cursor["text"],
            "after": text,
            "changes": changes(cursor["text"], text),
            "seen_at": timestamp(look.now),
        }
        name = f"{number}:{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:_DIGITS]}"
        return Found([Item(name, value, read["title"] or look.fields.url, look.now)], moved)


def changes(before: str, after: str) -> str:
    """Return the lines that went and came, `- ` and `+ ` before each, in the order of the page."""
    old, new = before.splitlines(), after.splitlines()
    found: list[str] = []
    for kind, old_from, old_to, new_from, new_to in opcodes(old, new):
        if kind != "equal":
            gone = [f"- {line}" for line in old[old_from:old_to]]
            come = [f"+ {line}" for line in new[new_from:new_to]]
            if len(gone) == len(come):  # as a list of prices: each line with what has become of it
                come, gone = [], [line for pair in zip(gone, come, strict=True) for line in pair]
            found += gone + come
    return "\n".join(found)


def _without_noise(text: str) -> str:
    return "\n".join(filter(None, (" ".join(line.split()) for line in text.splitlines())))


def is_same_server(one: Mapping[str, JsonValue], other: Mapping[str, JsonValue]) -> bool:
    """Return whether the addresses in `url`, which may be wrong, lead to the same host and port."""
    try:
        places = {urlsplit(str(found.get("url", ""))).netloc.casefold() for found in (one, other)}
    except ValueError:
        return False
    return len(places) == 1
