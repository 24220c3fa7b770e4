"""Behind a real proxy with TLS and its shipped file: sign-in, pages, websocket and REST under a public name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from websockets.exceptions import InvalidStatus

from api.base.hosts import HostCheck
from api.network.proxy import BehindProxy, is_trusted
from engine.people.login_limit import PER_USER
from tests.deploy.proxies import KINDS, NAME, PASSWORD, Proxy, Served, served, sign_in
from tests.patience import PATIENCE_SECONDS, until
from tests.ports import free_port

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Behind:
    """A served workspace and the proxy before it."""

    served: Served
    proxy: Proxy


@pytest.fixture(scope="module", params=list(KINDS.values()), ids=list(KINDS))
def behind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    folder, port = tmp_path_factory.mktemp("proxy"), free_port()
    with (
        served(folder / "workspace", f"https://{NAME}:{port}") as server,
        request.param(folder, port, [server.address]) as proxy,
    ):
        until(proxy.answers, "the proxy")
        yield Behind(server, proxy)


def test_the_link_that_is_printed_leads_to_the_public_name(behind: Behind) -> None:
    assert behind.served.login_url.startswith(f"{behind.proxy.public_url}/login?token=")
    with behind.proxy.browser() as browser:
        answer = browser.post("/login", data={"token": behind.served.login_url.partition("token=")[2]})
    assert answer.status_code == 303
    assert "secure" in answer.headers["set-cookie"].lower()


def test_a_person_signs_in_and_opens_a_page_with_its_websocket(behind: Behind) -> None:
    with behind.proxy.browser() as browser:
        assert browser.get("/runs").headers["location"].endswith("/login?next=%2Fruns")
        cookie = sign_in(browser)
        page = browser.get("/runs")
        assert (page.status_code, "<title>" in page.text) == (200, True)
        assert behind.proxy.websocket(cookie) == "OPEN"
        assert browser.post("/logout").status_code == 303


def test_a_foreign_page_gets_nowhere(behind: Behind) -> None:
    with behind.proxy.browser() as browser:
        cookie = sign_in(browser)
        with pytest.raises(InvalidStatus):
            behind.proxy.websocket(cookie, "https://evil.example")
        browser.headers["Origin"] = "https://evil.example"
        assert browser.post("/logout").status_code == 403
        del browser.headers["Origin"]
        assert browser.get("/runs").status_code == 200, "still signed in"
        browser.headers["Origin"] = "https://evil.example"
        assert browser.post("/workflows/execute", json={"workflow": "inbox-triage"}).status_code == 403


def test_rest_answers_to_a_token_under_the_public_name(behind: Behind) -> None:
    with behind.proxy.browser() as browser:
        token = browser.post("/auth/login", json={"user_id": "ada", "password": PASSWORD}).json()["access_token"]
        answer = browser.get("/api/workflows", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200


def test_on_the_machine_itself_it_answers_as_before(behind: Behind) -> None:
    with httpx.Client(base_url=behind.served.url, trust_env=False, timeout=PATIENCE_SECONDS) as browser:
        answer = browser.post(
            "/login", data={"user_id": "ada", "password": PASSWORD}, headers={"Origin": behind.served.url}
        )
        assert answer.status_code == 303
        assert "secure" not in answer.headers["set-cookie"].lower()
        assert browser.get("/runs").status_code == 200
        assert browser.get("/health", headers={"Host": "other.example"}).status_code == 421


def test_clients_of_a_proxy_are_throttled_one_by_one(behind: Behind) -> None:
    """Told from each other by what the proxy adds; what a client writes there itself changes nothing."""
    public = {"Host": behind.proxy.public_url.removeprefix("https://")}
    with httpx.Client(base_url=behind.served.url, headers=public, trust_env=False, timeout=PATIENCE_SECONDS) as proxied:
        guess = {"user_id": "ada", "password": "guess"}
        statuses = []
        for number in range(PER_USER + 1):
            forged = {"X-Forwarded-For": f"10.1.2.{number}, 203.0.113.66"}  # the last one is the proxy's word
            statuses.append(proxied.post("/auth/login", json=guess, headers=forged).status_code)
        assert statuses == [401] * PER_USER + [429]
        other = {"X-Forwarded-For": "198.51.100.7"}
        right = {"user_id": "ada", "password": PASSWORD}
        assert proxied.post("/auth/login", json=guess, headers=other).status_code == 401
        assert proxied.post("/auth/login", json=right, headers=other).status_code == 200


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.9", True),
        ("192.0.2.1", False),
        ("testclient", False),
        ("", False),
    ],
)
def test_only_this_machine_and_named_proxies_are_believed(address: str, trusted: bool) -> None:
    assert is_trusted(address, ["10.0.0.0/24"]) == trusted


@dataclass(frozen=True)
class _Server:
    host: str = "127.0.0.1"
    public_url: str = "https://orchestra.example.org"
    trusted_proxies: list[str] = field(default_factory=list)


def test_a_stranger_cannot_speak_as_a_proxy() -> None:
    seen = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope)

    headers = [(b"host", b"x"), (b"x-forwarded-for", b"127.0.0.1"), (b"x-forwarded-host", b"orchestra.example.org")]
    scope = {"type": "http", "scheme": "http", "client": ("192.0.2.1", 5), "headers": headers}
    asyncio.run(BehindProxy(app, _Server)(scope, None, None))  # type: ignore[arg-type]
    assert seen == [scope]


_FORGED = [
    pytest.param({}, id="nothing"),
    pytest.param({"X-Forwarded-For": "1.1.1.1"}, id="for"),
    pytest.param({"X-Forwarded-Host": "orchestra.example.org"}, id="host"),
    pytest.param({"Origin": "https://orchestra.example.org"}, id="origin"),
    pytest.param({"Forwarded": "host=orchestra.example.org"}, id="forwarded"),
]


@pytest.mark.parametrize("forged", _FORGED)
@pytest.mark.parametrize(("host", "status"), [("evil.example", 421), ("orchestra.example.org", 200)])
def test_no_header_makes_a_foreign_host_ours(forged: dict[str, str], host: str, status: int) -> None:
    """A page whose name was made to lead to this machine can set each of these headers, but not Host."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("in")(scope, receive, send)

    server = _Server()
    around = BehindProxy(HostCheck(app, lambda: server), lambda: server)
    client = TestClient(around, base_url="http://127.0.0.1:8501", client=("127.0.0.1", 5))
    assert client.get("/", headers={"Host": host, **forged}).status_code == status
