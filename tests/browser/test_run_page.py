"""The page of a run and the editor, as only a browser shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, settled
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")


def ids(served: Served) -> list[str]:
    orchestra = Orchestra.open(served.root)
    try:
        return [row.run_id for row in orchestra.runs.list(OWNER).rows]
    finally:
        orchestra.close()


@pytest.fixture(scope="module")
def run_id(served: Served) -> str:
    """An ended run of the sample with the most steps."""
    orchestra = Orchestra.open(served.root, demo=True)
    try:
        run_id = orchestra.runs.start(OWNER, "inbox-triage", {"limit": 5})
        assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
        return run_id
    finally:
        orchestra.close()


def test_every_step_of_an_item_is_seen_without_scrolling(served: Served, page: Page, run_id: str) -> None:
    page.goto(f"{served.url}/run?id={run_id}")
    page.wait_for_selector(".dvn-scroller")
    settled(page)
    needed, visible = page.locator(".dvn-scroller").first.evaluate("one => [one.scrollWidth, one.clientWidth]")
    assert needed <= visible
    assert page.title() == "Inbox triage · AI-Orchestra"


@pytest.mark.parametrize("gap_milliseconds", [0, 400])
def test_a_double_click_on_run_again_makes_one_run_and_leaves_it_alone(
    served: Served, page: Page, run_id: str, gap_milliseconds: int
) -> None:
    before = ids(served)
    page.goto(f"{served.url}/run?id={run_id}")
    button = page.get_by_role("button", name="Run again")
    button.wait_for()
    settled(page)
    box = button.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(x, y)
    page.wait_for_timeout(gap_milliseconds)
    page.mouse.click(x, y)
    page.wait_for_url(lambda url: not url.endswith(run_id))
    page.get_by_text("0 new, 5 already done").wait_for()
    new = [one for one in ids(served) if one not in before]
    assert len(new) == 1
    assert page.url == f"{served.url}/run?id={new[0]}"


def test_a_text_that_was_not_saved_outlives_a_reload(served: Served, page: Page) -> None:
    page.goto(f"{served.url}/workflow?name=reply-drafts")
    page.get_by_role("tab", name="Edit").click()
    editor = page.get_by_label("Workflow (JSON)")
    editor.fill('{"half": "done"')
    editor.blur()
    page.get_by_text("Not saved yet.").wait_for()
    page.reload()
    page.get_by_role("tab", name="Edit").click()
    page.get_by_text("There is a text you did not save").wait_for()
    page.get_by_role("button", name="Go on with it").click()
    page.get_by_text("Not saved yet.").wait_for()
    assert page.get_by_label("Workflow (JSON)").input_value() == '{"half": "done"'
