"""Typed text is never lost: whatever follows the last key, at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, serving, settled, shows, sign_in, text_of
from tests.patience import PATIENCE_SECONDS, until
from tests.ports import free_port
from tests.workspaces import init

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")
TYPED = "typed just now"
ASKING = {"schema_version": 1, "steps": [{"id": "ask", "uses": "flow.approve", "with": {"message": "Really?"}}]}


@dataclass(frozen=True)
class Editor:
    """A place to type: its page, what leads to the field there, and the field's label."""

    path: str
    label: str
    press: tuple[tuple[str, str], ...] = ()
    """Role and name of what is pressed before the field is there."""
    is_code: bool = True
    """Whether the code editor covers the text area: nobody types below it."""


WORKFLOW = Editor("/workflow?name=inbox-triage", "Workflow (JSON)", (("tab", "Edit"),))
EDITORS = [
    pytest.param(WORKFLOW, id="workflow"),
    pytest.param(Editor("/workflow?name=inbox-triage", "Which mails", is_code=False), id="input of a run"),
    pytest.param(Editor("/prompt?name=classify-mail", "Text of message 2"), id="message of a prompt"),
    pytest.param(
        Editor("/prompt?name=classify-mail", "Title", is_code=False), id="title of a prompt", marks=pytest.mark.chaos
    ),
    pytest.param(
        Editor("/prompt?name=classify-mail", "Variables (JSON)"), id="JSON field of a prompt", marks=pytest.mark.chaos
    ),
    pytest.param(
        Editor("/prompt?name=classify-mail", "Prompt (JSON)", (("button", "Edit as JSON"),)),
        id="prompt as JSON",
        marks=pytest.mark.chaos,
    ),
    pytest.param(Editor("/fragment?name=tone", "Text"), id="fragment", marks=pytest.mark.chaos),
    pytest.param(
        Editor("/prompt?name=draft-reply", "Subject", (("tab", "Try"),), is_code=False),
        id="value of a preview",
        marks=pytest.mark.chaos,
    ),
    pytest.param(
        Editor("/demo", "Text", (("button", "Write a mail"),), is_code=False),
        id="mail to the demo",
        marks=pytest.mark.chaos,
    ),
    pytest.param(Editor("/settings", "For each question, start or call", is_code=False), id="general settings"),
    pytest.param(Editor("/approvals", "Reason or comment", is_code=False), id="comment on a question"),
]


@pytest.fixture(scope="module")
def question(served: Served) -> None:
    """A run that asks a person; and a fragment."""
    (served.root / "prompts" / "fragments").mkdir()
    (served.root / "prompts" / "fragments" / "tone.md").write_text("Be kind.\n")
    (served.root / "workflows" / "asking.json").write_text(json.dumps(ASKING))
    orchestra = Orchestra.open(served.root, demo=True)
    try:
        orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "asking", {}), PATIENCE_SECONDS)
    finally:
        orchestra.close()


def field(page: Page, editor: Editor) -> Locator:
    """Open the field; a text that is offered again is taken."""
    offer = page.get_by_role("button", name="Continue", exact=True)
    kind = ".cm-content" if editor.is_code else "textarea, input"
    found = page.get_by_label(editor.label, exact=True).and_(page.locator(kind))
    for role, name in editor.press:
        pressed = page.get_by_role(role, name=re.compile(f"{name}$"))  # type: ignore[arg-type]
        offer.or_(found).or_(pressed).first.wait_for()
        if offer.is_visible():
            offer.click()
            offer.wait_for(state="hidden")
        if not found.is_visible():
            pressed.click()
    offer.or_(found).first.wait_for()
    if offer.is_visible():
        offer.click()
    found.wait_for()
    settled(page)
    page.wait_for_selector(
        "html[data-keeps-text]", state="attached"
    )  # the script is loaded after the first page is drawn
    return found


def type_into(page: Page, editor: Editor, text: str) -> None:
    """Type at the end of a field and stay in it."""
    field(page, editor).click()
    page.keyboard.press("Control+End")
    page.keyboard.type(text)


def close_and_open(page: Page) -> Page:
    address, context = page.url, page.context
    page.close()
    opened = context.new_page()
    opened.goto(address)
    return opened


def press_a_link(page: Page) -> Page:
    """Press a link of the menu without any hold, and open the page anew."""
    address = page.url
    page.get_by_role("link", name=re.compile("Connections")).first.click(no_wait_after=True)
    page.wait_for_url("**/connections")
    page.goto(address)
    return page


def press_a_link_and_come_back(page: Page) -> Page:
    """Press a link of the menu without any hold, and come back within the session."""
    page.get_by_role("link", name=re.compile("Connections")).first.click(no_wait_after=True)
    page.wait_for_url("**/connections")
    page.get_by_role("heading", name="Connections").wait_for()
    settled(page)  # a page that is still being drawn takes the address back
    page.go_back()
    return page


@pytest.mark.usefixtures("question")
@pytest.mark.parametrize("editor", EDITORS)
def test_what_is_typed_is_there_after_a_reload_and_after_a_quick_press_on_a_link(
    served: Served, page: Page, editor: Editor
) -> None:
    page.goto(served.url + editor.path)
    type_into(page, editor, f" {TYPED}")
    page.reload()
    shows(field(page, editor), TYPED)
    type_into(page, editor, ", and more")
    press_a_link_and_come_back(page)
    shows(field(page, editor), f"{TYPED}, and more")


@pytest.mark.parametrize(
    ("path", "expander", "label", "number"),
    [
        pytest.param("/settings", "", "At most so many runs", "70", id="general settings"),
        pytest.param("/budgets", "Set budgets", "Dollars", "7.50", id="budgets"),
    ],
)
def test_the_numbers_of_settings_are_there_when_a_person_comes_back(
    served: Served, page: Page, path: str, expander: str, label: str, number: str
) -> None:
    def opened() -> Locator:
        if expander:
            page.locator("summary").get_by_text(expander).click()
        return page.get_by_label(label, exact=True).first

    page.goto(served.url + path)
    page.wait_for_selector("html[data-keeps-text]", state="attached")
    found = opened()
    found.fill(number)
    found.press("Tab")
    page.wait_for_timeout(300)
    settled(page)
    press_a_link_and_come_back(page)
    shows(opened(), number)


@pytest.mark.parametrize("leave", [close_and_open, press_a_link])
def test_what_is_typed_is_there_in_the_next_tab(served: Served, page: Page, leave: Callable[[Page], Page]) -> None:
    page.goto(served.url + WORKFLOW.path)
    type_into(page, WORKFLOW, f" {leave.__name__}")
    shows(field(leave(page), WORKFLOW), f" {leave.__name__}")


def test_what_is_typed_outlives_a_restart_of_the_server(tmp_path: Path, browser: Browser) -> None:
    root, port = tmp_path / "workspace", free_port()
    init(root)
    with serving(root, port) as first, opened_in(browser, first) as page:
        page.goto(first.url + WORKFLOW.path)
        type_into(page, WORKFLOW, TYPED)
        state = page.context.storage_state()
    with serving(root, port) as again:
        context = browser.new_context(storage_state=state)
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        page = context.new_page()
        page.goto(again.url + WORKFLOW.path)
        shows(field(page, WORKFLOW), TYPED)
        context.close()


@contextmanager
def opened_in(browser: Browser, served: Served) -> Iterator[Page]:
    context = browser.new_context(storage_state=sign_in(served, browser))  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    yield context.new_page()
    context.close()


def test_a_text_that_was_saved_or_given_up_does_not_come_back(served: Served, page: Page) -> None:
    editor = Editor("/workflow?name=commit-digest", "Workflow (JSON)", (("tab", "Edit"),))
    page.goto(served.url + editor.path)
    type_into(page, editor, " given up")
    page.get_by_text("Workflow (JSON)").click()
    page.get_by_role("heading", name="Commit digest").click()
    page.get_by_role("button", name="Undo all").click()
    page.get_by_role("button", name="Undo all").wait_for(state="hidden")
    settled(page)
    page.reload()
    shows(field(page, editor), '"title"', without="given up")
    page.wait_for_timeout(1500)
    shows(field(page, editor), '"title"', without="given up")


def test_a_press_of_save_right_after_typing_saves_what_is_typed(served: Served, page: Page) -> None:
    editor = Editor("/workflow?name=customer-report", "Workflow (JSON)", (("tab", "Edit"),))
    document = {"schema_version": 1, "title": "Report", "steps": []}
    (served.root / "workflows" / "customer-report.json").write_text(json.dumps(document, indent=2))
    page.goto(served.url + editor.path)
    field(page, editor).fill(json.dumps({**document, "title": "Typed and saved at once"}))
    page.locator(".st-key-save-customer-report button").click(no_wait_after=True)
    page.get_by_role("heading", name="Typed and saved at once").wait_for()
    assert "Typed and saved at once" in (served.root / "workflows" / "customer-report.json").read_text()


def test_two_windows_of_one_person_overwrite_each_other_only_when_asked_to(served: Served, page: Page) -> None:
    editor = Editor("/workflow?name=inbox-triage", "Workflow (JSON)", (("tab", "Edit"),))
    second = page.context.new_page()
    for window in (page, second):
        window.goto(served.url + editor.path)
        field(window, editor)
    for window, text in ((page, " one of the first"), (second, " one of the second")):
        type_into(window, editor, text)
        window.get_by_role("heading", name="Inbox triage").click()  # leaves the field
    second.get_by_text("You are also editing this in another window").wait_for()
    orchestra = Orchestra.open(served.root)
    try:
        kept = orchestra.drafts.get(OWNER, "workflow", "inbox-triage")
    finally:
        orchestra.close()
    assert kept is not None
    assert "one of the first" in kept.text
    assert "one of the second" not in kept.text
    second.get_by_role("button", name="Continue with this one").click()
    second.get_by_text("You are also editing this in another window").wait_for(state="hidden")
    settled(second)
    shows(field(second, editor), "one of the second")
    type_into(page, editor, " more")
    page.get_by_role("heading", name="Inbox triage").click()
    page.get_by_text("You are also editing this in another window").wait_for()
    page.get_by_role("button", name="Use the other one").click()
    shows(field(page, editor), "one of the second", without="one of the first")


def test_a_mail_that_was_sent_does_not_come_back_after_a_reload_at_once(served: Served, page: Page) -> None:
    mail = Editor("/demo", "Subject", (("button", "Write a mail"),), is_code=False)
    page.goto(served.url + mail.path)
    type_into(page, mail, "Sent at once")
    orchestra = Orchestra.open(served.root, demo=True)
    try:
        page.get_by_role("button", name="Send it to the demo mailbox").click()
        until(lambda: "Sent at once" in json.dumps(orchestra.demo.show(OWNER)["gmail"]))
    finally:
        orchestra.close()
    page.reload()
    field(page, mail)
    page.wait_for_timeout(1500)
    assert text_of(field(page, mail)) == ""
