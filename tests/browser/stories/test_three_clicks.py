"""What people do every day takes three clicks from Home, or fewer, and each place to click has a name."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.conftest import Served, settled

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

MOST_CLICKS = 3
FAILING = {
    "schema_version": 1,
    "title": "Failing",
    "steps": [{"id": "a", "uses": "flow.fail", "with": {"message": "No."}}],
}
ASKING = {
    "schema_version": 1,
    "title": "Asking",
    "steps": [{"id": "ask", "uses": "flow.approve", "with": {"message": "Send it?"}}],
}
Click = tuple[str, str]
"""The role and the name of what is clicked."""


def menu(name: str) -> Click:
    return "menu", name


EVERYDAY: dict[str, tuple[Click, ...]] = {
    "run a workflow": (menu("Workflows"), ("link", "Inbox triage"), ("button", "Run")),
    "plan a run": (menu("Workflows"), ("link", "Inbox triage"), ("button", "Plan")),
    "make a workflow": (menu("Workflows"), ("button", "New workflow")),
    "take one of the gallery": (menu("Library"),),
    "edit a workflow": (menu("Workflows"), ("link", "Inbox triage"), ("tab", "Canvas")),
    "restore a version": (menu("Workflows"), ("link", "Inbox triage"), ("tab", "History")),
    "promote a workflow": (menu("Workflows"), ("link", "Inbox triage"), ("tab", "Environments")),
    "make a trigger": (menu("Workflows"), ("link", "Inbox triage"), ("tab", "Triggers")),
    "turn a trigger on": (menu("Workflows"), ("link", "Triggers"), ("button", "Turn on …")),
    "answer a question": (("button", "Approve"),),
    "see what a run did": (("link", "Issue"),),
    "undo a run": (("link", "Issue"), ("button", "Undo")),
    "see why a run failed": (("link", "Failing"),),
    "try a failed run again": (("link", "Failing"), ("button", "Try again")),
    "find the failed runs": (menu("Runs"),),
    "edit a prompt": (menu("Prompts"), ("link", "Classify a mail"), ("tab", "Edit")),
    "try a prompt": (menu("Prompts"), ("link", "Classify a mail"), ("tab", "Try")),
    "test a prompt": (menu("Prompts"), ("link", "Classify a mail"), ("tab", "Cases")),
    "check an account": (menu("Connections"), ("button", "Check")),
    "make a connection": (menu("Connections"), ("button", "Add a connection")),
    "send a mail to the demo": (("link", "Look at the demo"), ("button", "Write a mail")),
    "see what was spent": (menu("Settings"), ("link", "Usage")),
    "sign out": (("button", "owner"), ("button", "Sign out")),
}


@pytest.fixture
def filled(served: Served, page: Page) -> Page:
    """Runs that ended well and badly, one that asks, and environments."""
    step = {
        "id": "issue",
        "uses": "github.create_issue",
        "with": {"repository": "acme/app", "title": "An issue", "body": ""},
    }
    workflows = {
        "issue": {"schema_version": 1, "title": "Issue", "steps": [step]},
        "failing": FAILING,
        "asking": ASKING,
    }
    for name, document in workflows.items():
        (served.root / "workflows" / f"{name}.json").write_text(json.dumps(document))
        sent(served, page, "/workflows/execute", workflow=name, wait_seconds=60 * (name != "asking"))
    sent(served, page, "/api/environments/init")
    return page


def sent(served: Served, page: Page, path: str, **body: Any) -> None:
    answer = page.request.post(served.url + path, data=body, headers={"Origin": served.url})
    assert answer.ok, answer.text()


def place(page: Page, role: str, name: str) -> Locator:
    """Return what is clicked; on a page with several alike, the first."""
    if role == "menu":
        return page.get_by_test_id("stSidebar").get_by_role("link", name=re.compile(rf"\b{name}\b"))
    within = page.locator("body") if name in ("owner", "Sign out") else page.get_by_test_id("stMain")
    words = re.compile(rf"\b{re.escape(name)}( (chevron|expand|keyboard)\w*( icon)?)?$")
    return within.get_by_role(role, name=words).first  # type: ignore[arg-type]


@pytest.mark.chaos
def test_everyday_actions_take_at_most_three_clicks(served: Served, filled: Page) -> None:
    filled.goto(served.url)
    for action, clicks in EVERYDAY.items():
        assert len(clicks) <= MOST_CLICKS, action
        place(filled, *menu("Home")).click()
        filled.get_by_role("heading", name="Home", exact=True).wait_for()
        for role, name in clicks[:-1]:
            settled(filled)
            place(filled, role, name).click()
        last = place(filled, *clicks[-1])
        last.wait_for()
        last.click(trial=True)  # it is in view, enabled, and nothing covers it
