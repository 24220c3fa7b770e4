"""Back and Forward lead where a person was, and what is copied is what is shown."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Served, settled
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

INVISIBLE = re.compile("[\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]")


def link(name: str) -> Callable[[Page], None]:
    """Press a link of the menu."""
    return lambda page: page.get_by_test_id("stSidebar").get_by_role("link", name=re.compile(name)).click()


def press(name: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("button", name=name, exact=True).first.click()


def first_link(name: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_test_id("stMain").get_by_role("link", name=re.compile(name)).first.click()


def compare(page: Page) -> None:
    page.get_by_role("button", name="Compare", exact=True).click()
    page.locator(".st-key-compare-go button").click()


OWNERS = {"id": ["/run?"], "first": ["/compare?"], "name": ["/workflow?", "/prompt?"]}
"""Which pages have a parameter in their address."""

# What is pressed on each page, and the heading of the page that it leads to.
WALK: list[tuple[Callable[[Page], None], str]] = [
    (link("Workflows"), "Workflows"),
    (first_link("Commit digest"), "Commit digest"),
    (press("Run"), "Commit digest"),
    (press("Run again"), "Commit digest"),
    (compare, "Two runs compared"),
    (first_link("Open it"), "Commit digest"),
    (first_link("Open the workflow"), "Commit digest"),
    (link("Workflows"), "Workflows"),
    (first_link("Triggers"), "Triggers"),
    (link("Prompts"), "Prompts"),
    (first_link("Classify"), "Classify a mail"),
    (link("Connections"), "Connections"),
    (link("Home"), "Home"),
    (first_link("Look at the demo"), "Demo"),
    (link("Approvals"), "Approvals"),
    (link("Runs"), "Runs"),
    (link("Home"), "Home"),
]


def test_a_branch_stays_open_on_every_tab(served: Served, page: Page) -> None:
    """A link that leads from a page to itself is in the address."""
    subprocess.run(
        [sys.executable, "-m", "cli", "workflows", "branch", "commit-digest", "other", "--workspace", str(served.root)],
        check=True,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
    )
    page.goto(f"{served.url}/workflow?name=commit-digest&tab=branches")
    first_link("Open on canvas")(page)
    page.wait_for_url("**/workflow?name=commit-digest%40other&tab=canvas")
    for tab in ("Edit", "Branches", "Run"):
        page.get_by_role("tab", name=tab).click()
        page.get_by_role("tab", name=tab, selected=True).wait_for()
        settled(page)
        page.get_by_test_id("stMain").get_by_text("Branch other").first.wait_for()
        assert "name=commit-digest%40other" in page.url


def test_what_is_filtered_for_is_in_the_address_and_the_page_stays(served: Served, page: Page) -> None:
    page.goto(f"{served.url}/runs")
    for words in ("refund", "another word"):
        field = page.get_by_label("Text", exact=True)
        field.fill(words)
        field.press("Enter")
        page.wait_for_url(f"**/runs?text={words.replace(' ', '+')}")
        settled(page)
        assert page.get_by_label("Text", exact=True).input_value() == words
        page.get_by_role("heading", name="Runs", exact=True).wait_for()


@pytest.mark.chaos
def test_back_and_forward_lead_through_every_page_and_nothing_invisible_is_shown(served: Served, page: Page) -> None:
    page.goto(served.url)
    page.get_by_role("heading", name="Home", exact=True).wait_for()
    settled(page)
    seen = [(page.url, "Home")]
    for act, title in WALK:
        act(page)
        page.wait_for_function("before => location.href !== before", arg=seen[-1][0])
        arrived(page, title)
        seen.append((page.url, title))
    for address, title in reversed(seen[:-1]):
        page.go_back()
        page.wait_for_url(address)
        arrived(page, title)
    for address, title in seen[1:]:
        page.go_forward()
        page.wait_for_url(address)
        arrived(page, title)


def arrived(page: Page, title: str) -> None:
    """Wait for a page, whole, without an error, and without a letter that nobody sees."""
    page.get_by_role("heading", name=title, exact=True).first.wait_for()
    page.wait_for_timeout(300)  # an address that is put right comes a moment later
    settled(page)
    if "/run?" in page.url:
        page.get_by_role("button", name="Run again", exact=True).and_(page.locator(":enabled")).wait_for()
    main = page.get_by_test_id("stMain")
    assert main.get_by_test_id("stAlertContentError").count() == 0, main.inner_text()
    assert INVISIBLE.search(main.inner_text()) is None
    for parameter, paths in OWNERS.items():
        assert f"{parameter}=" not in page.url or any(path in page.url for path in paths), page.url


def test_a_reload_and_back_find_the_open_tab(served: Served, page: Page) -> None:
    def opened(tab: str) -> None:
        page.locator("[role=tab][aria-selected=true]", has_text=tab).wait_for()

    page.goto(f"{served.url}/workflow?name=inbox-triage")
    for tab in ("Edit", "History"):
        page.get_by_role("tab", name=tab).click()
        page.wait_for_url(f"**&tab={tab.lower()}")
        opened(tab)
    page.reload()
    opened("History")
    page.go_back()
    opened("Edit")
    page.get_by_label("Workflow (JSON)").wait_for()
    page.go_back()
    opened("Run")


def test_the_fields_of_a_filter_are_folded_on_a_phone_alone(served: Served, page: Page) -> None:
    page.goto(f"{served.url}/runs?status=Failed")
    field = page.get_by_label("Text", exact=True)
    switch = page.get_by_text("Filter (1 in use)")
    field.wait_for()
    switch.wait_for(state="hidden")
    page.set_viewport_size({"width": 390, "height": 844})
    switch.wait_for()
    field.wait_for(state="hidden")
    switch.click()
    field.wait_for()
    page.get_by_label("Failed").first.wait_for()


CONTRAST = """() => {
  const lightness = (color) => {
    const parts = color.match(/[0-9.]+/g).slice(0, 3).map((one) => one / 255);
    const [r, g, b] = parts.map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const ratios = [...document.querySelectorAll(".opblock-summary-method")].map((one) => {
    const style = getComputedStyle(one);
    const [light, dark] = [lightness(style.color), lightness(style.backgroundColor)].sort((a, b) => b - a);
    return [one.innerText, light / dark];
  });
  return Object.fromEntries(ratios);
}"""


def test_the_methods_in_the_reference_of_the_api_can_be_read(served: Served, page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 10_000})  # it draws what is in sight
    page.goto(f"{served.url}/api/docs")
    for method in ("delete", "put"):
        page.locator(f".opblock-{method} .opblock-summary-method").first.wait_for()
    ratios = page.evaluate(CONTRAST)
    assert {"GET", "POST", "PUT", "DELETE"} <= set(ratios)
    assert min(ratios.values()) >= 4.5


def test_back_shows_nothing_to_who_has_signed_out(served: Served, page: Page) -> None:
    """The last test here: it ends the session that they share."""
    page.goto(f"{served.url}/workflows")
    first_link("Commit digest")(page)
    page.get_by_role("heading", name="Commit digest").wait_for()
    page.get_by_role("button", name="owner").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in to AI-Orchestra").wait_for()
    page.go_back()
    page.get_by_role("heading", name="Sign in to AI-Orchestra").wait_for()
    assert page.get_by_role("heading", name="Commit digest").count() == 0
