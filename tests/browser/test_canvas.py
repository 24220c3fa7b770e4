"""The canvas: a workflow built by mouse and by keyboard, two windows, and no server for a while."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, serving, settled, sign_in
from tests.patience import PATIENCE_SECONDS
from tests.ports import free_port
from tests.workspaces import init

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")
HELLO = {"id": "hello", "title": "Say hello", "uses": "flow.set", "with": {"values": {"text": "Hello"}}}
WAIT = {"id": "wait", "title": "Wait a little", "note": "Ask Ann.", "uses": "flow.wait"}
BUILT = [{"id": "group", "title": "Group", "steps": [WAIT]}, HELLO]


def blank(served: Served, name: str, *steps: dict[str, Any]) -> None:
    document = {"schema_version": 1, "id": name, "title": name.title(), "steps": [HELLO, *steps]}
    orchestra = Orchestra.open(served.root)
    orchestra.workflows.save(OWNER, name, json.dumps(document, indent=2), None)
    orchestra.close()


def opened(page: Page, served: Served, name: str, look: str = "Drawing") -> None:
    page.goto(f"{served.url}/workflow?name={name}&tab=canvas")
    step(page, "hello").wait_for()
    settled(page)
    if look == "List":
        page.get_by_role("button", name="List", exact=True).click()
        page.get_by_role("treegrid").wait_for()


def step(page: Page, key: str) -> Any:
    return page.locator(f'.studio [data-step="{key}"]')


def has_focus(page: Page, key: str) -> None:
    page.locator(f'.studio [data-step="{key}"]:focus').wait_for()


def kept(page: Page) -> None:
    page.locator(".studio-state", has_text="Draft kept").wait_for()


def pick(page: Page, words: str) -> None:
    page.locator("[role=combobox]:focus").wait_for()
    page.get_by_role("option").first.wait_for()
    page.keyboard.type(words)
    page.keyboard.press("Enter")


def saved(served: Served, page: Page, name: str) -> list[Any]:
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator(".studio-state", has_text="Saved").wait_for()
    steps: list[Any] = json.loads((served.root / "workflows" / f"{name}.json").read_text())["steps"]
    return steps


def by_mouse(page: Page) -> None:
    page.get_by_role("button", name="Add a step to the end").click()
    pick(page, "wait")
    step(page, "wait").dblclick()
    page.get_by_label("Title", exact=True).fill("Wait a little")
    page.get_by_label("Title", exact=True).press("Enter")
    step(page, "wait").get_by_text("Wait a little").wait_for()
    step(page, "wait").click(button="right")
    page.get_by_role("menuitem", name="Note").click()
    page.get_by_role("textbox", name="Note").fill("Ask Ann.")
    page.get_by_role("button", name="Keep the note").click()
    step(page, "wait").locator(".studio-has-note").wait_for()
    has_focus(page, "wait")
    step(page, "wait").hover(position={"x": 60, "y": 30})  # waits until the drawing stands still
    page.mouse.down()
    box = step(page, "wait").bounding_box()
    page.mouse.move(box["x"] + 62, box["y"] + 10, steps=4)
    zone = page.locator(".studio-zone").first.bounding_box()
    assert zone is not None
    page.mouse.move(zone["x"] + zone["width"] / 2, zone["y"] + zone["height"] / 2, steps=8)
    page.locator(".studio-zone[data-near]").wait_for()
    page.mouse.up()
    page.locator(".studio-zone").first.wait_for(state="detached")
    step(page, "wait").click(button="right")
    page.get_by_role("menuitem", name="Group", exact=True).click()
    step(page, "group").wait_for()


def by_keyboard(page: Page) -> None:
    step(page, "hello").focus()
    page.keyboard.press("a")
    pick(page, "wait")
    has_focus(page, "wait")
    page.keyboard.press("F2")
    page.get_by_label("Title", exact=True).wait_for()
    page.keyboard.type("Wait a little")
    page.keyboard.press("Enter")
    has_focus(page, "wait")
    page.keyboard.press("n")
    page.locator("textarea[aria-label=Note]:focus").wait_for()
    page.keyboard.type("Ask Ann.")
    page.keyboard.press("Control+Enter")
    has_focus(page, "wait")
    page.keyboard.press("Alt+ArrowUp")
    page.keyboard.press("g")
    has_focus(page, "group")


@pytest.mark.parametrize(
    ("name", "look", "build"),
    [("mouse", "Drawing", by_mouse), ("keys", "Drawing", by_keyboard), ("listed", "List", by_keyboard)],
    ids=["mouse", "keyboard", "list"],
)
def test_each_way_to_build_a_workflow_writes_the_same_file(
    served: Served, page: Page, name: str, look: str, build: Any
) -> None:
    blank(served, name)
    opened(page, served, name, look)
    build(page)
    kept(page)
    step(page, "hello").focus()
    page.keyboard.press("Delete")
    page.keyboard.press("Control+z")  # at once: no key is lost while the step that had the focus goes
    found = saved(served, page, name)
    waits = found[0]["steps"][0]
    assert waits.pop("with") == {}  # what it needs is filled in by its form
    assert found == BUILT


def placed_by_hand(page: Page, key: str) -> None:
    step(page, key).hover(position={"x": 60, "y": 30})
    box = step(page, key).bounding_box()
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 30, steps=6)
    page.mouse.move(box["x"] + 340, box["y"] + 30, steps=6)
    page.mouse.up()


def with_trigger(page: Page, served: Served, name: str) -> None:
    """Add a trigger, fill it in, rename, save, turn it on, see it in both looks, turn it off, remove it, undo that."""
    panel, card = page.locator(".studio-panel"), page.get_by_role("button", name="Trigger, At fixed times")
    page.get_by_role("button", name="Add a trigger").click()
    panel.get_by_label("What starts it?").select_option("At fixed times")
    panel.get_by_role("button", name="Add the trigger").click()
    panel.get_by_text("A schedule needs either “Cron expression” or “Interval in seconds”.").wait_for()
    cron = panel.get_by_label("Cron expression", exact=True)
    cron.fill("0 7 * * 1-5")
    cron.press("Tab")
    card.and_(page.get_by_label("Monday to Friday at 07:00, Not in force yet")).wait_for()
    id_ = panel.get_by_label("Id", exact=True)
    id_.fill("Not an id")
    id_.press("Tab")
    panel.get_by_text("Not an id").first.wait_for()
    id_.fill("mornings")
    id_.press("Tab")
    assert panel.locator("code").count() == 0, "a title, and no names of the file"
    panel.get_by_role("switch", name="Show expressions").check()
    panel.locator("code", has_text="mornings").wait_for()
    panel.get_by_role("switch", name="Show expressions").uncheck()
    saved(served, page, name)
    panel.get_by_role("button", name="Turn it on").click()
    card.and_(page.get_by_label("Monday to Friday at 07:00, On")).wait_for()
    [status] = page.request.get(f"{served.url}/api/triggers?workflow={name}").json()["triggers"]
    assert (status["id"], status["is_on"], status["fields"]) == ("mornings", True, {"cron": "0 7 * * 1-5"})
    page.get_by_role("button", name="List", exact=True).click()
    page.get_by_role("region", name="Triggers").get_by_label("Monday to Friday at 07:00, On").wait_for()
    panel.get_by_role("button", name="Turn it off").click()
    page.get_by_role("region", name="Triggers").get_by_label("Monday to Friday at 07:00, Off").wait_for()
    page.get_by_role("button", name="Drawing", exact=True).click()
    card.focus()
    page.keyboard.press("Delete")
    card.wait_for(state="detached")
    has_focus(page, "hello")
    page.keyboard.press("Control+z")
    card.wait_for()


def test_a_step_dragged_aside_stands_there_after_a_reload_and_a_trigger_above_the_start(
    served: Served, page: Page
) -> None:
    blank(served, "aside")
    opened(page, served, "aside")
    with page.expect_response("**/positions"):
        placed_by_hand(page, "hello")
    layout = Path(served.root / "workflows" / "aside.layout.json")
    x, y = json.loads(layout.read_text())["positions"]["hello"]
    assert (x > 150, abs(y) < 5) == (True, True)
    there = step(page, "hello").bounding_box()
    opened(page, served, "aside")
    start = page.locator(".studio-end").first.bounding_box()
    again = step(page, "hello").bounding_box()
    assert start is not None
    assert again["x"] - start["x"] == pytest.approx(x * again["width"] / 228, abs=3)
    assert there is not None
    with_trigger(page, served, "aside")


def titled(page: Page, key: str, title: str) -> None:
    step(page, key).focus()
    page.keyboard.press("F2")
    page.get_by_label("Title", exact=True).fill(title)
    page.get_by_label("Title", exact=True).press("Enter")


@pytest.fixture
def other(served: Served, browser: Browser, signed_in: dict[str, Any]) -> Iterator[tuple[BrowserContext, Page]]:
    """Another window of the same person."""
    context = browser.new_context(storage_state=signed_in, viewport={"width": 1280, "height": 900})  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    yield context, context.new_page()
    context.close()


def test_what_was_done_without_a_server_is_sent_once_and_a_clash_shows_both(
    served: Served, page: Page, other: tuple[BrowserContext, Page]
) -> None:
    context, away = other
    blank(served, "shared")
    opened(page, served, "shared")
    opened(away, served, "shared")
    away.get_by_role("button", name="Add a step to the end").click()
    pick(away, "wait")
    step(page, "wait").wait_for()  # without being asked
    context.set_offline(True)
    titled(away, "wait", "Wait, said offline")
    away.locator(".studio-state", has_text="Not kept").wait_for()
    titled(away, "hello", "Hello, said offline")
    step(away, "hello").get_by_text("Hello, said offline").wait_for()
    titled(page, "hello", "Hello, said here")
    kept(page)
    context.set_offline(False)
    clash = away.get_by_role("dialog", name="This draft was changed in another window")
    clash.wait_for()
    assert "Hello, said here" in clash.inner_text()
    assert "Hello, said offline" in clash.inner_text()
    clash.get_by_role("button", name="Apply my change to it").click()
    kept(away)
    step(page, "hello").get_by_text("Hello, said offline").wait_for()
    found = saved(served, away, "shared")
    assert [one["title"] for one in found] == ["Hello, said offline", "Wait, said offline"]


def test_what_is_typed_in_a_field_a_form_or_a_note_is_there_whatever_key_follows(served: Served, page: Page) -> None:
    blank(served, "typed", {"id": "other", "uses": "flow.wait"})
    file = served.root / "workflows" / "typed.json"
    opened(page, served, "typed")
    keys = page.keyboard
    step(page, "hello").click()
    page.get_by_role("textbox", name="Title of the step").fill("From the field")
    keys.press("Control+s")
    page.locator(".studio-state", has_text="Saved").wait_for()
    assert "From the field" in file.read_text()

    keys.press("Escape")
    has_focus(page, "hello")
    keys.press("F2")
    page.get_by_label("Title", exact=True).fill("From the form")
    page.get_by_label("Id", exact=True).fill("other")
    keys.press("Enter")
    page.get_by_text("There is already a step 'other'.", exact=True).wait_for()
    assert page.get_by_label("Title", exact=True).input_value() == "From the form"
    page.get_by_label("Id", exact=True).fill("first")
    keys.press("Enter")
    has_focus(page, "first")
    keys.press("n")
    page.get_by_role("textbox", name="Note").fill("From the note")
    keys.press("Escape")
    step(page, "first").locator(".studio-has-note").wait_for()
    kept(page)

    file.unlink()
    page.get_by_text("The file was deleted").wait_for()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Make the file again").click()
    page.locator(".studio-state", has_text="Saved").wait_for()
    text = file.read_text()
    assert "From the form" in text
    assert "From the note" in text


def plugged(page: Page, key: str, to: str) -> None:
    """Draw a connection from the plug of a step to another step."""
    step(page, key).hover()
    box, target = page.locator(f'[data-plug="{key}"]').bounding_box(), step(page, to).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(target["x"] + 40, target["y"] + 20, steps=6)
    page.locator(".studio-target").wait_for()
    page.mouse.up()
    page.locator(".studio-target").wait_for(state="detached")


def connected_by_mouse(page: Page) -> None:
    plugged(page, "hello", "left")
    page.locator('[data-line="hello>left"]').wait_for()
    plugged(page, "hello", "right")
    plugged(page, "left", "hello")
    page.get_by_text("that would be a circle").wait_for()
    line = page.locator('[data-line="hello>right"]')
    x, y = line.evaluate(
        "one => { const at = one.getPointAtLength(one.getTotalLength() * .8).matrixTransform(one.getScreenCTM());"
        " return [at.x, at.y] }"
    )
    page.mouse.click(x, y)
    page.locator(".studio-edge[data-chosen]").wait_for()
    page.keyboard.press("Delete")
    line.wait_for(state="detached")


def connected_by_keyboard(page: Page) -> None:
    for words in ("left", "right", "right"):  # a second time disconnects
        step(page, "hello").focus()
        page.keyboard.press("c")
        pick(page, words)
        has_focus(page, "hello")
    step(page, "left").focus()
    page.keyboard.press("c")
    page.get_by_role("option").first.wait_for()
    assert [one.split("\n")[0] for one in page.get_by_role("option").all_inner_texts()] == ["Right"]
    page.keyboard.press("Escape")


@pytest.mark.parametrize(
    ("name", "look", "connect"),
    [
        ("plugs", "Drawing", connected_by_mouse),
        ("picks", "Drawing", connected_by_keyboard),
        ("rows", "List", connected_by_keyboard),
    ],
    ids=["mouse", "keyboard", "list"],
)
def test_steps_are_connected_and_disconnected_by_each_way(
    served: Served, page: Page, name: str, look: str, connect: Any
) -> None:
    free = {"uses": "flow.set", "needs": [], "with": {"values": {"n": 1}}}
    blank(served, name, {"id": "left", "title": "Left", **free}, {"id": "right", "title": "Right", **free})
    opened(page, served, name, look)
    connect(page)
    kept(page)
    assert [one.get("needs") for one in saved(served, page, name)] == [None, ["hello"], []]


def test_nothing_covers_the_canvas_while_the_server_is_away(browser: Browser, tmp_path: Path) -> None:
    root, port = tmp_path / "workspace", free_port()
    init(root)
    with serving(root, port) as first:
        context = browser.new_context(storage_state=sign_in(first, browser), viewport={"width": 1280, "height": 900})  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        page = context.new_page()
        blank(first, "away")
        opened(page, first, "away")
    page.locator(".stApp:not([data-test-connection-state=CONNECTED])").wait_for()
    titled(page, "hello", "Said while away")
    page.locator(".studio-state", has_text="Not kept").wait_for()
    page.wait_for_timeout(5_000)  # Streamlit looks for the server a few times before it says so
    assert page.get_by_test_id("stDialog").count() == 0
    step(page, "hello").click(timeout=5_000)
    with serving(root, port) as again:
        kept(page)
        assert [one["title"] for one in saved(again, page, "away")] == ["Said while away"]
        context.close()


def test_the_bar_says_what_is_typed_and_a_note_outlives_a_reload(served: Served, page: Page) -> None:
    blank(served, "typing", {"id": "other", "uses": "flow.wait"})
    opened(page, served, "typing")
    bar = page.locator(".studio-state")
    step(page, "hello").click()
    page.get_by_role("textbox", name="Title of the step").fill("By mouse")
    page.get_by_role("button", name="Save", exact=True).click()
    bar.get_by_text("Saved", exact=True).wait_for()
    assert "By mouse" in (served.root / "workflows" / "typing.json").read_text()

    page.get_by_text("Name, type and note").click()
    page.get_by_role("textbox", name="Name in expressions").fill("other")
    bar.get_by_text("Typing …", exact=True).wait_for()
    page.keyboard.press("Tab")
    bar.get_by_text("Not kept: what you typed into", exact=False).wait_for()
    page.get_by_role("textbox", name="Name in expressions").fill("hello")
    page.keyboard.press("Tab")
    bar.get_by_text("Saved", exact=True).wait_for()

    step(page, "other").focus()
    page.keyboard.press("n")
    page.get_by_role("textbox", name="Note").fill("Ask Ann")
    bar.get_by_text("Typing …", exact=True).wait_for()
    page.reload()
    assert page.get_by_role("textbox", name="Note").input_value() == "Ask Ann"
    page.keyboard.press("Escape")
    step(page, "other").locator(".studio-has-note").wait_for()
    kept(page)
    assert [one.get("note") for one in saved(served, page, "typing")] == [None, "Ask Ann"]


def test_a_browser_in_german_shows_the_canvas_and_the_search_in_german(
    served: Served, browser: Browser, signed_in: dict[str, Any]
) -> None:
    blank(served, "deutsch")
    context = browser.new_context(storage_state=signed_in, locale="de-DE")  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    page = context.new_page()
    opened(page, served, "deutsch")
    page.get_by_role("tab", name="Zeichenfläche").wait_for()
    page.get_by_role("button", name="Schritt hinzufügen ans Ende").click()
    pick(page, "wait")
    step(page, "wait").click()
    page.get_by_text("Wartet auf alle Schritte davor.").wait_for()
    page.locator(".studio-state", has_text="Entwurf gesichert").wait_for()
    page.get_by_role("button", name="Speichern", exact=True).click()
    page.locator(".studio-state", has_text="Gespeichert").wait_for()
    page.keyboard.press("Control+k")
    page.get_by_placeholder("Ein Workflow, ein Lauf, eine Seite, eine Aktion …").fill("Auslöser")
    page.get_by_role("option", name="Auslöser").first.wait_for()
    context.close()


def sized_by_mouse(page: Page, key: str, right: float, down: float) -> None:
    """Drag the lower right corner of a step."""
    step(page, key).locator(".studio-card, .studio-frame-head").hover()
    box = page.locator(f'[data-resize="{key}"]').bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + right / 2, y + down / 2, steps=4)
    page.mouse.move(x + right, y + down, steps=4)
    page.mouse.up()


def size_of(page: Page, key: str = "hello") -> list[float]:
    """Return the size of a step in pixels of the drawing, however it is zoomed."""
    size: list[float] = step(page, key).evaluate("one => [one.offsetWidth, one.offsetHeight]")
    return size


def looks(served: Served, name: str) -> dict[str, Any]:
    layout = served.root / "workflows" / f"{name}.layout.json"
    found: dict[str, Any] = json.loads(layout.read_text())["looks"]
    return found


def test_a_step_and_a_group_have_the_size_icon_and_color_they_were_given_after_a_reload(
    served: Served, page: Page
) -> None:
    inner = {"id": "inner", "uses": "flow.set", "with": {"values": {"n": 1}}}
    blank(served, "looks", {"id": "box", "title": "Box", "steps": [inner]})
    opened(page, served, "looks")
    left = step(page, "hello").bounding_box()["x"]
    with page.expect_response("**/looks"):
        sized_by_mouse(page, "hello", 60, 40)
    assert step(page, "hello").bounding_box()["x"] == pytest.approx(left - 60, abs=3)  # it grows to both sides
    width, height = looks(served, "looks")["hello"]["size"]
    assert size_of(page) == pytest.approx([width, height], abs=1)
    assert (width > 300, height > 90) == (True, True)
    with page.expect_response("**/looks"):
        sized_by_mouse(page, "box", 50, 30)
    step(page, "hello").focus()
    with page.expect_response("**/looks"):
        page.keyboard.press("Alt+Shift+ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_text("Look on the canvas").click()
    for label in ("Mail", "Orange"):
        with page.expect_response("**/looks"):
            page.get_by_label(label, exact=True).check(force=True)
    emoji = page.get_by_label("Or an emoji")
    emoji.fill("No")
    emoji.press("Enter")
    page.get_by_text("'No' is not an icon for the step 'hello'.").wait_for()
    kept = looks(served, "looks")
    assert (kept["hello"]["icon"], kept["hello"]["color"], sorted(kept)) == ("mail", "orange", ["box", "hello"])
    opened(page, served, "looks")
    assert size_of(page) == pytest.approx([width + 20, height], abs=1)
    assert size_of(page, "box") == pytest.approx(kept["box"]["size"], abs=1)
    assert "icon: Mail, color: Orange" in step(page, "hello").get_attribute("aria-label")


def test_ctrl_z_takes_back_sizes_and_places_before_changes_of_the_draft(served: Served, page: Page) -> None:
    blank(served, "sizes")
    opened(page, served, "sizes")
    step(page, "hello").focus()
    page.keyboard.press("Delete")
    step(page, "hello").wait_for(state="detached")
    page.keyboard.press("Control+z")
    step(page, "hello").wait_for()
    kept_size = size_of(page)
    with page.expect_response("**/looks"):
        sized_by_mouse(page, "hello", 50, 40)
    with page.expect_response("**/positions"):
        placed_by_hand(page, "hello")
    for answer in ("**/positions", "**/looks"):
        with page.expect_response(answer):
            page.keyboard.press("Control+z")
    assert not (served.root / "workflows" / "sizes.layout.json").exists()
    assert size_of(page) == kept_size
    with page.expect_response("**/looks"):
        page.keyboard.press("Control+y")
    with page.expect_response("**/looks"):
        step(page, "hello").hover()
        page.locator('[data-resize="hello"]').dblclick()
    assert size_of(page) == kept_size


MAILS = {"id": "mails", "title": "Mails", "needs": [], "uses": "gmail.search_messages", "with": {"query": "in:inbox"}}
FREE = {"id": "free", "title": "Free", "needs": [], "uses": "flow.set", "with": {"values": {"text": "From"}}}
SEND = {"id": "send", "title": "Send", "uses": "gmail.send", "with": {"to": ["ann@example.org"], "subject": "Hi"}}


def drawn_to_field(page: Page, key: str, to: str, field: str) -> None:
    """Draw a data line from a step to a field of another one."""
    step(page, key).hover()
    box, target = page.locator(f'[data-data="{key}"]').bounding_box(), step(page, to).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    row = page.locator(".studio-fields li", has_text=field)
    for right in range(40, 60):  # until the fields of the step are known
        page.mouse.move(target["x"] + right, target["y"] + 20)
        if row.count():
            break
        page.wait_for_timeout(200)
    place = row.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + 20, place["y"] + place["height"] / 2, steps=4)
    page.locator(".studio-fields li[data-at]", has_text=field).wait_for()
    page.mouse.up()


def test_a_drawn_data_line_is_in_the_file_and_one_that_may_not_be_says_why(served: Served, page: Page) -> None:
    blank(served, "joined", MAILS, FREE, SEND)
    opened(page, served, "joined")
    drawn_to_field(page, "mails", "free", "Values by name: text")
    page.get_by_label("Which part of it").select_option(label="Has More of “Mails”")
    page.get_by_role("button", name="Use it").click()
    joined = page.locator(".studio-edge-label", has_text="has more → values text")
    joined.wait_for()
    kept(page)
    step(page, "free").focus()
    page.keyboard.press("Control+z")  # the expression and the order
    joined.wait_for(state="detached")
    page.locator('[data-line="mails>free"]').wait_for(state="detached")
    page.keyboard.press("Control+y")
    joined.wait_for()
    step(page, "send").focus()
    page.keyboard.press("u")
    page.get_by_label("Output of").select_option("Mails")
    page.get_by_label("Which part of it").select_option(label="From of “Mails”")
    page.get_by_label("Goes into").select_option(label="To · Where")
    page.get_by_label("Goes into").press("Enter")
    page.locator(".studio-join-why", has_text="outside").wait_for()
    page.keyboard.press("Escape")
    drawn_to_field(page, "send", "mails", "Search, as in Gmail")
    page.get_by_role("button", name="Use it").click()
    page.locator(".studio-join-why", has_text="that would be a circle").wait_for()
    page.keyboard.press("Escape")
    found = {one["id"]: one for one in saved(served, page, "joined")}
    assert found["free"]["with"] == {"values": {"text": "From {{ steps.mails.output.has_more }}"}}
    assert found["free"]["needs"] == ["mails"]
    assert (found["mails"], found["send"]) == (MAILS, SEND)


def test_a_note_shows_its_marks_and_loads_nothing(served: Served, page: Page) -> None:
    note = "Ask **Ann**, see the [rules](https://example.org/rules).\n\n![x](https://example.org/a.png) <b>b</b>"
    blank(served, "noted", {**FREE, "note": note})
    opened(page, served, "noted")
    step(page, "free").locator(".studio-has-note").hover()
    shown = step(page, "free").locator(".studio-note")
    shown.locator("strong", has_text="Ann").wait_for()
    link = shown.get_by_role("link", name="https://example.org/rules", exact=True)
    assert link.get_attribute("href") == "https://example.org/rules"
    assert "noopener" in (link.get_attribute("rel") or "")
    assert shown.locator("img, b").count() == 0
    shown.get_by_text("<b>b</b>").wait_for()
