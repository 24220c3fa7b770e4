"""A served workspace and a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.patience import PATIENCE_SECONDS
from tests.workspaces import init

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

REPOSITORY = Path(__file__).resolve().parents[2]
WATCH = "addEventListener('securitypolicyviolation', one => console.error(`policy: ${one.violatedDirective}`))"
MISSING = "no Chromium: `apt-get install chromium` (or set CHROMIUM_PATH) to run the browser tests"


@dataclass(frozen=True)
class Served:
    """A running `orchestra serve`."""

    url: str
    login_url: str
    root: Path
    pid: int


def _chromium() -> str | None:
    wanted = (
        os.environ.get("CHROMIUM_PATH"),
        "chromium-headless-shell",
        "chromium",
        "chromium-browser",
        "google-chrome",
    )
    return next((path for name in wanted if name and (path := shutil.which(name))), None)


def _needed_browser() -> str:
    """Return Chromium's path; without it the tests are skipped, or fail where REQUIRE_BROWSER is set."""
    path = _chromium()
    if path is None:
        (pytest.fail if os.environ.get("REQUIRE_BROWSER") else pytest.skip)(MISSING)
    return path


@contextmanager
def serving(root: Path, port: int = 0) -> Iterator[Served]:
    """Serve a workspace in a process of its own, with quick stand-ins; without a port on any free one."""
    log = root.parent / "serve.log"
    with log.open("a") as errors:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "cli",
                "serve",
                "--json",
                "--workspace",
                str(root),
                *(["--port", str(port)] * (port > 0)),
            ],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, "ORCHESTRA_DEMO_LATENCY": "30:90"},
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, log.read_text()
        said: dict[str, Any] = json.loads(line)
        yield Served(said["url"].rstrip("/"), said["login_url"], root, process.pid)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
        process.communicate()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what the page showed to the report of a test that failed: the address, the text and a picture."""
    report = yield
    page: Page | None = getattr(item, "funcargs", {}).get("page")
    if report.failed and report.when == "call" and page is not None:
        report.sections.append(("Page", _shown(page, item.name)))
    return report


def _shown(page: Page, name: str) -> str:
    """Return the address of a page and the text beside its menu; its picture goes into build/failures."""
    picture = REPOSITORY / "build" / "failures" / f"{re.sub(r'[^A-Za-z0-9]+', '-', name)}.png"
    try:
        page.screenshot(path=picture, timeout=10_000)
        beside = page.locator("[data-testid=stMain], [role=dialog]")
        texts = [part.aria_snapshot(timeout=10_000) for part in beside.all() or [page.locator("body")]]
        return "\n".join([page.url, str(picture), *texts])[:8000]
    except Exception as error:  # noqa: BLE001 - the failure itself is what counts
        return f"{page.url}\n{error}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a new workspace."""
    _needed_browser()
    root = tmp_path_factory.mktemp("served") / "workspace"
    init(root)
    with serving(root) as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium that asks nobody for anything by itself."""
    from playwright.sync_api import sync_playwright

    path = _needed_browser()
    quiet = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=[*quiet, "--disable-sync", "--no-first-run"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def signed_in(served: Served, browser: Browser) -> dict[str, Any]:
    """Sign in by the printed link, as a person does; return the browser's storage."""
    return sign_in(served, browser)


def sign_in(served: Served, browser: Browser) -> dict[str, Any]:
    """Sign in by the printed link; return the browser's storage."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    page = context.new_page()
    page.goto(served.login_url)
    page.get_by_role("button").first.click()
    page.wait_for_url(f"{served.url}/**")
    state = context.storage_state()
    context.close()
    return dict(state)


@pytest.fixture
def page(served: Served, browser: Browser, signed_in: dict[str, Any]) -> Iterator[Page]:
    """A signed-in page; see `watched` for what fails the test, in each tab."""
    context = browser.new_context(
        storage_state=signed_in,  # type: ignore[arg-type]
        viewport={"width": 1280, "height": 900},
        reduced_motion="reduce",  # a third of the work of a page is its motion
    )
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    wrong = watched(context)
    yield context.new_page()
    context.close()
    assert wrong == []


def watched(context: BrowserContext) -> list[str]:
    """Return a list that will have each request to another machine, breach of the policy, and error of a script."""
    wrong: list[str] = []
    context.on("request", lambda request: None if _is_ours(request.url) else wrong.append(request.url))
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    context.on("console", lambda line: wrong.append(line.text) if "policy: " in line.text else None)
    context.add_init_script(WATCH)
    return wrong


def settled(page: Page) -> None:
    """Wait until the page has drawn all of itself."""
    page.wait_for_selector("[data-testid=stApp][data-test-script-state=notRunning]")


def show_expressions(page: Page) -> None:
    """Switch on *Show expressions* of the canvas, for what is opened from now on."""
    page.context.add_init_script("try { localStorage.setItem('orchestra.expressions', 'shown') } catch {}")


_VALUE = "one => one.isContentEditable ? one.closest('.stTextArea').querySelector('textarea').value : one.value"


def text_of(field: Locator) -> str:
    """Return the text of a field; a code editor draws only what is in view, the text area below it has all."""
    return str(field.evaluate(_VALUE))


def shows(field: Locator, text: str, without: str | None = None) -> None:
    """Wait until a field holds one text and not the other: a field that is drawn anew is empty for a moment."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while text not in (found := text_of(field)):
        assert time.monotonic() < deadline, f"{text!r} is not in {found!r}"
        field.page.wait_for_timeout(50)
    if without is not None:
        assert without not in text_of(field)


def code_field(page: Page, label: str) -> Locator:
    """Return the code editor with this label, as soon as it is there."""
    found = page.get_by_label(label, exact=True).and_(page.locator(".cm-content"))
    found.wait_for()
    return found


def stays_in_view(found: Locator) -> None:
    """Wait until a part of the page is in the window."""
    from playwright.sync_api import expect

    expect(found).to_be_in_viewport(timeout=PATIENCE_SECONDS * 1000)


def counts(found: Locator, number: int) -> None:
    """Wait until so many are found."""
    from playwright.sync_api import expect

    expect(found).to_have_count(number, timeout=PATIENCE_SECONDS * 1000)


def _is_ours(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:"))
