"""Ten pages of one live run in a real Chromium: what the server spends on them, and its response time meanwhile.

The run is a loop of HTTP calls of 100 ms, two at once: 20 items a second. What the server spends on the run itself,
with no page open, is subtracted. `/health` is asked every 50 ms in both cases.
"""

from __future__ import annotations

import shutil
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from bench.base.served import Client, Served, served
from bench.base.slow_service import serving

PAGES = 10
Opened = Callable[[Served, str], AbstractContextManager[None]]
_SPAN_SECONDS = 20.0
_SPANS = 3
_BROWSER = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-sync"]


def measured_pages(items: int, done: int = 0, opened: Opened | None = None) -> dict[str, list[float]]:
    """Return the percentage of a core, MiB, and the 95th percentile of `/health` in ms, for each time span.

    The run has `items` items; measuring begins when `done` of them are done. `opened` lets somebody follow a run of a
    server while the block runs, by default ten pages.
    """
    with serving() as port, served({"loop": _workflow(items, port)}, _config(port), settle_seconds=3.0) as server:
        token = server.token()
        run_id = server.client(token).asked("POST", "/workflows/execute", {"workflow": "loop", "confirmed": True})[
            "run_id"
        ]
        _wait_for(server.client(token), run_id, done)
        with _asking(server.client()):
            alone = _percent(server, _SPAN_SECONDS / 2)
        found: dict[str, list[float]] = {"percent": [], "mib": [], "health_p95_ms": [], "alone_percent": [alone]}
        with (opened or _opened)(server, run_id):
            for _ in range(_SPANS):
                with _asking(server.client()) as asked:
                    found["percent"].append(_percent(server, _SPAN_SECONDS) - alone)
                found["mib"].append(server.mebibytes())
                found["health_p95_ms"].append(1000 * statistics.quantiles(asked.seconds, n=20)[-1])
        run = server.client(token).asked("GET", f"/api/runs/{run_id}")
        assert run["status"] == "running", "the run ended before the measuring did"
    return found


def _workflow(items: int, port: int) -> dict[str, Any]:
    url = f"http://127.0.0.1:{port}/{{{{ item }}}}"
    call = {"id": "get", "uses": "http.request", "connection": "web", "with": {"method": "GET", "url": url}}
    numbers = {"id": "numbers", "uses": "flow.set", "with": {"values": {"all": list(range(items))}}}
    loop = {"id": "each", "foreach": "{{ steps.numbers.output.all }}", "parallel": 2, "steps": [call]}
    return {"schema_version": 1, "title": "Loop", "steps": [numbers, loop]}


def _config(port: int) -> str:
    return f"connections:\n  web:\n    service: http\n    allow_hosts: ['127.0.0.1:{port}']\n"


def _wait_for(client: Client, run_id: str, done: int) -> None:
    while client.asked("GET", f"/api/runs/{run_id}")["counts"]["steps"] < done:
        time.sleep(1.0)


def _percent(server: Served, seconds: float) -> float:
    before, began = server.processor_seconds(), time.monotonic()
    time.sleep(seconds)
    return 100 * (server.processor_seconds() - before) / (time.monotonic() - began)


@contextmanager
def _opened(server: Served, run_id: str) -> Iterator[None]:
    """Show the run on ten pages of a signed-in browser."""
    from playwright.sync_api import sync_playwright

    chromium = next(path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_BROWSER)
        context = browser.new_context()
        context.set_default_timeout(120_000)
        first = context.new_page()
        first.goto(server.login_url)
        first.get_by_role("button").first.click()
        first.wait_for_url(f"http://127.0.0.1:{server.port}/")
        for page in [first, *(context.new_page() for _ in range(PAGES - 1))]:
            page.goto(f"http://127.0.0.1:{server.port}/run?id={run_id}")
            page.wait_for_selector(".run-table")
        yield
        browser.close()


@contextmanager
def _asking(client: Client) -> Iterator[Client]:
    """Ask `/health` every 50 ms while the block runs."""
    is_over = threading.Event()

    def ask() -> None:
        while not is_over.wait(0.05):
            client.asked("GET", "/health")

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield client
    finally:
        is_over.set()
        thread.join()
