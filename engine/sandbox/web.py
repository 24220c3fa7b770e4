"""Feeds and web pages of strangers as plain data."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from clients.errors import InvalidRequest
from clients.listing import Json
from clients.wording import counted
from engine.sandbox import child
from engine.sandbox.limits import ChildLimits

PageFormat = Literal["text", "markdown"]
_SECONDS_MOST = 30.0
_REFUSED = 2  # how web_child.py exits
CPU_SECONDS = 10
"""Enough for one document: a feed of 1 MB takes less than one second."""
ANSWER_BYTES = 16 * 1024 * 1024
_CHILD = Path(__file__).with_name("web_child.py")
_FEED_REMEDY = "Correct `url`: give the address of an RSS, Atom or JSON feed."
_PAGE_REMEDY = "Correct `url` or `selector`, or ask for the answer as it is with `http.request`."


def feed(content: bytes, content_type: str, url: str) -> Json:
    """Return {title, url, text, entries, left_out, note}, entries: [{id, title, url, at, updated_at, author, text,
    tags, is_cut}].

    Texts are plain, times RFC 3339 or None, and entries in the order of the feed: the newest 1000, or the first and
    last 500 if one has no time; `left_out` counts the others. `is_cut`: the title or text is not whole. `note` is a
    sentence on a charset that is not the one that is named, or empty. Blocking.
    Raises InvalidRequest if the content is not a feed, or takes too much to read.
    """
    return _read(content, {"task": "feed", "content_type": content_type, "url": url}, _FEED_REMEDY)


def feed_note(read: Json, shown: Sequence[Json]) -> str:
    """Return sentences on what of a feed, and of the entries that are shown, was not read; empty if nothing."""
    is_dated = all(one["at"] for one in read["entries"])
    which = "older ones" if is_dated else "in the middle, as there are entries without a time"
    left_out = f"{counted(read['left_out'], 'entry', 'entries')} of the feed not read ({which})."
    cut = sum(1 for one in shown if one["is_cut"])
    shortened = f"{counted(cut, 'entry', 'entries')} with a title or text that was cut."
    return " ".join([left_out] * bool(read["left_out"]) + [shortened] * bool(cut))


def page(content: bytes, content_type: str, url: str, selector: str, form: PageFormat) -> Json:
    """Return {title, text, truncated, found, note} of an HTML page. Blocking.

    `found`: how many elements `selector` fits; `note`: as of `feed`.

    Raises InvalidRequest if the selector cannot be read, or the page takes too much to read.
    """
    asked = {"task": "page", "content_type": content_type, "url": url, "selector": selector, "format": form}
    return _read(content, asked, _PAGE_REMEDY)


def _read(content: bytes, request: Json, remedy: str) -> Json:
    limits = ChildLimits(cpu_seconds=CPU_SECONDS, wall_seconds=_SECONDS_MOST, answer_bytes=ANSWER_BYTES)
    with child.turn:
        end = child.ended([str(_CHILD), json.dumps({**request, "limits": asdict(limits)})], limits, content=content)
    if end.reason == "time":
        raise InvalidRequest(f"The answer was not read within {_SECONDS_MOST:g} s.", remedy=remedy)
    if end.status == _REFUSED and not end.reason:
        raise InvalidRequest(end.said, remedy=remedy)
    if end.status != 0 or end.reason:
        raise InvalidRequest("The answer takes too much time or memory to read.", remedy=remedy)
    answer: Json = json.loads(end.out)
    return answer
