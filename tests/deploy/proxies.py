"""The shipped files of proxies, run by the real Caddy and nginx on free ports of this machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

from engine.orchestra import Orchestra
from engine.people.access import local_user
from tests.patience import PATIENCE_SECONDS
from tests.ports import free_port
from tests.workspaces import init

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
NAME = "orchestra.example.org"
PASSWORD = "correct horse battery"

_NGINX = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  include {settings};
}}
"""
_CADDY = """
{{
  admin off
  auto_https disable_redirects
  local_certs
  skip_install_trust
  default_sni {name}
  default_bind 127.0.0.1
}}
import {settings}
"""
"""A certificate authority of its own instead of Let's Encrypt, and no port 80."""


@dataclass(frozen=True)
class Served:
    """A served workspace, as the proxy reaches it."""

    process: subprocess.Popen[str]
    url: str
    login_url: str

    @property
    def address(self) -> str:
        """Its host and port."""
        return self.url.removeprefix("http://")


@dataclass(frozen=True)
class Proxy:
    """A running proxy: `port` for TLS, `plain_port` without (0: none)."""

    port: int
    plain_port: int
    authority: Path

    @property
    def public_url(self) -> str:
        """The address that browsers use."""
        return f"https://{NAME}:{self.port}"

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

    def websocket(self, cookie: str, origin: str = "") -> str:
        """Open the websocket of the pages; return the first state it has."""
        with connect(
            f"wss://{NAME}:{self.port}/_stcore/stream",
            sock=socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS),
            ssl=ssl.create_default_context(cafile=str(self.authority)),
            server_hostname=NAME,
            origin=Origin(origin or self.public_url),
            additional_headers={"Cookie": cookie},
            open_timeout=PATIENCE_SECONDS,
        ) as opened:
            return str(opened.protocol.state.name)

    def answers(self) -> bool:
        """Whether a server answers through it."""
        try:
            with self.browser() as browser:
                return browser.get("/health").status_code == 200
        except httpx.HTTPError:
            return False


@contextmanager
def nginx(folder: Path, port: int, servers: Sequence[str]) -> Iterator[Proxy]:
    """The shipped file, in which only what it says is changed, and the ports."""
    plain_port = free_port()
    own = {
        "  server 127.0.0.1:8501 fail_timeout=10s;": "\n".join(f"  server {one} fail_timeout=10s;" for one in servers),
        "listen 80;": f"listen 127.0.0.1:{plain_port};",
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/ssl/orchestra.pem": str(folder / "cert.pem"),
        "/etc/ssl/private/orchestra.key": str(folder / "key.pem"),
    }
    text = (DEPLOY / "nginx/ai-orchestra.conf").read_text()
    for shipped, here in own.items():
        assert text.count(shipped) == 1, shipped
        text = text.replace(shipped, here)
    settings, around = folder / "ai-orchestra.conf", folder / "nginx.conf"
    settings.write_text(text)
    around.write_text(_NGINX.format(folder=folder, settings=settings))
    subject = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *files]
    subprocess.run(made, check=True, capture_output=True)
    with _running([program("nginx"), "-c", str(around), "-p", str(folder)], folder, {}):
        yield Proxy(port, plain_port, folder / "cert.pem")


@contextmanager
def caddy(folder: Path, port: int, servers: Sequence[str]) -> Iterator[Proxy]:
    """The shipped file as it is, told by its two variables what to serve."""
    settings = folder / "settings"
    settings.write_text(_CADDY.format(name=NAME, settings=DEPLOY / "caddy/Caddyfile"))
    own = {"ORCHESTRA_NAME": f"{NAME}:{port}", "ORCHESTRA_SERVERS": " ".join(servers)}
    homes = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(folder))
    command = [program("caddy"), "run", "--config", str(settings), "--adapter", "caddyfile"]
    with _running(command, folder, {**own, **homes}):
        yield Proxy(port, 0, folder / "caddy/pki/authorities/local/root.crt")


KINDS: Mapping[str, Callable[[Path, int, Sequence[str]], AbstractContextManager[Proxy]]] = {
    "nginx": nginx,
    "caddy": caddy,
}
"""Each takes a folder, a port for TLS, and the servers as `host:port`; it skips the test if the proxy is missing."""


def program(name: str) -> str:
    """The path of a proxy; without it, the test is skipped."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        said = f"no {name}: `apt-get install {'nginx-light' if name == 'nginx' else name}` to run these tests"
        (pytest.fail if os.environ.get("REQUIRE_PROXY") else pytest.skip)(said)
    return str(found)


@contextmanager
def _running(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> Iterator[None]:
    with (folder / "said").open("w") as said:
        environment = {**os.environ, **variables}
        with subprocess.Popen(command, stdout=said, stderr=said, env=environment) as proxy:
            try:
                yield
            finally:
                proxy.terminate()


@contextmanager
def served(root: Path, public_url: str, state: str = "") -> Iterator[Served]:
    """Serve a new workspace with the user ada behind a proxy; `state` is that which several servers share."""
    init(root)
    if state:
        own = (root / "config.yaml").read_text().replace('state: ""', f"state: '{state}'")
        (root / "config.yaml").write_text(own.replace('logs: ""', "logs: postgres"))
    with_people = Orchestra.open(root)
    if "ada" not in [one.id for one in with_people.users.list(local_user())]:
        with_people.users.add(local_user(), "ada", "Ada", "owner", PASSWORD)
    with_people.close()
    config = (root / "config.yaml").read_text()
    (root / "config.yaml").write_text(config.replace('public_url: ""', f"public_url: {public_url}"))
    command = [sys.executable, "-m", "cli", "serve", "--json", "--port", str(free_port()), "--workspace", str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = json.loads(process.stdout.readline())
            yield Served(process, line["url"], line["login_url"])
        finally:
            process.send_signal(signal.SIGTERM)


def sign_in(browser: httpx.Client) -> str:
    """Sign ada in, as a browser does; return its cookies."""
    answer = browser.post("/login", data={"user_id": "ada", "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    session = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("orchestra_session"))
    assert "secure" in session.lower()
    return "; ".join(f"{one.name}={one.value}" for one in browser.cookies.jar)
