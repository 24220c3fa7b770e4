"""A mail that was sorted wrongly is put right on the page of its run, in a browser."""

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


def test_a_choice_shows_what_follows_and_one_press_does_it(served: Served, page: Page) -> None:
    orchestra = Orchestra.open(served.root, demo=True)
    try:
        run_id = orchestra.runs.start(OWNER, "inbox-triage", {"limit": 3})
        run = orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)
    finally:
        orchestra.close()
    steps = [one for one in run["steps"] if one["id"] == "classify" and one["output"]["kind"] == "bug"]
    path = str(steps[0]["path"])
    place = f"{served.url}/run?id={run_id}&open={path.rpartition('.')[0]}&step={path}"
    page.goto(place)
    page.get_by_text("Wrong? It is a …").wait_for()
    settled(page)
    page.locator("[class*=st-key-right-kind]").get_by_text("task", exact=True).click()
    panel = page.locator(".st-key-panel-correct")
    panel.get_by_text("closes the issue as not planned, with a note").wait_for()
    panel.get_by_text("Write a task is done").wait_for()
    settled(page)
    panel.get_by_role("button", name="Undo 1 write and do it again").click()
    page.get_by_text("Corrects an answer of run").wait_for()
    heading = page.get_by_role("heading", name=f"Corrects {path} of run {run_id}: kind is task. 1 write, 1 kept.")
    heading.wait_for()
    page.goto(place)
    page.get_by_text("Corrected by owner").wait_for()
    settled(page)
    assert page.get_by_text("Wrong? It is a …").count() == 0
    page.get_by_role("link", name="The run that goes on from there").click()
    heading.wait_for()
