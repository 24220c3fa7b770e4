"""The page of a project in a browser: output as it comes, an edit that clashes, and a preview that gets nowhere."""

from __future__ import annotations

import os
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.sandbox.walls import walls
from tests.browser.conftest import Served, code_field, counts, settled, text_of
from tests.browser.test_pages import LOOKS, _findings, _looks
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Frame, Page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(walls() is None, reason="bubblewrap does not work here"),
]

OWNER = Principal("owner", "owner")
COUNTING = """import sys, time
for number in range(600):
    print("line", number)
    time.sleep(0.05)
"""
SITE: Mapping[str, str] = {
    "index.html": "<!doctype html><title>Site</title><link rel=stylesheet href=style.css>"
    "<script type=module src=app.js></script><h1>Hello</h1><a href=two.html>Two</a>",
    "style.css": "h1 { color: rgb(1, 2, 3) }",
    "app.js": "document.querySelector('h1').textContent = 'Hello from a module'",
    "two.html": "<!doctype html><title>Two</title><h1>The second page</h1>",
    "count.py": COUNTING,
}
HOSTILE = (Path(__file__).parent / "hostile_preview.html").read_text(encoding="utf-8")


class Outside:
    """A server of somebody else: it answers nothing, and counts who comes, by TCP and by UDP."""

    def __init__(self) -> None:
        self.came: list[str] = []
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._tcp.getsockname()[1]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        for listen in (self._accept, self._receive):
            threading.Thread(target=listen, daemon=True).start()

    def close(self) -> None:
        for one in (self._tcp, self._udp):
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(2)
                try:
                    self.came.append(connection.recv(200).decode("latin-1") or "connected")
                except OSError:
                    self.came.append("connected")

    def _receive(self) -> None:
        while True:
            try:
                self._udp.recvfrom(2000)
            except OSError:
                return
            self.came.append("udp")


@pytest.fixture
def outside() -> Iterator[Outside]:
    with closing(Outside()) as found:
        yield found


def written(served: Served, name: str, files: Mapping[str, str]) -> None:
    orchestra = Orchestra.open(served.root)
    orchestra.projects.create(OWNER, name)
    for path, text in files.items():
        orchestra.projects.save(OWNER, name, path, text, None)
    orchestra.close()


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder, f"{name}.png"), full_page=True)


def previewed(page: Page, served: Served, name: str) -> Frame:
    """Open the preview of a project; return its frame once it has loaded."""
    page.goto(f"{served.url}/projects?project={name}&tab=preview")
    settled(page)
    page.get_by_text("Show it").click()
    page.wait_for_selector("iframe.project-frame")
    handle = page.query_selector("iframe.project-frame")
    assert handle is not None
    frame = handle.content_frame()
    assert frame is not None
    frame.wait_for_load_state()
    return frame


def test_output_comes_while_a_command_runs_and_stop_ends_it(page: Page, served: Served) -> None:
    written(served, "counter", SITE)
    page.goto(f"{served.url}/projects?project=counter&tab=run")
    settled(page)
    field = page.get_by_role("combobox", name="Command")
    field.fill("python3 count.py")
    field.press("Enter")
    page.get_by_role("button", name="Run", exact=True).click()
    log = page.get_by_role("log", name="Output")
    log.get_by_text("line 3").wait_for()
    shot(page, "project-running")
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_text("It was stopped.").wait_for()
    assert "line 599" not in log.inner_text()
    assert "line 3" in log.inner_text()
    counts(page.get_by_role("button", name="Stop", exact=True), 0)
    shot(page, "project-stopped")


def test_a_site_of_several_files_works_in_its_frame(page: Page, served: Served) -> None:
    written(served, "site", SITE)
    frame = previewed(page, served, "site")
    frame.get_by_text("Hello from a module").wait_for()
    assert frame.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(1, 2, 3)"
    shot(page, "project-preview")
    frame.get_by_text("Two").click()
    frame.get_by_text("The second page").wait_for()


def test_a_hostile_page_reads_nothing_and_gets_nowhere(
    browser: Browser, signed_in: dict[str, Any], served: Served, outside: Outside
) -> None:
    text = HOSTILE.replace("OUTSIDE", f"127.0.0.1:{outside.port}")
    written(served, "hostile", {"index.html": text, "evil.js": "self.onmessage = () => {}"})
    context = browser.new_context(storage_state=signed_in)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    page = context.new_page()
    cookies: list[str] = []
    context.on(
        "request",
        lambda one: cookies.append(one.url) if "/preview/" in one.url and "cookie" in one.all_headers() else None,
    )
    frame = previewed(page, served, "hostile")
    frame.wait_for_function("window.isDone === true")
    page.wait_for_timeout(1500)
    results: dict[str, str] = frame.evaluate("window.results")
    leaks = {name: one for name, one in results.items() if not one.startswith("refused")}
    assert leaks == {}
    assert len(results) >= 25
    assert outside.came == []
    assert page.url.startswith(f"{served.url}/projects")
    assert len(context.pages) == 1
    for leave in ("location.href = at", "document.querySelector('#form').submit()", "refresh(at)"):
        frame = previewed(page, served, "hostile")
        frame.wait_for_function("window.isDone === true")
        frame.evaluate(f"at => {{ {leave} }}", f"http://127.0.0.1:{outside.port}/leaving")
        page.wait_for_timeout(1500)
        assert outside.came == [], leave
        assert page.url.startswith(f"{served.url}/projects")
    assert cookies == []
    context.close()


def test_a_preview_is_shown_nowhere_else(page: Page, served: Served) -> None:
    written(served, "alone", SITE)
    frame = previewed(page, served, "alone")
    address = frame.url
    answer = page.goto(address)
    assert answer is not None
    assert (answer.status, "only on the page of its project" in answer.text()) == (403, True)
    assert "sandbox allow-scripts" in answer.headers["content-security-policy"]


def test_a_clash_with_a_newer_commit_shows_both(page: Page, served: Served) -> None:
    written(served, "clash", SITE)
    page.goto(f"{served.url}/projects?project=clash&file=style.css")
    settled(page)
    field = code_field(page, "Content")
    field.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(" /* mine */")
    orchestra = Orchestra.open(served.root)
    before = orchestra.projects.read(OWNER, "clash", "style.css")
    orchestra.projects.save(OWNER, "clash", "style.css", before.text + "/* theirs */\n", before.etag)
    orchestra.close()
    page.get_by_text("Somebody has saved this file since you opened it").wait_for()
    shown = page.locator(".stCode").first.inner_text()
    assert "theirs" in shown
    assert "mine" in shown
    assert "/* mine */" in text_of(code_field(page, "Content"))
    shot(page, "project-clash")
    page.get_by_role("button", name="Overwrite with mine").click()
    page.get_by_text("Saved as a commit.").wait_for()


def test_programs_are_coloured_and_indented(page: Page, served: Served) -> None:
    written(served, "colours", SITE)
    wrong: list[str] = []
    for file, word in (("app.js", "'h1'"), ("count.py", "import")):
        page.goto(f"{served.url}/projects?project=colours&file={file}")
        settled(page)
        token = page.locator(".cm-line span", has_text=re.compile(f"^{word}$")).first
        for look in LOOKS:
            _looks(page, look)
            settled(page)
            colors = token.evaluate("one => [one, one.closest('.cm-line')].map(each => getComputedStyle(each).color)")
            assert colors[0] != colors[1]
            shot(page, f"project-code-{file}-{look}")
            wrong += [f"{file} {look}: {one}" for one in _findings(page)]
        _looks(page, LOOKS[0])
    assert wrong == []
    field = code_field(page, "Content")
    field.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nif number:\npass")
    assert text_of(field).endswith("\n    if number:\n        pass")


def test_a_request_in_words_opens_the_form_of_a_workflow_that_is_made_for_it(page: Page, served: Served) -> None:
    written(served, "wishes", SITE)
    page.goto(f"{served.url}/projects?project=wishes&tab=build")
    settled(page)
    page.get_by_label("What should change?").fill("Add a page with the opening hours")
    page.get_by_role("button", name="Make it, then go on").click()
    page.wait_for_url("**/workflow?name=build-software*")
    settled(page)
    page.get_by_label("Project", exact=True).wait_for()
    assert page.get_by_label("Project", exact=True).input_value() == "wishes"
    assert page.get_by_label("What to build").input_value() == "Add a page with the opening hours"
    shot(page, "project-continue")
    page.goto(f"{served.url}/projects?project=wishes&tab=share")
    settled(page)
    page.get_by_role("button", name="Make it, then go on").click()
    page.wait_for_url("**/workflow?name=project-to-pull-request*")
    page.get_by_label("Project", exact=True).wait_for()
    assert page.get_by_label("Project", exact=True).input_value() == "wishes"


def test_every_tab_fits_the_screen_and_can_be_read_by_everybody(page: Page, served: Served) -> None:
    written(served, "readable", SITE)
    wrong: list[str] = []
    for tab in ("files", "history", "run", "preview", "build", "share"):
        page.goto(f"{served.url}/projects?project=readable&tab={tab}")
        settled(page)
        if tab == "run":
            page.get_by_role("button", name="Run", exact=True).click()
            page.get_by_role("log", name="Output").get_by_text("index.html").wait_for()
        if tab == "preview":
            page.get_by_text("Show it").click()
            page.wait_for_selector("iframe.project-frame")
        for look in LOOKS:
            _looks(page, look)
            settled(page)
            page.wait_for_timeout(300)
            shot(page, f"project-{tab}-{look}")
            if tab == "preview":
                box = page.locator("iframe.project-frame").bounding_box()
                assert box is not None
                assert (box["width"] > 250, box["height"] > 300) == (True, True), look
            wrong += [f"{tab} {look}: {one}" for one in _findings(page)]
        _looks(page, LOOKS[0])
    assert wrong == []
