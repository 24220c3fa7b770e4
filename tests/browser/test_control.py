"""Answering a question, as a person does it in a browser."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, settled, stays_in_view
from tests.patience import PATIENCE_SECONDS, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

UNREAD_MS = 900
"""For longer than a key does nothing to a question that has just come into its place."""
OWNER = Principal("owner", "owner")
NASTY = "![x](http://192.0.2.1/pixel) <img src=http://192.0.2.1/p> [here](http://192.0.2.1)"
ASKING = {
    "schema_version": 1,
    "title": "Asking",
    "steps": [
        {"id": "ask", "uses": "flow.approve", "with": {"message": "Send it?", "details": {"text": NASTY, "a": [NASTY]}}}
    ],
    "outputs": {"said": "{{ steps.ask.output.comment }}"},
}


def started(served: Served, name: str, document: dict[str, Any]) -> str:
    """Start a run in a process of its own; one that waits goes over to the serving one."""
    (served.root / "workflows" / f"{name}.json").write_text(json.dumps(document))
    orchestra = Orchestra.open(served.root, demo=True)
    try:
        run_id = orchestra.runs.start(OWNER, name, {})
        orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
        return run_id
    finally:
        orchestra.close()


def looked_at(served: Served, run_id: str) -> Any:
    orchestra = Orchestra.open(served.root, demo=True)
    try:
        return orchestra.runs.get(OWNER, run_id)
    finally:
        orchestra.close()


LETTER = {
    "schema_version": 1,
    "title": "Letter",
    "steps": [
        {
            "id": "send",
            "uses": "gmail.send",
            "with": {"to": "mia@example.org", "subject": "Hours", "text": "Dear Mia,\n\nwe open at ten."},
        }
    ],
}
SENT = {
    "schema_version": 1,
    "title": "Sent",
    "steps": [{"id": "sent", "uses": "gmail.search_messages", "with": {"query": "in:sent", "limit": 1}}],
    "outputs": {"text": "{{ steps.sent.output.messages[0].text }}"},
}


def edited(served: Served, page: Page, count: int) -> list[str]:
    """Start runs that ask before they send a mail, and edit the text of the first on the page; return them."""
    runs = [started(served, "letter", LETTER) for _ in range(count)]
    page.goto(f"{served.url}/approvals")
    page.wait_for_selector("html[data-keeps-text]", state="attached")
    page.locator("[class*='st-key-edit-list-'] button").click()
    text = page.get_by_label("Text", exact=True).first
    text.wait_for()
    settled(page)
    fields = page.locator("[class*='st-key-edit-'] :is(input, textarea)")
    assert fields.first.evaluate("field => field === document.activeElement"), "the first field has the focus"
    text.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\nOr at ten.")
    return runs


def ends_sent(served: Served, run_id: str, text: str) -> None:
    """Wait until a run has sent its mail, and compare what was sent."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while (run := looked_at(served, run_id))["status"] != "succeeded":
        assert time.monotonic() < ends_at, run["status"]
        time.sleep(0.2)
    assert looked_at(served, started(served, "sent", SENT))["outputs"]["text"].strip() == text


def test_a_mail_is_sent_as_edited_though_the_button_is_pressed_right_after_typing(served: Served, page: Page) -> None:
    [run_id] = edited(served, page, 1)
    page.locator("[class*='st-key-approve-list-'] button").click()
    page.get_by_text("No questions.").wait_for()
    ends_sent(served, run_id, "Dear Mia,\n\nwe open at ten.\nOr at ten.")


def test_keys_rest_on_a_restored_edit_whose_button_sends_it_and_no_other_mail(served: Served, page: Page) -> None:
    other, newest = edited(served, page, 2)
    page.reload()
    page.get_by_text("Your unsaved text is restored").wait_for()
    page.get_by_text("Approve as edited").wait_for()
    settled(page)
    page.get_by_test_id("stMain").evaluate("main => main.scrollTo(0, main.scrollHeight)")
    stays_in_view(page.locator("[class*='st-key-answer-list-']"))
    page.wait_for_timeout(UNREAD_MS)
    page.keyboard.press("a")  # a letter of the text, as far as anybody can know
    settled(page)
    assert looked_at(served, newest)["status"] == "waiting"
    page.locator("[class*='st-key-approve-list-'] button").click()
    page.get_by_text("Approved as edited: mia@example.org").wait_for()
    next_one = page.locator("[class*='st-key-approve-list-'] button")
    next_one.wait_for()
    page.keyboard.press("a")  # meant for the mail before, which is gone: nobody has read this one yet
    settled(page)
    assert looked_at(served, other)["status"] == "waiting"
    ends_sent(served, newest, "Dear Mia,\n\nwe open at ten.\nOr at ten.")
    page.get_by_role("button", name="Reject", exact=True).click()
    page.get_by_text("No questions.").wait_for()


def test_keys_move_and_answer_the_question_that_is_shown(served: Served, page: Page) -> None:
    runs = [started(served, "letter", LETTER) for _ in range(3)]
    page.goto(f"{served.url}/approvals")
    page.wait_for_selector("html[data-keeps-text]", state="attached")
    page.get_by_text("If you agree, this mail goes to").wait_for()
    settled(page)
    newest = page.url
    page.keyboard.press("j")
    page.wait_for_function("newest => location.href !== newest", arg=newest)
    settled(page)
    page.wait_for_timeout(UNREAD_MS)
    page.keyboard.press("r")
    page.get_by_text("Rejected: mia@example.org").wait_for()
    settled(page)
    until(lambda: looked_at(served, runs[1])["status"] == "failed")
    assert {looked_at(served, one)["status"] for one in (runs[0], runs[2])} == {"waiting"}
    page.get_by_role("button", name="Approve all like this (2)").click()
    page.get_by_role("dialog").get_by_role("button", name="Approve 2").click()
    page.get_by_text("No questions.").wait_for()
    until(lambda: all(looked_at(served, one)["status"] == "succeeded" for one in (runs[0], runs[2])))


def test_a_new_question_shows_up_by_itself(served: Served, page: Page) -> None:
    page.goto(f"{served.url}/approvals")
    page.get_by_text("No questions.").wait_for()
    started(served, "asking", ASKING)
    page.get_by_text("Send it?").wait_for()
    settled(page)
    page.get_by_role("button", name="Reject", exact=True).click()
    page.get_by_text("No questions.").wait_for()
    page.get_by_role("tab", name="Answered").click()
    page.get_by_text("Rejected").first.wait_for()
