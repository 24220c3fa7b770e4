"""The page Workers with real processes on one PostgreSQL server: what each does, and the button that drains it."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests import postgres
from tests.browser.conftest import Served, counts, serving, settled
from tests.engine.conftest import get_step, write_workflow
from tests.patience import PATIENCE_SECONDS, until
from tests.workspaces import init

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.service]
RUNS = 12
"""More than the page names."""


@dataclass
class Gate:
    """A service that answers once it is opened."""

    port: int = 0
    asked: list[str] = field(default_factory=list)
    opened: threading.Event = field(default_factory=threading.Event)


@contextmanager
def _gate() -> Iterator[Gate]:
    gate = Gate()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            gate.asked.append(self.path)
            gate.opened.wait(PATIENCE_SECONDS)
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    gate.port = server.server_port
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield gate
    gate.opened.set()
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    with _gate() as running:
        yield running


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, gate: Gate) -> Iterator[Served]:
    """A server with two slots, and its state in PostgreSQL."""
    root = tmp_path_factory.mktemp("served") / "workspace"
    init(root)
    (root / "config.yaml").write_text(
        f"connections:\n  web:\n    service: http\n    allow_hosts: ['127.0.0.1:{gate.port}']\n"
    )
    write_workflow(root, "slow", [get_step("a", f"http://127.0.0.1:{gate.port}/slow")], title="A slow one")
    with postgres.schema() as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORCHESTRA_STATE", url)
        patch.setenv("ORCHESTRA_LOGS", "postgres")
        patch.setenv("ORCHESTRA_LIMITS__RUNS_AT_ONCE", "2")
        with serving(root) as running:
            yield running


@pytest.fixture
def worker(served: Served) -> Iterator[subprocess.Popen[str]]:
    """A worker that works by the time that this is given."""
    command = [sys.executable, "-m", "cli", "worker", "--concurrency", "20", "--workspace", str(served.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "Working on the runs" in process.stdout.readline()
            yield process
        finally:
            process.kill()


def test_a_server_and_a_worker_are_drained_by_their_buttons(
    served: Served, worker: subprocess.Popen[str], gate: Gate, page: Page
) -> None:
    page.goto(f"{served.url}/workers")
    _card(page, "server").get_by_role("button", name="Drain").click()
    _card(page, "server").get_by_text("Takes no more runs").wait_for()
    counts(_card(page, "server").get_by_role("button", name="Drain"), 0)

    for _ in range(RUNS):
        asked = page.request.post(
            f"{served.url}/workflows/execute",
            data={"workflow": "slow", "confirmed": True},
            headers={"Origin": served.url},
        )
        assert asked.ok, asked.text()
    until(lambda: len(gate.asked) == RUNS, "the calls of the worker, which is alone now")
    card = _card(page, "worker")
    card.get_by_text(f"{RUNS} of 20 runs").wait_for()
    counts(card.get_by_role("link", name="A slow one"), 10)
    card.get_by_text("and 2 more").wait_for()
    _others_tell_the_same(served, page)

    card.get_by_role("button", name="Drain").click()
    card.get_by_text("Takes no more runs").wait_for()
    card.get_by_role("link", name="A slow one").first.click()
    page.wait_for_url(re.compile("/run\\?"))
    settled(page)
    assert worker.poll() is None, "it does what it had begun"
    gate.opened.set()
    assert worker.wait(PATIENCE_SECONDS) == 0
    page.goto(f"{served.url}/workers")
    _card(page, "server").wait_for()
    counts(_card(page, "worker"), 0)
    runs = page.request.get(f"{served.url}/api/runs?status=succeeded").json()["runs"]
    assert len(runs) == RUNS


def _others_tell_the_same(served: Served, page: Page) -> None:
    [listed] = [one for one in page.request.get(f"{served.url}/api/workers").json() if one["kind"] == "worker"]
    assert (listed["runs"], len(listed["at_work"])) == (RUNS, 10)
    run = listed["at_work"][0]
    assert (run["workflow"], run["title"]) == ("slow", "A slow one")
    assert run["started_at"]
    command = [sys.executable, "-m", "cli", "workers", "list", "--workspace", str(served.root)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"{RUNS} of 20" in said
    assert run["run_id"] in said
    assert f"{listed['id']} works on 2 more." in said


def _card(page: Page, kind: str) -> Locator:
    """Return what the page shows of the one process of a kind."""
    prefix = {"server": "serve", "worker": "worker"}[kind]
    return page.locator(f"[class*='st-key-worker-{prefix}-']")
