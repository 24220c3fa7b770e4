"""The panel in words: values are chosen, written around and compared without a brace or a word of CEL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, counts, settled
from tests.browser.test_panel import LOOP, READ, card, drafted, drafted_whole, found_by_axe
from tests.patience import until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")
NOTE = {"id": "note", "title": "Note it", "uses": "flow.set", "with": {"values": {"text": "From {{ mail.from }}"}}}
SENDERS = ["daniel@acme.example", "nobody@acme.example"]


def opened(served: Served, page: Page, name: str, note: dict[str, Any]) -> Locator:
    """Open the panel of the step in the loop of a new workflow; return it."""
    document = {"schema_version": 1, "title": name, "steps": [READ, {"id": "each", **LOOP, "steps": [note]}]}
    orchestra = Orchestra.open(served.root)
    orchestra.workflows.save(OWNER, name, json.dumps(document, indent=2), None)
    orchestra.close()
    page.goto(f"{served.url}/workflow?name={name}&tab=canvas")
    card(page, "note").wait_for()
    settled(page)
    card(page, "note").click()
    return page.locator(".studio-panel")


def saved_and_run(served: Served, page: Page, name: str) -> list[tuple[str, str]]:
    """Save and run the workflow; return the sender of each mail with what became of the step."""
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved", exact=True).first.wait_for()
    asked = {"workflow": name, "inputs": {}, "wait_seconds": 60}
    headers = {"Origin": served.url}
    started = page.request.post(f"{served.url}/workflows/execute", data=asked, headers=headers).json()
    run = page.request.get(f"{served.url}/api/runs/{started['run_id']}", headers=headers).json()
    assert run["status"] == "succeeded", run["sentence"]
    steps = {one["path"]: one for one in run["steps"]}
    mails = steps["read"]["output"]["messages"]
    return [(mail["from"], steps[f"each[{index}].note"]["status"]) for index, mail in enumerate(mails)]


def condition_of(page: Page, name: str) -> Any:
    return drafted(page, name)[0].get("if")


def by_mouse(page: Page, panel: Locator) -> None:
    panel.get_by_text("Runs every time.").click()
    save = page.get_by_role("button", name="Save", exact=True)
    before = save.bounding_box()
    panel.get_by_role("button", name="Add a condition").click()
    panel.get_by_role("option", name="From of the mail").wait_for()
    panel.get_by_text("not finished yet", exact=True).wait_for()
    panel.get_by_label("What to compare").first.fill("sender")
    assert "From of the mail" in panel.get_by_role("option").first.inner_text()
    counts(page.get_by_text("Not kept"), 0)
    assert save.bounding_box() == before
    assert panel.evaluate("(one) => one.scrollWidth - one.clientWidth") == 0
    panel.get_by_role("option", name="From of the mail").click()
    panel.get_by_label("Comparison").select_option(label="is one of")
    panel.get_by_label("Entry 1", exact=True).click()
    page.keyboard.type(SENDERS[0])
    panel.get_by_role("button", name="Add another").click()
    page.keyboard.type(SENDERS[1])


def by_keys(page: Page, panel: Locator) -> None:
    panel.get_by_text("Runs every time.").focus()
    page.keyboard.press("Enter")
    panel.get_by_role("button", name="Add a condition").focus()
    page.keyboard.press("Enter")
    panel.get_by_role("option", name="From of the mail").wait_for()
    page.keyboard.type("from of the mail")
    page.keyboard.press("Enter")
    panel.locator("select:focus").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.type(SENDERS[0])
    page.keyboard.press("Enter")
    page.keyboard.type(SENDERS[1])
    page.keyboard.press("Tab")


@pytest.mark.parametrize("hand", [by_mouse, by_keys])
def test_only_if_the_sender_is_one_of_some(served: Served, page: Page, hand: Any) -> None:
    name = f"only-{hand.__name__}".replace("_", "-")
    panel = opened(served, page, name, NOTE)
    hand(page, panel)
    panel.get_by_text("Runs only if From of the mail is one of “daniel@acme.example”, “nobody@acme.example”").wait_for()
    until(lambda: condition_of(page, name))
    listed = ", ".join(f"'{one}'" for one in SENDERS)
    assert condition_of(page, name) == f"{{{{ [{listed}].exists(w, ('@' + address(mail.from)).endsWith('@' + w)) }}}}"
    assert found_by_axe(page) == []
    became = saved_and_run(served, page, name)
    assert {status for _, status in became} == {"succeeded", "skipped"}
    assert all((SENDERS[0] in sender.lower()) == (status == "succeeded") for sender, status in became)
    page.reload()
    card(page, "note").click()
    panel.get_by_text("Runs only if From of the mail").click()
    assert [panel.get_by_label(f"Entry {number}", exact=True).input_value() for number in (1, 2)] == SENDERS


def test_a_condition_of_two_parts_is_on_the_card_and_a_click_there_opens_it(served: Served, page: Page) -> None:
    both = "{{ mail.subject == 'Order' && mail.from.lowerAscii().contains('ann') }}"
    panel = opened(served, page, "both", {**NOTE, "if": both})
    chip = card(page, "note").locator(".studio-condition")
    assert chip.inner_text().split("\n") == ["if", "subject of the mail is “Order”", "and 1 more"]
    card(page, "read").click()
    chip.click()
    panel.get_by_role("group", name="Condition 2").wait_for()
    panel.get_by_role("button", name="Add a condition").click()
    page.get_by_role("searchbox", name="Search steps").click()
    page.locator(".studio-state", has_text="Not kept: what you typed into “Runs only if” of note.").wait_for()
    assert condition_of(page, "both") == both


def test_a_condition_that_fits_no_row_stays_as_it_is_until_somebody_asks_for_it(served: Served, page: Page) -> None:
    odd = "{{ mail.subject  == mail.from || size(mail.text) > 3 && true }}"
    panel = opened(served, page, "odd", {**NOTE, "if": odd})
    panel.get_by_text("Runs only if a formula").click()
    assert "{{" not in panel.inner_text()
    panel.get_by_role("button", name="Show expression", exact=True).click()
    assert panel.get_by_label("Runs only if", exact=True).input_value() == odd
    panel.get_by_role("switch", name="Show expressions").uncheck()
    counts(panel.locator("textarea", has_text="{{"), 0)
    assert condition_of(page, "odd") == odd


def test_text_is_written_around_a_value_without_a_brace(served: Served, page: Page) -> None:
    panel = opened(served, page, "around", NOTE)
    field = panel.get_by_label("Values by name: text", exact=True)
    field.get_by_text("From of the mail").wait_for()
    assert "{{" not in panel.inner_text()

    def holds(text: str) -> None:
        until(lambda: field.get_attribute("data-text") == text)

    field.press("Control+End")
    page.keyboard.type(" about ")
    panel.get_by_role("button", name="Insert a value into Values by name: text").click()
    panel.get_by_role("option", name="Subject of the mail").wait_for()
    page.keyboard.type("subject of the mail")
    page.keyboard.press("Enter")
    page.keyboard.type("!")
    whole = "From {{ mail.from }} about {{ mail.subject }}!"
    holds(whole)
    until(lambda: drafted(page, "around")[0]["with"]["values"]["text"] == whole)
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    holds("From {{ mail.from }} about ")
    page.keyboard.press("Control+z")
    holds(whole)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    holds("From {{ mail.from }} about ")
    page.keyboard.press("Control+y")
    page.keyboard.press("Control+y")
    holds(whole)
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+x")
    holds("")
    page.keyboard.press("Control+v")
    holds(whole)
    counts(field.locator(".panel-chip"), 2)
    assert found_by_axe(page) == []
    page.keyboard.press("Tab")
    until(lambda: drafted(page, "around")[0]["with"]["values"]["text"] == whole)


def test_letters_of_an_input_method_stand_beside_a_value(served: Served, page: Page) -> None:
    panel = opened(served, page, "composed", NOTE)
    field = panel.get_by_label("Values by name: text", exact=True)
    field.get_by_text("From of the mail").wait_for()
    field.press("Control+End")
    session = page.context.new_cdp_session(page)
    session.send("Input.imeSetComposition", {"text": "にほ", "selectionStart": 2, "selectionEnd": 2})
    session.send("Input.insertText", {"text": "日本"})
    page.keyboard.type("!")
    page.keyboard.press("Tab")
    until(lambda: drafted(page, "composed")[0]["with"]["values"]["text"] == "From {{ mail.from }}日本!")


def test_a_try_says_that_nothing_was_written(served: Served, page: Page) -> None:
    draft = {
        "id": "note",
        "title": "Draft an answer",
        "uses": "gmail.create_draft",
        "with": {"to": ["ann@example.org"], "subject": "Hello", "text": "Hello"},
    }
    opened(served, page, "tried", draft)
    page.get_by_role("button", name="Try it").click()
    page.get_by_text("Nothing was written. It would do this: Draft an answer (").wait_for()
    nothing = {**READ, "with": {"query": "from:nobody-at-all"}}
    orchestra = Orchestra.open(served.root)
    document = {"schema_version": 1, "title": "none", "steps": [nothing, {"id": "each", **LOOP, "steps": [draft]}]}
    orchestra.workflows.save(OWNER, "none", json.dumps(document), None)
    orchestra.close()
    page.goto(f"{served.url}/workflow?name=none&tab=canvas")
    page.get_by_role("button", name="Try it").click()
    page.get_by_text("There was nothing to look at: no mail fits. Nothing was written.").wait_for()


def test_a_loop_and_which_of_its_items_count_are_chosen(served: Served, page: Page) -> None:
    panel = opened(served, page, "looped", NOTE)
    card(page, "each").locator(".studio-title").click()
    panel.get_by_text("Repeats for each mail in messages of").click()
    whole = panel.get_by_label("For each item of", exact=True)
    assert whole.input_value() == "steps.read.output.messages"
    panel.get_by_role("button", name="Add a condition").last.click()
    panel.get_by_role("option", name="Subject of the item").click()
    panel.get_by_label("Comparison").select_option(label="contains")
    panel.get_by_label("Text", exact=True).fill("Invoice")

    def loop() -> Any:
        return drafted_whole(page, "looped")["steps"][1]["foreach"]

    made = "{{ steps.read.output.messages.filter(item, item.subject.lowerAscii().contains('invoice')) }}"
    until(lambda: loop() == made)
    assert found_by_axe(page) == []
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved", exact=True).first.wait_for()
    page.reload()
    card(page, "each").locator(".studio-title").click()
    panel.get_by_text("Repeats for each mail in some of messages of").click()
    assert panel.get_by_label("Text", exact=True).input_value() == "invoice"
    panel.get_by_role("button", name="Remove condition 1").click()
    until(lambda: loop() == "{{ steps.read.output.messages }}")
