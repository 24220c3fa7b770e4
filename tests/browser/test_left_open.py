"""A page that is left open: it shows what happens elsewhere, and does nothing for somebody who was signed out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from dashboard.base.page import CHECKED_SECONDS
from engine.orchestra import Orchestra
from engine.people.access import Principal
from engine.plugins.trigger import Start
from tests.browser.conftest import Served, settled
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")
ECHO = {
    "schema_version": 1,
    "title": "Heard elsewhere",
    "steps": [{"id": "one", "uses": "flow.set", "with": {"values": {"a": 1}}}],
}


@contextmanager
def elsewhere(served: Served) -> Iterator[Orchestra]:
    """Open the workspace in this process, as a command does."""
    orchestra = Orchestra.open(served.root, demo=True)
    try:
        yield orchestra
    finally:
        orchestra.close()


def test_home_and_the_list_of_runs_show_a_run_that_was_started_elsewhere(page: Page, served: Served) -> None:
    home = page.context.new_page()
    home.goto(served.url)
    page.goto(f"{served.url}/runs")
    home.get_by_text("Nothing has run here yet.").wait_for()
    page.get_by_text("Each run of a workflow appears here").wait_for()
    settled(page)
    text = page.get_by_label("Text")
    text.press_sequentially("Heard")
    (served.root / "workflows" / "echo.json").write_text(json.dumps(ECHO))
    with elsewhere(served) as orchestra:
        orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "echo", {}), PATIENCE_SECONDS)
    page.get_by_role("link", name="Heard elsewhere").wait_for()
    assert text.input_value() == "Heard"
    home.get_by_role("link", name="Heard elsewhere").first.wait_for()
    home.get_by_text("All is well; nothing needs you.").wait_for()
    assert home.get_by_text("Nothing has run here yet.").count() == 0


def test_a_page_does_nothing_more_for_somebody_who_was_signed_out(page: Page, served: Served) -> None:
    with elsewhere(served) as orchestra:
        orchestra.triggers.turn_on(OWNER, "inbox-triage", "new_mail", Start())
        page.goto(f"{served.url}/triggers")
        button = page.get_by_role("button", name="Turn off")
        button.wait_for()
        settled(page)
        orchestra.users.sign_out(OWNER, "owner")
        page.wait_for_timeout(CHECKED_SECONDS * 1000)
        button.click()
        page.get_by_text("You are signed out").wait_for()
        assert [one.id for one in orchestra.triggers.list(OWNER) if one.is_on] == ["new_mail"]
