"""The sample workflow is debugged on the canvas: with the mouse, and again with keys alone."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal, Role
from tests.browser.conftest import Served, settled, sign_in
from tests.browser.test_flow import badge, found_by_axe, step
from tests.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

LOCAL = Principal("local:grace", "owner")
CLASSIFY = "Paused before What is it?"
LIMIT = "At most"


def bar(page: Page) -> Locator:
    return page.get_by_role("region", name="Debug run").filter(has=page.get_by_role("button", name="Stop"))


def shows(page: Page, words: str | re.Pattern[str]) -> None:
    bar(page).get_by_role("status").filter(has_text=words).wait_for()


def newest(page: Page, served: Served) -> Any:
    """Return the newest run, with its steps."""
    listed = page.request.get(f"{served.url}/api/runs?limit=1").json()["runs"][0]["run_id"]
    return page.request.get(f"{served.url}/api/runs/{listed}").json()


def opened(page: Page, served: Served) -> None:
    page.goto(f"{served.url}/workflow?name=inbox-triage&tab=canvas")
    step(page, "classify").wait_for()
    settled(page)


def test_the_sample_is_debugged_with_the_mouse_and_with_keys(served: Served, page: Page) -> None:
    opened(page, served)
    with_the_mouse(page, served)
    opened(page, served)
    with_keys(page, served)


def with_the_mouse(page: Page, served: Served) -> None:
    classify = step(page, "classify")
    classify.click(button="right")
    page.get_by_role("menuitem", name="Set or delete a breakpoint").click()
    classify.locator(".studio-breakpoint").wait_for()
    assert "has a breakpoint" in str(classify.get_attribute("aria-label"))
    page.get_by_role("button", name="Debug", exact=True).click()
    page.get_by_label(LIMIT).fill("2")
    page.get_by_role("button", name="Start", exact=True).click()
    shows(page, re.compile(re.escape(CLASSIFY) + ".*and 1 other step"))
    badge(page, "classify", "Paused here, 2 times")
    page.wait_for_function("one => one.getBoundingClientRect().bottom < innerHeight", arg=classify.element_handle())
    panel = page.get_by_role("region", name="Debug run").filter(has_text="It will get").last
    assert '"subject"' in panel.get_by_label("Arguments of each_mail[0].classify").inner_text()
    assert '"messages"' in panel.get_by_label("Output of mails").inner_text()
    assert found_by_axe(page) == []

    bar(page).get_by_role("combobox").select_option("each_mail[1].classify")
    page.get_by_role("button", name="Step", exact=True).last.click()
    badge(page, "classify", re.compile("^ *Paused here:"))
    page.locator('.studio [data-step][data-status="paused"]').nth(1).wait_for()  # the step after the other one
    run = newest(page, served)
    states = {one["path"]: one["status"] for one in run["steps"] if one["id"] == "classify"}
    assert states == {"each_mail[0].classify": "waiting", "each_mail[1].classify": "succeeded"}
    assert (run["demo"], run["counts"]["new_effects"]) == (True, 0)
    page.get_by_role("button", name="Continue", exact=True).click()
    bar(page).wait_for(state="detached")
    badge(page, "classify", "all 2")
    run = newest(page, served)
    assert run["status"] == "succeeded"
    assert run["counts"]["new_effects"] >= 2


def with_keys(page: Page, served: Served) -> None:
    classify = step(page, "classify")
    assert classify.locator(".studio-breakpoint").count() == 1, "it is kept in the browser"
    classify.focus()
    page.keyboard.press("b")
    classify.locator(".studio-breakpoint").wait_for(state="detached")
    page.keyboard.press("b")
    page.keyboard.press("d")
    page.get_by_role("dialog", name="Debug in the demo").wait_for()
    page.get_by_label(LIMIT).fill("1")
    page.keyboard.press("Enter")
    shows(page, CLASSIFY)
    page.keyboard.press("s")
    shows(page, re.compile(r"^(?!.*What is it).*Paused before"))
    assert newest(page, served)["steps"][-1]["status"] == "waiting"
    page.keyboard.press("x")
    bar(page).wait_for(state="detached")
    assert newest(page, served)["status"] == "cancelled"


@pytest.mark.parametrize(("role", "count", "dialog"), [("operator", 1, "Debug in the demo"), ("viewer", 0, "Keys")])
def test_debugging_is_offered_to_those_who_may_run(
    served: Served, browser: Browser, role: Role, count: int, dialog: str
) -> None:
    orchestra = Orchestra.open(served.root)
    try:
        orchestra.users.add(LOCAL, role, role.title(), role)
        link = f"{served.url}/login?token={orchestra.users.login_link(LOCAL, role)}"
    finally:
        orchestra.close()
    state = sign_in(replace(served, login_url=link), browser)
    context = browser.new_context(storage_state=state)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    page = context.new_page()
    opened(page, served)
    assert page.get_by_role("button", name="Debug", exact=True).count() == count
    step(page, "classify").focus()
    for key in ("b", "d", "?"):
        page.keyboard.press(key)
    page.get_by_role("dialog", name=dialog).wait_for()
    assert page.locator(".studio-breakpoint").count() == count
    context.close()
