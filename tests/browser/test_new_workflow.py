"""A new workflow in the browser: three answers by clicks, without a model, become one that runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Served, settled
from tests.browser.test_pages import _findings

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def choose(page: Page, field: Locator, option: str) -> None:
    """Choose an option of a field of Streamlit, whose list closes when the page is scrolled."""
    field.scroll_into_view_if_needed()
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    field.click()
    page.get_by_role("option", name=option, exact=True).click()
    settled(page)


def test_three_answers_become_a_workflow(served: Served, page: Page) -> None:
    page.goto(f"{served.url}/workflows")
    page.get_by_role("button", name="New workflow").click()
    page.get_by_role("button", name="Mail of certain people becomes tasks").click()
    settled(page)
    page.get_by_label("Only from these senders").fill("daniel@acme.example")
    page.get_by_label("Only from these senders").press("Tab")
    page.get_by_text("; from daniel@acme.example; ").wait_for()  # drawn again, which would close an open list
    settled(page)
    choose(page, page.get_by_role("combobox", name="Database (required)", exact=True), "Tasks")
    page.get_by_text("new since the last time. Then: Add it to a Notion database (Tasks).").wait_for()
    page.get_by_role("button", name="Create", exact=True).click()
    page.wait_for_url("**/workflow?*tab=canvas&run=*")
    page.get_by_text("Looked at the samples of the demo. It would make: ").wait_for()
    page.locator(".studio").get_by_text("Nothing was written. It would do this: ").wait_for()
    page.locator('.studio [data-step="task"]').click()
    title = page.locator(".studio-panel [data-name=title]", has=page.locator(".panel-meaning"))
    title.locator("q").wait_for()
    assert title.locator("q").inner_text() == "Usage figures for the board", "a sample of the demo, at once"
    [path] = served.root.glob("workflows/*daniel*.json")
    made = json.loads(path.read_text())
    assert [one["uses"] for one in made["steps"][1]["steps"]] == ["notion.upsert_page"]
    assert made["triggers"][0]["with"] == {"cron": "0 8 * * 1-5"}
    page.get_by_role("button", name="Start Inputs").click()
    page.get_by_role("button", name="At fixed times: Monday to Friday at 08:00").wait_for()
    page.get_by_text("It is off. This will start it: On weekdays at 8:00, in the time zone UTC").wait_for()
    page.get_by_role("button", name="Turn on …").click()
    page.get_by_role("dialog").get_by_role("button", name="Turn on").click()
    page.get_by_text("It is off.").wait_for(state="detached")


def test_the_questions_fit_a_phone_in_both_themes(served: Served, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{served.url}/new-workflow")
    page.get_by_role("button", name="Invoices go to a folder and a table").click()
    settled(page)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert _findings(page) == []


def test_the_panel_of_an_empty_workflow_leads_to_the_questions(served: Served, page: Page) -> None:
    page.goto(f"{served.url}/new-workflow")
    page.get_by_role("button", name="Start empty").click()
    dialog = page.get_by_role("dialog", name="Empty workflow")
    dialog.get_by_role("textbox", name="File name").fill("begun-empty")
    dialog.get_by_role("button", name="Create").click()
    page.locator('.studio [data-step="hello"]').focus()
    page.keyboard.press("p")
    page.get_by_role("link", name="New workflow from three questions").click()
    page.wait_for_url("**/new-workflow")
