"""Two texts of a prompt are compared side by side: the choice, the answers and their differences survive a reload."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Served, settled, shows

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.mark.parametrize("width", [pytest.param(1280, marks=pytest.mark.chaos), 390])
def test_two_texts_are_asked_and_their_difference_is_still_there_after_a_reload(
    served: Served, page: Page, width: int
) -> None:
    path = served.root / "prompts" / "classify-mail.json"
    document = json.loads(path.read_text())
    document["messages"][1]["content"] = ["A newsletter: unsubscribe here. Thank you."]
    path.write_text(json.dumps(document))
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{served.url}/prompt?name=classify-mail")
    page.get_by_role("tab", name="Compare").click()
    second = page.get_by_label("Model 2")
    second.fill(f"large-{width}")
    second.press("Tab")
    page.wait_for_url(f"**columns=*large-{width}*")
    page.get_by_role("button", name="Ask all columns").focus()
    page.keyboard.press("Enter")
    differences = page.locator(".st-key-differences")
    differences.get_by_text("kind bug | nothing").wait_for()
    page.reload()  # nothing is lost
    differences.get_by_text("kind bug | nothing").wait_for()
    shows(page.get_by_label("Model 2"), f"large-{width}")
    cards = page.locator("[class*='st-key-compared-']")
    cards.get_by_text("2. Text in the editor · large").wait_for()
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    first, other = (cards.nth(at).bounding_box() for at in (0, 1))
    assert first is not None
    assert other is not None
    assert (other["y"] > first["y"]) == (width == 390), "side by side, or one below the other on a phone"
