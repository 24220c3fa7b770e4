"""Users, the audit trail, prompts and the map in a real browser."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, settled, shows
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

LOCAL = Principal("local:grace", "owner")


def in_engine(root: Path, ask: Any) -> Any:
    orchestra = Orchestra.open(root)
    try:
        return ask(orchestra)
    finally:
        orchestra.close()


def test_an_owner_adds_somebody_lets_them_in_and_removes_them(served: Served, browser: Browser, page: Page) -> None:
    page.goto(f"{served.url}/users")
    settled(page)
    page.get_by_role("button", name="Add a user").click()
    page.get_by_label("Id", exact=True).fill("ann@example.org")
    page.get_by_label("Id", exact=True).press("Tab")
    page.get_by_role("dialog").get_by_text("editor", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
    page.wait_for_selector("text=ann@example.org is added.")
    settled(page)
    card = page.locator("[class*='st-key-user-ann']")
    card.get_by_role("button", name="Create a login link").click()
    link = card.locator("code").inner_text()
    assert link.startswith(f"{served.url}/login?token=")
    theirs = browser.new_context()
    theirs.set_default_timeout(PATIENCE_SECONDS * 1000)
    other = theirs.new_page()
    other.goto(link)
    other.get_by_role("button").first.click()
    other.wait_for_url(f"{served.url}/**")
    other.goto(f"{served.url}/workflows")
    settled(other)
    menu = other.get_by_test_id("stSidebarNav").inner_text()
    assert "Workflows" in menu
    assert "Users" not in menu
    assert "Audit" not in menu
    page.goto(f"{served.url}/users")
    settled(page)
    card = page.locator("[class*='st-key-user-ann']")
    card.get_by_text("1 open session").wait_for()
    card.get_by_role("button", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    page.wait_for_selector("text=ann@example.org is removed.")
    other.goto(f"{served.url}/workflows")
    other.wait_for_url("**/login**")
    theirs.close()


def test_the_audit_trail_is_saved_as_a_table(served: Served, page: Page) -> None:
    page.goto(f"{served.url}/audit")
    settled(page)
    page.get_by_text("users.login", exact=False).first.wait_for(state="attached")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    rows = list(csv.reader(Path(download.value.path()).read_text().splitlines()))
    assert rows[0] == ["number", "at", "who", "action", "target", "detail"]
    assert "users.login" in {row[3] for row in rows}


def test_a_prompt_is_made_gets_a_version_a_new_label_and_another_name(served: Served, page: Page) -> None:
    page.goto(f"{served.url}/prompts")
    settled(page)
    page.get_by_role("button", name="New prompt").click()
    name = page.get_by_role("dialog").get_by_role("textbox", name="Name")
    name.fill("Grüße")
    name.press("Tab")
    page.wait_for_selector("text=Not a valid file name yet. For example: grusse")
    name.fill("greet")
    name.press("Tab")
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    page.wait_for_url("**/prompt?name=greet")
    settled(page)
    page.get_by_role("button", name="Save a version").click()
    page.get_by_role("button", name="Save this version").click()
    page.wait_for_selector("text=Version 1 is saved and is production now.")
    settled(page)
    page.get_by_role("tab", name="Versions").click()
    settled(page)
    page.get_by_role("button", name="Labels").click()
    label = page.get_by_role("combobox", name="Label")
    label.fill("canary")
    label.press("Enter")
    page.get_by_role("button", name="Set on version 1").click()
    page.wait_for_selector("text=The label canary is on version 1 now.")
    found = in_engine(served.root, lambda orchestra: orchestra.prompts.get(LOCAL, "greet"))
    assert (found.labels, found.problems) == ({"production": 1, "canary": 1}, [])


def test_a_moved_box_stands_there_after_a_reload(served: Served, page: Page) -> None:
    document = {
        "schema_version": 1,
        "title": "Boxes",
        "steps": [{"id": one, "uses": "flow.set", "with": {"values": {"x": 1}}} for one in ("one", "two")],
    }
    (served.root / "workflows" / "boxes.json").write_text(json.dumps(document))
    page.goto(f"{served.url}/workflow?name=boxes")
    settled(page)
    page.get_by_role("tab", name="Map").click()
    settled(page)
    page.get_by_text("Arrange").click()
    for label, value in (("x", "250"), ("y", "-40")):
        field = page.get_by_role("spinbutton", name=label, exact=True)
        field.fill(value)
        field.press("Enter")
    settled(page)
    page.get_by_role("button", name="Move it").click()
    page.wait_for_selector("text=The box is moved.")
    layout = json.loads((served.root / "workflows" / "boxes.layout.json").read_text())
    assert layout["positions"] == {"one": [250, -40]}
    page.reload()
    settled(page)
    page.get_by_role("tab", name="Map").click()
    settled(page)
    page.get_by_text("Arrange").click()
    shows(page.get_by_role("spinbutton", name="x", exact=True), "250")


@pytest.mark.parametrize("path", ["/users", "/audit", "/prompts", "/prompt?name=classify-mail"])
def test_nothing_is_wider_than_a_phone(served: Served, page: Page, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(served.url + path)
    settled(page)
    page.wait_for_selector("h1")
    needed, visible = page.get_by_test_id("stMain").evaluate("main => [main.scrollWidth, main.clientWidth]")
    assert needed <= visible
