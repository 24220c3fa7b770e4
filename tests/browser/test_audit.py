"""The audit trail in a real browser."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Served, settled

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_the_audit_trail_is_saved_as_a_table(served: Served, page: Page) -> None:
    page.goto(f"{served.url}/audit")
    settled(page)
    page.get_by_text("users.login", exact=False).first.wait_for(state="attached")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    rows = list(csv.reader(Path(download.value.path()).read_text().splitlines()))
    assert rows[0] == ["number", "at", "who", "action", "target", "detail"]
    assert "users.login" in {row[3] for row in rows}
