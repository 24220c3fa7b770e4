"""Questions are answered by keys, also after an edit; on Home, the mails that go out later have a heading."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, settled
from tests.patience import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")
LETTER: dict[str, Any] = {
    "id": "send",
    "uses": "gmail.send",
    "with": {"to": "mia@example.org", "subject": "Hours", "text": "We open at eight."},
}


@pytest.fixture
def asking(served: Served) -> list[str]:
    """Three questions about letters, the newest first."""
    document = {"schema_version": 1, "title": "Letters", "steps": [LETTER]}
    (served.root / "workflows" / "letters.json").write_text(json.dumps(document))
    orchestra = Orchestra.open(served.root, demo=True)
    try:
        for _ in range(3):
            orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "letters", {}), 60)
        return [one.id for one in orchestra.approvals.list(OWNER)]
    finally:
        orchestra.close()


def _answer(served: Served, question: str) -> tuple[str, Any]:
    """Return how a question stands, and the text with which it was approved as edited."""
    orchestra = Orchestra.open(served.root, demo=True)
    try:
        found = orchestra.approvals.get(OWNER, question)
        return found.state, (found.edited or {}).get("text")
    finally:
        orchestra.close()


def test_keys_answer_after_an_edit(asking: list[str], served: Served, page: Page) -> None:
    newest, middle, oldest = asking

    def field(question: str) -> Any:
        return page.locator(f".st-key-edit-{question}-text textarea")

    def is_open(question: str) -> None:
        page.locator(f".st-key-question-list-{question}").wait_for()
        settled(page)

    page.goto(f"{served.url}/approvals?question={newest}")
    is_open(newest)
    page.wait_for_timeout(1000)  # a key does not answer what has just come
    page.keyboard.press("e")
    page.keyboard.type("ajr")  # before the cursor is in a field, or as a text in it
    field(newest).wait_for()
    field(newest).click()
    page.keyboard.type("And close at nine. ")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement === document.body")
    page.keyboard.press("j")
    is_open(middle)
    page.wait_for_timeout(1000)
    page.keyboard.press("k")
    is_open(newest)
    assert "And close at nine." in field(newest).input_value()
    page.wait_for_timeout(1000)
    page.keyboard.press("a")
    until(lambda: _answer(served, newest)[0] == "approved")
    assert "And close at nine." in _answer(served, newest)[1]

    is_open(middle)
    page.wait_for_timeout(1000)
    page.keyboard.press("e")
    field(middle).click()
    page.keyboard.type("Quick. ")
    page.keyboard.press("Escape")
    page.keyboard.press("a")  # at once: the button waits for the text
    until(lambda: _answer(served, middle)[0] == "approved")
    assert "Quick." in _answer(served, middle)[1]

    is_open(oldest)
    page.wait_for_timeout(1000)
    page.keyboard.press("e")
    field(oldest).click()
    page.keyboard.type("No. ")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    until(lambda: _answer(served, oldest)[0] == "rejected")


def test_the_heading_of_the_mails_that_go_out_later_is_above_them(served: Served, page: Page) -> None:
    later = {**LETTER, "approve": "never", "with": {**LETTER["with"], "send_after": "2h"}}
    document = {"schema_version": 1, "title": "Later", "steps": [later]}
    (served.root / "workflows" / "later.json").write_text(json.dumps(document))
    orchestra = Orchestra.open(served.root, demo=True)
    try:
        orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "later", {}), 60)
    finally:
        orchestra.close()
    page.set_viewport_size({"width": 1400, "height": 900})
    page.goto(served.url)
    row = page.locator('[class*="st-key-line-waiting-held-"]').first
    row.wait_for()
    settled(page)
    heading, first = page.locator(".st-key-heading-scheduled-home h2").bounding_box(), row.bounding_box()
    assert heading is not None
    assert first is not None
    assert heading["y"] + heading["height"] <= first["y"]
