"""From Home to a plan over the last mails of one's own mailbox: few clicks, one password, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.browser.conftest import Served, serving
from tests.mail.dovecot import PASSWORD
from tests.mail.mailboxes import connected, deliver, mail, new_settings
from tests.workspaces import init

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

_MOST_CLICKS = 6
_SUBJECTS = ("The export crashes", "", "Ünïcödé 日本語 🎉", "*bold* [link](http://x.example) <b>", "A" * 180)


@pytest.fixture(scope="module")
def mailbox() -> dict[str, Any]:
    """A mailbox with twelve mails, some of them odd."""
    settings = new_settings()
    with connected(settings) as client:
        for number in range(12):
            deliver(client, mail(_SUBJECTS[number % len(_SUBJECTS)], f"Mail {number}.\n"))
    return settings


@pytest.fixture(scope="module")
def served(mailbox: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A new workspace whose mailbox is at an unusual port, with a certificate of its own."""
    root = tmp_path_factory.mktemp("first-run") / "workspace"
    init(root)
    config: Path = root / "config.yaml"
    entry = {"service": "imap", "port": mailbox["port"], "ca_file": mailbox["ca_file"]}
    config.write_text(
        config.read_text().replace(
            "connections:\n", f"connections:\n  mailbox: {yaml.safe_dump(entry, default_flow_style=True)}", 1
        )
    )
    with serving(root) as found:
        yield found


def test_a_plan_over_ones_own_mail_takes_six_clicks_and_one_password(
    served: Served, page: Page, mailbox: dict[str, Any]
) -> None:
    clicks = 0

    def click(what: Locator) -> None:
        nonlocal clicks
        what.click()
        clicks += 1

    page.goto(served.url)
    click(page.get_by_text("Use my own mail"))
    click(page.get_by_label("Mail address", exact=True))
    page.keyboard.type(mailbox["address"])
    page.keyboard.press("Tab")
    page.get_by_text("The servers of example.com are not known here.").wait_for()
    click(page.get_by_label("IMAP server", exact=True))
    page.keyboard.type("127.0.0.1")
    page.keyboard.press("Tab")
    page.get_by_text("The servers of example.com are not known here.").wait_for(state="detached")
    click(page.locator("input[type=password]").first)
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    plan = page.get_by_role("button", name="Plan on these mails")
    plan.wait_for()
    page.get_by_text("10 mails:").wait_for()
    page.get_by_text("No model is asked: it costs nothing.").wait_for()
    page.get_by_text("You can choose in the steps above").wait_for()
    click(plan)
    page.get_by_text("Flag a mail: The export crashes").first.wait_for()
    page.get_by_role("button", name="Apply").wait_for()
    assert clicks <= _MOST_CLICKS
    with connected(mailbox) as client, client.mailbox.opened("") as (session, _):
        assert session.search("FLAGGED") == [], "a plan writes nothing"
