"""Read a feed or a web page in a child process, so that a malicious one can waste only that.

Run as a script: the request as JSON in the first argument, the content on stdin; on stdout the answer as JSON. Exits
with 2 and a sentence on stderr if there is nothing that can be read.
"""

from __future__ import annotations

import calendar
import io
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

_ROOT = str(Path(__file__).resolve().parents[2])
_ENTRIES_MOST = 1000
_TEXT_MOST = 100_000
_PAGE_MOST = 1_000_000
_NAME_MOST = 2000
_NOT_CONTENT = ["script", "style", "noscript", "template", "svg", "iframe", "nav", "header", "footer", "aside", "form"]
_BLOCK_END = "\x1e"
_BLOCKS = ["p", "div", "li", "tr", "br", "section", "article", "dt", "dd", "pre", "table", "ul", "ol", "blockquote"]
_BLOCKS += ["h1", "h2", "h3", "h4", "h5", "h6", "main", "header", "footer", "hr", "option", "figure", "caption"]
_NEVER = ["script", "style", "noscript", "template", "svg", "iframe"]
_NUMBER = re.compile(r"&#(?:[xX]([0-9a-fA-F]+)|([0-9]+));?")
_SINCE_1970 = re.compile(r"(1[0-9]{9})(?:[0-9]{3})?")
_DIGITS = re.compile(r"([0-9]{8})([0-9]{4}(?:[0-9]{2})?)")
_UTC = re.compile(r"\s*(?:UTC|GMT|Z)\Z")
_LAST, _SURROGATES = 0x10FFFF, range(0xD800, 0xE000)

Json = dict[str, Any]


class UnreadableWebContent(Exception):
    """The content is not a feed, or not a page that can be read."""


def main() -> int:
    """Read stdin, write the answer to stdout, return the exit status."""
    sys.path.insert(0, _ROOT)
    from engine.sandbox.limits import ChildLimits

    request = json.loads(sys.argv[1])
    ChildLimits(**request["limits"]).apply()
    try:
        found = (_feed if request["task"] == "feed" else _page)(sys.stdin.buffer.read(), request)
        # Half of a pair may be left of an escaped reference; no later reader could write it.
        written = json.dumps(found, ensure_ascii=False).encode("utf-8", "replace")
    except UnreadableWebContent as error:
        return _refused(str(error))
    except MemoryError:
        return _refused("The answer needs more memory to read than is given to it.")
    except RecursionError:
        return _refused("The answer is nested too deeply.")
    except Exception as error:  # noqa: BLE001 - the libraries promise nothing for broken input
        return _refused(f"The answer is damaged: it cannot be read ({type(error).__name__}).")
    sys.stdout.buffer.write(written)
    sys.stdout.buffer.flush()
    return 0


def _refused(sentence: str) -> int:
    sys.stderr.write(sentence)
    sys.stderr.flush()
    return 2


def _feed(content: bytes, request: Mapping[str, Any]) -> Json:
    """Return a feed as `engine.sandbox.web.feed` says."""
    from clients.mail.charsets import body_text

    text, note = body_text(content, request["content_type"])
    read = _json_feed(text) if text.lstrip()[:1] == "{" else _xml_feed(text, request["url"])
    entries = [_entry(one, request["url"]) for one in _newest(read.entries)]
    left_out = len(read.entries) - len(entries)
    about = {"title": _line(_visible(read.feed.get("title"))), "url": _line(read.feed.get("link"))}
    return {**about, "text": _text(read.feed.get("subtitle")), "entries": entries, "left_out": left_out, "note": note}


def _json_feed(text: str) -> Any:
    from feedparser import datetimes
    from feedparser.util import FeedParserDict

    from engine.sandbox.json_feed import read_json_feed

    _read_times()
    time_of: Any = vars(datetimes)["_parse_date"]
    read = read_json_feed(text)
    if read is None:
        raise UnreadableWebContent(_no_feed([]))
    for one in read["entries"]:
        for name in ("published", "updated"):
            one[f"{name}_parsed"] = time_of(one[name])
    return FeedParserDict(read)


def _xml_feed(text: str, url: str) -> Any:
    from feedparser import api

    _keep_ids(api)
    _keep_letters(api)
    _read_times()
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": url}
    # A stream: the library takes a text for an address or for the name of a file.
    stream = io.BytesIO(_NUMBER.sub(_character, text).encode("utf-8", "replace"))
    read: Any = api.parse(stream, response_headers=headers, sanitize_html=False)  # type: ignore[no-untyped-call]
    if not read.get("version") and not read.entries:
        raise UnreadableWebContent(_no_feed(read.feed.get("links", [])))
    return read


def _keep_letters(api: Any) -> None:
    """Let the library not guess that a text is UTF-8 which was read as Latin-1: of `NESTLÉ®`, it makes `NESTLɮ`.

    It does so where the encoding has the name that it writes itself; another name of the same changes nothing else.
    """
    for name in ("StrictFeedParser", "LooseFeedParser"):
        parser = getattr(api, name)

        def made(base: str, language: str, _encoding: str, *more: Any, of: Any = parser) -> Any:
            return of(base, language, "utf8", *more)

        setattr(api, name, made)


def _keep_ids(api: Any) -> None:
    """Let the library not take an id for a relative address: of the id `7`, it would make an address of this host."""
    for parser in (api.StrictFeedParser, api.LooseFeedParser):
        parser.can_be_relative_uri = parser.can_be_relative_uri - {"id"}


def _read_times() -> None:
    """Let the library read times of ISO 8601 as they are: it takes what only begins like one for some day."""
    from feedparser import datetimes
    from feedparser.datetimes import iso8601

    handlers: list[Any] = vars(datetimes)["_date_handlers"]
    handlers[:] = [one for one in handlers if one.__module__ != iso8601.__name__]
    datetimes.registerDateHandler(_time_of)  # type: ignore[no-untyped-call]


def _time_of(written: str) -> Any:
    """Return a time of ISO 8601, or in seconds or milliseconds since 1970. Raises ValueError, OverflowError."""
    written = _UTC.sub("Z", written.strip())
    if seconds := _SINCE_1970.fullmatch(written):
        return datetime.fromtimestamp(int(seconds[1]), UTC).utctimetuple()
    if digits := _DIGITS.fullmatch(written):
        written = f"{digits[1]}T{digits[2]}"
    written, is_midnight = re.subn("T24:00(:00)?", "T00:00", written)  # ISO 8601: the end of a day
    at = datetime.fromisoformat(written.replace(", ", "T")) + timedelta(days=is_midnight)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).utctimetuple()


def _newest(entries: Sequence[Any]) -> Sequence[Any]:
    """Return the newest entries in the feed's order, as many as are read.

    If one has no time, they are the first and the last: feeds are newest first by custom, some are oldest first.
    """
    if len(entries) <= _ENTRIES_MOST:
        return entries
    times = [_published(one) for one in entries]
    if None in times:
        half = _ENTRIES_MOST // 2
        return [*entries[:half], *entries[-half:]]
    newest = sorted(range(len(entries)), key=lambda index: str(times[index]), reverse=True)[:_ENTRIES_MOST]
    return [entries[index] for index in sorted(newest)]


def _published(one: Any) -> str | None:
    return _moment(one.get("published_parsed") or one.get("updated_parsed"))


def _character(found: re.Match[str]) -> str:
    """Return a reference as it is, U+FFFD in place of one to no character (XML 1.0, 2.2): the library breaks there."""
    digits, base = (found[1], 16) if found[1] else (found[2], 10)
    digits = digits.lstrip("0")
    number = int(digits or "0", base) if len(digits) < 8 else _LAST + 1  # `int` refuses more than 4,300 digits
    return "&#xFFFD;" if number > _LAST or number in _SURROGATES else found[0]


def _no_feed(links: Iterable[Mapping[str, Any]]) -> str:
    kinds = {"application/rss+xml", "application/atom+xml"}
    named = [str(one.get("href")) for one in links if one.get("type") in kinds and one.get("rel") == "alternate"]
    return "There is no feed at this address." + (f" This page names one: {named[0][:_NAME_MOST]}" if named else "")


def _entry(one: Any, base: str) -> Json:
    contents = [str(each.get("value", "")) for each in one.get("content", [])]
    html = max([str(one.get("summary", "")), *contents], key=len)
    title, text = _visible(one.get("title")).replace("\n", " "), _visible(html)
    return {
        "id": _line(one.get("id")),
        "title": title[:_NAME_MOST],
        "url": _joined(base, link) if (link := _link(one)) else "",
        "at": _published(one),
        "updated_at": _moment(one.get("updated_parsed")),
        "author": _line(one.get("author")),
        "text": text[:_TEXT_MOST],
        "tags": [_line(each.get("term")) for each in one.get("tags", [])[:50]],
        "is_cut": len(title) > _NAME_MOST or len(text) > _TEXT_MOST,
    }


def _link(one: Any) -> str:
    """Return the address of an entry: its link, or an id that is an address (RSS 2.0, `guid`)."""
    link = _line(one.get("link"))
    is_address = link.lower().startswith(("http://", "https://", "/"))
    return "" if link == _line(one.get("id")) and not is_address else link


def _joined(base: str, href: str) -> str:
    """Return a whole address; an invalid link stays as it is written."""
    try:
        return urljoin(base, href)
    except ValueError:
        return href


def _line(value: object) -> str:
    return " ".join(str(value or "").split())[:_NAME_MOST]


def _text(html: object) -> str:
    return _visible(html)[:_TEXT_MOST]


def _visible(html: object) -> str:
    """Return what a person sees of HTML; other text stays as it is."""
    from clients.mail.html import visible_text

    given = str(html or "")
    return visible_text(given) if "<" in given or "&" in given else given.strip()


def _moment(parsed: Any) -> str | None:
    """Return a time as RFC 3339, None if it is missing, or not in any calendar."""
    try:
        at = datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return f"{at.isoformat(timespec='milliseconds')[:-6]}Z"


def _page(content: bytes, request: Mapping[str, Any]) -> Json:
    """Return {title, text, truncated, found, note}: `found` is how many elements the selector fits."""
    from clients.mail.charsets import body_text
    from clients.mail.html import HTML_MOST, bounded, is_longer
    from clients.mail.html_tree import HtmlTree
    from engine.sandbox.readers.page_tables import page_text
    from engine.sandbox.readers.xhtml import expanded

    source, note = body_text(content[: 4 * HTML_MOST], request["content_type"])
    html = expanded(source)
    soup = HtmlTree(bounded(html))
    title = _line(soup.title.get_text()) if soup.title else ""
    parts = _selected(soup, request["selector"]) if request["selector"] else _main_part(soup)
    is_cut = len(content) > 4 * HTML_MOST or is_longer(html)  # in UTF-8, a character has up to four bytes
    if request["format"] == "markdown":
        pages = [_page_of(part, request["url"]) for part in parts]
        is_cut = is_cut or any(map(is_longer, pages))  # they have the end tags that may be left out, too
        texts = [page_text(one, is_markdown=True) for one in pages]
    else:
        texts = list(map(_lines, parts))
    text = "\n\n".join(filter(None, texts))
    return {
        "title": title,
        "text": text[:_PAGE_MOST],
        "truncated": is_cut or len(text) > _PAGE_MOST,
        "found": len(parts),
        "note": note,
    }


def _selected(soup: Any, selector: str) -> list[Any]:
    from soupsieve import SelectorSyntaxError

    try:
        found = soup.select(selector, limit=_ENTRIES_MOST)
    except (SelectorSyntaxError, NotImplementedError, ValueError) as error:
        raise UnreadableWebContent(f"The selector {selector!r} cannot be read: {str(error).splitlines()[0]}") from error
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


def _page_of(part: Any, url: str) -> str:
    """Return the HTML of a part, with whole addresses."""
    for element in part.find_all(_NEVER):
        if not element.decomposed:
            element.decompose()
    for link in part.find_all("a", href=True):
        link["href"] = _joined(url, str(link["href"]))
    return str(part)


def _lines(part: Any) -> str:
    blocks = "".join(_pieces(part)).split(_BLOCK_END)
    return "\n".join(filter(None, (" ".join(line.split()) for line in blocks)))


def _pieces(part: Any) -> Iterator[str]:
    """Yield the text of a part, with a mark around each block: on a page, line ends of the source mean nothing.

    Walks without recursion and changes nothing: a page may nest tens of thousands of elements.
    """
    from bs4.element import CData, NavigableString, Tag

    waiting: list[tuple[Any, bool]] = [(part, False)]
    while waiting:
        one, is_pre = waiting.pop()
        if isinstance(one, Tag):
            if one.name in _NEVER:
                continue
            around = _BLOCK_END if one.name in _BLOCKS else ""
            after = " " if one.name in ("td", "th") else around
            is_pre = is_pre or one.name == "pre"
            waiting.append((after, False))
            waiting += [(each, is_pre) for each in reversed(one.contents)]
            yield around
        elif type(one) in (str, NavigableString, CData):  # comments and declarations are not text
            yield one.replace("\n", _BLOCK_END) if is_pre else str(one)


if __name__ == "__main__":
    status = main()
    os._exit(status)  # without the clean-up of a large tree of objects
