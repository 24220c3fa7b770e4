"""A run on the canvas: live, at each time of its past by the keyboard, and what a changed draft would do with it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.record.states.run_state import changed
from tests.browser.conftest import Served, settled
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")
GREETING = {"id": "greet", "title": "Greet", "uses": "flow.set", "with": {"values": {"text": "Hello"}}}
EACH = {
    "id": "each",
    "title": "Each name",
    "foreach": "{{ steps.names.output.all }}",
    "as": "name",
    "steps": [
        {"id": "nap", "title": "Take a nap", "uses": "flow.wait", "with": {"seconds": 5}},
        {"id": "say", "title": "Say it", "uses": "flow.set", "with": {"values": {"text": "Hello {{ name }}"}}},
    ],
}
STEPS = [
    {"id": "names", "title": "Names", "uses": "flow.set", "with": {"values": {"all": ["Ann", "Ben"]}}},
    EACH,
    {"id": "call", "title": "Call the other", "uses": "workflow.run", "with": {"workflow": "other"}},
]
SEVERE = ("serious", "critical")


def found_by_axe(page: Page) -> list[str]:
    """Return what axe finds in the canvas, and whether it is too wide."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context=".studio").response["violations"]
    wide = page.locator(".studio").evaluate("one => one.scrollWidth > one.clientWidth")
    return [one["id"] for one in found if one["impact"] in SEVERE] + ["too wide"] * wide


def step(page: Page, key: str) -> Locator:
    return page.locator(f'.studio [data-step="{key}"]')


def badge(page: Page, key: str, words: str | re.Pattern[str]) -> None:
    step(page, key).locator(".studio-badge").filter(has_text=words).wait_for()


def test_a_run_is_followed_on_the_canvas_and_gone_through_by_keys_and_its_outputs_predict(
    served: Served, page: Page
) -> None:
    orchestra = Orchestra.open(served.root)
    for name, steps in (("other", [GREETING]), ("naps", STEPS)):
        document = {"schema_version": 1, "id": name, "title": name.title(), "steps": steps}
        orchestra.workflows.save(OWNER, name, json.dumps(document, indent=2), None)
    page.goto(f"{served.url}/workflow?name=naps&tab=canvas")
    step(page, "names").wait_for()
    settled(page)
    sent = {"data": {"workflow": "naps", "inputs": {}}, "headers": {"Origin": served.url}}
    run_id = page.request.post(f"{served.url}/workflows/execute", **sent).json()["run_id"]  # type: ignore[arg-type]
    page.get_by_role("button", name="Show the last run").click()
    badge(page, "each", re.compile(r", [01] of 2"))
    assert page.get_by_role("button", name="Live", exact=True).get_attribute("aria-pressed") == "true"
    assert found_by_axe(page) == []

    badge(page, "each", "all 2")
    through_the_past(page, orchestra, run_id)
    orchestra.close()
    page.get_by_role("link", name="Open the run").click()
    page.get_by_role("link", name="Show on the canvas").click()
    badge(page, "call", "Succeeded")
    page.reload()
    badge(page, "call", "Succeeded")
    assert f"run={run_id}" in page.url

    page.get_by_role("button", name="Show everything").click()
    step(page, "call").click()
    panel = page.locator(".studio-panel")
    panel.get_by_label("Output of call").wait_for()
    panel.get_by_text("Steps of other").click()
    panel.get_by_role("list", name="Steps of other").get_by_text("Greet").wait_for()
    assert found_by_axe(page) == []

    step(page, "say").click()
    panel.get_by_label(re.compile("^Values")).first.wait_for()
    ops = [{"op": "set", "step": "say", "field": "if", "value": "{{ name != 'Ben' }}"}]
    drafted(page, served, ops)
    page.get_by_role("button", name="Predicted", exact=True).click()
    badge(page, "say", "Predicted: 1 would run, 1 would be skipped")
    panel.get_by_role("region", name="Prediction").get_by_text("Would be skipped").wait_for()
    assert found_by_axe(page) == []

    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("row", name=re.compile("Say it")).get_by_text("1 would be skipped").wait_for()
    assert found_by_axe(page) == []


def through_the_past(page: Page, orchestra: Orchestra, run_id: str) -> None:
    """Move the slider by keys: at each stop, the steps have the status that the timeline says."""
    line: Any = orchestra.runs.timeline(OWNER, run_id)
    slider = page.get_by_role("slider", name="Time in the run")
    slider.focus()
    page.keyboard.press("Home")
    state = line["first"]
    for frame in [None, *line["frames"]]:
        if frame is not None:
            page.keyboard.press("ArrowRight")
            state = changed(state, frame["change"])
        for key, path in (("names", "names"), ("each", "each"), ("nap", "each.nap"), ("call", "call")):
            status = state["steps"].get(path, {}).get("status")
            wanted = f'[data-status="{status}"]' if status else ":not([data-status])"
            page.locator(f'.studio [data-step="{key}"]{wanted}').wait_for(timeout=PATIENCE_SECONDS * 1000)
        assert " after the start: " in str(slider.get_attribute("aria-valuetext"))
    page.keyboard.press("Home")
    assert "0.0 s after the start: run queued" in str(slider.get_attribute("aria-valuetext"))
    page.keyboard.press("End")
    assert "run succeeded" in str(slider.get_attribute("aria-valuetext"))


def drafted(page: Page, served: Served, ops: list[Any]) -> None:
    """Change the draft as another window would."""
    address, headers = f"{served.url}/api/workflows/naps", {"Origin": served.url}
    rev = page.request.get(f"{address}/canvas", headers=headers).json()["rev"]
    answer = page.request.post(f"{address}/draft/ops", data={"base_rev": rev, "ops": ops}, headers=headers)
    assert answer.ok, answer.text()
