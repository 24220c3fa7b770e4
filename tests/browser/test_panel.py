"""The panel of the canvas: a step filled from nothing, several changed at once, and nothing lost that was typed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, counts, settled, show_expressions, shows
from tests.browser.test_pages import SEVERE
from tests.patience import until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")
READ = {"id": "read", "uses": "gmail.search_messages", "with": {"query": "in:inbox"}}
SORT = {"id": "sort", "uses": "llm.classify", "with": {"text": "{{ mail.subject }}", "labels": ["bug", "other"]}}
LOOK = {"id": "look", "if": "{{ index == 0 }}", "uses": "flow.set", "with": {"values": {"owner": "Ann"}}}
LOOP = {"foreach": "{{ steps.read.output.messages }}", "as": "mail", "key": "{{ mail.id }}"}
EMPTY = {"id": "issue", "uses": "github.create_issue"}
FILLED = {
    "id": "issue",
    "if": "{{ steps.sort.output.label == 'bug' }}",
    "uses": "github.create_issue",
    "with": {
        "repository": "acme/app",
        "title": "New: {{ mail.subject }}",
        "body": "For {{ default(steps.look.output.owner, '') }}",
        "labels": ["bug", "{{ steps.sort.output.label }}"],
    },
    "retry": {"attempts": 5},
}


LATE = """milliseconds => {
  const send = window.fetch;
  window.fetch = async (...asked) => {
    const answer = await send(...asked);
    await new Promise(done => setTimeout(done, milliseconds));
    return answer;
  };
}"""
"""Holds the answers of the server back."""


def written(served: Served, name: str, **more: Any) -> None:
    each = {"id": "each", **LOOP, "steps": [SORT, LOOK, EMPTY]}
    document = {"schema_version": 1, "id": name, "title": name, "steps": [READ, each], **more}
    orchestra = Orchestra.open(served.root)
    orchestra.workflows.save(OWNER, name, json.dumps(document, indent=2), None)
    orchestra.close()


def opened(served: Served, page: Page, name: str) -> None:
    show_expressions(page)
    page.goto(f"{served.url}/workflow?name={name}&tab=canvas")
    card(page, "sort").wait_for()
    settled(page)


def card(page: Page, step: str) -> Locator:
    return page.locator(f'.studio [data-step$="{step}"]')


def drafted(page: Page, name: str) -> Any:
    """Return the steps of the loop as they are in the draft."""
    return drafted_whole(page, name)["steps"][1]["steps"]


def drafted_whole(page: Page, name: str) -> Any:
    text = page.evaluate("async (name) => (await (await fetch(`/api/workflows/${name}/canvas`)).json()).text", name)
    return json.loads(text)


def chosen(panel: Locator, field: Locator, typed: str, option: str) -> None:
    """Type into a field, wait for the list, and choose the marked entry by keyboard."""
    field.focus()
    field.press("End")
    panel.page.keyboard.type(typed)
    marked = panel.locator(".panel-offers [aria-selected=true]")
    marked.get_by_text(option, exact=True).wait_for()
    panel.page.keyboard.press("Enter")
    counts(panel.locator(".panel-offers"), 0)


def test_a_step_is_filled_from_nothing_and_its_problem_mended(served: Served, page: Page) -> None:
    written(served, "filled")
    opened(served, page, "filled")
    card(page, "issue").click()
    panel = page.locator(".studio-panel")
    counts(panel.get_by_text("needed", exact=True), 2)

    panel.get_by_label("Repository", exact=True).click()
    panel.locator(".panel-offers").get_by_text("acme/app", exact=True).click()
    title = panel.get_by_label("Title", exact=True)
    chosen(panel, title, "New: {{ mail.su", "mail.subject")
    shows(title, "New: {{ mail.subject }}")
    body = panel.get_by_label("Body", exact=True)
    body.fill("For ")
    panel.get_by_role("button", name="Insert a value into Body").click()
    panel.locator(".panel-offers").wait_for()
    page.keyboard.type("owner")
    panel.locator(".panel-offers").get_by_text("may be missing").click()
    shows(body, "For {{ default(steps.look.output.owner, '') }}")
    panel.get_by_role("button", name="Add an entry to Labels").click()
    panel.locator("textarea:focus").and_(panel.get_by_label("Labels, entry 1", exact=True)).wait_for()
    page.keyboard.type("bug")
    shows(panel.get_by_label("Labels, entry 1", exact=True), "bug")
    page.keyboard.press("Enter")
    chosen(panel, panel.get_by_label("Labels, entry 2", exact=True), "{{ sort.output.la", "steps.sort.output.label")

    panel.get_by_text("Runs every time.").click()
    chosen(panel, panel.get_by_label("Runs only if", exact=True), "{{ steps.sort.output.la", "steps.sort.output.label")
    page.keyboard.type(" == 'bug'")
    panel.get_by_text("Tries again as usual").click()
    attempts = panel.get_by_label("Attempts", exact=True)
    attempts.fill("many")
    attempts.press("Enter")
    panel.get_by_text("“Attempts” must be a whole number, not 'many'.").wait_for()
    assert found_by_axe(page) == []
    attempts.fill("5")
    attempts.press("Tab")
    panel.get_by_text("Tries 5 times").wait_for()
    counts(panel.locator(".panel-problem"), 0)
    panel.get_by_text("Runs only if steps.sort.output.label == 'bug'").wait_for()
    until(lambda: drafted(page, "filled")[2] == FILLED)
    page.set_viewport_size({"width": 390, "height": 844})
    title.wait_for()
    assert found_by_axe(page) == []


def found_by_axe(page: Page) -> list[str]:
    """Return what axe finds in the panel, and whether something in it is too wide."""
    from axe_playwright_python.sync_playwright import Axe

    panel = page.locator(".studio-panel")
    found = Axe().run(page, context=".studio-panel").response["violations"]
    wide = panel.evaluate("one => one.scrollWidth > one.clientWidth")
    return [one["id"] for one in found if one["impact"] in SEVERE] + ["too wide"] * wide


def test_a_problem_of_the_outputs_is_on_the_card_of_the_result_which_leads_to_it(served: Served, page: Page) -> None:
    written(served, "returned", outputs={"count": 1, "text": "{{ steps.gone }}"})
    opened(served, page, "returned")
    result = page.locator(".studio [data-end=end]")
    result.get_by_text("1 error").wait_for()
    result.focus()
    page.keyboard.press("Enter")
    panel = page.locator(".studio-panel")
    text = panel.get_by_label("Outputs: text", exact=True)
    panel.locator("textarea:focus").and_(text).wait_for()
    text.fill("{{ steps.read.output.messages[0].subject }}")
    text.press("Tab")
    counts(result.locator(".studio-badge"), 0)


def test_a_field_that_takes_any_value_has_rows_and_warns_of_a_text_that_is_almost_json(
    served: Served, page: Page
) -> None:
    save = {"id": "save", "uses": "store.upsert", "with": {"table": "mails", "key": "{{ mail.id }}"}}
    document = {
        "schema_version": 1,
        "id": "any",
        "title": "any",
        "steps": [READ, {"id": "each", **LOOP, "steps": [SORT, save]}],
    }
    orchestra = Orchestra.open(served.root)
    orchestra.workflows.save(OWNER, "any", json.dumps(document, indent=2), None)
    orchestra.close()
    opened(served, page, "any")
    card(page, "save").click()
    panel = page.locator(".studio-panel")
    panel.get_by_role("button", name="Add a value to Value").click()
    panel.get_by_label("Value, name 1").fill("subject")
    panel.get_by_label("Value: subject", exact=True).fill("{{ mail.subject }}")
    page.keyboard.press("Tab")
    until(lambda: drafted(page, "any")[1]["with"].get("value") == {"subject": "{{ mail.subject }}"})

    panel.get_by_role("button", name="JSON, {{ }} for Value").click()
    value = panel.get_by_label("Value", exact=True)
    assert json.loads(value.input_value()) == {"subject": "{{ mail.subject }}"}
    value.fill('{"subject": {{ mail.subject }}}')
    panel.get_by_text("This is one text, not JSON").wait_for()
    value.fill('{"subject": "{{ mail.from }}"}')
    counts(panel.get_by_text("This is one text, not JSON"), 0)
    panel.get_by_role("button", name="Fields for Value").click()
    shows(panel.get_by_label("Value: subject", exact=True), "{{ mail.from }}")


TEXT_AND_BUTTON = """one => {
    const button = one.parentElement.querySelector(".panel-insert").getBoundingClientRect();
    const end = one.getBoundingClientRect().right - parseFloat(getComputedStyle(one).paddingRight);
    return [end, button.left];
}"""


def test_the_button_for_expressions_covers_no_text_of_its_field(served: Served, page: Page) -> None:
    written(served, "covered", outputs={"text": "{{ steps.read.output.messages[0].subject }}"})
    opened(served, page, "covered")
    page.locator(".studio").get_by_role("button", name="Workflow", exact=True).click()
    text_end, button_begin = page.get_by_label("Outputs: text", exact=True).evaluate(TEXT_AND_BUTTON)
    assert text_end <= button_begin


def test_several_steps_are_changed_at_once_and_a_reload_loses_no_key(served: Served, page: Page) -> None:
    written(served, "several")
    opened(served, page, "several")
    before = drafted(page, "several")
    page.get_by_role("button", name="Show everything").click()  # the last one is below the others
    card(page, "sort").click()
    for other in ("look", "issue"):
        card(page, other).click(modifiers=["Control"])
    panel = page.locator(".studio-panel")
    panel.get_by_role("heading", name="3 steps").wait_for()
    panel.get_by_text("What happens if they fail").click()
    panel.get_by_label("If it fails", exact=True).select_option("continue")
    until(lambda: drafted(page, "several") == [{**one, "on_error": "continue"} for one in before])
    page.get_by_role("button", name="Undo").first.click()
    until(lambda: drafted(page, "several") == before)

    card(page, "read").click()
    card(page, "look").click()
    values = panel.get_by_label("Values by name: owner", exact=True)
    shows(values, "Ann")
    values.press("End")
    page.keyboard.type("a and {{ mail.su")
    page.reload()
    card(page, "look").click()
    shows(values, "Anna and {{ mail.su }}")
    values.press("Enter")
    until(lambda: drafted(page, "several")[1]["with"]["values"] == {"owner": "Anna and {{ mail.su }}"})
    panel.get_by_text("There is no field 'su'").wait_for()


def described(panel: Locator) -> Locator:
    """Open the form of the workflow; return its description."""
    panel.page.get_by_role("button", name="Workflow", exact=True).click()
    return panel.get_by_label("Description", exact=True)


def test_no_answer_and_no_other_window_replaces_what_is_being_typed(served: Served, page: Page) -> None:
    written(served, "late", outputs={"old": "1"})
    opened(served, page, "late")
    page.evaluate(LATE, 800)
    panel = page.locator(".studio-panel")
    description = described(panel)
    description.fill("Mine")
    panel.get_by_role("button", name="Remove Outputs: old").click()  # at once: the text is still on its way
    panel.get_by_role("button", name="Add a value to Outputs").click()
    page.keyboard.type("new")
    page.keyboard.press("Tab")
    page.keyboard.type("five")
    page.locator(".studio-state", has_text="Draft kept").wait_for()
    shows(panel.get_by_label("Outputs, name 1", exact=True), "new")
    assert drafted_whole(page, "late")["outputs"] == {"new": "five"}

    description.press("End")
    page.keyboard.type(" and mine")
    until(lambda: drafted_whole(page, "late")["description"] == "Mine and mine")
    other = page.context.new_page()
    opened(served, other, "late")
    described(other.locator(".studio-panel")).fill("Theirs")
    other.keyboard.press("Tab")
    panel.get_by_text("Changed elsewhere meanwhile: Theirs").wait_for()
    shows(description, "Mine and mine")
    page.keyboard.type(", too")
    page.keyboard.press("Tab")
    clash = page.get_by_role("dialog")
    for text in ("Theirs", "Mine and mine, too"):
        clash.get_by_text(text).first.wait_for()
    clash.get_by_role("button", name="Apply my change").click()
    until(lambda: drafted_whole(page, "late")["description"] == "Mine and mine, too")


def test_the_time_of_a_mail_is_picked_on_a_clock_and_the_file_has_its_offset(served: Served, page: Page) -> None:
    zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    fields = {"to": "ann@example.org", "subject": "Offer", "text": "Hello", "send_after": "10m"}
    document = {"schema_version": 1, "title": "Later", "steps": [{"id": "send", "uses": "gmail.send", "with": fields}]}
    orchestra = Orchestra.open(served.root)
    orchestra.workflows.save(OWNER, "clock", json.dumps(document), None)
    orchestra.close()
    page.goto(f"{served.url}/workflow?name=clock&tab=canvas")
    card(page, "send").click()
    field = page.locator(".studio-panel [data-name=send_after]")
    field.get_by_text(f"At a time, in the time zone {zone}:").wait_for()
    clock = field.get_by_label("Date and time: Send after (10m, or a time)")
    assert clock.input_value() == "", "a duration is no time"
    clock.fill("2026-12-05T08:15")
    field.get_by_text("5 Dec 2026, 08:15").wait_for()
    clock.blur()
    offset = int(page.evaluate("-new Date('2026-12-05T08:15').getTimezoneOffset()"))  # -0.0 in UTC
    sent = f"2026-12-05T08:15:00{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
    until(lambda: drafted_whole(page, "clock")["steps"][0]["with"]["send_after"] == sent)
