"""Users, the audit trail and prompts in a real browser."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, settled
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
