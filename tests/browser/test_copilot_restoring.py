"""What was before a proposal, from its card: shown first, restored after later edits, a save and a reload."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Served
from tests.browser.test_copilot import ask, copied, draft, found_by_axe, opened

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def saved(page: Page, served: Served, name: str) -> None:
    """Save the draft as another window would."""
    canvas = page.request.get(f"{served.url}/api/workflows/{name}/canvas").json()
    headers = {"Origin": served.url, "If-Match": canvas["etag"]}
    answer = page.request.put(f"{served.url}/api/workflows/{name}", data={"text": canvas["text"]}, headers=headers)
    assert answer.ok, answer.text()


def test_what_was_before_a_proposal_is_restored_from_its_card(served: Served, page: Page) -> None:
    copied(served, "again")
    opened(page, served, "again")
    before = draft(page, served, "again")
    card = ask(page, "set issue.title to Other")
    card.get_by_role("button", name="Accept all").click()
    accepted = page.locator(".copilot-card[data-status=accepted]")
    accepted.get_by_role("button", name="Undo").wait_for()
    rev = page.request.get(f"{served.url}/api/workflows/again/canvas").json()["rev"]
    sent = {"base_rev": rev, "ops": [{"op": "set", "step": "issue", "field": "title", "value": "Mine"}]}
    answer = page.request.post(f"{served.url}/api/workflows/again/draft/ops", data=sent, headers={"Origin": served.url})
    assert answer.ok
    saved(page, served, "again")
    page.get_by_role("button", name="Begin anew").click()
    page.reload()
    page.locator("summary", has_text="1 proposal that you accepted before").click()
    accepted.get_by_role("button", name="Restore the earlier draft").click()
    shown = accepted.get_by_role("region", name="Restore the earlier draft")
    shown.get_by_text("Later changes are lost, too").wait_for()
    shown.locator("summary").click()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        if folder := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=Path(folder, f"restore-{scheme}.png"))
        assert found_by_axe(page) == [], scheme
    assert '"Other"' in draft(page, served, "again")
    with page.expect_response("**/restore"):
        shown.get_by_role("button", name="Restore", exact=True).click()
    shown.wait_for(state="detached")
    assert draft(page, served, "again") == before
    page.locator(".copilot-card[data-status=accepted]:focus").wait_for()
