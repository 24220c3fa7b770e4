"""From a model step of a run to a better prompt: try its values, change the text, see the new answer, save."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, settled, shows
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")
MAIL = {"subject": "Export fails", "text": "The export crashes with an error."}
ASKING = {
    "schema_version": 1,
    "title": "Asking",
    "steps": [{"id": "ask", "uses": "llm.extract", "with": {"prompt": "classify-mail@production", "variables": MAIL}}],
}


@pytest.fixture
def run_id(served: Served) -> str:
    (served.root / "workflows" / "asking.json").write_text(json.dumps(ASKING))
    orchestra = Orchestra.open(served.root, demo=True)
    try:
        run_id = orchestra.runs.start(OWNER, "asking", {})
        assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
        return run_id
    finally:
        orchestra.close()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_values_of_a_run_are_tried_with_a_changed_prompt_which_is_then_saved(
    served: Served, page: Page, run_id: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{served.url}/run?id={run_id}&open=ask")
    page.get_by_role("link", name="Try this prompt").click()
    page.get_by_role("button", name="Ask the model").wait_for()
    shows(page.get_by_label("Subject", exact=True), "Export fails")
    page.get_by_role("button", name="Ask the model").click()
    answers = page.locator("[class*='st-key-try-2']")
    answers.get_by_text("kind bug").wait_for()
    page.reload()  # nothing is lost
    answers.get_by_text("kind bug").wait_for()
    shows(page.get_by_label("Subject", exact=True), "Export fails")
    first = page.url

    page.get_by_role("tab", name="Edit").click()
    text = page.get_by_label("Text of message 2")
    text.fill(f"A newsletter of {width}: unsubscribe here. Thank you.")
    text.blur()
    page.get_by_text("Not saved yet.").wait_for()
    page.get_by_role("tab", name="Try").click()
    page.locator(".marked").get_by_text(f"A newsletter of {width}").wait_for()
    page.get_by_role("button", name="Ask the model").click()
    page.wait_for_url(lambda url: "try=" in url and url.partition("try=")[2] != first.partition("try=")[2])
    answers.get_by_text("kind nothing").wait_for()
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.get_by_role("button", name="Save a version").click()
    page.get_by_text("Make it the production version now").click()
    settled(page)
    page.get_by_role("button", name="Save this version").click()
    page.get_by_text("is saved and is production now").wait_for()
    prompt = json.loads((served.root / "prompts" / "classify-mail.json").read_text())
    assert prompt["messages"][1]["content"] == [f"A newsletter of {width}: unsubscribe here. Thank you."]
    older = served.root / "prompts" / "classify-mail.versions" / "1.json"
    text_of_one = json.loads(older.read_text())["messages"]
    prompt_file = served.root / "prompts" / "classify-mail.json"
    prompt_file.write_text(json.dumps({**prompt, "messages": text_of_one, "labels": {"production": 1}}))
