"""The co-pilot on the page of a run: loaded when it is opened, kept by the address, left alone while it goes on."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, settled, shows

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")
FAILS = [
    {"id": "target", "uses": "flow.set", "with": {"values": {"who": "us"}}},
    {"id": "issues", "title": "Read issues", "uses": "github.list_issues", "with": {"repository": "acme/ap"}},
]
NAPS = [
    {
        "id": "each",
        "foreach": "{{ [1, 2, 3, 4, 5, 6] }}",
        "steps": [{"id": "nap", "uses": "flow.wait", "with": {"seconds": 1}}],
    }
]


def saved(served: Served, name: str, steps: list[dict[str, Any]]) -> None:
    orchestra = Orchestra.open(served.root)
    document = {"schema_version": 1, "id": name, "title": name.title(), "steps": steps}
    orchestra.workflows.save(OWNER, name, json.dumps(document, indent=2), None)
    orchestra.close()


def started(page: Page, served: Served, name: str, wait_seconds: int = 30) -> dict[str, Any]:
    sent = {"workflow": name, "inputs": {}, "wait_seconds": wait_seconds}
    answer = page.request.post(f"{served.url}/workflows/execute", data=sent, headers={"Origin": served.url})
    return dict(answer.json())


def opened(page: Page, served: Served, run_id: str) -> Locator:
    """Open the page of a run, and the panel by its button."""
    page.goto(f"{served.url}/run?id={run_id}")
    page.get_by_role("button", name="Ask the co-pilot").click()
    page.locator(".studio-copilot textarea:focus").wait_for()
    return page.get_by_role("complementary", name="Co-pilot")


def test_the_panel_is_loaded_when_it_is_opened_and_the_address_keeps_it(served: Served, page: Page) -> None:
    saved(served, "kept", FAILS)
    run_id = started(page, served, "kept")["run_id"]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{served.url}/run?id={run_id}")
    button = page.get_by_role("button", name="Ask the co-pilot")
    button.wait_for()
    settled(page)
    assert [one for one in asked if "studio" in one or "/api/copilot" in one] == []
    button.click()
    page.locator(".studio-copilot textarea:focus").wait_for()
    page.wait_for_url("**&copilot=open")
    page.keyboard.type("half a ques")
    page.reload()
    field = page.locator(".studio-copilot textarea")
    field.wait_for()
    shows(field, "half a ques")
    field.press("Escape")
    page.locator(".studio-copilot").wait_for(state="detached")
    page.wait_for_url(lambda url: "copilot" not in url)
    assert button.evaluate("one => one === document.activeElement")
    button.click()
    page.locator(".studio-copilot textarea:focus").wait_for()
    page.wait_for_url("**&copilot=open")
    page.go_back()
    page.locator(".studio-copilot").wait_for(state="detached")


def test_a_run_that_goes_on_leaves_the_panel_and_what_is_typed_alone(served: Served, page: Page) -> None:
    saved(served, "naps", NAPS)
    run_id = started(page, served, "naps", 0)["run_id"]
    panel = opened(page, served, run_id)
    field = panel.get_by_role("textbox")
    field.evaluate("one => (one.isTheSame = true)")
    page.locator(".run-head").get_by_text(re.compile("[1-5] of 6")).wait_for()
    page.keyboard.type("what takes")
    page.get_by_text("Succeeded", exact=True).first.wait_for()
    page.locator(".run-head").wait_for(state="detached")
    settled(page)
    page.keyboard.type(" so long?")
    assert field.input_value() == "what takes so long?"
    assert field.evaluate("one => one.isTheSame === true")
    panel.get_by_role("button", name="explain", exact=True).click()
    page.locator(".copilot-turn[data-last]").get_by_text(f"Run {run_id}").wait_for()
    assert field.input_value() == "what takes so long?"
