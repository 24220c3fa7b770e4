"""The two hands of a person: a mouse, and a keyboard alone. What they do is the same, how they do it is not."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

from playwright.sync_api import Locator, Page
from playwright.sync_api import TimeoutError as NotInTime

from tests.browser.conftest import shows

MOST_KEYS = 200
_LIST_MS = 10_000
LONG = 60
"""A longer text is pasted."""
READY = (
    "[data-testid=stApp][data-test-script-state=notRunning],"
    "[data-testid=stApp]:not([data-test-connection-state=CONNECTED])"
)
HEAD: Any = {"x": 60, "y": 14}
"""A place in a card, and in the head of a frame."""

WAY = """wanted => {
  const active = document.activeElement ?? document.body;
  if (active === wanted) return "";
  const group = wanted.closest("[role=tablist], [role=radiogroup], [role=grid]");
  if (group?.contains(active) && active !== group) {
    const [from, to] = [active.getBoundingClientRect(), wanted.getBoundingClientRect()];
    if (Math.abs(from.top - to.top) > 8) return from.top < to.top ? "ArrowDown" : "ArrowUp";
    return from.left < to.left ? "ArrowRight" : "ArrowLeft";
  }
  const isBefore = active.compareDocumentPosition(wanted) & Node.DOCUMENT_POSITION_PRECEDING;
  const key = isBefore && active !== document.body ? "Shift+Tab" : "Tab";
  return active.matches(".cm-content") ? `Escape ${key}` : key;
}"""
"""Returns the keys that lead nearer to an element: "" has arrived."""
DRAWN = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Waits until what has changed is on the screen."""


@dataclass(frozen=True)
class Group:
    """A group or a loop on the canvas."""

    id: str
    title: str


class Hand(ABC):
    """One way to use a page."""

    name: ClassVar[str]

    def __init__(self, page: Page) -> None:
        self.page = page

    # ---- pages

    @abstractmethod
    def go(self, title: str) -> None:
        """Go to a page of the menu."""

    @abstractmethod
    def open(self, shelf: str, title: str) -> None:
        """Go to the page of a workflow or a prompt; `shelf` is the page that lists it."""

    @abstractmethod
    def press(self, target: Locator, times: int = 1) -> None:
        """Press a button, a link or a summary."""

    @abstractmethod
    def mark(self, choice: Locator) -> None:
        """Tick a box, or choose one of several."""

    @abstractmethod
    def enter(self, field: Locator) -> None:
        """Go into a field."""

    @abstractmethod
    def choose(self, field: Locator, option: str) -> None:
        """Choose an entry of a list that opens."""

    @abstractmethod
    def pick(self, field: Locator, option: str) -> None:
        """Choose an entry of the browser's own list."""

    def tab(self, name: str) -> None:
        """Open a tab of the page."""
        found = self.page.get_by_role("tab", name=re.compile(rf"{name}$"))
        self.press(found)
        found.and_(self.page.locator("[aria-selected=true]")).wait_for()

    def write(self, field: Locator, text: str) -> None:
        """Replace the text of a field."""
        self.ready()
        self.enter(field)
        self.page.keyboard.press("ControlOrMeta+a")
        if len(text) < LONG:
            self.page.keyboard.type(text)
        else:
            self.page.keyboard.insert_text(text)
        shows(field, text)
        if self.page.locator(".panel-offers:visible").count():
            self.page.keyboard.press("Escape")

    def ready(self) -> None:
        """Wait until the page is drawn, or the server is gone."""
        self.page.wait_for_selector(READY)

    # ---- the canvas

    def step(self, key: str) -> Locator:
        return self.page.locator(f'.studio [data-step="{key}"]')

    @abstractmethod
    def panel(self, key: str) -> None:
        """Open the panel of a step."""

    @abstractmethod
    def workflow(self) -> None:
        """Open the form of the workflow."""

    @abstractmethod
    def add(self, words: str, last: str, group: Group | None) -> None:
        """Add a step after the last one of a group or of the workflow; "": there is none. It then has the focus."""

    @abstractmethod
    def rename(self, key: str) -> None:
        """Begin to give a step its title and id."""

    @abstractmethod
    def remove(self, key: str) -> None:
        """Remove a step."""

    @abstractmethod
    def duplicate(self, key: str) -> None:
        """Copy a step."""

    @abstractmethod
    def save(self) -> None:
        """Save the draft."""

    def called(self, title: str, key: str) -> None:
        """Give the step that is being renamed its title and id."""
        keys = self.page.keyboard
        self.page.locator(".studio-rename input:focus").first.wait_for()
        for text in (title, key):
            keys.press("ControlOrMeta+a")
            keys.insert_text(text)
            keys.press("Enter" if text == key else "Tab")
        self.step(key).wait_for()

    def _pick_type(self, words: str) -> None:
        field = self.page.get_by_role("combobox", name="Search step types")
        field.and_(self.page.locator(":focus")).wait_for()
        self.page.get_by_role("listbox", name="Step types").get_by_role("option").first.wait_for()
        self.page.keyboard.type(words)
        self.page.keyboard.press("Enter")


_TABS = {
    "Triggers": ("Workflows", "Triggers"),
    "Environments": ("Workflows", "Environments"),
    "Demo": ("Home", "Look at the demo"),
}
"""Pages that are no entry of the menu: the entry, and the link that leads from there."""


class Mouse(Hand):
    """Points and clicks, and types where it has clicked."""

    name = "mouse"

    def go(self, title: str) -> None:
        self.ready()
        place, tab = _TABS.get(title, (title, title))
        self.page.get_by_test_id("stSidebar").get_by_role("link", name=re.compile(rf"\b{place}\b")).click()
        self.page.get_by_role("heading", name=place, exact=True).wait_for()
        if place != title:
            self.press(self.page.get_by_test_id("stMain").get_by_role("link", name=re.compile(rf"\b{tab}\b")).first)
            self.page.get_by_role("heading", name=title, exact=True).wait_for()

    def open(self, shelf: str, title: str) -> None:
        self.go(shelf)
        self.press(self.page.get_by_test_id("stMain").get_by_role("link", name=re.compile(title)).first)
        self.page.get_by_role("heading", name=title, exact=True).first.wait_for()

    def press(self, target: Locator, times: int = 1) -> None:
        self.ready()
        target.click(click_count=times)

    def mark(self, choice: Locator) -> None:
        self.ready()
        choice.locator("xpath=ancestor::label").click()

    def enter(self, field: Locator) -> None:
        field.click()

    def choose(self, field: Locator, option: str) -> None:
        entry = self.page.get_by_role("option", name=option, exact=True)
        for _ in range(2):  # a form that is drawn anew closes its lists
            self.press(field)
            with suppress(NotInTime):
                entry.click(timeout=_LIST_MS)
                return
        self.press(field)
        entry.click()

    def pick(self, field: Locator, option: str) -> None:
        field.select_option(label=option)

    def panel(self, key: str) -> None:
        self._whole()
        self.step(key).click(position=HEAD)

    def workflow(self) -> None:
        self.page.get_by_role("button", name="Workflow", exact=True).click()

    def add(self, words: str, last: str, group: Group | None) -> None:
        self._whole()
        self.page.locator(".studio-state", has_text="Draft kept").wait_for()  # a change of size moves the others
        of = f" of {group.title}" if group else ""
        self.page.get_by_role("button", name=f"Add a step to the end{of}", exact=True).click()
        self._pick_type(words)

    def rename(self, key: str) -> None:
        self.step(key).dblclick(position=HEAD)

    def remove(self, key: str) -> None:
        self._menu(key, "Remove")

    def duplicate(self, key: str) -> None:
        self._menu(key, "Duplicate")

    def save(self) -> None:
        self.page.get_by_role("button", name="Save", exact=True).click()

    def _menu(self, key: str, command: str) -> None:
        self._whole()
        self.step(key).click(button="right", position=HEAD)
        self.page.get_by_role("menuitem", name=command).click()

    def _whole(self) -> None:
        self.page.get_by_role("button", name="Show everything").click()


class Keyboard(Hand):
    """Presses keys and nothing else: no click, and no focus by a script."""

    name = "keyboard"

    def reach(self, target: Locator) -> None:
        """Go to an element with Tab, and with arrows where a group has one place for Tab."""
        target.wait_for()
        for _ in range(MOST_KEYS):
            keys = str(target.evaluate(WAY)).split()
            if not keys:
                return
            for key in keys:
                self.page.keyboard.press(key)
        raise AssertionError(f"no key leads to {target}")

    def go(self, title: str) -> None:
        self._find(title)
        self.page.get_by_role("heading", name=title, exact=True).wait_for()

    def open(self, shelf: str, title: str) -> None:
        self._find(title)
        self.page.get_by_role("heading", name=title, exact=True).first.wait_for()

    def _find(self, title: str) -> None:
        """Open what the search finds first."""
        self.page.wait_for_selector("html[data-keeps-text]", state="attached")  # the script of the page listens
        self.ready()
        self.page.keyboard.press("ControlOrMeta+k")
        self.page.get_by_role("combobox", name="Search").and_(self.page.locator(":focus")).wait_for()
        self.page.keyboard.type(title)
        self.page.get_by_role("option", selected=True).get_by_text(title, exact=True).first.wait_for()
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def press(self, target: Locator, times: int = 1) -> None:
        self.ready()
        self.reach(target)
        for _ in range(times):
            self.page.keyboard.press("Enter")

    def mark(self, choice: Locator) -> None:
        self.ready()
        self.reach(choice)
        if not choice.is_checked():  # an arrow may have chosen it
            self.page.keyboard.press("Space")

    def enter(self, field: Locator) -> None:
        self.reach(field)

    def choose(self, field: Locator, option: str) -> None:
        self.ready()
        self.reach(field)
        self.page.keyboard.press("ArrowDown")
        self.page.keyboard.type(option)
        self.page.get_by_role("option", name=option, exact=True).wait_for()
        self.page.keyboard.press("Enter")

    def pick(self, field: Locator, option: str) -> None:
        self.reach(field)
        self.page.keyboard.type(option)
        self.page.keyboard.press("Tab")

    def panel(self, key: str) -> None:
        self._to_step(key)
        self.page.keyboard.press("Enter")

    def workflow(self) -> None:
        self._to_canvas()
        self.page.keyboard.press("w")

    def add(self, words: str, last: str, group: Group | None) -> None:
        self._to_step(last or (group.id if group else ""))
        self.page.keyboard.press("a")
        self._pick_type(words)
        self.page.locator(".studio [data-step]:focus").wait_for()
        if not last:  # it came after the group, and goes into it
            self.page.keyboard.press("Alt+ArrowRight")

    def rename(self, key: str) -> None:
        self._to_step(key)
        self.page.keyboard.press("F2")

    def remove(self, key: str) -> None:
        self._to_step(key)
        self.page.keyboard.press("Delete")

    def duplicate(self, key: str) -> None:
        self._to_step(key)
        self.page.keyboard.press("ControlOrMeta+d")

    def save(self) -> None:
        if not self._has_focus(".studio"):
            self._to_canvas()
        self.page.keyboard.press("ControlOrMeta+s")

    def _has_focus(self, place: str) -> bool:
        return bool(self.page.evaluate("place => Boolean(document.activeElement?.closest(place))", place))

    def _to_canvas(self) -> None:
        """Go to the step that has its place for Tab."""
        while self._has_focus(".studio-panel"):  # a list of offers may open late: it takes an Escape of its own
            self.page.keyboard.press("Escape")
            self.page.evaluate(DRAWN)
        if not self._has_focus("[data-step]"):
            self.reach(self.page.locator('.studio [data-step][tabindex="0"]'))

    def _to_step(self, key: str) -> None:
        """Search for a step by its id, and go on to it."""
        self._to_canvas()
        if self.step(key).evaluate("one => one === document.activeElement"):
            return
        self.page.keyboard.press("ControlOrMeta+f")
        self.page.locator(".studio-search input:focus").wait_for()
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.type(key)
        self.page.locator(".studio-search small", has_text="found").wait_for()
        current = self.step(key).and_(self.page.locator("[data-selected]"))
        for _ in range(MOST_KEYS):
            self.page.keyboard.press("Enter")
            self.page.evaluate(DRAWN)
            if current.count():
                break
        self.reach(self.step(key))
