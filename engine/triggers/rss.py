"""New entries of a feed."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from msgspec import Struct

from clients.http.fetching import DocumentVersion
from engine.base.clock import moment_of
from engine.plugins.step import Fields, JsonValue, StepType, destination
from engine.plugins.trigger import Found, Item, Look, OwnWrite, Start, TriggerType
from engine.sandbox.web import feed, feed_note
from engine.steps.rss import FEED_BYTES, Entry, entry
from engine.triggers.web import is_same_server

_BEFORE = "it already existed"
_DIGITS = 24
_CAMPAIGN = re.compile(
    r"(utm_\w*|fbclid|gclid|dclid|msclkid|mc_[ce]id|igshid|yclid|wt_mc|ref|ref_src)(=|\Z)", re.IGNORECASE
)
_AGAIN = {"etag": "", "modified": ""}
"""The version of a feed that is fetched again, even if it has not changed."""


class FeedFields(Fields):
    """The feed."""

    url: str = destination("Address of the feed (RSS, Atom or JSON)", min_length=1)


class NewEntry(TriggerType):
    """Starts a run for each new entry of an RSS, Atom or JSON feed, even if the feed has no ids or changes its order.

    An entry counts as known if its id has been seen before, or if the feed has just listed it under another id: with
    the same title and time, or without a time the same title and address or text. Campaign parameters and `http` or
    `https` make no other address. An entry that is changed later starts no new run. Every 15 minutes the server is
    asked whether the feed has changed (`ETag`, `Last-Modified`). The newest 1000 entries of a feed are read, or the
    first and last 500 if one has no time; a note says how many were not.
    """

    name = "rss.new_entry"
    title = "A new entry in a feed"
    happens = "a feed has a new entry"
    watches = "a page of a server"
    service = "http"
    connection_optional: ClassVar[bool] = True
    fields = FeedFields
    item = Entry
    poll_seconds = 900.0

    def may_find(self, fields: Mapping[str, JsonValue], kind: StepType, arguments: Mapping[str, JsonValue]) -> bool:
        """Return whether a request goes to the same server."""
        return is_same_server(fields, arguments)

    def may_be_there(self, fields: Mapping[str, JsonValue], made: OwnWrite) -> bool:
        """Return whether a request went to the same server."""
        return isinstance(made.output, Mapping) and is_same_server(fields, made.output)

    def source(self, fields: FeedFields) -> str:
        """Return the address: another feed has other entries."""
        return fields.url

    def look(self, look: Look) -> Found:
        """List the entries that are not known.

        The cursor is {etag, modified, known, note}: `known` are the digests of what the feed had at the last look,
        `note` says what was not read. The first look also lists entries that do not count, as skipped.
        """
        cursor: Mapping[str, Any] = look.cursor or {**_AGAIN, "known": [], "note": ""}
        fetched = look.client.fetch(look.fields.url, FEED_BYTES, DocumentVersion(cursor["etag"], cursor["modified"]))
        if fetched is None:
            return Found([], cursor, note=cursor["note"])
        read = feed(fetched.content, fetched.content_type, fetched.url)
        entries = _oldest_first(_identified(read["entries"]))
        note = feed_note(read, read["entries"])
        version = {"etag": fetched.version.etag, "modified": fetched.version.modified, "note": note}
        if look.cursor is None:
            return _first(entries, look.start, version)
        known = set(cursor["known"])
        unseen = set(look.unseen(one.id for one in entries))
        new = [one for one in entries if one.id in unseen and known.isdisjoint(one.digests)]
        later = {one.id for one in new[look.limit :]}
        version = {**version, **_AGAIN} if later else version
        digests = _digests(one for one in entries if one.id not in later)
        items = [one.listed() for one in new[: look.limit]]
        return Found(items, {**version, "known": digests}, has_more=bool(later), note=note)


class _Entry(Struct, frozen=True):
    id: str
    digests: tuple[str, ...]
    """Hashes of its id, of its address, title and text, and of what identifies it where a feed renames its entries."""
    value: Mapping[str, Any]

    @property
    def at(self) -> datetime | None:
        """When it was published, as far as the feed says."""
        return moment_of(self.value["published_at"]) if self.value["published_at"] else None

    def listed(self, skip: str = "") -> Item:
        """Return the entry as an item."""
        return Item(self.id, self.value, self.value["title"] or self.value["url"] or self.id, self.at, skip)


def _first(entries: Sequence[_Entry], start: Start, version: Mapping[str, str]) -> Found:
    """Skip the entries that do not count; those that count are listed at the next look."""
    counting: Sequence[_Entry] = []
    if start.last is not None:
        counting = entries[-start.last :]
    elif start.since is not None:
        counting = [one for one in entries if one.at is not None and one.at >= start.since]
    ids = {one.id for one in counting}
    before = [one for one in entries if one.id not in ids]
    cursor = {**version, **(_AGAIN if ids else {}), "known": _digests(before)}
    return Found([one.listed(_BEFORE) for one in before], cursor, has_more=bool(ids), note=version["note"])


def _identified(read: Sequence[dict[str, Any]]) -> list[_Entry]:
    """Give each entry its id: the feed's own, its address, or a digest, whichever is the first that no other has."""
    ids, addresses = Counter(one["id"] for one in read), Counter(one["url"] for one in read)
    common = Counter(trait for one in read for trait in _traits(one))
    found: dict[str, _Entry] = {}
    for one in read:
        whole = _digest(one["url"], one["title"], one["text"])
        if one["id"] and ids[one["id"]] == 1:
            name = one["id"]
        elif one["url"] and addresses[one["url"]] == 1:
            name = one["url"]
        else:
            name = _digest(one["id"], one["url"], one["title"], one["at"] or one["text"])
        traits = [trait for trait in _traits(one) if common[trait] == 1]
        found.setdefault(name, _Entry(name, (_digest(name), whole, *traits), {**entry(one), "id": name}))
    return list(found.values())


def _traits(one: Mapping[str, Any]) -> list[str]:
    """Return digests of what an entry keeps if its feed gives it another id and address, or another text.

    Other entries may share a title, an address or a text; a title with its time, or with one of the two, is enough.
    """
    title = one["title"] or one["text"]
    if not title:
        return []
    if one["at"]:
        return [_digest("time", title, one["at"])]
    by_text = [_digest("text", title, one["text"])] if one["title"] and one["text"] else []
    return [*by_text, *([_digest("address", title, _plain_address(one["url"]))] if one["url"] else [])]


def _plain_address(url: str) -> str:
    """Return an address without its scheme, fragment and parameters of campaigns."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    kept = [pair for pair in parts.query.split("&") if not _CAMPAIGN.match(pair)]
    return f"{parts.netloc.lower()}{parts.path.rstrip('/')}?{'&'.join(kept)}"


def _oldest_first(entries: Sequence[_Entry]) -> list[_Entry]:
    """Order entries by their times; if one has no time, the feed's order counts, which is newest first by custom."""
    rising = list(reversed(entries))
    times = {one.id: one.at for one in rising if one.at is not None}
    return sorted(rising, key=lambda one: times[one.id]) if len(times) == len(rising) else rising


def _digests(entries: Iterable[_Entry]) -> list[str]:
    return sorted({digest for one in entries for digest in one.digests})


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8", "replace")).hexdigest()[:_DIGITS]
