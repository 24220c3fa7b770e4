"""The co-pilot's panel: a change by words and keys alone, ticks that are demanded, reloads, phones and both themes."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, code_field, settled, shows, stays_in_view, text_of

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")
SEVERE = ("serious", "critical")
IN_SIGHT = """one => {
    const box = one.getBoundingClientRect();
    return one.contains(document.elementFromPoint(box.x + 9, box.y + 9));
}"""
ELSEWHERE = "set issue.repository to evil/app"
SHOWN = "Ask me before each write, and try it in the demo."
"""A question that the demo's model answers."""


def copied(served: Served, name: str) -> None:
    """Save the sample under another name, so that each story has a draft of its own."""
    orchestra = Orchestra.open(served.root)
    document = json.loads(orchestra.workflows.get(OWNER, "inbox-triage").text)
    orchestra.workflows.save(OWNER, name, json.dumps({**document, "id": name, "triggers": []}, indent=2), None)
    orchestra.close()


def opened(page: Page, served: Served, name: str) -> Locator:
    """Open the canvas and, with the key of a step, the co-pilot."""
    page.goto(f"{served.url}/workflow?name={name}&tab=canvas")
    step = page.locator('.studio [data-step="mails"]')
    step.wait_for()
    settled(page)
    step.focus()
    page.keyboard.press("p")
    page.locator(".studio-copilot textarea:focus").wait_for()
    return page.get_by_role("complementary", name="Co-pilot")


def ask(page: Page, words: str) -> Locator:
    """Type a question and send it; return the last proposal."""
    page.locator(".studio-copilot textarea:focus").wait_for()
    page.keyboard.type(words)
    page.keyboard.press("Enter")
    page.locator(".copilot-turn[data-last]", has_text=words).locator(".copilot-card").wait_for()
    return page.locator(".copilot-card").last


def draft(page: Page, served: Served, name: str) -> str:
    return str(page.request.get(f"{served.url}/api/workflows/{name}/canvas").json()["text"])


def press_until(page: Page, key: str, focused: Locator) -> None:
    """Press a key until something has the focus."""
    for _ in range(20):
        page.keyboard.press(key)
        if focused.evaluate("one => one === document.activeElement"):
            return
    pytest.fail(f"{key} does not lead there")


def found_by_axe(page: Page) -> list[str]:
    """Return what axe finds in the panel, and whether it is too wide."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context=".studio-copilot").response["violations"]
    wide = page.locator(".copilot-log").evaluate("one => one.scrollWidth > one.clientWidth")
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found if one["impact"] in SEVERE] + ["wide"] * wide


def test_a_change_is_asked_for_accepted_and_undone_by_keys_alone(served: Served, page: Page) -> None:
    copied(served, "by-keys")
    opened(page, served, "by-keys")
    card = ask(page, ELSEWHERE)
    before = draft(page, served, "by-keys")
    assert "evil/app" not in before
    page.locator('.studio [data-step="issue"][data-ghost="~"]').wait_for()
    page.get_by_role("status").filter(has_text="A proposal with 1 change. 1 point needs a tick.").wait_for()
    accept = card.get_by_role("button", name="Accept all")
    press_until(page, "Shift+Tab", accept)
    page.keyboard.press("Enter")
    card.get_by_role("alert").get_by_text("1 point needs your tick first.").wait_for()
    card.locator("[data-tick]:focus").wait_for()
    assert draft(page, served, "by-keys") == before
    page.keyboard.press("Space")
    press_until(page, "Tab", accept)
    page.keyboard.press("Enter")
    page.locator(".copilot-card[data-status=accepted]:focus").wait_for()
    assert "evil/app" in draft(page, served, "by-keys")
    page.locator(".studio [data-ghost]").wait_for(state="detached")
    press_until(page, "Tab", page.get_by_role("button", name="Undo").last)
    with page.expect_response("**/draft/undo"):
        page.keyboard.press("Enter")
    assert draft(page, served, "by-keys") == before
    page.keyboard.press("Escape")
    page.locator(".studio-copilot").wait_for(state="detached")
    page.locator('.studio [data-step="mails"]:focus').wait_for()


def test_what_was_accepted_is_saved_before_it_is_drawn(served: Served, page: Page) -> None:
    copied(served, "quick")
    panel = opened(page, served, "quick")
    ask(page, "set mails.title to Mails")
    panel.get_by_role("button", name="Accept all", exact=True).click()
    page.locator(".studio-state", has_text="Draft kept").wait_for()
    page.get_by_role("textbox", name="Your question, or what to change").focus()
    ask(page, "set mails.title to Mails of today")
    page.route("**/api/workflows/quick/canvas", lambda _: None)  # it waits
    panel.get_by_role("button", name="Accept all", exact=True).click()
    panel.locator(".copilot-turn[data-last] .copilot-card[data-status=accepted]").wait_for()
    page.get_by_role("button", name="Save", exact=True).click()
    page.unroute("**/api/workflows/quick/canvas")  # what waits goes on
    page.locator(".studio-state", has_text="Saved").wait_for()
    assert json.loads((served.root / "workflows" / "quick.json").read_text())["steps"][0]["title"] == "Mails of today"
    assert page.locator(".studio-banner").count() == 0


def test_a_tab_that_is_chosen_beside_the_open_panel_keeps_the_focus(served: Served, page: Page) -> None:
    copied(served, "beside")
    opened(page, served, "beside")
    page.get_by_role("tab", name="Canvas").focus()
    page.keyboard.press("ArrowLeft")
    page.get_by_role("button", name="Plan", exact=True).wait_for()
    settled(page)
    assert page.locator("[role=tab]:focus").inner_text().endswith("Run")


def test_where_both_have_no_room_a_clicked_panel_stands_in_place_of_the_copilot(served: Served, page: Page) -> None:
    copied(served, "narrow")
    page.set_viewport_size({"width": 1400, "height": 900})
    copilot = opened(page, served, "narrow")
    page.keyboard.type("expla")
    panel = page.locator(".studio-panel")
    for button, title in (("Add a trigger", "Add a trigger"), ("Workflow", "Workflow")):
        page.locator(".studio").get_by_role("button", name=button, exact=True).click()
        panel.get_by_role("heading", name=title, exact=True).wait_for()
        copilot.wait_for(state="detached")
        if button == "Workflow":
            panel.get_by_label("Name of a new input").fill("since")
        page.locator(".studio").get_by_role("button", name="Co-pilot", exact=True).click()
        shows(copilot.get_by_label("Your question, or what to change"), "expla")
    page.set_viewport_size({"width": 1700, "height": 900})
    shows(panel.get_by_label("Name of a new input"), "since")
    panel.wait_for()
    assert copilot.is_visible()


def test_a_new_destination_is_refused_until_it_is_ticked_and_a_reload_keeps_the_proposal(
    served: Served, page: Page
) -> None:
    copied(served, "ticked")
    opened(page, served, "ticked")
    card = ask(page, ELSEWHERE)
    card.get_by_text('Data may go there: Step issue (github.create_issue): repository "evil/app"').wait_for()
    page.reload()
    page.locator(".copilot-card").wait_for()  # the panel is open again, with the proposal
    card.get_by_role("button", name="Accept all").click()
    card.get_by_role("alert").get_by_text("1 point needs your tick first.").wait_for()
    [one] = page.request.get(f"{served.url}/api/copilot/proposals/ticked").json()["proposals"]
    address, asking = f"{served.url}/api/copilot/proposals/ticked/{one['id']}/accept", {"Origin": served.url}
    assert page.request.post(address, data={}, headers=asking).status == 422
    assert "evil/app" not in draft(page, served, "ticked")
    card.get_by_role("checkbox").check()
    card.get_by_role("button", name="Accept all").click()
    page.locator(".copilot-card[data-status=accepted]").wait_for()
    assert "evil/app" in draft(page, served, "ticked")


def test_a_proposal_is_tried_in_the_demo_and_out_of_date_after_a_change_elsewhere(served: Served, page: Page) -> None:
    copied(served, "tried")
    panel = opened(page, served, "tried")
    card = ask(page, "set issue.title to {{ mail.subject }}")
    card.get_by_role("button", name="Try in the demo").click()
    card.get_by_text("In the demo: succeeded.").wait_for()
    card.get_by_text("A second run wrote nothing again.").wait_for()
    assert card.get_by_text("github.create_issue", exact=True).count() == 1
    rev = page.request.get(f"{served.url}/api/workflows/tried/canvas").json()["rev"]
    ops: list[Any] = [{"op": "set", "step": "issue", "field": "with.title", "value": "Mine"}]
    sent = {"base_rev": rev, "ops": ops}
    page.request.post(f"{served.url}/api/workflows/tried/draft/ops", data=sent, headers={"Origin": served.url})
    for box in card.locator("[data-tick]").all():
        box.check()
    card.get_by_role("button", name="Accept all").click()
    card.get_by_text("The draft has changed at the same place since.").wait_for()
    card.get_by_role("button", name="Make it again").click()
    panel.locator(".copilot-card[data-status=open]").get_by_role("button", name="Accept all").wait_for()
    assert '"Mine"' in draft(page, served, "tried")


def test_the_panel_has_no_serious_finding_on_a_phone_and_in_both_themes(served: Served, page: Page) -> None:
    copied(served, "looks")
    opened(page, served, "looks")
    assert found_by_axe(page) == []
    page.get_by_role("button", name=SHOWN).click()
    card = page.locator(".copilot-turn[data-last] .copilot-card")
    card.wait_for()
    page.get_by_role("button", name="Stop").wait_for(state="detached")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 844})
            page.wait_for_timeout(300)
            assert found_by_axe(page) == [], (scheme, width)
            accept = card.get_by_role("button", name="Accept all").bounding_box()
            assert accept is not None
            is_led_to = page.locator(".copilot-more[data-more]").is_visible()
            assert accept["y"] + accept["height"] < 844 or is_led_to, "the button is in view, or a hint leads to it"
    page.keyboard.press("Escape")
    page.get_by_role("row", name=re.compile("Open an issue")).get_by_role(
        "button", name=re.compile("changed by")
    ).click()
    page.locator('.copilot-sheet [data-change="issue"]').wait_for()


def test_beside_the_text_an_accepted_change_is_in_the_editor_with_what_was_typed_before(
    served: Served, page: Page
) -> None:
    copied(served, "text")
    page.goto(f"{served.url}/workflow?name=text&tab=edit")
    field = code_field(page, "Workflow (JSON)")
    shows(field, '"inbox-triage"' if '"inbox-triage"' in text_of(field) else '"id": "text"')
    field.click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("\n")
    page.get_by_role("button", name="Co-pilot").click()
    card = ask(page, ELSEWHERE)
    card.get_by_role("checkbox").check()
    card.get_by_role("button", name="Accept all").click()
    shows(field, "evil/app")
    assert text_of(field).startswith("\n")
    page.locator(".copilot-card[data-status=accepted]").get_by_role("button", name="Undo").click()
    shows(field, '"repository": "{{ inputs.repository }}"')
    assert found_by_axe(page) == []


def test_a_failed_run_is_explained_gone_through_and_mended_by_words_on_its_page(served: Served, page: Page) -> None:
    orchestra = Orchestra.open(served.root)
    steps = [
        {"id": "target", "uses": "flow.set", "with": {"values": {"who": "us"}}},
        {"id": "issues", "title": "Read issues", "uses": "github.list_issues", "with": {"repository": "acme/ap"}},
    ]
    document = {"schema_version": 1, "id": "fails", "title": "Fails", "steps": steps}
    orchestra.workflows.save(OWNER, "fails", json.dumps(document, indent=2), None)
    orchestra.close()
    run = started(page, served)
    assert run["status"] == "failed"
    page.goto(f"{served.url}/run?id={run['run_id']}")
    page.get_by_role("button", name="Ask the co-pilot").click()
    panel = page.get_by_role("complementary", name="Co-pilot")
    panel.get_by_text(f"about the run {run['run_id']}").wait_for()
    panel.get_by_role("button", name="why did it fail").click()
    panel.get_by_text("Check the name, and that it is shared").wait_for()
    panel.get_by_role("button", name="fix", exact=True).click()
    panel.get_by_text("Give it: set issues.repository to NAME").wait_for()
    page.reload()
    panel.locator(".copilot-turn[data-last]").wait_for()
    page.wait_for_timeout(500)  # it scrolls to the newest question
    for one in (
        panel.get_by_role("button", name="fix", exact=True),
        panel.get_by_text("Go through the run step by step"),
    ):
        assert one.evaluate(IN_SIGHT)
    panel.get_by_text("Go through the run step by step").click()
    panel.get_by_text("2 of 2: Read issues").wait_for()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert found_by_axe(page) == [], scheme
    page.set_viewport_size({"width": 390, "height": 844})  # the panel is a sheet there, drawn anew
    panel.get_by_text("Go through the run step by step").click()
    panel.get_by_text("2 of 2: Read issues").wait_for()
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        if folder := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=Path(folder, f"run-{theme}-390.png"))
        assert found_by_axe(page) == [], theme
    panel.get_by_role("button", name="Previous").press("Enter")
    panel.get_by_text("1 of 2: ").wait_for()
    page.set_viewport_size({"width": 1280, "height": 900})
    panel.get_by_role("textbox").focus()
    card = ask(page, "set issues.repository to acme/app")
    for one in card.locator("[data-tick]").all():
        one.check()
    card.get_by_role("button", name="Accept all").click()
    page.locator(".copilot-card[data-status=accepted]").get_by_role("link", name="Open the canvas").click()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved", exact=True).wait_for()
    assert started(page, served)["status"] == "succeeded"


def started(page: Page, served: Served) -> dict[str, Any]:
    """Run the workflow that failed, and return its run once it has ended."""
    sent = {"workflow": "fails", "inputs": {}, "wait_seconds": 30}
    answer = page.request.post(f"{served.url}/workflows/execute", data=sent, headers={"Origin": served.url})
    return dict(answer.json())


@pytest.mark.parametrize("place", ["beside", "answer"])
def test_a_problem_of_the_draft_is_mended_by_a_click(served: Served, page: Page, place: str) -> None:
    orchestra = Orchestra.open(served.root)
    step = {"id": "mails", "uses": "github.list_issues", "with": {"repositry": "acme/ap"}}
    document = {"schema_version": 1, "title": "Wrong", "steps": [step]}
    name = f"wrong-{place}"
    orchestra.workflows.save(OWNER, name, json.dumps(document, indent=2), None)
    orchestra.close()
    panel = opened(page, served, name)
    if place == "answer":
        panel.get_by_role("button", name="fix", exact=True).click()
    else:
        fixes = page.locator(".copilot-fixes")
        fixes.get_by_role("button", name="Rename 'repositry' to 'repository'").click()
    card = page.locator(".copilot-card").last
    card.wait_for()
    for one in card.locator("[data-tick]").all():
        one.check()
    card.get_by_role("button", name="Accept all").click()
    page.locator(".copilot-card[data-status=accepted]").wait_for()
    assert '"repository": "acme/ap"' in draft(page, served, name)
    panel.locator(".copilot-fixes").wait_for(state="detached")


def accept(card: Locator) -> None:
    """Give every tick and accept."""
    for one in card.locator("[data-tick]").all():
        one.check()
    card.get_by_role("button", name="Accept all").click()
    card.page.locator(".copilot-card[data-status=accepted]").wait_for()


def test_in_a_low_window_the_panel_shows_what_came_last_and_where_there_is_more(served: Served, page: Page) -> None:
    page.set_viewport_size({"width": 1360, "height": 640})
    copied(served, "low-window")
    panel = opened(page, served, "low-window")
    card = ask(page, "set issue.title to {{ mail.subject }}")
    more = panel.get_by_role("button", name="More below")
    more.wait_for()
    log, asked = panel.locator(".copilot-log"), panel.locator(".copilot-asked").last
    assert log.evaluate(
        "(log, asked) => asked.getBoundingClientRect().top - log.getBoundingClientRect().top < 40",
        asked.element_handle(),
    )
    card.get_by_role("button", name="Try in the demo").click()
    stays_in_view(card.locator(".copilot-demo"))
    accept(card)
    page.locator(".studio [data-step]").first.click()
    panel.get_by_role("button", name="Edit step").click()
    page.get_by_role("complementary", name="Selected step").wait_for()
