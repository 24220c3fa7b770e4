"""Read a feed or a web page in a child process, so that a malicious one can waste only that.

Run as a script: the request as JSON in the first argument, the content on stdin; on stdout the answer as JSON. Exits
with 2 and a sentence on stderr if there is nothing that can be read.
"""

from __future__ import annotations

import calendar
import contextlib
import io
import json
import os
import resource
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

_ROOT = str(Path(__file__).resolve().parents[2])
_MEMORY_BYTES = 1024**3
_ENTRIES_MOST = 1000
_TEXT_MOST = 100_000
_PAGE_MOST = 1_000_000
_NAME_MOST = 2000
_NOT_CONTENT = ["script", "style", "noscript", "template", "svg", "iframe", "nav", "header", "footer", "aside", "form"]
_BLOCK_END = "\x1e"
_BLOCKS = ["p", "div", "li", "tr", "br", "section", "article", "dt", "dd", "pre", "table", "ul", "ol", "blockquote"]
_BLOCKS += ["h1", "h2", "h3", "h4", "h5", "h6", "main", "header", "footer", "hr", "option", "figure", "caption"]
_NEVER = ["script", "style", "noscript", "template", "svg", "iframe"]

Json = dict[str, Any]


class Unreadable(Exception):
    """The content is no feed, or no page that can be read."""


def main() -> int:
    """Read stdin, write the answer to stdout, return the exit status."""
    request = json.loads(sys.argv[1])
    for what, most in ((resource.RLIMIT_AS, _MEMORY_BYTES), (resource.RLIMIT_CPU, request["cpu_seconds"])):
        with contextlib.suppress(ValueError, OSError):  # not every system has all limits
            resource.setrlimit(what, (most, most))
    sys.path.insert(0, _ROOT)
    try:
        found = (_feed if request["task"] == "feed" else _page)(sys.stdin.buffer.read(), request)
    except (Unreadable, MemoryError, RecursionError) as error:
        sys.stderr.write(str(error) or "It needs more memory than is given to it.")
        sys.stderr.flush()
        return 2
    sys.stdout.buffer.write(json.dumps(found).encode())
    sys.stdout.buffer.flush()
    return 0


def _feed(content: bytes, request: Mapping[str, Any]) -> Json:
    """Return {title, url, text, entries: [{id, title, url, at, updated_at, author, text, tags}]}."""
    from feedparser.api import parse

    headers = {"content-type": request["media_type"], "content-location": request["url"]}
    # A stream: the library takes a text for an address or for the name of a file.
    read: Any = parse(io.BytesIO(content), response_headers=headers, sanitize_html=False)  # type: ignore[no-untyped-call]
    if not read.get("version") and not read.entries:
        raise Unreadable(_no_feed(read.feed.get("links", [])))
    entries = [_entry(one, request["url"]) for one in read.entries[:_ENTRIES_MOST]]
    about = {"title": _line(read.feed.get("title")), "url": _line(read.feed.get("link"))}
    return {**about, "text": _text(read.feed.get("subtitle")), "entries": entries}


def _no_feed(links: Iterable[Mapping[str, Any]]) -> str:
    kinds = {"application/rss+xml", "application/atom+xml"}
    named = [str(one.get("href")) for one in links if one.get("type") in kinds and one.get("rel") == "alternate"]
    return "There is no feed at this address." + (f" This page names one: {named[0][:_NAME_MOST]}" if named else "")


def _entry(one: Any, base: str) -> Json:
    contents = [str(each.get("value", "")) for each in one.get("content", [])]
    html = max([str(one.get("summary", "")), *contents], key=len)
    return {
        "id": _line(one.get("id")),
        "title": _text(one.get("title")).replace("\n", " ")[:_NAME_MOST],
        "url": urljoin(base, _line(one.get("link"))) if one.get("link") else "",
        "at": _moment(one.get("published_parsed") or one.get("updated_parsed")),
        "updated_at": _moment(one.get("updated_parsed")),
        "author": _line(one.get("author")),
        "text": _text(html),
        "tags": [_line(each.get("term")) for each in one.get("tags", [])[:50]],
    }


def _line(value: object) -> str:
    return " ".join(str(value or "").split())[:_NAME_MOST]


def _text(html: object) -> str:
    """Return what a person sees of HTML; other text stays as it is."""
    from clients.mail.html import visible_text

    given = str(html or "")
    return (visible_text(given) if "<" in given or "&" in given else given.strip())[:_TEXT_MOST]


def _moment(parsed: Any) -> str | None:
    """Return a time as RFC 3339, None if there is none, or none that a calendar has."""
    try:
        at = datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return f"{at.isoformat(timespec='milliseconds')[:-6]}Z"


def _page(content: bytes, request: Mapping[str, Any]) -> Json:
    """Return {title, text, found}: `found` is how many elements the selector fits."""
    from bs4 import BeautifulSoup

    from clients.mail.html import HTML_MOST, TAGS_MOST, shortened

    charset = request["charset"] or None
    soup = BeautifulSoup(content[: 4 * HTML_MOST], "html.parser", from_encoding=charset)
    whole = shortened(soup.decode(), TAGS_MOST)
    soup = BeautifulSoup(whole, "html.parser")
    title = _line(soup.title.get_text()) if soup.title else ""
    parts = _selected(soup, request["selector"]) if request["selector"] else _main_part(soup)
    text = "\n\n".join(filter(None, (_written(part, request) for part in parts)))
    return {"title": title, "text": text[:_PAGE_MOST], "truncated": len(text) > _PAGE_MOST, "found": len(parts)}


def _selected(soup: Any, selector: str) -> list[Any]:
    from soupsieve import SelectorSyntaxError

    try:
        found = soup.select(selector, limit=_ENTRIES_MOST)
    except (SelectorSyntaxError, NotImplementedError, ValueError) as error:
        raise Unreadable(f"The selector {selector!r} cannot be read: {str(error).splitlines()[0]}") from error
    chosen = Counter(map(id, found))
    return [one for one in found if not any(id(parent) in chosen for parent in one.parents)]


def _main_part(soup: Any) -> list[Any]:
    """Return the page's main part, if it names one; otherwise all without what is around it."""
    named = soup.find_all(["main"]) or soup.find_all(["article"])
    part = named[0] if len(named) == 1 else (soup.body or soup)
    for element in part.find_all(_NOT_CONTENT):
        if not element.decomposed and (element.name != "header" or part.name not in {"main", "article"}):
            element.decompose()
    return [part]


def _written(part: Any, request: Mapping[str, Any]) -> str:
    from clients.mail.html import visible_text

    for element in part.find_all(_NEVER):
        if not element.decomposed:
            element.decompose()
    if request["format"] == "markdown":
        for link in part.find_all("a", href=True):
            link["href"] = urljoin(request["url"], str(link["href"]))
        return visible_text(str(part))
    return "\n".join(filter(None, (" ".join(line.split()) for line in _blocks(part))))


def _blocks(part: Any) -> list[str]:
    """Return the text of each block: blanks and line ends in the source are no line ends on a page."""
    for text in [text for listing in part.find_all("pre") for text in listing.find_all(string=True)]:
        text.replace_with(text.replace("\n", _BLOCK_END))
    for element in part.find_all(_BLOCKS):
        element.insert_before(_BLOCK_END)
        element.insert_after(_BLOCK_END)
    for element in part.find_all(["td", "th"]):
        element.insert_after(" ")
    return str(part.get_text("")).split(_BLOCK_END)


if __name__ == "__main__":
    status = main()
    os._exit(status)  # without the clean-up of a large tree of objects
