"""Home fits a screen, and is worked with the keyboard; on a phone, the first places are at the bottom."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, settled
from tests.patience import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")
QUESTIONS = 8
WELCOME = {
    "id": "open",
    "uses": "github.create_issue",
    "approve": "always",
    "with": {"repository": "acme/app", "title": "Welcome {n}"},
}
ROWS = '[class*="st-key-line-waiting-"]'


@pytest.fixture(scope="module")
def asking(served: Served) -> Served:
    """Eight open questions, the newest of which has a gap; a run that failed, one that went well."""
    fails = {"id": "no", "uses": "flow.fail", "with": {"message": "No."}}
    fine = {"id": "a", "uses": "flow.set", "with": {"values": {"x": 1}}}
    texts = [""] * (QUESTIONS - 1) + ["Hello [name]."]
    orchestra = Orchestra.open(served.root, demo=True)
    try:
        for name, steps in {"fails": [fails], "fine": [fine]}.items():
            _write(served, name, *steps)
            orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, name, {}), 60)
        for number, text in enumerate(texts):
            issue = json.loads(json.dumps(WELCOME).replace("{n}", str(number)))
            issue["with"]["body"] = text
            _write(served, f"welcome-{number}", issue)
            orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, f"welcome-{number}", {}), 60)
    finally:
        orchestra.close()
    return served


def _write(served: Served, name: str, *steps: object) -> None:
    document = {"schema_version": 1, "title": name.capitalize(), "steps": steps}
    (served.root / "workflows" / f"{name}.json").write_text(json.dumps(document))


def test_home_fits_a_screen_and_keys_answer_and_open(asking: Served, page: Page) -> None:
    page.set_viewport_size({"width": 1400, "height": 900})
    page.goto(asking.url)
    rows = page.locator(ROWS)
    rows.nth(QUESTIONS - 1).wait_for()
    settled(page)
    assert page.get_by_test_id("stMain").evaluate("one => one.scrollHeight <= one.clientHeight")
    page.keyboard.press("j")
    assert rows.nth(0).locator("a:focus").count() == 1
    page.keyboard.press("a")  # it has a gap: nothing to press
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("j")
    approved = rows.nth(1).locator("a:focus").inner_text()
    page.keyboard.press("a")
    until(lambda: rows.count() == QUESTIONS - 1)
    assert approved not in page.get_by_test_id("stMain").inner_text()
    settled(page)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/approvals?question=*")


def test_a_phone_has_the_first_places_at_the_bottom(asking: Served, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(asking.url)
    bar = page.locator(".st-key-phone-bar")
    bar.get_by_role("link", name=re.compile(r"Approvals \(\d\)")).click()
    page.get_by_role("heading", name="Approvals", exact=True).wait_for()
    bar.get_by_role("link", name="Home").click()
    page.locator(".st-key-answer").wait_for()
    settled(page)
    bar.get_by_role("button", name="More").click()
    page.get_by_test_id("stSidebar").get_by_role("link", name="Settings").click()
    page.get_by_role("heading", name="Settings").or_(page.get_by_role("heading", name="General")).first.wait_for()


def test_the_dashboard_can_be_installed(served: Served, page: Page) -> None:
    page.goto(served.url)
    address = page.locator("link[rel=manifest]").get_attribute("href", timeout=60_000)
    stranger = page.context.browser.new_context()  # type: ignore[union-attr]
    try:
        app = stranger.request.get(served.url + str(address)).json()
        assert (app["display"], app["start_url"]) == ("standalone", "/")
        for icon in app["icons"]:
            answer = stranger.request.get(served.url + icon["src"])
            assert (answer.status, answer.headers["content-type"]) == (200, icon["type"])
    finally:
        stranger.close()
