"""The code editor over the text areas of prompts and workflows: what it shows, and that it loses nothing."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import Served, code_field, counts, settled, shows, text_of

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

WORKFLOW = "Workflow (JSON)"
MESSAGE = "Text of message 2"


@pytest.fixture
def prompt(served: Served, page: Page, request: pytest.FixtureRequest) -> Page:
    """The page of a prompt that nobody has edited yet, with the caret at the end of a message."""
    name = f"of-{abs(hash(request.node.name))}"
    text = (served.root / "prompts" / "classify-mail.json").read_text()
    (served.root / "prompts" / f"{name}.json").write_text(text)
    page.goto(f"{served.url}/prompt?name={name}&tab=edit")
    at_end(code_field(page, MESSAGE))
    return page


def opened(served: Served, page: Page, name: str) -> Locator:
    page.goto(f"{served.url}/workflow?name={name}&tab=edit")
    field = code_field(page, WORKFLOW)
    settled(page)
    return field


def at_end(field: Locator) -> None:
    field.click()
    field.page.keyboard.press("Control+End")


def written(served: Served, name: str, **document: object) -> None:
    file = served.root / "workflows" / f"{name}.json"
    file.write_text(json.dumps({"schema_version": 1, "title": name, "steps": [], **document}, indent=2))


def test_a_problem_shows_while_one_types_and_the_caret_stays(prompt: Page) -> None:
    prompt.keyboard.type("\nAbout {{ nobody")
    marked = prompt.locator(".cm-lintRange-error")
    marked.wait_for()
    assert marked.all_inner_texts() == ["nobody"]
    prompt.keyboard.type("_else")
    prompt.get_by_text("The variable 'nobody_else' is used and not declared.").wait_for()
    settled(prompt)
    assert marked.all_inner_texts() == ["nobody_else"]
    assert text_of(code_field(prompt, MESSAGE)).endswith("\nAbout {{ nobody_else }}")


def test_a_field_that_is_drawn_anew_is_typed_in_on(served: Served, prompt: Page) -> None:
    """Streamlit takes fields out of the page and draws them anew if something above them comes or goes."""
    prompt.keyboard.type("\nA")
    area = code_field(prompt, MESSAGE).locator("xpath=ancestor::*[contains(@class, 'stElementContainer')]")
    place = area.evaluate_handle(
        "one => { const place = [one, one.parentNode, one.nextSibling]; one.remove(); return place }"
    )
    prompt.keyboard.type("boutt")
    prompt.keyboard.press("Backspace")
    place.evaluate("([one, parent, next]) => parent.insertBefore(one, next)")
    shows(code_field(prompt, MESSAGE), "\nAbout")
    prompt.keyboard.type(" you")
    assert text_of(code_field(prompt, MESSAGE)).endswith("\nAbout you")
    prompt.keyboard.press("Control+z")
    assert not text_of(code_field(prompt, MESSAGE)).endswith("you")
    prompt.get_by_text("Not saved yet.").wait_for()


def test_a_field_that_was_left_does_not_take_the_keys(served: Served, prompt: Page) -> None:
    before = text_of(code_field(prompt, MESSAGE))
    prompt.locator("h1").first.click()
    settled(prompt)
    area = code_field(prompt, MESSAGE).locator("xpath=ancestor::*[contains(@class, 'stElementContainer')]")
    area.evaluate(
        "one => { const { parentNode, nextSibling } = one; one.remove(); parentNode.insertBefore(one, nextSibling) }"
    )
    code_field(prompt, MESSAGE).wait_for()
    prompt.keyboard.type("xyz")
    assert text_of(code_field(prompt, MESSAGE)) == before


SPOT = """(line, word) => {
  const texts = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
  const range = new Range();
  while (texts.nextNode()) {
    const at = texts.currentNode.data.indexOf(word);
    if (at < 0) continue;
    range.setStart(texts.currentNode, at);
    range.setEnd(texts.currentNode, at + word.length);
    const { x, y, width, height } = range.getBoundingClientRect();
    return [x + width / 2, y + height / 2];
  }
}"""


def spot(page: Page, line: str | re.Pattern[str], word: str) -> tuple[float, float]:
    """Return the middle of a word in a line of the editor."""
    x, y = page.locator(".cm-line", has_text=line).evaluate(f"line => ({SPOT})(line, {json.dumps(word)})")
    return x, y


def selected(page: Page) -> list[str]:
    return [page.evaluate("getSelection().toString()"), page.locator(".cm-activeLine").inner_text().strip()]


def test_a_name_is_explained_and_leads_to_where_it_is_defined(served: Served, page: Page) -> None:
    hello = {"id": "hello", "title": "Say hello", "uses": "flow.set", "with": {"values": {"x": 1}}}
    again = {
        "id": "again",
        "needs": ["hello"],
        "uses": "flow.set",
        "with": {"values": {"y": "{{ steps.hello.output.x }}"}},
    }
    written(served, "leads", steps=[hello, again])
    opened(served, page, "leads")
    page.mouse.move(*spot(page, "{{ steps", ".hello.output.x"))
    note = page.locator(".code-note")
    note.wait_for()
    assert note.inner_text().split("\n\n")[:3] == ["steps.hello.output", "Say hello", "object"]
    page.mouse.click(*spot(page, "{{ steps", ".hello"))
    page.keyboard.press("F12")
    assert selected(page) == ["hello", '"id": "hello",']
    page.keyboard.down("Control")
    page.mouse.click(*spot(page, re.compile(r'^\s*"hello"$'), "hello"))  # the entry of `needs`
    page.keyboard.up("Control")
    assert selected(page) == ["hello", '"id": "hello",']


def test_variables_fragments_and_step_types_are_completed(served: Served, prompt: Page) -> None:
    fragments = served.root / "prompts" / "fragments"
    fragments.mkdir(exist_ok=True)
    (fragments / "house-tone.md").write_text("Be kind.\n")
    prompt.keyboard.type("\n{{ sub")
    prompt.locator(".cm-tooltip-autocomplete").get_by_text("subject").wait_for()
    prompt.wait_for_timeout(200)  # the list takes no key in its first moment
    prompt.keyboard.press("Enter")
    assert text_of(code_field(prompt, MESSAGE)).endswith("\n{{ subject }}")
    prompt.keyboard.press("End")
    settled(prompt)
    prompt.get_by_text("Not saved yet.").wait_for()
    prompt.keyboard.type(' {{ fragment("h')
    prompt.locator(".cm-tooltip-autocomplete").get_by_text("house-tone").wait_for()

    written(served, "completed", steps=[{"id": "read", "uses": "gmail.sea"}])
    field = opened(served, prompt, "completed")
    field.get_by_text("gmail.sea").click()
    prompt.keyboard.press("End")
    prompt.keyboard.press("ArrowLeft")
    prompt.keyboard.type("rch")
    prompt.locator(".cm-tooltip-autocomplete").get_by_text("gmail.search_messages").wait_for()
    prompt.wait_for_timeout(200)
    prompt.keyboard.press("Enter")
    shows(field, '"gmail.search_messages"')


def test_names_in_scope_of_a_step_are_completed(served: Served, page: Page) -> None:
    read = {"id": "read", "uses": "gmail.search_messages", "with": {"query": "in:inbox"}}
    say = {"id": "say", "uses": "flow.set", "with": {"values": {"count": "HERE"}}}
    written(served, "scoped", steps=[read, say, {**read, "id": "later"}])
    field = opened(served, page, "scoped")
    field.get_by_text("HERE").dblclick()
    page.keyboard.press("Delete")
    page.keyboard.type("{{ steps.")
    listed = page.locator(".cm-tooltip-autocomplete")
    listed.get_by_text("steps.read.output.messages").wait_for()
    assert "steps.later" not in listed.inner_text()
    page.keyboard.type("mess")
    page.wait_for_timeout(600)  # the list takes no key in its first moment
    page.keyboard.press("Enter")
    shows(field, '"{{ steps.read.output.messages }}"')


def test_problems_of_a_workflow_are_marked_where_they_stand(served: Served, page: Page) -> None:
    wrong = {"id": "say", "uses": "flow.approve", "with": {"message": "Ж😀 {{ inputs.nowhere }}"}}
    written(served, "marked", steps=[wrong])
    opened(served, page, "marked")
    counts(page.locator(".cm-lintRange-error"), 1)
    assert page.locator(".cm-lintRange-error").inner_text() == ".nowhere"
    page.locator(".cm-lint-marker-error").first.hover()
    page.locator(".cm-tooltip-lint").wait_for()


def test_typing_on_while_the_page_is_drawn_loses_no_key(served: Served, page: Page) -> None:
    written(served, "typed", title="")
    field = opened(served, page, "typed")
    at_end(field)
    words = " ".join(f"word{number}" for number in range(20))
    page.keyboard.type(f"\n{words}", delay=70)  # reruns come in between
    page.keyboard.press("ArrowLeft")
    page.get_by_text("Not saved yet.").wait_for()
    settled(page)
    assert text_of(field).endswith(words)


def test_format_and_undo_all_replace_the_text_and_control_z_brings_it_back(served: Served, page: Page) -> None:
    written(served, "formatted")
    field = opened(served, page, "formatted")
    field.fill('{"steps": [], "schema_version": 1, "title": "Squeezed"}')
    page.get_by_role("button", name="Format").and_(page.locator(":enabled")).click()
    shows(field, '\n  "title": "Squeezed",\n')
    counts(field.get_by_text('"title": "Squeezed",'), 1)
    field.click()
    page.keyboard.press("Control+z")
    shows(field, '{"steps": [], "schema_version": 1, "title": "Squeezed"}')
    page.get_by_role("button", name="Undo all").click()
    shows(field, '"title": "formatted"')
    counts(field.get_by_text('"title": "formatted"'), 1)


def test_control_z_does_not_bring_back_a_field_that_was_being_drawn(served: Served, page: Page) -> None:
    """Streamlit may draw a field empty and fill it afterwards; nobody has deleted anything then."""
    written(served, "drawn")
    field = opened(served, page, "drawn")
    page.locator("textarea[aria-hidden]").first.evaluate(
        """area => {
            const set = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set
            const text = area.value
            for (const next of ["", text]) {
                set.call(area, next)
                area.dispatchEvent(new InputEvent("input", {bubbles: true}))
            }
        }"""
    )
    at_end(field)
    page.keyboard.type("x y")
    for _ in range(4):
        page.keyboard.press("Control+z")
        assert text_of(field).count('"title": "drawn"') == 1


def test_what_is_typed_while_the_field_is_being_drawn_joins_its_text(served: Served, page: Page) -> None:
    """The text area is empty for a moment: who types then does not send only that, nor undo back to nothing."""
    written(served, "joined")
    field = opened(served, page, "joined")
    at_end(field)
    area = page.locator("textarea[aria-hidden]").first
    whole = text_of(field)
    draw = """(area, text) => {
        Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(area, text)
        area.defaultValue = text
        return new Promise(done => setTimeout(done, 50))
    }"""
    area.evaluate(draw, "")
    page.keyboard.type("x y")
    assert text_of(field) == f"{whole}x y"
    area.evaluate(draw, whole)
    for _ in range(4):
        page.keyboard.press("Control+z")
        assert text_of(field).count('"title": "joined"') == 1
    settled(page)
    shows(field, whole)


def test_the_keyboard_leads_in_and_out_and_the_field_has_one_name(served: Served, page: Page) -> None:
    written(served, "keyboard")
    field = opened(served, page, "keyboard")
    assert page.get_by_label(WORKFLOW).count() == 1
    assert "Escape, then Tab" in (field.get_attribute("aria-description") or "")
    page.get_by_text(WORKFLOW).click()  # the label
    page.keyboard.press("Control+Home")
    page.keyboard.press("Tab")
    shows(field, "  {")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.stTextArea')") is None
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.matches('.cm-content')")


def test_a_text_area_that_streamlit_uses_for_another_field_loses_its_editor(prompt: Page) -> None:
    field = prompt.get_by_label(MESSAGE)
    area = prompt.locator("textarea[aria-hidden]", has_text="{{ subject }}")
    area.evaluate("node => { node.id = 'reused'; node.setAttribute('aria-label', 'Another name'); }")
    prompt.get_by_role("textbox", name="Another name").and_(prompt.locator(".cm-content")).wait_for()
    assert field.count() == 0
    area = prompt.locator("#reused")
    area.evaluate(
        "node => { const box = node.closest('[class*=st-key]'); [box.id, box.className] = [box.className, '']; }"
    )
    prompt.locator("textarea#reused:not([aria-hidden])[aria-label='Another name']").wait_for()
    assert prompt.locator(".code-editor:has(+ textarea#reused), textarea#reused + .code-editor").count() == 0
    area.evaluate("node => { const box = node.parentElement.closest('[id*=st-key]'); box.className = box.id; }")


def test_nothing_is_refused_by_the_content_security_policy(served: Served, page: Page) -> None:
    page.add_init_script(
        "addEventListener('securitypolicyviolation', (one) => (window.refused ??= []).push(one.blockedURI))"
    )
    at_end(opened(served, page, "commit-digest"))
    page.keyboard.press("Control+f")
    page.locator(".cm-search").wait_for()
    assert page.evaluate("window.refused ?? []") == []


def test_without_the_script_the_text_area_stays(served: Served, page: Page) -> None:
    page.route("**/assets/editor-*", lambda route: route.abort())
    written(served, "plain")
    page.goto(f"{served.url}/workflow?name=plain&tab=edit")
    page.wait_for_selector("html[data-keeps-text]", state="attached")
    area = page.get_by_label(WORKFLOW)
    settled(page)
    area.fill('{"half": ')
    area.blur()
    page.get_by_text("Not saved yet.").wait_for()
    assert page.locator(".cm-content").count() == 0


@pytest.mark.parametrize("width", [pytest.param(1280, marks=pytest.mark.chaos), 390])
def test_it_fits(served: Served, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    opened(served, page, "reply-drafts")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
