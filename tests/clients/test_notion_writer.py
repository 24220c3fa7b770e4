"""Text of any length arrives whole and once: as Markdown and as blocks, at Notion's limits, stopped at any request."""

from __future__ import annotations

import difflib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from clients.errors import RateLimited
from clients.notion.client import NotionClient
from clients.notion.pacer import BURST, Pacer
from clients.notion.service import NotionSettings
from clients.notion.text.literal import literal, needs_blocks
from clients.notion.text.markdown import parts
from clients.transport import deadline, http_client
from tests.clients.random_markdown import Writer

if TYPE_CHECKING:
    from tests.conftest import StandIns

DATABASE = "Tasks"
FAST = 400.0
"""Requests a second in tests that are not about the rate: it is enforced all the same."""
NUMBER = "28. "
"""A text with it is sent as blocks."""
MARKER = "m" * 32


class Stopped(BaseException):
    """The process is gone: nothing of what the client knew is left."""


@dataclass
class Notion:
    """The stand-in with its limits on, and clients that know nothing of each other."""

    standins: StandIns
    rate: float = FAST

    def limit(self, rate: float) -> None:
        """Let the stand-in take so many requests a second."""
        self.rate = rate
        self.standins["notion"]
        self.standins.stores["notion"].put("_settings", "notion", {"requests_per_second": rate})

    def run(self, work: Callable[[NotionClient], Any], stop_at: int = 0, *, sent: bool = False) -> Any:
        """Do something with a new client; stopped at its request of that number (from 1), sent or not."""
        time.sleep((BURST + 1) / self.rate)  # what clients before it sent is forgotten
        with http_client() as http:
            count = 0

            def stop(_: Any) -> None:
                nonlocal count
                count += 1
                if count == stop_at:
                    raise Stopped

            endpoint = self.standins["notion"]
            settings = NotionSettings(
                token=SecretStr(endpoint.token),
                base_url=endpoint.base_url,
                requests_per_second=self.rate,
            )
            http.event_hooks = {"response" if sent else "request": [stop]}
            return work(NotionClient(settings, http))

    def count(self, work: Callable[[NotionClient], Any]) -> int:
        """How many requests something takes."""
        before = sum(self.standins.requests("notion").values())
        self.run(work)
        return sum(self.standins.requests("notion").values()) - before

    def attempts(self, work: Callable[[NotionClient], Any], stops: list[int], *, sent: bool) -> int:
        """Do something again and again, each time stopped at one of these requests; how often it was stopped."""
        stopped = 0
        for stop_at in stops:
            try:
                self.run(work, stop_at, sent=sent)
            except Stopped:
                stopped += 1
        return stopped

    def items(self) -> list[dict[str, Any]]:
        """The pages in the database."""
        pages = self.standins.show("notion")["pages"]
        return [page for page in pages if page["parent"]["type"] == "data_source_id"]


@pytest.fixture
def limited(standins: StandIns) -> Iterator[Notion]:
    notion = Notion(standins)
    notion.limit(FAST)
    yield notion
    standins.stores["notion"].put("_settings", "notion", {})


def assert_same(read: str, text: str) -> None:
    """Letter by letter; says where not."""
    if read != text:
        lines = difflib.unified_diff(text.split("\n"), read.split("\n"), lineterm="", n=0)
        pytest.fail("\n".join(line[:300] for _, line in zip(range(20), lines, strict=False)))


def comes_back(notion: Notion, text: str) -> None:
    """Write a page with this text and read it again."""
    made = notion.run(lambda client: client.items.create(DATABASE, "Text", {}, text, marker=MARKER))
    read = notion.run(lambda client: client.pages.text(made["id"]))
    assert_same(read["markdown"], text)
    assert (read["truncated"], read["broken_lines"]) == (False, 0)


numbers = pytest.mark.parametrize("number", [pytest.param("", id="as Markdown"), pytest.param(NUMBER, id="as blocks")])


def numbered(text: str, number: str) -> str:
    """A text of a `Writer` that has this number between its blocks, so that each part of it needs blocks."""
    return text.replace("between", f"- {number}between") if number else text


@numbers
@pytest.mark.parametrize("seed", [0, 1, 2, pytest.param(3, marks=pytest.mark.chaos)])
def test_random_markdown_comes_back_letter_by_letter(limited: Notion, number: str, seed: int) -> None:
    text = numbered(Writer(seed).text([300, 2000, 5000, 20_000][seed]), number)
    assert {needs_blocks(part) for part in parts(literal(text))} == {bool(number)}
    comes_back(limited, text)


@numbers
def test_a_megabyte_comes_back_letter_by_letter(limited: Notion, number: str) -> None:
    lines = [f"{letter * 99_000} end" for letter in "aΩ漢🎉"]
    text = "\n".join([Writer(77).text(200_000), *lines, Writer(78).text(100_000)])
    assert len(text.encode()) > 1_000_000
    comes_back(limited, numbered(text, number))


@pytest.mark.parametrize(
    ("line", "breaks"),
    [
        pytest.param("word " * 60_000, 1, id="a paragraph"),
        pytest.param("- " + "word " * 90_000, 2, id="an item of a list"),
        pytest.param("**a** b " * 75, 1, id="many marks"),
        pytest.param("漢" * 200_000, 1, id="letters of three bytes"),
    ],
)
def test_where_a_block_was_full_the_text_says_that_it_was_broken(limited: Notion, line: str, breaks: int) -> None:
    text = f"{NUMBER}Before\n{line.strip()}\nAfter"
    made = limited.run(lambda client: client.items.create(DATABASE, "Text", {}, text, marker=MARKER))
    read = limited.run(lambda client: client.pages.text(made["id"]))
    assert read["markdown"].count("\n") == 2 + breaks
    assert read["broken_lines"] == breaks


LONG = "\n".join(
    [
        *(f"Paragraph {number} {'of some words ' * 3}end" for number in range(300)),
        "- deep",
        *("\t" * depth + f"- level {depth}" for depth in range(1, 9)),
        *(f"\t- number {number} and more" for number in range(150)),
        "🎉🎉",
        "---",
        *(f"1. line {number} " + "x" * 400 for number in range(1)),
        *(f"After {number}" for number in range(250)),
    ]
)


OF_BLOCKS = LONG.replace("Paragraph", f"{NUMBER}Paragraph").replace("After", f"{NUMBER}After")
texts = pytest.mark.parametrize("text", [pytest.param(LONG, id="as Markdown"), pytest.param(OF_BLOCKS, id="as blocks")])


def created(client: NotionClient, text: str) -> Any:
    return client.items.create(DATABASE, "Text", {"Priority": "High"}, text, marker=MARKER)


def upserted(client: NotionClient, text: str) -> Any:
    return client.items.upsert(DATABASE, MARKER, "Text", {"Priority": "High"}, text)


@texts
@pytest.mark.parametrize(
    ("write", "sent"),
    [
        pytest.param(created, False, id="made, before it is sent"),
        pytest.param(created, True, id="made, after it arrived"),
        pytest.param(upserted, True, id="upserted, after it arrived"),
    ],
)
def test_a_write_that_is_stopped_anywhere_goes_on_where_it_was(
    limited: Notion, text: str, write: Callable[[NotionClient, str], Any], sent: bool
) -> None:
    def work(client: NotionClient) -> Any:
        return write(client, text)

    limited.run(lambda client: client.items.create(DATABASE, "Before", {}, "", marker="other"))
    total = limited.count(work)
    limited.standins.reset("notion")
    limited.run(lambda client: client.items.create(DATABASE, "Before", {}, "", marker="other"))
    assert limited.attempts(work, [1, 3, 4], sent=sent) == 3
    assert limited.run(lambda client: client.items.find(DATABASE, MARKER)) is None
    assert limited.attempts(work, [5, total // 2, total // 2 + 1], sent=sent) > 1
    made = limited.run(work)
    assert [page["id"] for page in limited.items() if page["id"] == made["id"]] == [made["id"]]
    assert len(limited.items()) == 2
    assert_same(limited.run(lambda client: client.pages.text(made["id"]))["markdown"], text)
    assert limited.run(lambda client: client.items.find(DATABASE, MARKER))["id"] == made["id"]


DEEP = "\n".join(
    [f"{NUMBER}before", *("\t" * depth + f"- level {depth}" for depth in range(6)), "after", "- more", "\t- in it"]
)


@pytest.mark.parametrize("sent", [False, True], ids=["before it is sent", "after it arrived"])
def test_what_is_deep_is_gone_on_with_at_the_depth_where_it_was_stopped(limited: Notion, sent: bool) -> None:
    page = limited.run(lambda client: client.items.create(DATABASE, "Text", {}, "First", marker="a"))["id"]
    begun_at = datetime.now(UTC)
    total = limited.count(lambda client: client.pages.append(page, DEEP))
    limited.run(lambda client: client.pages.replace(page, "First"))
    for stop_at in range(2, total + 1):
        with pytest.raises(Stopped):
            limited.run(lambda client: client.pages.append(page, DEEP), stop_at, sent=sent)
        limited.run(lambda client: client.pages.append(page, DEEP, begun_at))
        read = limited.run(lambda client: client.pages.text(page))["markdown"]
        assert_same(read, f"First\n{DEEP}")
        limited.run(lambda client: client.pages.replace(page, "First"))


def test_what_was_written_already_is_not_sent_again(limited: Notion) -> None:
    total = limited.count(lambda client: created(client, OF_BLOCKS))
    limited.standins.reset("notion")
    with pytest.raises(Stopped):
        limited.run(lambda client: created(client, OF_BLOCKS), total - 2)
    assert limited.count(lambda client: created(client, OF_BLOCKS)) < total / 2 + 5


@texts
@pytest.mark.parametrize("sent", [False, True], ids=["before it is sent", "after it arrived"])
def test_an_addition_that_is_stopped_anywhere_goes_on_where_it_was(limited: Notion, text: str, sent: bool) -> None:
    page = limited.run(lambda client: client.items.create(DATABASE, "Text", {}, "First\nSecond", marker="a"))["id"]
    begun_at = datetime.now(UTC)
    with pytest.raises(Stopped):
        limited.run(lambda client: client.pages.append(page, text), 3, sent=sent)
    limited.attempts(lambda client: client.pages.append(page, text, begun_at), [2, 3, 4, 5, 6], sent=sent)
    limited.run(lambda client: client.pages.append(page, text, begun_at))
    assert_same(limited.run(lambda client: client.pages.text(page))["markdown"], f"First\nSecond\n{text}")


@texts
def test_another_text_takes_the_place_of_one_that_was_begun(limited: Notion, text: str) -> None:
    with pytest.raises(Stopped):
        limited.run(lambda client: upserted(client, text), 6 if text == LONG else 9)
    other = "Something else\n" + text
    made = limited.run(lambda client: client.items.upsert(DATABASE, MARKER, "Text", {}, other))
    assert_same(limited.run(lambda client: client.pages.text(made["id"]))["markdown"], other)
    assert len(limited.items()) == 1


@texts
def test_a_long_text_replaces_another_and_is_gone_on_with(limited: Notion, text: str) -> None:
    made = limited.run(lambda client: client.items.upsert(DATABASE, MARKER, "Text", {}, "Old\n" + text))
    with pytest.raises(Stopped):
        limited.run(lambda client: upserted(client, text), 8)
    assert limited.run(lambda client: client.items.find(DATABASE, MARKER)) is None
    limited.run(lambda client: upserted(client, text))
    assert_same(limited.run(lambda client: client.pages.text(made["id"]))["markdown"], text)


def test_what_the_markdown_endpoint_finds_too_long_goes_by_blocks(limited: Notion) -> None:
    text = Writer(5).text(30_000)
    said = {"code": "validation_error", "message": "body.content.length should be ≤ `100`"}
    page = limited.run(lambda client: client.items.create(DATABASE, "Text", {}, "First", marker="a"))["id"]
    limited.standins.faults("notion", match="/markdown", status=400, body=str(said).replace("'", '"'), times=1)
    limited.run(lambda client: client.pages.append(page, text))
    assert_same(limited.run(lambda client: client.pages.text(page))["markdown"], f"First\n{text}")
    assert any("children" in name and name.startswith("PATCH") for name in limited.standins.requests("notion"))


def test_many_writers_of_one_connection_keep_to_three_requests_a_second(limited: Notion) -> None:
    home = next(page["id"] for page in limited.standins.show("notion")["pages"])
    limited.run(lambda client: client.pages.text(home))
    limited.limit(3.0)

    def work(client: NotionClient) -> float:
        begun = time.monotonic()
        with ThreadPoolExecutor(8) as pool, deadline(60):
            list(pool.map(lambda _: client.pages.text(home), range(8)))
        return time.monotonic() - begun

    seconds = limited.run(work)  # two requests each; one refusal would be an error
    assert seconds > (16 - BURST - 2) / 3


def test_a_wait_that_is_longer_than_the_call_may_take_is_said_before_anything_is_sent() -> None:
    pacer, request = Pacer(1.0, clock=lambda: 100.0, sleep=lambda _: None), httpx.Request("GET", "http://x")
    for _ in range(BURST):
        pacer.before(request)
    with deadline(0.5), pytest.raises(RateLimited) as caught:
        pacer.before(request)
    assert (caught.value.outcome, caught.value.retry_after_seconds) == ("not_done", 1.0)


@pytest.mark.parametrize("status", [429, 529])
def test_where_notion_says_wait_all_threads_wait(status: int) -> None:
    slept: list[float] = []
    pacer, request = Pacer(3.0, clock=lambda: 100.0, sleep=slept.append), httpx.Request("GET", "http://x")
    pacer.before(request)
    pacer.after(httpx.Response(status, headers={"retry-after": "7"}))
    threads = [threading.Thread(target=pacer.before, args=(request,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(round(seconds, 2) for seconds in slept) == [7.33, 7.67, 8.0]


def test_a_pause_allows_a_burst_and_no_more() -> None:
    moment, slept = [100.0], list[float]()
    pacer = Pacer(2.0, clock=lambda: moment[0], sleep=slept.append)
    moment[0] += 3600
    for _ in range(BURST + 2):
        pacer.before(httpx.Request("GET", "http://x"))
    assert slept == [0.5, 1.0]
