"""JSON Feed (https://www.jsonfeed.org/version/1.1/), whose fields may be missing or odd, like the fields of RSS."""

from __future__ import annotations

import json
from html import escape
from typing import Any

Json = dict[str, Any]


def read_json_feed(text: str) -> Json | None:
    """Return {feed, entries} with the names that feedparser gives them; None if the text is not a JSON feed.

    Times are as they are written; what is not an object among the entries is an empty one.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not ("jsonfeed.org" in str(found.get("version")) or _is_alike(found)):
        return None
    items = found["items"] if isinstance(found.get("items"), list) else []
    feed = {"title": _plain(found.get("title")), "link": _word(found.get("home_page_url"))}
    feed["subtitle"] = _plain(found.get("description"))
    return {"feed": feed, "entries": [_entry(one if isinstance(one, dict) else {}) for one in items]}


def _is_alike(found: Json) -> bool:
    """Return whether JSON without a version looks like a feed: it has items, and says where it is from."""
    return isinstance(found.get("items"), list) and ("feed_url" in found or "home_page_url" in found)


def _entry(one: Json) -> Json:
    texts = [str(one.get("content_html") or ""), *map(_plain, (one.get("content_text"), one.get("summary")))]
    tags = one.get("tags") if isinstance(one.get("tags"), list) else [one.get("tags")]
    return {
        "id": _word(one.get("id")),
        "title": _plain(one.get("title")),
        "link": _word(one.get("url")) or _word(one.get("external_url")),
        "summary": next(filter(None, texts), ""),
        "published": _word(one.get("date_published")),
        "updated": _word(one.get("date_modified")),
        "author": ", ".join(filter(None, map(_name, _authors(one)))),
        "tags": [{"term": _word(tag)} for tag in tags or [] if _word(tag)],
    }


def _authors(one: Json) -> list[Any]:
    """Return the authors of version 1.1, or the one of version 1."""
    authors = one.get("authors")
    return authors if isinstance(authors, list) else [authors or one.get("author")]


def _name(author: Any) -> str:
    return _word(author.get("name") or author.get("url")) if isinstance(author, dict) else _word(author)


def _word(value: Any) -> str:
    """Return a text, or a number as one: many ids are numbers."""
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _plain(value: Any) -> str:
    """Return a plain text as HTML: the reader of entries takes texts for HTML."""
    return escape(_word(value), quote=False).replace("\n", "<br>")
