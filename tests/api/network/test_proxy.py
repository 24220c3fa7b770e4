"""Behind a real proxy with TLS, Debian's nginx and Caddy: sign-in, pages, websocket and REST under a public name."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from api.base.hosts import HostCheck
from api.network.proxy import BehindProxy, is_trusted
from engine.orchestra import Orchestra
from engine.people.access import local_user
from engine.people.login_limit import PER_ADDRESS
from engine.workflows.new_workspace import init
from tests.patience import PATIENCE_SECONDS, until

NAME = "orchestra.example.org"
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Behind:
    """A served workspace and the proxy before it."""

    root: Path
    local_url: str
    login_url: str
    public_url: str
    port: int
    trusted: ssl.SSLContext

    def browser(self) -> httpx.Client:
        """A browser that finds the public name at the proxy."""
        return httpx.Client(
            base_url=f"https://127.0.0.1:{self.port}",
            headers={"Host": f"{NAME}:{self.port}"},
            event_hooks={"request": [self._with_origin]},
            verify=False,
            trust_env=False,
            timeout=PATIENCE_SECONDS,
        )

    def _with_origin(self, request: httpx.Request) -> None:
        """Say where a form comes from, as browsers do; they say nothing of that where a page is opened."""
        if request.method == "POST" and "Authorization" not in request.headers:
            request.headers.setdefault("Origin", self.public_url)

    def websocket(self, cookie: str, origin: str) -> str:
        """Open the websocket of the pages; return the first state it has."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS)
        address = f"wss://{NAME}:{self.port}/_stcore/stream"
        with connect(
            address,
            sock=plain,
            ssl=self.trusted,
            server_hostname=NAME,
            origin=Origin(origin),
            additional_headers={"Cookie": cookie},
            open_timeout=PATIENCE_SECONDS,
        ) as opened:
            return str(opened.protocol.state.name)


NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  server {{
    listen 127.0.0.1:{port} ssl; server_name {name};
    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    location / {{
      proxy_pass {upstream}; proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
      {headers}
    }}
  }}
}}
"""
_DOCUMENTED = (
    "proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; "
    "proxy_set_header X-Forwarded-Proto $scheme;"
)
CADDY = """
{{
  admin off
  auto_https off
  default_sni {name}
}}
https://{name}:{port} {{
  bind 127.0.0.1
  tls {folder}/cert.pem {folder}/key.pem
  reverse_proxy {upstream_host}
}}
"""


@dataclass(frozen=True)
class Kind:
    """A proxy: its program, its settings, and how it is started with them."""

    program: str
    settings: str
    arguments: Callable[[Path], list[str]]
    headers: str = ""


def _nginx(headers: str) -> Kind:
    return Kind("nginx", NGINX, lambda file: ["-c", str(file), "-p", str(file.parent)], headers)


KINDS = {
    "nginx": _nginx(_DOCUMENTED),
    "caddy": Kind("caddy", CADDY, lambda file: ["run", "--config", str(file), "--adapter", "caddyfile"]),
}


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        said = f"no {name}: `apt-get install {'nginx-light' if name == 'nginx' else name}` to run these tests"
        (pytest.fail if os.environ.get("REQUIRE_PROXY") else pytest.skip)(said)
    return str(found)


def _free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module", params=list(KINDS.values()), ids=list(KINDS))
def behind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    kind: Kind = request.param
    program, folder, port = _program(kind.program), tmp_path_factory.mktemp("proxy"), _free_port()
    public_url, root = f"https://{NAME}:{port}", folder / "workspace"
    subject = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*made, *files], check=True, capture_output=True)
    init(root)
    with_people = Orchestra.open(root)
    with_people.users.add(local_user(), "ada", "Ada", "owner", PASSWORD)
    with_people.close()
    config = (root / "config.yaml").read_text()
    (root / "config.yaml").write_text(config.replace('public_url: ""', f"public_url: {public_url}"))
    serve = [sys.executable, "-m", "cli", "serve", "--json", "--port", str(_free_port()), "--workspace", str(root)]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as served:
        try:
            assert served.stdout is not None
            line = json.loads(served.stdout.readline())
            text = kind.settings.format(
                folder=folder,
                port=port,
                name=NAME,
                upstream=line["url"],
                upstream_host=line["url"].removeprefix("http://"),
                headers=kind.headers,
            )
            file = folder / "settings"
            file.write_text(text)
            environment = {
                **os.environ,
                "HOME": str(folder),
                "XDG_DATA_HOME": str(folder),
                "XDG_CONFIG_HOME": str(folder),
            }
            with (
                (folder / "said").open("w") as said,
                subprocess.Popen([program, *kind.arguments(file)], stdout=said, stderr=said, env=environment) as proxy,
            ):
                try:
                    trusted = ssl.create_default_context(cafile=str(folder / "cert.pem"))
                    one = Behind(root, line["url"], line["login_url"], public_url, port, trusted)
                    until(lambda: _answers(one), "the proxy")
                    yield one
                finally:
                    proxy.terminate()
        finally:
            served.send_signal(signal.SIGTERM)


def _answers(behind: Behind) -> bool:
    try:
        with behind.browser() as browser:
            return browser.get("/health").status_code == 200
    except httpx.HTTPError:
        return False


pytestmark = pytest.mark.slow


def _signed_in(browser: httpx.Client) -> str:
    answer = browser.post("/login", data={"user_id": "ada", "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    assert "secure" in answer.headers["set-cookie"].lower()
    name, _, value = answer.headers["set-cookie"].partition(";")[0].partition("=")
    browser.cookies.clear()
    browser.headers["Cookie"] = f"{name}={value}"
    return f"{name}={value}"


def test_the_link_that_is_printed_leads_to_the_public_name(behind: Behind) -> None:
    assert behind.login_url.startswith(f"{behind.public_url}/login?token=")
    with behind.browser() as browser:
        answer = browser.post("/login", data={"token": behind.login_url.partition("token=")[2]})
    assert answer.status_code == 303
    assert "secure" in answer.headers["set-cookie"].lower()


def test_a_person_signs_in_and_opens_a_page_with_its_websocket(behind: Behind) -> None:
    with behind.browser() as browser:
        assert browser.get("/runs").headers["location"].endswith("/login?next=%2Fruns")
        cookie = _signed_in(browser)
        page = browser.get("/runs")
        assert (page.status_code, "<title>" in page.text) == (200, True)
        assert behind.websocket(cookie, behind.public_url) == "OPEN"
        assert browser.post("/logout").status_code == 303


def test_a_foreign_page_gets_nowhere(behind: Behind) -> None:
    with behind.browser() as browser:
        cookie = _signed_in(browser)
        with pytest.raises(InvalidStatus):
            behind.websocket(cookie, "https://evil.example")
        browser.headers["Origin"] = "https://evil.example"
        assert browser.post("/logout").status_code == 403
        del browser.headers["Origin"]
        assert browser.get("/runs").status_code == 200, "still signed in"
        browser.headers["Origin"] = "https://evil.example"
        assert browser.post("/workflows/execute", json={"workflow": "inbox-triage"}).status_code == 403


def test_rest_answers_to_a_token_under_the_public_name(behind: Behind) -> None:
    with behind.browser() as browser:
        token = browser.post("/auth/login", json={"user_id": "ada", "password": PASSWORD}).json()["access_token"]
        answer = browser.get("/api/workflows", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200


def test_on_the_machine_itself_it_answers_as_before(behind: Behind) -> None:
    with httpx.Client(base_url=behind.local_url, trust_env=False, timeout=PATIENCE_SECONDS) as browser:
        answer = browser.post(
            "/login", data={"user_id": "ada", "password": PASSWORD}, headers={"Origin": behind.local_url}
        )
        assert answer.status_code == 303
        assert "secure" not in answer.headers["set-cookie"].lower()
        assert browser.get("/runs").status_code == 200
        assert browser.get("/health", headers={"Host": "other.example"}).status_code == 421


def test_clients_of_a_proxy_are_throttled_one_by_one(behind: Behind) -> None:
    """Told from each other by what the proxy adds; what a client writes there itself changes nothing."""
    public = {"Host": behind.public_url.removeprefix("https://")}
    with httpx.Client(base_url=behind.local_url, headers=public, trust_env=False, timeout=PATIENCE_SECONDS) as proxied:
        statuses = []
        for number in range(PER_ADDRESS + 1):
            forged = f"10.1.2.{number}, 203.0.113.66"  # the last one is the proxy's word
            body = {"user_id": f"user{number}", "password": "guess"}
            statuses.append(proxied.post("/auth/login", json=body, headers={"X-Forwarded-For": forged}).status_code)
        assert 429 in statuses
        other = {"X-Forwarded-For": "198.51.100.7"}
        assert (
            proxied.post("/auth/login", json={"user_id": "ada", "password": PASSWORD}, headers=other).status_code == 200
        )


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
