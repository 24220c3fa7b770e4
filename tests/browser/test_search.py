"""The search, by keyboard alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Served, settled
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_the_keyboard_finds_a_workflow_and_comes_to_the_button_that_plans_it(served: Served, page: Page) -> None:
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    page.goto(f"{served.url}/runs")
    page.wait_for_selector("html[data-keeps-text]", state="attached")  # the script of the page listens
    field, options = page.get_by_role("combobox", name="Search"), page.get_by_role("option")
    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    expect(options.first).to_have_attribute("aria-selected", "true")  # the pages, before anything is typed
    page.keyboard.type("inbox")
    expect(options.first).to_contain_text("Inbox triage")
    expect(field).to_have_attribute("aria-activedescendant", "search-found-0")
    page.keyboard.press("ArrowUp")
    last = options.count() - 1
    expect(field).to_have_attribute("aria-activedescendant", f"search-found-{last}")
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    page.keyboard.press("Control+k")
    page.keyboard.type("qzxwv")
    expect(page.get_by_text("Nothing found.")).to_be_visible()
    field.fill("")
    page.keyboard.type("plan inbox")
    page.keyboard.press("Enter")  # also before the answer is there
    page.wait_for_url(re.compile(r"/workflow\?name=inbox-triage"))
    expect(page.get_by_role("button", name="Plan", exact=True)).to_be_focused()


@pytest.mark.parametrize(
    "name", ["prompts", *(pytest.param(one, marks=pytest.mark.chaos) for one in ("own-accounts", "steps"))]
)
def test_the_headings_of_help_are_where_the_search_leads(served: Served, page: Page, name: str) -> None:
    from dashboard.help.documents import headings

    page.goto(f"{served.url}/help?page={name}")
    settled(page)
    for place in [one.anchor for one in headings(name) if one.anchor]:
        page.locator(f"[id='{place}']").wait_for(state="attached")
