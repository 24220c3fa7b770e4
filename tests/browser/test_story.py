"""The whole story in a real browser: sign in, run, watch, open an item, run again, and go on after a kill."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.browser.conftest import REPOSITORY, Served
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

SENTENCE = re.compile(r"25 mails: \d+ tasks, \d+ issues, .*only labelled")
PATHS = ["/", "/workflows", "/runs", "/prompts", "/connections", "/demo"]


def _run_id(page: Page) -> str:
    page.wait_for_url("**/run?id=*")
    return page.url.rsplit("id=", 1)[1].split("&")[0]


def _start(page: Page, served: Served) -> str:
    page.goto(f"{served.url}/workflow?name=inbox-triage")
    page.get_by_role("button", name="Run", exact=True).click()
    return _run_id(page)


def test_the_story(page: Page, served: Served) -> None:
    page.goto(served.url)
    page.get_by_role("button", name="Run Inbox triage").click()
    first = _run_id(page)
    page.get_by_text(SENTENCE).wait_for()
    page.get_by_text("Succeeded").first.wait_for()

    page.goto(f"{served.url}/run?id={first}&open=each_mail[0]&step=each_mail[0].classify")
    page.get_by_text("Subject:").first.wait_for()  # what the model saw

    second = _start(page, served)
    assert second != first
    page.get_by_text("25 already done").wait_for()


def test_the_engine_is_killed_in_the_middle_and_the_run_ends_all_the_same(page: Page, served: Served) -> None:
    workflow = served.root / "workflows" / "inbox-triage.json"
    (served.root / "workflows" / "once-more.json").write_text(workflow.read_text(encoding="utf-8"), encoding="utf-8")
    page.goto(f"{served.url}/workflow?name=once-more")
    page.get_by_role("button", name="Run", exact=True).click()
    run_id = _run_id(page)
    page.get_by_text(re.compile("running", re.IGNORECASE)).first.wait_for()
    page.get_by_role("button", name=re.compile("Kill the engine")).first.click()
    page.wait_for_timeout(1000)
    page.goto(f"{served.url}/run?id={run_id}")
    page.get_by_text(SENTENCE).wait_for()
    page.get_by_text("Succeeded").first.wait_for()
    shown = subprocess.run(
        [sys.executable, "-m", "demo", "show", "--dir", str(served.root / ".orchestra" / "demo")],
        capture_output=True,
        check=True,
        cwd=REPOSITORY,
    )
    pages = json.loads(shown.stdout)["notion"]["pages"]
    keys = Counter(_key(one) for one in pages if _key(one))
    assert keys
    assert set(keys.values()) == {1}


def _key(page: dict[str, Any]) -> str:
    texts = page["properties"].get("Orchestra key", {}).get("rich_text") or []
    return str(texts[0]["plain_text"]) if texts else ""


def test_without_signing_in_there_is_only_the_sign_in_page(served: Served) -> None:
    for path in PATHS:
        answer = httpx.get(f"{served.url}{path}", trust_env=False, timeout=PATIENCE_SECONDS)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")
