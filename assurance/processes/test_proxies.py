"""Two servers behind a proxy with its shipped file: a browser stays on its server, and goes on when that one stops."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests import postgres
from tests.deploy.proxies import KINDS, NAME, Proxy, Served, served, sign_in
from tests.patience import PATIENCE_SECONDS, until
from tests.ports import free_port

pytestmark = pytest.mark.slow
BROWSERS = 12
"""All of them come to the same of two servers once in 2,000 times."""


@dataclass(frozen=True)
class Pair:
    """Two servers of a workspace each, so that a session of one is not valid at the other, and their proxy."""

    servers: tuple[Served, Served]
    proxy: Proxy

    def knows(self, number: int, cookies: str) -> bool:
        """Whether a server, asked without the proxy, knows this session."""
        headers = {"Host": self.proxy.public_url.removeprefix("https://"), "Cookie": cookies}
        address = f"{self.servers[number].url}/runs"
        return httpx.get(address, headers=headers, trust_env=False, timeout=PATIENCE_SECONDS).status_code == 200


@pytest.fixture(scope="module", params=list(KINDS.values()), ids=list(KINDS))
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder, port = tmp_path_factory.mktemp("proxy"), free_port()
    public_url = f"https://{NAME}:{port}"
    with (
        served(folder / "first", public_url) as first,
        served(folder / "second", public_url) as second,
        request.param(folder, port, [first.address, second.address]) as proxy,
    ):
        until(proxy.answers, "the proxy")
        yield Pair((first, second), proxy)


def test_nginx_sends_browsers_to_tls(pair: Pair) -> None:
    if not pair.proxy.plain_port:
        return  # Caddy does it by itself
    answer = httpx.get(f"http://127.0.0.1:{pair.proxy.plain_port}/runs?page=2", headers={"Host": NAME}, trust_env=False)
    assert (answer.status_code, answer.headers["location"]) == (301, f"https://{NAME}/runs?page=2")


def test_each_browser_stays_on_one_of_the_servers_and_goes_on_when_that_one_stops(pair: Pair) -> None:
    """The last one with these servers, of which it stops one."""
    homes = set()
    for _ in range(BROWSERS):
        with pair.proxy.browser() as browser:
            cookies = sign_in(browser)
            homes.add(0 if pair.knows(0, cookies) else 1)
            assert [browser.get("/runs").status_code for _ in range(3)] == [200] * 3
            assert pair.proxy.websocket(cookies) == "OPEN"
    assert homes == {0, 1}, "both servers work"
    with pair.proxy.browser() as browser:
        home = 0 if pair.knows(0, sign_in(browser)) else 1
        pair.servers[home].process.send_signal(signal.SIGTERM)
        assert pair.servers[home].process.wait(PATIENCE_SECONDS) == 0
        assert browser.get("/login").status_code == 200
        assert pair.knows(1 - home, sign_in(browser))


@pytest.fixture(params=list(KINDS.values()), ids=list(KINDS))
def sharing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two servers that share their state."""
    folder, port = tmp_path_factory.mktemp("proxy"), free_port()
    public_url = f"https://{NAME}:{port}"
    with (
        postgres.schema() as state,
        served(folder / "first", public_url, state) as first,
        served(folder / "second", public_url, state) as second,
        request.param(folder, port, [first.address, second.address]) as proxy,
    ):
        until(proxy.answers, "the proxy")
        yield Pair((first, second), proxy)
        for one in (first, second):
            one.process.terminate()
            one.process.wait(PATIENCE_SECONDS)


@pytest.mark.chaos
def test_of_servers_that_share_their_state_each_knows_who_is_signed_in(sharing: Pair) -> None:
    with sharing.proxy.browser() as browser:
        cookies = sign_in(browser)
        assert [sharing.knows(number, cookies) for number in (0, 1)] == [True, True]
        assert sharing.proxy.websocket(cookies) == "OPEN"
        sharing.servers[0].process.terminate()
        assert sharing.servers[0].process.wait(PATIENCE_SECONDS) == 0
        until(lambda: browser.get("/runs").status_code == 200, "a page of the other server, without signing in again")
        assert sharing.proxy.websocket(cookies) == "OPEN"
