"""The wizard in the browser: an empty workflow becomes one that runs, by clicks, without a model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, settled, stays_in_view
from tests.browser.test_copilot import ask, copied, draft, found_by_axe
from tests.browser.test_copilot import opened as opened_copy

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")


def opened(page: Page, served: Served, name: str) -> Locator:
    """Create a blank workflow and open its canvas with the co-pilot."""
    orchestra = Orchestra.open(served.root)
    orchestra.workflows.create(OWNER, name)
    orchestra.close()
    page.goto(f"{served.url}/workflow?name={name}&tab=canvas")
    step = page.locator('.studio [data-step="hello"]')
    step.wait_for()
    settled(page)
    step.focus()
    page.keyboard.press("p")
    panel = page.get_by_role("complementary", name="Co-pilot")
    panel.wait_for()
    return panel


def accept(card: Locator) -> None:
    """Give every tick and accept."""
    for one in card.locator("[data-tick]").all():
        one.check()
    card.get_by_role("button", name="Accept all").click()
    card.page.locator(".copilot-card[data-status=accepted]").wait_for()


def test_a_new_workflow_begins_with_the_wizard(served: Served, page: Page) -> None:
    """The dialog leads to the open co-pilot, once: a reload does not open what was closed."""
    page.goto(f"{served.url}/workflows?do=new")
    dialog = page.get_by_role("dialog", name="New workflow")
    dialog.get_by_role("combobox", name="Start with").click()
    page.get_by_role("option", name="Step by step, with the co-pilot").click()
    dialog.get_by_role("textbox", name="Title").fill("Begun step by step")
    dialog.get_by_role("textbox", name="Title").press("Tab")
    settled(page)
    dialog.get_by_role("button", name="Create").click()
    panel = page.get_by_role("complementary", name="Co-pilot")
    panel.get_by_label("Source").wait_for()
    assert "do=" not in page.url
    panel.get_by_role("button", name="Cancel").click()
    page.reload()
    panel.get_by_role("button", name="Build it step by step").wait_for()


def test_a_workflow_is_built_by_clicks(served: Served, page: Page) -> None:
    panel = opened(page, served, "by-clicks")
    panel.get_by_role("button", name="fix", exact=True).wait_for()
    assert panel.get_by_role("button", name="ask me before hello").count() == 0, "it has no step that writes"
    panel.get_by_role("button", name="Build it step by step").click()
    panel.get_by_label("Source").select_option(label="Issues on GitHub")
    panel.get_by_label("Repository").first.fill("acme/app")
    page.reload()
    panel.get_by_label("Start", exact=True).select_option(label="at fixed times")
    assert panel.get_by_label("Repository").first.input_value() == "acme/app"
    panel.get_by_label("Times").select_option(label="on Mondays at 8:00")
    panel.get_by_label("Do this").select_option(label="Send a mail")
    panel.get_by_label("To (commas between)").fill("boss@example.com")
    panel.get_by_label("How many at once").select_option(label="all in one list")
    assert found_by_axe(page) == []
    panel.get_by_role("button", name="Propose it").click()
    card = panel.locator(".copilot-card")
    card.wait_for()
    card.get_by_text("boss@example.com").first.wait_for()
    card.get_by_text("It starts nothing until you turn it on").first.wait_for()
    accept(card)
    made = json.loads(draft(page, served, "by-clicks"))
    assert [one["uses"] for one in made["steps"]] == ["github.list_issues", "gmail.send"]
    assert made["triggers"][0]["with"] == {"cron": "0 8 * * 1"}


def test_step_by_step_in_a_conversation_is_in_view_with_its_first_field_ready(served: Served, page: Page) -> None:
    panel = opened(page, served, "in-between")
    for words in ("explain", "fix", "how do I undo a run"):
        panel.locator("textarea").last.fill(words)
        page.keyboard.press("Enter")
        panel.locator(".copilot-turn[data-last]", has_text=words).wait_for()
        panel.get_by_role("button", name="Begin anew").and_(panel.locator(":enabled")).wait_for()
    assert panel.locator(".copilot-log").evaluate("one => one.scrollTop") > 0
    panel.get_by_role("button", name="Step by step").click()
    panel.locator(".copilot-wizard select:focus").wait_for()
    assert panel.get_by_label("Source").evaluate("one => one === document.activeElement")
    stays_in_view(panel.locator(".copilot-wizard legend").first)
    panel.get_by_role("button", name="Close the co-pilot").click()
    page.get_by_role("button", name="Co-pilot", exact=True).click()
    panel.locator(".copilot-wizard select:focus").wait_for()
    stays_in_view(panel.locator(".copilot-wizard legend").first)


def test_in_a_low_window_the_panel_shows_what_came_last_and_where_there_is_more(served: Served, page: Page) -> None:
    page.set_viewport_size({"width": 1360, "height": 850})
    copied(served, "low-window")
    panel = opened_copy(page, served, "low-window")
    card = ask(page, "set issue.title to {{ mail.subject }}")
    more = panel.get_by_role("button", name="More below")
    more.wait_for()
    log, asked = panel.locator(".copilot-log"), panel.locator(".copilot-asked").last
    assert log.evaluate(
        "(log, asked) => asked.getBoundingClientRect().top - log.getBoundingClientRect().top < 40",
        asked.element_handle(),
    )
    card.get_by_role("button", name="Try in the demo").click()
    stays_in_view(card.locator(".copilot-demo"))
    accept(card)
    page.locator(".studio [data-step]").first.click()
    panel.get_by_role("button", name="Edit step").click()
    page.get_by_role("complementary", name="Selected step").wait_for()


def test_the_wizard_fits_a_phone_in_both_themes_and_names_what_is_wrong(served: Served, page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    panel = opened(page, served, "phone-wizard")
    panel.get_by_role("button", name="Build it step by step").click()
    panel.get_by_text("Only some of them").click()
    panel.get_by_text("Let a model read them").click()
    panel.get_by_role("button", name="Add a kind").click()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        assert found_by_axe(page) == []
    panel.get_by_role("button", name="Remove the kind").click()
    panel.get_by_label("Source").select_option(label="A web page that changes")
    panel.get_by_label("Address").fill("no address")
    panel.get_by_label("Do this").select_option(label="Post to Slack (not connected)")
    panel.get_by_label("Channel").fill("#general")
    panel.get_by_role("button", name="Propose it").click()
    panel.locator(".copilot-problems").or_(panel.get_by_role("alert")).first.wait_for()
