"""The co-pilot and the steps of a run, by hand: the walk with its slider and both of its links, and code inserted."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.sandbox.walls import walls
from tests.browser.conftest import Served, settled, shows, stays_in_view
from tests.browser.test_code import WRONG, written
from tests.browser.test_copilot import accept, draft
from tests.browser.test_copilot_with_model import _connect
from tests.browser.test_panel import card
from tests.patience import PATIENCE_SECONDS, until
from tests.scripted_model.scripted import Answer, scripted

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")
STEPS = [
    {"id": "target", "title": "Target", "uses": "flow.set", "with": {"values": {"who": "us"}}},
    {
        "id": "greet",
        "title": "Greet",
        "uses": "flow.set",
        "with": {"values": {"text": "{{ steps.target.output.who }}"}},
    },
    {"id": "stop", "title": "Stop", "uses": "flow.fail", "with": {"message": "{{ steps.greet.output.text }}"}},
]
MENDED = "output = sum(one.get('amount', 0) for one in inputs['rows'])"


def test_a_run_is_walked_through_with_the_slider_and_its_steps_are_tried_again(served: Served, page: Page) -> None:
    run_id = failed(served)
    walk = walked(page, served, run_id)
    slider = walk.get_by_role("slider", name="Step of the run")
    walk.get_by_text("3 of 3: Stop").wait_for()
    for key, words, step in (("Home", "1 of 3: Target", "target"), ("ArrowRight", "2 of 3: Greet", "greet")):
        slider.press(key)
        walk.get_by_text(words).wait_for()
        page.locator(f'.studio [data-step="{step}"][data-selected]').wait_for()
    assert slider.get_attribute("aria-valuetext") == "2 of 3: Greet"
    slider.focus()
    box = slider.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 4, box["y"] + box["height"] / 2)  # where the first step is
    walk.get_by_text("1 of 3: Target").wait_for()
    slider.press("End")
    walk.get_by_text("3 of 3: Stop").wait_for()
    assert walk.get_by_role("link", name="Pin its output").count() == 0, "it has none"
    walk.get_by_role("button", name="Previous").click()

    walk.get_by_role("link", name="Run only this step").click()
    page.get_by_role("button", name="Run only this step").click()
    page.wait_for_url(lambda url: run_id not in url)
    assert outputs(page, served) == {"target": {"who": "us"}, "greet": {"text": "us"}}

    walk = walked(page, served, run_id)
    walk.get_by_role("slider", name="Step of the run").press("Home")
    walk.get_by_role("link", name="Pin its output").click()
    given = page.get_by_role("textbox", name="Outputs to use instead of running steps (JSON)")
    shows(given, '"who": "us"')
    given.fill('{"target": {"who": "them"}}')
    given.press("Control+Enter")
    settled(page)
    page.get_by_role("button", name="Run the test").click()
    page.wait_for_url("**/run?id=*")
    assert outputs(page, served) == {"target": {"who": "them"}, "greet": {"text": "them"}}


def failed(served: Served) -> str:
    """Run a workflow whose last step fails; return the id of its run."""
    document = {"schema_version": 1, "id": "walked", "title": "Walked", "steps": STEPS}
    orchestra = Orchestra.open(served.root)
    orchestra.workflows.save(OWNER, "walked", json.dumps(document, indent=2), None)
    run_id = orchestra.runs.start(OWNER, "walked", {})
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "failed"
    orchestra.close()
    return run_id


def walked(page: Page, served: Served, run_id: str) -> Locator:
    """Open the panel beside the canvas, about a run, and its walk."""
    page.goto(f"{served.url}/workflow?name=walked&tab=canvas&run={run_id}")
    step = page.locator('.studio [data-step="stop"]')
    step.wait_for()
    if page.locator(".studio-copilot").count() == 0:  # else it has stayed open
        step.press("p")
    walk = page.locator(".copilot-walk")
    walk.locator("summary").click()
    return walk


def outputs(page: Page, served: Served) -> Any:
    """Wait until the test run on the page has ended; return the outputs by path."""
    run_id = page.url.rpartition("id=")[2].split("&")[0]
    run = until(lambda: one if (one := page.request.get(f"{served.url}/api/runs/{run_id}").json())["ended_at"] else {})
    return {one["path"]: one["output"] for one in run["steps"] if one["output"] is not None}


@pytest.mark.skipif(walls() is None, reason="bubblewrap does not work here")
def test_the_copilot_is_asked_why_code_fails_and_its_code_is_inserted(served: Served, page: Page) -> None:
    written(served, "why", WRONG, inputs={"rows": "{{ inputs.rows }}"})
    gate = threading.Event()
    with scripted([Answer(f"Rows may lack an amount.\n\n```python\n{MENDED}\n```", gate=gate)]) as model:
        _connect(served, model.base_url)
        page.goto(f"{served.url}/workflow?name=why&tab=canvas")
        card(page, "sum").click()
        settled(page)
        form = page.locator(".studio-panel")
        form.get_by_text("Made-up values").first.click()
        form.get_by_text("Filled in with values made from types.").wait_for()
        form.get_by_label("Made-up values", exact=True).fill('{"inputs": {"rows": [{"amount": 2}, {}]}}')
        form.get_by_role("button", name="Try with these values").click()
        form.get_by_role("button", name="Ask the co-pilot why").click()
        panel = page.get_by_role("complementary", name="Co-pilot")
        panel.get_by_role("button", name="Agree", exact=True).click()
        panel.locator("summary", has_text="answers.").wait_for()
        assert panel.get_by_role("textbox").input_value() == "Why does this code fail? Please correct it."
        panel.get_by_role("button", name="Ask", exact=True).click()
        panel.locator("[data-status=working] .copilot-prose").get_by_text("Rows", exact=True).wait_for()
        gate.set()  # its first word was there while it still talked
        insert = panel.get_by_role("button", name="Insert into with.code of sum")
        stays_in_view(insert)
        asked = json.dumps(model.requests[0]["messages"])
        assert "total += one['amount']" in asked
        assert '"amount": 2' not in asked.replace("\\", ""), "the values stay here"
    before = draft(page, served, "why")
    insert.click()
    proposed = panel.locator(".copilot-card")
    proposed.wait_for()
    assert draft(page, served, "why") == before
    accept(proposed)
    [step] = json.loads(draft(page, served, "why"))["steps"]
    assert step["with"]["code"].strip() == MENDED
    panel.get_by_role("button", name="Edit step").click()
    form.get_by_text("Made-up values").first.click()
    form.get_by_role("button", name="Try with these values").click()
    form.get_by_label("Output of sum", exact=True).get_by_text("2", exact=True).wait_for()
    form.get_by_role("button", name="Ask the co-pilot why").wait_for(state="detached")
