"""A prompt is tested with several texts and models on its page: worse cases first, any cell beside the baseline."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Error

from tests.browser.conftest import Served, settled

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

NAME = "classify-mail"


@pytest.mark.parametrize("width", [pytest.param(1280, marks=pytest.mark.chaos), 390])
def test_a_matrix_is_run_survives_a_reload_and_shows_a_cell_beside_the_baseline(
    served: Served, page: Page, width: int
) -> None:
    file = served.root / "prompts" / f"{NAME}.json"
    text = json.loads(file.read_text())
    file.write_text(json.dumps({**text, "messages": [{"role": "user", "content": "Sort: {{ subject }}"}]}))
    page.set_viewport_size({"width": width, "height": 1000})
    page.goto(f"{served.url}/prompt?name={NAME}&tab=cases")
    page.get_by_role("button", name="Options").click()
    models = page.get_by_role("textbox", name="Models")
    models.fill(f"small-{width}, big-{width}")
    models.press("Enter")
    page.get_by_role("button", name="Test 4 columns").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Test 4 columns").click()
    page.wait_for_url("**test=2*")
    page.reload()  # the test goes on, and its page shows it again
    report = page.locator(f".st-key-report-{NAME}")
    report.get_by_text("none worse, none better; 0 of 20 answered differently").wait_for()
    report.get_by_text(re.compile(r"cases passed, [1-9]\d* worse")).first.wait_for()
    report.get_by_text(re.compile(r"Changed \([1-9]")).click()
    _open_first_case(page, report)
    page.goto(page.url.replace("cell=1.", "cell=2."))
    cell = page.locator(f".st-key-cell-{NAME}")
    cell.get_by_text(f"version 1 · small-{width}: passed").wait_for()
    cell.get_by_text(f"draft · small-{width}: FAILED, worse").wait_for()
    cell.get_by_text("field_equals: 'kind' is").wait_for()
    cell.get_by_text("What was asked").click()
    cell.locator(".marked").get_by_text("Sort: ").wait_for()
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    file.write_text(json.dumps(text))


def _open_first_case(page: Page, report: Locator) -> None:
    """Click the case of the first row, of which column 2 opens; again if the table was just being drawn anew."""
    for _ in range(8):
        settled(page)
        table = report.locator("[data-testid=stDataFrame] canvas").first
        with suppress(Error):
            table.click(position={"x": 60, "y": 50}, force=True)
            page.wait_for_url("**cell=1.*", timeout=10_000)
            return
    pytest.fail("no cell opened")
