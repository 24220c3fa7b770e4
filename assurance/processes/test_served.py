"""`app.py` as a server runs it: pages, API and websocket in one process, and how it starts and stops."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from cli import main
from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL, PASSWORD
from tests.ports import free_port
from tests.workspaces import init

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 90


@dataclass
class Served:
    root: Path
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"


UVICORN = ("uvicorn", "app:app", "--host", "127.0.0.1", "--port")
STREAMLIT = ("streamlit", "run", "app.py", "--server.port")


def start(root: Path, log: Path, server: Sequence[str] = UVICORN) -> Served:
    port = free_port()
    command = [sys.executable, "-m", *server, str(port)]
    environment = {**os.environ, "ORCHESTRA_WORKSPACE": str(root)}
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    return Served(root, port, process, log)


def answers(served: Served) -> bool:
    try:
        return httpx.get(f"{served.base}/health", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return made(tmp_path)


def made(folder: Path) -> Path:
    """Make a workspace with somebody in it."""
    init(folder / "workspace")
    with_people = Orchestra.open(folder / "workspace")
    with_people.users.add(LOCAL, "ada", "Ada", "owner", PASSWORD)
    with_people.close()
    return folder / "workspace"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server for those tests that leave it as it is."""
    folder = tmp_path_factory.mktemp("served")
    served = start(made(folder), folder / "server.log")
    wait_until(served, lambda: answers(served))
    yield served
    served.process.kill()
    served.process.wait()


def wait_until(served: Served, is_so: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert served.process.poll() is None, served.log.read_text()
        assert time.monotonic() < end, served.log.read_text()
        time.sleep(0.1)


def ended(served: Served) -> int:
    try:
        return served.process.wait(PATIENCE_SECONDS)
    finally:
        served.process.kill()


def upgrade(served: Served, headers: dict[str, str]) -> int:
    """Ask for the page's websocket; return the status of the answer (101: open)."""
    asked = {
        "Host": f"127.0.0.1:{served.port}",
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        **headers,
    }
    lines = ["GET /_stcore/stream HTTP/1.1", *(f"{name}: {value}" for name, value in asked.items())]
    with socket.create_connection(("127.0.0.1", served.port), PATIENCE_SECONDS) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(connection.recv(64).split()[1])


def test_pages_api_and_websocket_open_to_those_who_signed_in_and_to_nobody_else(served: Served) -> None:
    stranger = httpx.get(f"{served.base}/", follow_redirects=False, timeout=PATIENCE_SECONDS)
    assert (stranger.status_code, stranger.headers["location"]) == (303, "/login")
    assert httpx.get(f"{served.base}/api/runs", timeout=PATIENCE_SECONDS).status_code == 401
    assert (
        httpx.get(f"{served.base}/health", headers={"Host": "evil.example"}, timeout=PATIENCE_SECONDS).status_code
        == 421
    )
    ours = {"Origin": served.base}
    assert upgrade(served, ours) == 403

    form = {"user_id": "ada", "password": PASSWORD}
    with httpx.Client(base_url=served.base, headers=ours, timeout=PATIENCE_SECONDS) as browser:
        assert browser.post("/login", data=form).status_code == 303
        page = browser.get("/")
        assert page.status_code == 200
        assert "<title>Streamlit</title>" in page.text
        by_hand = browser.get("/workflows/my%20%26%20yours")
        assert (by_hand.status_code, by_hand.headers["location"]) == (307, "/workflow?name=my+%26+yours")
        assert "script-src 'self' 'wasm-unsafe-eval' blob: 'sha256-" in page.headers["content-security-policy"]
        assert browser.get("/api/workflows").json()["workflows"]
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    assert upgrade(served, {**ours, "Cookie": cookie}) == 101
    assert upgrade(served, {"Origin": "http://evil.example", "Cookie": cookie}) == 403
    assert upgrade(served, {"Cookie": cookie}) == 403
    foreign = {"Host": "evil.example", "Origin": "http://evil.example", "Cookie": cookie}
    assert upgrade(served, foreign) in {403, 421}


@pytest.mark.parametrize(
    "server", [pytest.param(UVICORN, id="uvicorn app:app"), pytest.param(STREAMLIT, id="streamlit run app.py")]
)
def test_a_server_without_a_parent_prints_one_link_tells_commands_where_it_is_and_stops_without_a_trace(
    root: Path, tmp_path: Path, server: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    served = start(root, tmp_path / "server.log", server)
    try:
        wait_until(served, lambda: "Sign in" in served.log.read_text())
        said = served.log.read_text()
        (token,) = re.findall(rf"Sign in .*: {served.base}/login\?token=(\S+)$", said, re.MULTILINE)
        assert said.rstrip().endswith(token), "the last line, under what the server says"
        answer = httpx.post(
            f"{served.base}/login", data={"token": token}, headers={"Origin": served.base}, timeout=PATIENCE_SECONDS
        )
        assert answer.status_code == 303
        assert any(name.startswith("orchestra_session") for name in answer.cookies)
        assert main(["login-link", "--workspace", str(root), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["is_served"], told["url"]) == (True, served.base)
        served.process.send_signal(signal.SIGTERM)
        assert ended(served) in {0, -signal.SIGTERM}
        Orchestra.open(root, serve=True).close()  # the workspace is free
        assert not (root / ".orchestra" / "serve.json").exists()
    finally:
        served.process.kill()
        served.process.wait()


def test_a_second_server_on_a_workspace_says_so_and_leaves(served: Served, tmp_path: Path) -> None:
    second = start(served.root, tmp_path / "second.log")
    assert ended(second) == 4
    said = second.log.read_text()
    assert "Traceback" not in said
    assert str(served.process.pid) in said or "already" in said
    assert answers(served)


def test_a_server_does_not_start_with_a_secret_that_others_may_read(root: Path, tmp_path: Path) -> None:
    key = root / ".orchestra" / "token.key"
    key.write_bytes(b"x" * 32)
    key.chmod(0o644)
    served = start(root, tmp_path / "server.log")
    assert ended(served) == 4
    said = served.log.read_text()
    assert "may be read or written by others" in said
    assert "Traceback" not in said


def test_no_page_stops_the_process_for_a_collection_wherever_it_is_started(tmp_path: Path) -> None:
    """Streamlit would collect all garbage after each script run; `engine/garbage.py` watches memory instead."""
    script = "import app; from streamlit import config; print(config.get_option('runner.postScriptGC'))"
    said = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False"]
