"""The page of a run and the editor, as only a browser shows them."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, counts, serving, settled, sign_in
from tests.patience import PATIENCE_SECONDS
from tests.ports import free_port
from tests.workspaces import init

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

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


def test_the_table_is_seen_without_scrolling_and_used_with_the_keyboard_alone(
    served: Served, page: Page, run_id: str
) -> None:
    page.goto(f"{served.url}/run?id={run_id}")
    page.wait_for_selector(".run-table")
    settled(page)
    needed, visible = page.locator(".run-table").first.evaluate("one => [one.scrollWidth, one.clientWidth]")
    assert needed <= visible
    assert page.title() == "Inbox triage · AI-Orchestra"
    if Path("/proc/self/maps").exists():  # only Linux tells what a process has loaded
        children = Path(f"/proc/{served.pid}/task/{served.pid}/children").read_text().split()
        loaded = "".join(Path(f"/proc/{pid}/maps").read_text() for pid in children)
        assert "streamlit" in loaded or "orjson" in loaded
        assert [name for name in ("/pandas/", "/pyarrow/") if name in loaded] == []

    page.get_by_role("radio", name="Succeeded").focus()
    page.keyboard.press("Tab")
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url("**&open=each_mail*")
    page.locator(".st-key-run-detail").wait_for()
    settled(page)
    page.keyboard.press("Enter")
    page.locator(".st-key-run-detail").wait_for(state="detached")


@pytest.mark.parametrize("gap_milliseconds", [pytest.param(0, marks=pytest.mark.chaos), 400])
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
    page.get_by_text("5 already done").wait_for()
    new = [one for one in ids(served) if one not in before]
    assert len(new) == 1
    assert page.url == f"{served.url}/run?id={new[0]}"


LOOP: dict[str, Any] = {
    "schema_version": 1,
    "title": "Loop",
    "steps": [
        {
            "id": "each",
            "foreach": "{{ [1, 2, 3, 4, 5, 6] }}",
            "steps": [{"id": "nap", "uses": "flow.wait", "with": {"seconds": 0.6}}],
        }
    ],
}


def test_a_run_at_work_is_followed_without_drawing_its_page_anew(served: Served, page: Page) -> None:
    (served.root / "workflows" / "loop.json").write_text(json.dumps(LOOP))
    page.goto(f"{served.url}/workflow?name=loop")
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_url("**/run?id=*")
    page.locator(".run-head").get_by_text(re.compile("[1-5] of 6")).wait_for()
    done = page.get_by_role("row").filter(has_text="Done")
    page.wait_for_function("document.querySelectorAll('.run-table .run-green').length >= 2")
    assert done.count() < 7
    page.get_by_text("Succeeded", exact=True).first.wait_for()
    page.wait_for_selector(".run-head", state="detached")
    counts(done, 6)


def test_a_page_that_outlives_its_server_shows_how_the_run_ended(tmp_path: Path, browser: Browser) -> None:
    root, port = tmp_path / "workspace", free_port()
    init(root)
    nap = {"id": "nap", "uses": "flow.wait", "with": {"seconds": 1}}
    loop = {"id": "each", "foreach": "{{ [1, 2, 3, 4, 5, 6, 7, 8] }}", "steps": [nap]}
    (root / "workflows" / "loop.json").write_text(json.dumps({**LOOP, "steps": [loop]}))
    with serving(root, port) as first:
        context = browser.new_context(storage_state=sign_in(first, browser))  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        page = context.new_page()
        page.goto(f"{first.url}/workflow?name=loop")
        page.get_by_role("button", name="Run", exact=True).click()
        page.wait_for_url("**/run?id=*")
        page.reload()
        page.locator(".run-head").get_by_text(re.compile("[1-7] of 8")).wait_for()
        settled(page)
        os.kill(first.pid, signal.SIGKILL)
    with serving(root, port):
        page.get_by_text("Succeeded", exact=True).first.wait_for()
        page.wait_for_selector(".run-head", state="detached")
        context.close()


WAITS: dict[str, Any] = {
    "schema_version": 1,
    "title": "Waits",
    "steps": [
        {"id": "before", "uses": "flow.set", "with": {"values": {"n": 1}}},
        {"id": "nap", "title": "Nap", "uses": "flow.wait", "with": {"seconds": 2}},
        {"id": "after", "title": "Afterwards", "uses": "flow.set", "with": {"values": {"n": 2}}},
    ],
}


def test_a_run_is_seen_as_it_was_at_any_time_by_the_keyboard_and_by_playing_it(served: Served, page: Page) -> None:
    (served.root / "workflows" / "waits.json").write_text(json.dumps(WAITS))
    orchestra = Orchestra.open(served.root, demo=True)
    run_id = orchestra.runs.start(OWNER, "waits", {})
    assert orchestra.runs.wait(OWNER, run_id, PATIENCE_SECONDS)["status"] == "succeeded"
    [idle] = orchestra.runs.timeline(OWNER, run_id)["idle"]
    orchestra.close()
    page.goto(f"{served.url}/run?id={run_id}&tab=timeline")
    statuses = page.locator(".tl-status")
    statuses.first.wait_for()
    assert statuses.all_inner_texts() == ["Succeeded"] * 3
    assert idle["seconds"] >= 2
    assert page.locator(".tl-idle").all_inner_texts() == [f"Waited {idle['seconds']:.1f} s"]
    slider = page.get_by_role("slider", name="Time in the run")
    slider.focus()
    page.keyboard.press("Home")
    assert statuses.all_inner_texts() == ["Not begun"] * 3
    seen = set()
    while "Succeeded" not in (words := str(slider.get_attribute("aria-valuetext"))):
        seen.add((words.split(" · ")[1], statuses.nth(1).inner_text()))
        page.keyboard.press("ArrowRight")
    assert ("Waiting", "Waiting") in seen
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.get_by_role("button", name="Play").wait_for()  # it stops at the end
    assert statuses.all_inner_texts() == ["Succeeded"] * 3
