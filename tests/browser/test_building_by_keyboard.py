"""Agents, tools, tools of MCP servers and API tokens are made and used by keyboard alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Served, code_field
from tests.browser.stories.hands import Keyboard

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def hand(served: Served, page: Page) -> Keyboard:
    page.goto(served.url)
    return Keyboard(page)


def test_a_tool_is_made_broken_and_mended(hand: Keyboard, page: Page) -> None:
    hand.go("Tools")
    hand.press(page.get_by_role("button", name="New tool"))
    hand.write(page.get_by_role("dialog").get_by_role("textbox", name="Name"), "trim")
    hand.press(page.get_by_role("dialog").get_by_role("button", name="Create"))
    page.get_by_text("Made. Run its tests").wait_for()
    test = page.get_by_role("button", name="Run the tests")
    hand.reach(test)
    page.wait_for_timeout(500)  # the table that the way leads through tells the server late which cell has the focus
    hand.press(test)
    page.get_by_text("All tests have passed").wait_for()

    hand.choose(page.get_by_role("combobox", name="File"), "main.py")
    hand.write(code_field(page, "Content"), "output = wrong")
    hand.press(page.get_by_role("button", name="Save", exact=True))
    page.get_by_text("changed after its last test").filter(visible=True).wait_for()
    hand.press(test)
    page.get_by_text("Not all tests have passed").wait_for()
    page.get_by_text("Line 1", exact=True).wait_for()

    hand.tab("Versions")
    hand.press(page.get_by_role("button", name="Restore this version"))
    page.get_by_text("The earlier files are restored").wait_for()


@pytest.mark.chaos
def test_an_agent_is_made_and_saved(hand: Keyboard, page: Page) -> None:
    hand.go("Agents")
    hand.press(page.get_by_role("button", name="New agent").first)
    hand.press(page.get_by_role("dialog").get_by_role("button", name="Create"))
    page.wait_for_url("**/agent?name=research-agent")
    instructions = page.get_by_role("textbox", name="Instructions", exact=True)
    hand.write(instructions, "Answer in one sentence.")
    hand.press(page.get_by_role("button", name="Save and use"))
    page.get_by_text("is production now").wait_for()
    hand.tab("Versions")
    hand.tab("Used by")


def test_a_token_is_made_and_revoked(hand: Keyboard, page: Page) -> None:
    hand.go("API tokens")
    hand.press(page.get_by_role("button", name="New API token"))
    hand.write(page.get_by_role("dialog").get_by_role("textbox", name="Name"), "laptop")
    hand.press(page.get_by_role("dialog").get_by_role("button", name="Make"))
    page.get_by_text(re.compile(r"^orch_[0-9a-f]{64}$")).wait_for()
    hand.press(page.get_by_role("button", name="I have copied it"))
    hand.press(page.get_by_role("button", name="Revoke"))
