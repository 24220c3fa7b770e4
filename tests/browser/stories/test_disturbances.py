"""What disturbs somebody who edits: nothing is lost, and nothing is done twice. `make assurance`: by mouse, too."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.conftest import shows
from tests.browser.test_canvas import kept
from tests.patience import until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route

    from tests.browser.stories.conftest import Story
    from tests.browser.stories.hands import Hand

pytestmark = [pytest.mark.slow, pytest.mark.browser]

NUMBER = {"id": "number", "title": "A number", "uses": "flow.set", "with": {"values": {"n": 2}}}
SEEN = {
    "id": "seen",
    "title": "Seen",
    "if": "{{ steps.number.output.n > 1 }}",
    "uses": "flow.wait",
    "with": {"seconds": 0},
}
CONDITION = "{{ steps.number.output.n > 7 }}"
EDITED = [NUMBER, {**SEEN, "if": CONDITION}, {**SEEN, "id": "seen_2"}]
"""How each of these stories ends: with the condition that was typed, and one copy of a step."""
OFFLINE_SECONDS = 10


def editing(story: Story, word: str) -> None:
    """Open the canvas of a new workflow, and copy a step."""
    story.has(word, NUMBER, SEEN)
    story.home()
    story.hand.open("Workflows", story.title(word))
    story.hand.tab("Canvas")
    story.hand.step("seen").wait_for()


def copied(hand: Hand) -> None:
    hand.duplicate("seen")
    hand.step("seen_2").wait_for()


def condition(hand: Hand) -> Locator:
    """Open the field of the condition."""
    hand.panel("seen")
    field = hand.page.locator(".panel-condition").get_by_label("Number", exact=True)
    summary = hand.page.locator(".studio-panel summary", has_text="Runs only if")
    summary.wait_for()
    if not field.is_visible():
        hand.press(summary)
    field.wait_for()
    return field


def is_saved(story: Story, word: str) -> None:
    """Save, and compare the file."""
    kept(story.page)
    story.hand.save()
    until(lambda: story.steps(word) != [NUMBER, SEEN])
    assert story.steps(word) == EDITED


def test_a_reload_in_the_middle_of_an_operation(story: Story) -> None:
    def lose(route: Route) -> None:
        route.fetch()  # the server does it, and its answer is lost
        route.abort()

    hand, page = story.hand, story.page
    editing(story, "reloaded")
    page.route("**/draft/ops", lose, times=1)
    copied(hand)
    page.locator(".studio-state", has_text="Not kept").wait_for()
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    hand.step("seen_2").wait_for()
    kept(page)
    hand.write(condition(hand), "7")
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()  # while it is being typed
    hand.step("seen_2").wait_for()
    shows(condition(hand), "7")
    page.keyboard.press("Enter")
    is_saved(story, "reloaded")


@pytest.mark.chaos
def test_two_tabs(story: Story) -> None:
    page, other = story.page, story.page.context.new_page()
    editing(story, "shared")
    other.set_viewport_size({"width": 1600, "height": 1200})
    other.goto(page.url)
    hand: Any = type(story.hand)(other)
    hand.step("seen").wait_for()
    copied(hand)
    story.hand.step("seen_2").wait_for()  # without being asked
    story.hand.write(condition(story.hand), "7")
    page.keyboard.press("Tab")
    hand.step("seen").get_by_text("n of “A number” is more than 7").wait_for()
    is_saved(story, "shared")
    other.locator(".studio-state", has_text="Saved").wait_for()


def test_sign_out_while_editing(story: Story) -> None:
    page = story.page
    signed_in(page, link(story))
    editing(story, "signed")
    copied(story.hand)
    kept(page)
    again = link(story)
    other = page.context.new_page()
    other.goto(story.served.url)
    hand: Any = type(story.hand)(other)
    hand.press(other.get_by_test_id("stSidebar").get_by_role("button", name="owner"))
    hand.press(other.get_by_role("button", name="Sign out"))
    other.wait_for_url("**/login**")
    story.hand.write(condition(story.hand), "7")
    page.keyboard.press("Tab")
    page.locator(".studio-state", has_text="you are signed out").wait_for()
    signed_in(other, again)
    is_saved(story, "signed")  # what waited was sent by itself


def link(story: Story) -> str:
    return story.served.url + str(story.sent("/api/users/owner/login-link")["path"])


def signed_in(page: Page, link: str) -> None:
    """Sign in with a new session, so that signing out ends no other one."""
    page.context.clear_cookies()  # else the other one ends
    page.goto(link)
    page.get_by_role("button").first.click()
    page.get_by_role("heading", name="Home", exact=True).wait_for()


@pytest.mark.chaos
def test_the_back_button(story: Story) -> None:
    page = story.page
    editing(story, "left")
    address = page.url
    copied(story.hand)
    story.hand.write(condition(story.hand), "7")
    page.go_back()
    page.locator(".studio").wait_for(state="detached")
    page.go_forward()
    page.wait_for_url(address)
    story.hand.step("seen_2").wait_for()
    shows(condition(story.hand), "7")
    page.keyboard.press("Enter")
    is_saved(story, "left")


def test_offline_for_a_while(story: Story) -> None:
    page, context = story.page, story.page.context
    editing(story, "offline")
    page.wait_for_load_state("networkidle")
    context.set_offline(True)
    since = time.monotonic()
    copied(story.hand)
    story.hand.write(condition(story.hand), "7")
    page.keyboard.press("Tab")
    page.locator(".studio-state", has_text="Not kept").wait_for()
    page.wait_for_timeout(1000 * max(0, since + OFFLINE_SECONDS - time.monotonic()))
    assert story.steps("offline") == [NUMBER, SEEN]
    context.set_offline(False)
    is_saved(story, "offline")
