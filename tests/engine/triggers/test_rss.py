"""Feeds as they are: without ids, in any order, published again; and what the server is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from clients.http.client import HttpClient
from clients.http.service import HttpSettings
from engine.triggers.rss import NewEntry
from tests.engine.triggers.looking import Looker

Entry = Mapping[str, str]


class Server(httpx.BaseTransport):
    """A server with one feed, which answers 304 to who knows it already."""

    def __init__(self) -> None:
        self.feed, self.statuses = "", list[int]()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        tag = f'"{hash(self.feed)}"'
        is_known = request.headers.get("if-none-match") == tag
        self.statuses.append(304 if is_known else 200)
        kind = {"etag": tag, "content-type": "application/rss+xml"}
        return httpx.Response(304, headers=kind) if is_known else httpx.Response(200, text=self.feed, headers=kind)

    def publish(self, *entries: Entry) -> None:
        """Let the feed have these entries, newest first."""
        items = "".join("<item>" + "".join(f"<{k}>{v}</{k}>" for k, v in one.items()) + "</item>" for one in entries)
        self.feed = f'<?xml version="1.0"?><rss version="2.0"><channel><title>F</title>{items}</channel></rss>'


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def looker(server: Server) -> Looker:
    client = HttpClient(HttpSettings(), httpx.Client(transport=server))
    return Looker(NewEntry(), {"url": "https://blog.example/feed"}, client)


def post(n: int, **more: str) -> Entry:
    return {"guid": f"id-{n}", "title": f"T{n}", "link": f"https://blog.example/{n}", "description": f"D{n}", **more}


def renamed(n: int, mark: str, **more: str) -> Entry:
    address = f"https://blog.example/{n}{mark}"
    return post(n, **{"guid": address, "link": address, **more})


def without(one: Entry, *names: str) -> Entry:
    return {name: text for name, text in one.items() if name not in names}


def titles(looker: Looker) -> list[str]:
    return [item.title for item in looker.look_until_done()]


OLD = [post(2), post(1)]
NOON, EVENING = "Thu, 03 Dec 2026 12:00:00 GMT", "Thu, 03 Dec 2026 19:00:00 GMT"


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        pytest.param(OLD, [post(3), *OLD], ["T3"], id="one more"),
        pytest.param(OLD, [post(4), post(3)], ["T3", "T4"], id="old ones are gone; the older comes first"),
        pytest.param(OLD, [post(1), post(3), post(2)], ["T3"], id="another order"),
        pytest.param(OLD, [post(2, description="changed", title="T2!"), post(1)], [], id="changed under its id"),
        pytest.param(OLD, [post(2, link="https://other.example/2"), post(1)], [], id="moved under its id"),
        pytest.param(OLD, [post(2, guid="new-2"), post(1, guid="new-1")], [], id="all ids are others"),
        pytest.param(
            [renamed(2, "?t=3"), renamed(1, "?t=3")],
            [renamed(3, "?t=4"), renamed(2, "?t=4"), renamed(1, "?t=4")],
            ["T3"],
            id="ids and addresses have a number of the fetch",
        ),
        pytest.param(
            OLD,
            [post(2, guid="new", link="http://blog.example/2/?utm_source=feed", description="3 comments"), post(1)],
            [],
            id="id and text are others, and the address has a campaign",
        ),
        pytest.param(
            [post(1, pubDate=NOON)],
            [renamed(1, "?t=4", pubDate=NOON, description="changed")],
            [],
            id="only title and time are left",
        ),
        pytest.param(
            [post(1, pubDate=NOON)],
            [renamed(1, "?t=4", pubDate=EVENING), post(1, pubDate=NOON)],
            ["T1"],
            id="the same title and text at another time",
        ),
        pytest.param(
            [post(1)],
            [renamed(1, "?t=5"), renamed(1, "?t=4"), post(1)],
            ["T1", "T1"],
            id="the same title and text side by side",
        ),
        pytest.param(OLD, [post(2, guid="new", title="Another"), *OLD], ["Another"], id="news at a known address"),
        pytest.param(
            [without(post(1), "guid")],
            [without(post(2), "guid"), without(post(1), "guid")],
            ["T2"],
            id="no ids: addresses",
        ),
        pytest.param(
            [without(post(1), "guid", "link")],
            [without(post(2), "guid", "link"), without(post(1), "guid", "link")],
            ["T2"],
            id="neither ids nor addresses",
        ),
        pytest.param(
            [post(1, guid="x")], [post(3, guid="x"), post(2, guid="x"), post(1, guid="x")], ["T2", "T3"], id="one id"
        ),
        pytest.param([], [post(1), post(1)], ["T1"], id="twice in one feed"),
    ],
)
@pytest.mark.slow
def test_what_is_new(
    server: Server, looker: Looker, before: Sequence[Entry], after: Sequence[Entry], new: list[str]
) -> None:
    server.publish(*before)
    assert titles(looker) == []
    server.publish(*after)
    assert titles(looker) == new
    server.publish(*reversed(after))
    assert titles(looker) == []


def test_an_unchanged_feed_is_not_sent_again_and_a_backlog_is(server: Server, looker: Looker) -> None:
    server.publish(*OLD)
    assert titles(looker) == titles(looker) == []
    server.publish(post(5), post(4), post(3), *OLD)
    looker.limit = 2
    assert titles(looker) == ["T3", "T4", "T5"]
    assert titles(looker) == []
    assert server.statuses == [200, 304, 200, 200, 304]


def test_what_came_and_went_before_it_was_listed_is_all_that_is_lost(server: Server, looker: Looker) -> None:
    server.publish()
    assert titles(looker) == []
    server.publish(post(2, pubDate="not a time"), post(1, pubDate="Mon, 01 Jan 0000 00:00:00 GMT"))
    found: Any = looker.look_until_done()
    assert [(one.title, one.at) for one in found] == [("T1", None), ("T2", None)]


def dated(n: int) -> Entry:
    at = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(hours=n)
    return post(n, pubDate=format_datetime(at))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("one", "left_out"),
    [
        pytest.param(dated, "11 entries of the feed not read (older ones).", id="by time"),
        pytest.param(
            post,
            "11 entries of the feed not read (in the middle, as there are entries without a time).",
            id="at both ends",
        ),
    ],
)
def test_a_long_feed_with_the_oldest_first_goes_on_and_says_what_is_not_read(
    server: Server, looker: Looker, one: Callable[[int], Entry], left_out: str
) -> None:
    entries = [one(n) for n in range(1010)]
    server.publish(*entries)
    assert titles(looker) == []
    server.publish(*entries, one(1010))
    assert titles(looker) == ["T1010"]
    assert titles(looker) == []
    assert looker.notes[-2:] == [left_out, left_out]
    assert server.statuses[-1] == 304


def test_a_text_that_was_cut_is_told(server: Server, looker: Looker) -> None:
    server.publish(post(1, description="x" * 100_001))
    titles(looker)
    assert looker.notes == ["1 entry with a title or text that was cut."]
