"""A step with code: tried beside its editor, the line that failed marked, and its chart seen on the page of the run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.sandbox.walls import walls
from tests.browser.conftest import Served, counts, settled
from tests.browser.test_panel import card
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(walls() is None, reason="bubblewrap does not work here"),
]

OWNER = Principal("owner", "owner")
CHART = """
import os
os.mkdir('/w/out')
svg = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="60"><rect width="90" height="60" fill="#2563eb"/>'
script = '<script>document.title = "taken"</script>'
open('/w/out/chart.svg', 'w').write(svg + script + '</svg>')
open('/w/out/no.png', 'w').write('<script>document.title = "taken"</script>')
print('first line')
print('second line')
"""
WRONG = """rows = inputs['rows']
print('before')
total = 0
for one in rows:
    total += one['amount']
output = total
"""


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder, f"{name}.png"), full_page=True)


def written(served: Served, name: str, code: str, **fields: Any) -> None:
    step = {"id": "sum", "uses": "code.run", "with": {"code": code, **fields}}
    inputs = {"type": "object", "properties": {"rows": {"type": "array", "items": {"type": "object"}, "default": []}}}
    document = {"schema_version": 1, "title": name, "inputs": inputs, "steps": [step]}
    orchestra = Orchestra.open(served.root)
    orchestra.workflows.save(OWNER, name, json.dumps(document, indent=2), None)
    orchestra.close()


def test_a_try_shows_what_was_printed_and_marks_the_line_that_failed(served: Served, page: Page) -> None:
    written(served, "sums", WRONG, inputs={"rows": "{{ inputs.rows }}"})
    page.goto(f"{served.url}/workflow?name=sums&tab=canvas")
    card(page, "sum").click()
    settled(page)
    panel = page.locator(".studio-panel")
    counts(panel.locator(".panel-code mark"), 0)
    words = panel.locator(".panel-colors")
    assert words.inner_text().strip() == WRONG.strip()
    colors = words.locator("span[style]").evaluate_all("all => all.map(one => [one.innerText, one.style.color])")
    assert len({color for text, color in colors if text in ("for", "0", "'amount'")}) == 3
    panel.get_by_text("Made-up values").first.click()
    panel.get_by_text("Filled in with values made from types.").wait_for()
    values = panel.get_by_label("Made-up values", exact=True)
    values.fill('{"inputs": {"rows": [{"amount": 2}, {}]}}')
    panel.get_by_role("button", name="Try with these values").click()
    panel.get_by_text("Line 5 of the code failed").first.wait_for()
    assert panel.locator(".panel-code mark").all_inner_texts() == ["5"]
    shot(page, "code-line")
    values.fill('{"inputs": {"rows": [{"amount": 2}, {"amount": 3}]}}')
    panel.get_by_role("button", name="Try with these values").click()
    panel.get_by_label("Printed", exact=True).get_by_text("before").wait_for()
    assert panel.get_by_label("Output of sum", exact=True).inner_text() == "5"
    counts(panel.locator(".panel-code mark"), 0)
    shot(page, "code-output")
    panel.get_by_role("textbox", name="Code", exact=True).fill("print('edited')\noutput = inputs['none']\n")
    panel.get_by_role("button", name="Try with these values").click()
    panel.get_by_text("It ran as it is here, which is not saved yet.").wait_for()
    panel.get_by_text("Line 2 of the code failed").first.wait_for()
    panel.get_by_label("What sum said", exact=True).get_by_text("edited").wait_for()
    shot(page, "code-edited")
    panel.get_by_role("textbox", name="Code", exact=True).fill("a = 1\nb = = 2\n")
    panel.get_by_text("Line 2 is not Python").first.wait_for()
    assert panel.locator(".panel-code mark").all_inner_texts() == ["2"]
    panel.get_by_label("Language", exact=True).fill("shell")
    words.wait_for(state="detached")


def test_a_chart_is_seen_on_the_run_and_its_script_does_nothing(served: Served, page: Page) -> None:
    written(served, "charts", CHART)
    orchestra = Orchestra.open(served.root)
    run_id = orchestra.runs.start(OWNER, "charts", {})
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    orchestra.close()
    page.goto(f"{served.url}/run?id={run_id}")
    page.locator(".run-table [role=gridcell]").first.click()
    picture = page.get_by_role("img", name="chart.svg", exact=True)
    picture.wait_for()
    shot(page, "code-run")
    assert picture.evaluate("one => one.naturalWidth") == 90
    counts(page.locator("img[src^='data:image/png']"), 0)
    assert page.title() != "taken"
