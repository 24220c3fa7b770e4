"""A page that is watched: what counts as a change, and what is said of it."""

from __future__ import annotations

import time
from random import Random

import httpx
import pytest

from clients.errors import InvalidRequest
from clients.http.client import HttpClient
from clients.http.service import HttpSettings
from engine.triggers.web import PageChanged, changes
from tests.counted_steps import at_most
from tests.engine.triggers.looking import Looker

PAGE = "<title>Shop</title><main><p>Small: 9 euros</p><p>Team: 29 euros</p><p id='date'>Monday</p></main>"


class Server(httpx.BaseTransport):
    """A server with one page."""

    def __init__(self) -> None:
        self.page = PAGE

    def handle_request(self, _: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=self.page, headers={"content-type": "text/html"})


@pytest.fixture
def server() -> Server:
    return Server()


def looker_of(server: Server, **fields: str) -> Looker:
    client = HttpClient(HttpSettings(), httpx.Client(transport=server))
    return Looker(PageChanged(), {"url": "https://shop.example/", **fields}, client)


@pytest.mark.parametrize(
    ("selector", "was", "now", "said"),
    [
        pytest.param("", "Small: 9", "Small: 12", "- Small: 9 euros\n+ Small: 12 euros", id="a price"),
        pytest.param("", "<p>Team: 29 euros</p>", "", "- Team: 29 euros", id="a line is gone"),
        pytest.param("", "9 euros", "9 \n\n <!-- x -->  euros", None, id="blanks"),
        pytest.param("", "9 euros", "9 <script>1</script><b class='x'>euros</b>", None, id="markup"),
        pytest.param("p:first-of-type", "Monday", "Tuesday", None, id="outside the selector"),
        pytest.param("#date", "Monday", "Tuesday", "- Monday\n+ Tuesday", id="inside the selector"),
    ],
)
@pytest.mark.slow
def test_what_counts_as_a_change(server: Server, selector: str, was: str, now: str, said: str | None) -> None:
    looker = looker_of(server, selector=selector)
    looker.look_until_done()
    server.page = PAGE.replace(was, now)
    values = [one.value or {} for one in looker.look_until_done()]
    assert [value["changes"] for value in values] == ([] if said is None else [said])
    assert looker.look_until_done() == []


@pytest.mark.slow
def test_a_page_that_returns_to_what_it_said_has_changed_again(server: Server) -> None:
    looker = looker_of(server)
    looker.look_until_done()
    found = []
    for page in (PAGE.replace("9", "8"), PAGE, PAGE.replace("9", "8"), PAGE):
        server.page = page
        found += looker.look_until_done()
    assert len({one.id for one in found}) == 4


def test_a_part_that_is_gone_is_an_error_and_no_change(server: Server) -> None:
    looker = looker_of(server, selector="#date")
    looker.look_until_done()
    server.page = "<main>Sign in</main>"
    with pytest.raises(InvalidRequest, match="fits nothing"):
        looker.look()
    server.page = PAGE
    assert looker.look_until_done() == []


def test_the_difference_of_large_pages_is_found_quickly() -> None:
    before, after = ("\n".join(f"{word} {n}" for n in range(20_000)) for word in ("old", "new"))
    began = time.process_time()
    assert len(changes(before, after).splitlines()) == 40_000
    assert time.process_time() - began < 5


@pytest.mark.parametrize(("lines", "letters"), [(4_000, 45), (50_000, 1)])
def test_no_page_keeps_the_thread_of_a_poll_busy(lines: int, letters: int) -> None:
    """A stranger writes the page: its lines are like each other, and change each time."""
    random = Random(lines)
    old, new = (["".join(random.choices("ab", k=letters)) for _ in range(lines)] for _ in range(2))
    with at_most(60 * lines):
        found = changes("\n".join(old), "\n".join(new))
    assert found.count("\n") > lines


def test_lines_of_a_list_are_told_with_what_has_become_of_each() -> None:
    before, after = "Small: 9\nTeam: 29\nFor all", "Small: 12\nTeam: 39\nFor all\nNew"
    assert changes(before, after).split("\n") == ["- Small: 9", "+ Small: 12", "- Team: 29", "+ Team: 39", "+ New"]


def test_lines_of_which_some_are_gone_are_told_together() -> None:
    assert changes("One\nTwo\nEnd", "Three\nEnd").split("\n") == ["- One", "- Two", "+ Three"]
