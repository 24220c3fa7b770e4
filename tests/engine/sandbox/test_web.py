"""Feeds and pages of strangers: what is read of them, and that malicious ones cost no more than their limits."""

from __future__ import annotations

import json
import resource
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from clients.errors import InvalidRequest
from engine.sandbox import child, web
from tests.few import rare
from tests.patience import slowness

ATOM = b"""<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><title>A &amp; B</title>
<entry><id>tag:x,1</id><title type="html">&lt;b&gt;Bold&lt;/b&gt; news</title><link href="/posts/1"/>
<updated>2026-01-02T03:04:05+01:00</updated><author><name>Ada</name></author>
<content type="html">&lt;p&gt;One&lt;/p&gt;
&lt;script&gt;x()&lt;/script&gt;&lt;p&gt;Two&lt;/p&gt;</content></entry></feed>"""
PAGE = b"""<html><head><title>Shop</title><style>p{}</style></head><body><nav>Menu</nav><main><h1>Prices</h1>
<p>Small   <b>9</b> euros</p><script>x()</script><p class="n">Team <a href="/t">29</a></p></main></body></html>"""
_DEEP = b"<item>" * 100_000
_ENTITIES = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 12))
_LAUGHS = b"<?xml version='1.0'?><!DOCTYPE r [<!ENTITY l0 'ha'>" + _ENTITIES + b"]><rss>&l11;</rss>"


def test_an_entry_is_plain_text_with_whole_addresses_and_times() -> None:
    read = web.feed(ATOM, "application/atom+xml", "https://blog.example/feed")
    [one] = read["entries"]
    assert (read["title"], one["id"], one["author"]) == ("A & B", "tag:x,1", "Ada")
    assert (one["url"], one["at"]) == ("https://blog.example/posts/1", "2026-01-02T02:04:05.000Z")
    assert "Bold" in one["title"]
    assert one["text"].split() == ["One", "Two"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "no feed", id="nothing"),
        pytest.param(b"https://127.0.0.1:1/feed", "no feed", id="an address"),
        pytest.param(b'{"a": 1}', "no feed", id="JSON"),
        pytest.param(
            b'<html><head><link rel="alternate" type="application/rss+xml" href="/f.xml"></head></html>',
            "names one: https://blog.example/f.xml",
            id="a page that names its feed",
        ),
    ],
)
def test_what_is_no_feed_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        web.feed(content, "text/html", "https://blog.example/")


def test_the_name_of_a_file_is_not_read_as_that_file(tmp_path: Path) -> None:
    (tmp_path / "feed").write_bytes(ATOM)
    with pytest.raises(InvalidRequest, match="no feed"):
        web.feed(str(tmp_path / "feed").encode(), "text/xml", "https://blog.example/")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            b"<?xml version='1.0'?><!DOCTYPE r [<!ENTITY l0 'ha'>" + _LAUGHS + b"]><rss>&l11;</rss>", id="xml"
        ),
        pytest.param(b"<rss version='2.0'><channel>" + _DEEP, id="deep"),
        pytest.param(b"<rss version='2.0'><channel><title>" + b"<![CDATA[" * 1_000_000, id="unfinished"),
        pytest.param(b"<html>" + b"<a <b " * 1_000_000, id="no tags"),
    ],
)
@pytest.mark.parametrize("task", ["feed", "page"])
def test_a_bomb_is_refused_or_read_within_the_limits(
    monkeypatch: pytest.MonkeyPatch, content: bytes, task: str
) -> None:
    monkeypatch.setattr(web, "CPU_SECONDS", 1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, _seconds_of_children()
    with suppress(InvalidRequest):
        if task == "feed":
            web.feed(content, "text/xml", "https://x.example/")
        else:
            web.page(content, "", "https://x.example/", "", "text")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before[0] < 100_000, "kilobytes"
    assert _seconds_of_children() - before[1] < 3


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize(
    ("selector", "form", "text", "found"),
    [
        pytest.param("", "text", "Prices\nSmall 9 euros\nTeam 29", 1, id="the main part"),
        pytest.param("p", "text", "Small 9 euros\n\nTeam 29", 2, id="some elements"),
        pytest.param("p.n", "markdown", "Team [29](https://shop.example/t)", 1, id="Markdown"),
        pytest.param("main, p", "text", "Prices\nSmall 9 euros\nTeam 29", 1, id="nothing twice"),
        pytest.param(".gone", "text", "", 0, id="nothing"),
    ],
)
def test_a_page_is_what_people_see_of_it(selector: str, form: web.PageFormat, text: str, found: int) -> None:
    read = web.page(PAGE, "text/html; charset=utf-8", "https://shop.example/prices", selector, form)
    assert (read["title"], read["text"], read["found"]) == ("Shop", text, found)


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_an_empty_script_of_xhtml_swallows_nothing(form: web.PageFormat) -> None:
    page = (
        b'<html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script src="x.js"/></head><body>One</body></html>'
    )
    assert web.page(page, "", "https://x.example/", "", form)["text"] == "One"


@pytest.mark.parametrize("broken", ["", "<br>"])
def test_letters_that_look_like_utf_8_read_wrongly_stay(broken: str) -> None:
    title = "NESTL\u00c9\u00ae launches"
    feed = (
        f'<?xml version="1.0"?><rss version="2.0"><channel><item><title>{title}</title>{broken}</item></channel></rss>'
    )
    [one] = web.feed(feed.encode(), "application/rss+xml", "https://x.example/")["entries"]
    assert one["title"] == title


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("1730541600", "2024-11-02T10:00:00.000Z"),
        ("1730541600000", "2024-11-02T10:00:00.000Z"),
        ("2026-W45-1", "2026-11-02T00:00:00.000Z"),
        ("20261102T100000Z", "2026-11-02T10:00:00.000Z"),
        ("20261102", "2026-11-02T00:00:00.000Z"),
        ("2026-11-02T10:00:00+0530", "2026-11-02T04:30:00.000Z"),
        ("2026-11-02T10:00:00", "2026-11-02T10:00:00.000Z"),
        ("2026-11-02 10:00", "2026-11-02T10:00:00.000Z"),
        ("Mon, 02 Nov 2026 10:00:00 +0100", "2026-11-02T09:00:00.000Z"),
        ("2026", "2026-01-01T00:00:00.000Z"),
        ("17305416", None),
        ("2024-05-01T12:00:00 UTC", "2024-05-01T12:00:00.000Z"),
        ("2024-05-01 12:00:00 GMT", "2024-05-01T12:00:00.000Z"),
        ("2024-05-01T24:00:00Z", "2024-05-02T00:00:00.000Z"),
        ("2024-05-01, 12:00", "2024-05-01T12:00:00.000Z"),
        ("20240501120000", "2024-05-01T12:00:00.000Z"),
        ("202405011200", "2024-05-01T12:00:00.000Z"),
        ("26-11-02", None),
        ("12 o'clock", None),
        ("99999999999999999999", None),
    ],
)
def test_a_time_of_an_entry_is_right_or_none(written: str, at: str | None) -> None:
    feed = f'<rss version="2.0"><channel><item><title>A</title><pubDate>{written}</pubDate></item></channel></rss>'
    assert web.feed(feed.encode(), "application/rss+xml", "https://x.example/")["entries"][0]["at"] == at


def test_the_title_of_a_feed_is_plain_text() -> None:
    feed = ATOM.replace(b"<title>A &amp; B", b'<title type="html">A &amp;amp; &lt;b&gt;B&lt;/b&gt;', 1)
    assert web.feed(feed, "application/atom+xml", "https://b.example/")["title"] == "A & **B**"


@pytest.mark.parametrize("reference", ["&#xD800;", "&#56320;", "&#x110000;", "&#99999999999;"])
def test_a_reference_to_no_character_costs_one_character(reference: str) -> None:
    read = web.feed(
        ATOM.replace(b"A &amp; B", f"A {reference} B".encode()), "application/atom+xml", "https://b.example/"
    )
    assert (read["title"], len(read["entries"])) == ("A \ufffd B", 1)
    wrapped = ATOM.replace(b"One", reference.replace("&", "&amp;").encode())  # in the HTML of an entry
    web.feed(wrapped, "application/atom+xml", "https://b.example/")["entries"][0]["text"].encode()
    web.page(PAGE.replace(b"Small", reference.encode()), "", "https://b.example/", "", "text")["text"].encode()


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_a_link_that_is_no_address_stays_as_it_is_written(form: web.PageFormat) -> None:
    odd = PAGE.replace(b'href="/t"', b'href="http://[::1"')
    assert "29" in web.page(odd, "", "https://shop.example/", "", form)["text"]
    feed = ATOM.replace(b'href="/posts/1"', b'href="http://[::1"')
    assert web.feed(feed, "application/atom+xml", "https://b.example/")["entries"][0]["url"] in ("http://[::1", "")


def test_what_breaks_the_reader_is_called_damaged() -> None:
    odd = ATOM.replace(b"<entry>", b'<entry><pos xmlns="http://www.opengis.net/gml">a b</pos>')
    with pytest.raises(InvalidRequest, match="The answer is damaged"):
        web.feed(odd, "application/atom+xml", "https://b.example/")


@pytest.mark.parametrize(
    ("body", "form"),
    [
        pytest.param(b"<br>" * 60_001, "text", id="text"),
        rare(b"<p>x" * 31_000, "markdown", id="end tags left out"),
    ],
)
def test_a_page_of_which_not_all_is_read_is_truncated(body: bytes, form: web.PageFormat) -> None:
    assert web.page(b"<html>first" + body, "", "https://x.example/", "", form)["truncated"]
    assert not web.page(PAGE, "", "https://x.example/", "", form)["truncated"]


def test_a_table_of_a_page_is_one_in_markdown() -> None:
    page = b"<main><table><tr><th>a<th>b<tr><td><a href='/1'>1</a><td>2</table></main>"
    read = web.page(page, "", "https://x.example/", "", "markdown")
    assert read["text"] == "| a | b |\n| --- | --- |\n| [1](https://x.example/1) | 2 |"


_OPEN = b"<div>" * 200_000
_NESTED = b"<div>" * 50_000 + b"x" + b"</div>" * 50_000


@pytest.mark.parametrize(
    ("body", "form"),
    [
        pytest.param(_OPEN, "text", id="open-text"),
        rare(_OPEN, "markdown", id="open-markdown"),
        rare(_NESTED, "text", id="nested-text"),
        pytest.param(_NESTED, "markdown", id="nested-markdown"),
    ],
)
def test_a_nest_of_tags_is_read_in_seconds(body: bytes, form: web.PageFormat) -> None:
    before = _seconds_of_children()
    assert web.page(b"<html>first " + body, "", "https://x.example/", "", form)["text"].startswith("first")
    assert _seconds_of_children() - before < 5 * slowness()


def test_feeds_and_pages_wait_for_their_turn_behind_walls(monkeypatch: pytest.MonkeyPatch) -> None:
    walled: list[int] = []

    def walls() -> None:
        walled.append(1)

    monkeypatch.setattr(child, "walls", walls)
    monkeypatch.setattr(child, "turn", threading.BoundedSemaphore(1))
    monkeypatch.setattr(web, "ANSWER_BYTES", 1000)
    with child.turn:
        waiting = threading.Thread(target=web.page, args=(PAGE, "", "https://x.example/", "", "text"))
        waiting.start()
        waiting.join(1.0)
        assert waiting.is_alive()
    waiting.join(30.0)
    assert (waiting.is_alive(), walled) == (False, [1])
    with pytest.raises(InvalidRequest, match="too much"):
        web.page(b"<p>" + b"word " * 1000, "", "https://x.example/", "", "text")


def test_a_selector_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="cannot be read"):
        web.page(PAGE, "text/html; charset=utf-8", "https://shop.example/", "p[", "text")


_WORDS = "Grüße aus Łódź"


@pytest.mark.parametrize(
    ("encoding", "declared", "kind", "note"),
    [
        pytest.param("cp1250", "windows-1250", "", "", id="within"),
        pytest.param("cp1250", "", "; charset=cp1250", "", id="in the header"),
        pytest.param("cp1250", "utf-8", "; charset=cp1250", "", id="the header first"),
        pytest.param("utf-8", "x-nobody", "", "names the charset 'x-nobody', which is unknown", id="unknown within"),
        pytest.param("utf-8", "", '; charset="x-nobody"', "which is unknown", id="unknown in the header"),
        pytest.param("utf-8", "us-ascii", "", "not in the charset that it names, 'us-ascii'", id="wrong within"),
        pytest.param("utf-8", "", "; charset=base64", "which is unknown", id="no charset of texts"),
        pytest.param("utf-16", "utf-8", "", "", id="a mark first"),
    ],
)
def test_the_charset_is_that_of_the_header_else_that_within(encoding: str, declared: str, kind: str, note: str) -> None:
    page = f"{f'<meta charset={declared}>' if declared else ''}<p>{_WORDS}"
    feed = f"<rss version='2.0'><channel><title>{_WORDS}</title></channel></rss>"
    feed = f"<?xml version='1.0' encoding='{declared}'?>{feed}" if declared else feed
    shown = web.page(page.encode(encoding), f"text/html{kind}", "https://x.example/", "", "text")
    read = web.feed(feed.encode(encoding), f"text/xml{kind}", "https://x.example/")
    for text, said in ((shown["text"], shown["note"]), (read["title"], read["note"])):
        assert text == _WORDS
        assert (note in said) if note else not said


@pytest.mark.parametrize(
    ("item", "found", "url"),
    [
        pytest.param("<guid>7</guid>", "7", "", id="a number"),
        pytest.param("<guid>urn:uuid:7</guid>", "urn:uuid:7", "", id="a name"),
        pytest.param("<guid>https://y.example/7</guid>", "https://y.example/7", "https://y.example/7", id="an address"),
        pytest.param("<guid>/p/7</guid>", "/p/7", "https://x.example/p/7", id="a path"),
        pytest.param('<guid isPermaLink="false">https://y.example/7</guid>', "https://y.example/7", "", id="none"),
        pytest.param("<guid>7</guid><link>p/7</link>", "7", "https://x.example/f/p/7", id="beside a link"),
    ],
)
def test_an_id_is_an_address_only_if_it_looks_like_one(item: str, found: str, url: str) -> None:
    feed = f"<rss version='2.0'><channel><title>F</title><item><title>T</title>{item}</item></channel></rss>"
    [one] = web.feed(feed.encode(), "text/xml", "https://x.example/f/feed")["entries"]
    assert (one["id"], one["url"]) == (found, url)


JSON_ITEM = {
    "id": 7,
    "title": "A < B & C",
    "content_text": "One\nTwo <b>",
    "external_url": "/p/7",
    "date_published": "2026-11-01T10:00:00+01:00",
    "date_modified": 1793527200,
    "author": {"name": "Ann"},
    "tags": ["a", None, 5],
}


@pytest.mark.parametrize(
    ("odd", "seen"),
    [
        ({}, {}),
        ({"id": None, "title": None}, {"id": "", "title": ""}),
        ({"content_html": "<p>One</p><script>x</script>", "summary": "S"}, {"text": "One"}),
        ({"content_text": None, "summary": "S"}, {"text": "S"}),
        ({"url": "https://y.example/7"}, {"url": "https://y.example/7"}),
        (
            {"authors": [{"name": "Ann"}, {"url": "https://b.example"}, 3, None]},
            {"author": "Ann, https://b.example, 3"},
        ),
        ({"author": "Ann"}, {}),
        ({"date_published": "Sun, 01 Nov 2026 09:00:00 GMT"}, {}),
        ({"date_published": "soon", "date_modified": {}}, {"at": None, "updated_at": None}),
        ({"tags": "a"}, {"tags": ["a"]}),
        ({"attachments": 1, "expired": False, "_x": [{}]}, {}),
    ],
    ids=str,
)
def test_a_json_feed_is_read_whatever_its_fields_are(odd: dict[str, Any], seen: dict[str, Any]) -> None:
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "F & Co", "home_page_url": "https://x.example"}
    written = json.dumps({**feed, "items": [{**JSON_ITEM, **odd}, None]})
    read = web.feed(written.encode(), "application/json", "https://x.example/feed.json")
    usual: dict[str, Any] = {
        "id": "7",
        "title": "A < B & C",
        "text": "One\nTwo <b>",
        "url": "https://x.example/p/7",
        "author": "Ann",
    }
    usual |= {"at": "2026-11-01T09:00:00.000Z", "updated_at": "2026-11-01T10:00:00.000Z", "tags": ["a", "5"]}
    assert (read["title"], read["url"], len(read["entries"])) == ("F & Co", "https://x.example", 2)
    assert read["entries"][0] == {**usual, "is_cut": False, **seen}
