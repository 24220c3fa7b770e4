"""The whole story in a real browser: sign in, run, watch, open an item, change a prompt, run again."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.browser.conftest import REPOSITORY, Served, settled, text_of
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
    page.get_by_text("0 new, 25 already done").wait_for()


def test_a_double_click_on_run_makes_one_run(page: Page, served: Served) -> None:
    def runs() -> int:
        cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
        answer = httpx.get(f"{served.url}/api/runs", cookies=cookies, trust_env=False, timeout=PATIENCE_SECONDS)
        return len(answer.json()["runs"])

    page.goto(f"{served.url}/workflow?name=commit-digest")
    button = page.get_by_role("button", name="Run", exact=True)
    button.wait_for()
    before = runs()
    button.dblclick(delay=80)
    _run_id(page)
    page.wait_for_timeout(1500)
    assert runs() == before + 1


def test_a_prompt_is_changed_and_the_next_run_uses_it(page: Page, served: Served) -> None:
    folder = served.root / "prompts" / "summarize-commits.versions"
    page.goto(f"{served.url}/prompt?name=summarize-commits")
    box = page.get_by_role("textbox").filter(has_text=re.compile("You write a digest")).first
    box.wait_for()
    box.fill(text_of(box) + "\nWrite as for a newspaper.")
    box.press("Control+Enter")
    page.wait_for_timeout(1000)  # until its script begins to run anew
    settled(page)
    page.get_by_role("button", name="Save a version").click()
    page.get_by_text("Make it the production version now").click()
    settled(page)
    page.get_by_role("button", name="Save this version").click()
    _wait_for(page, (folder / "2.json").exists)
    page.goto(f"{served.url}/workflow?name=commit-digest")
    page.get_by_role("button", name="Run", exact=True).click()
    _run_id(page)
    page.get_by_text("Succeeded").first.wait_for()
    log = max(served.root.glob("logs/*/*.json"), key=lambda path: path.name)
    _wait_for(page, lambda: '"newspaper' in log.read_text() or "newspaper." in log.read_text())


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


def _wait_for(page: Page, is_true: Callable[[], bool]) -> None:
    for _ in range(int(PATIENCE_SECONDS * 10)):
        if is_true():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it did not happen")


def test_without_signing_in_there_is_only_the_sign_in_page(served: Served) -> None:
    for path in PATHS:
        answer = httpx.get(f"{served.url}{path}", trust_env=False, timeout=PATIENCE_SECONDS)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")
