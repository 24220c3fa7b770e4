"""An agent from the sample: its instructions are changed, it works in the demo, and a person approves its draft."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import REPOSITORY, Served, settled, shows

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def approved_in_a_terminal(served: Served) -> None:
    """Answer the only question that there is, elsewhere than on the page."""

    def orchestra(*words: str) -> str:
        command = [
            sys.executable,
            "-m",
            "cli",
            "approvals",
            *words,
            "--demo",
            "--json",
            "--workspace",
            str(served.root),
        ]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=REPOSITORY).stdout

    (question,) = json.loads(orchestra("list"))["approvals"]
    orchestra("approve", question["id"])


def test_the_story_of_an_agent(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/agents")
    page.get_by_role("button", name="New agent").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Create").click()
    page.wait_for_url("**/agent?name=research-agent")
    settled(page)

    instructions = page.get_by_role("textbox", name="Instructions", exact=True)
    instructions.fill("Answer from the mails, in one sentence.")
    page.reload()  # what was typed is not lost
    page.get_by_text("Not saved yet.").wait_for()
    shows(page.get_by_role("textbox", name="Instructions", exact=True), "Answer from the mails")
    settled(page)
    page.get_by_role("button", name="Save as draft", exact=True).click()
    page.get_by_text("Saved. Runs that start from now on use it.").wait_for()

    page.get_by_role("tab", name="Try").click()
    page.get_by_role("textbox", name="Task").fill("Why does the app crash?")
    page.get_by_role("textbox", name="Which mails").fill("crashes")
    page.get_by_role("textbox", name="Who gets the answer").fill("me@example.com")
    page.get_by_role("textbox", name="Who gets the answer").press("Tab")
    settled(page)
    page.get_by_role("button", name="Try in the demo").press("Enter")  # all of it by keyboard
    page.get_by_text("It calls draft").wait_for()
    approved_in_a_terminal(served)
    page.get_by_text("It has finished.").wait_for()
    page.get_by_role("button", name="Try in the demo").press("Enter")
    page.get_by_text("It has finished.").wait_for(state="hidden")
    page.get_by_text("It calls draft").wait_for()
    page.get_by_text("What the model saw").first.click()
    page.get_by_text("Answer from the mails, in one sentence.").first.wait_for()
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("It has finished.").wait_for()
    page.get_by_role("link", name="Open its run").click()
    page.wait_for_url("**/run?id=*")
    page.get_by_role("tab", name="Conversation", selected=True).wait_for()
    page.get_by_text("Approved by owner").wait_for()
