"""Workflows of the gallery, built from nothing on the canvas and in its forms: the same plan as that of their files."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from engine.compiler.definition.plan import Plan
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, counts, settled, shows
from tests.browser.test_canvas import kept, saved, step
from tests.browser.test_panel import found_by_axe

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")
MOST_TABS = 150
HEAD: Any = {"x": 60, "y": 14}
"""A place in a card, and in the head of a frame."""
TYPES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "yes or no"}
SENTENCES = (
    "if",
    "foreach",
    "as",
    "key",
    "item_title",
    "parallel",
    "on_item_error",
    "timeout_seconds",
    "on_error",
    "once",
)
"""The fields of a step that stand in the sentences of the panel."""


def pick(page: Page, what: str) -> None:
    """Choose a step type by its words."""
    page.get_by_role("combobox", name="Search step types").and_(page.locator(":focus")).wait_for()
    page.get_by_role("listbox", name="Step types").get_by_role("option").first.wait_for()
    page.keyboard.type(what)
    page.keyboard.press("Enter")


@dataclass
class Hands:
    """What a person does with the mouse."""

    page: Page

    def press(self, button: Locator) -> None:
        button.click()

    def write(self, field: Locator, text: str) -> None:
        field.click()
        field.press("ControlOrMeta+a")
        field.page.keyboard.insert_text(text)
        shows(field, text)
        if field.page.locator(".panel-offers:visible").count():
            field.press("Escape")

    def choose(self, field: Locator, word: str) -> None:
        field.select_option(label=word)

    def add(self, what: str, group: Mapping[str, Any] | None, last: str | None) -> None:
        """Add a step after the last one of its list."""
        self.page.get_by_role("button", name="Show everything").click()
        kept(self.page)  # leaving the last field may have changed the size of a step, and moved the others
        of = f" of {group['title']}" if group else ""
        self.page.get_by_role("button", name=f"Add a step to the end{of}", exact=True).click()
        pick(self.page, what)

    def name(self, key: str) -> None:
        """Begin to give a step its title and id."""
        step(self.page, key).dblclick(position=HEAD)

    def panel(self, key: str) -> None:
        self.page.get_by_role("button", name="Show everything").click()
        step(self.page, key).click(position=HEAD)

    def workflow(self) -> None:
        self.page.get_by_role("button", name="Workflow", exact=True).click()

    def remove(self, key: str) -> None:
        self.page.get_by_role("button", name="Show everything").click()
        step(self.page, key).click(button="right", position=HEAD)
        self.page.get_by_role("menuitem", name="Remove").click()


class Keys(Hands):
    """The same with the keyboard alone."""

    def reach(self, wanted: Locator) -> None:
        for _ in range(MOST_TABS):
            if wanted.evaluate("one => one === document.activeElement || one === one.getRootNode().activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"No key leads to {wanted}.")

    def press(self, button: Locator) -> None:
        self.reach(button)
        self.page.keyboard.press("Enter")

    def write(self, field: Locator, text: str) -> None:
        self.reach(field)
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(text)
        shows(field, text)
        if self.page.locator(".panel-offers:visible").count():
            self.page.keyboard.press("Escape")

    def choose(self, field: Locator, word: str) -> None:
        self.reach(field)
        self.page.keyboard.type(word)
        self.page.keyboard.press("Tab")

    def add(self, what: str, group: Mapping[str, Any] | None, last: str | None) -> None:
        if last is not None:
            step(self.page, last).focus()
            self.page.keyboard.press("a")
            pick(self.page, what)
        else:  # after the group, then into it
            step(self.page, str(group["id"]) if group else "hello").focus()
            self.page.keyboard.press("a")
            pick(self.page, what)
            if group:
                self.page.keyboard.press("Alt+ArrowRight")

    def name(self, key: str) -> None:
        step(self.page, key).focus()
        self.page.keyboard.press("F2")

    def panel(self, key: str) -> None:
        step(self.page, key).focus()
        self.page.keyboard.press("Enter")

    def workflow(self) -> None:
        step(self.page, "hello").focus()
        self.page.keyboard.press("w")

    def remove(self, key: str) -> None:
        step(self.page, key).focus()
        self.page.keyboard.press("Delete")


class Builder:
    """Builds a workflow as its document says, with one pair of hands."""

    def __init__(self, hands: Hands, document: Mapping[str, Any]) -> None:
        self.hands, self.page, self.document = hands, hands.page, document
        self.form = self.page.locator(".studio-panel")

    def build(self) -> None:
        self.about()
        self.steps(self.document["steps"], None)
        self.hands.remove("hello")
        step(self.page, "hello").wait_for(state="detached")
        kept(self.page)

    def about(self) -> None:
        """Fill in the form of the workflow."""
        self.hands.workflow()
        self.form.get_by_role("heading", name="Workflow", exact=True).wait_for()
        for name in ("title", "description"):
            self.field(name, self.document[name])
        for name, schema in self.document["inputs"]["properties"].items():
            self.input(name, schema)
        self.hands.press(self.form.get_by_role("button", name="Remove Outputs: text"))
        assert found_by_axe(self.page) == []
        for name in ("outputs", "links"):
            if name in self.document:
                self.field(name, self.document[name])
        kept(self.page)

    def input(self, name: str, schema: Mapping[str, Any]) -> None:
        self.hands.write(self.form.get_by_label("Name of a new input", exact=True), name)
        self.hands.press(self.form.get_by_role("button", name="Add the input"))
        box = self.form.locator(f'[data-input="{name}"]')
        box.wait_for()
        if schema["type"] != "string":
            self.hands.choose(box.get_by_label("Type", exact=True), TYPES[schema["type"]])
            box.locator("summary", has_text=TYPES[schema["type"]]).wait_for()
        for key, value in schema.items():
            if key != "type":
                self.field(key, value, within=box)

    def steps(self, steps: Sequence[Mapping[str, Any]], group: Mapping[str, Any] | None) -> None:
        last = None if group else "hello"
        for one in steps:
            self.hands.add(one.get("uses", "group"), group, last)
            self.named(one)
            last = str(one["id"])
            if "steps" in one:
                self.steps(one["steps"], one)
            self.filled(one)

    def named(self, one: Mapping[str, Any]) -> None:
        made = self.page.locator(".studio [data-step]:focus")
        made.wait_for()
        self.hands.name(str(made.get_attribute("data-step")))
        title = self.page.get_by_label("Title", exact=True).and_(self.page.locator("input"))
        title.wait_for()
        title.fill(one["title"])
        self.page.get_by_label("Id", exact=True).fill(one["id"])
        self.page.keyboard.press("Enter")
        step(self.page, one["id"]).wait_for()

    def filled(self, one: Mapping[str, Any]) -> None:
        """Fill in the panel of a step."""
        self.hands.panel(one["id"])
        self.form.get_by_role("heading", name=one["title"], exact=True).wait_for()
        self.unfolded()
        for name, value in one.get("with", {}).items():
            self.field(name, value)
        for name in SENTENCES:
            if name in one:
                self.field(name, one[name])
        for name, value in one.get("retry", {}).items():
            self.field(name, value)
        if "approve" in one:
            self.hands.press(self.form.get_by_role("button", name="Set who, and until when"))
            for name, value in one["approve"].items():
                self.field(name, value)
        kept(self.page)

    def unfolded(self) -> None:
        self.form.get_by_text("Runs ").first.wait_for()
        while (folded := self.form.locator("details:not([open]) > summary")).count():
            self.hands.press(folded.first)

    def field(self, name: str, value: Any, within: Locator | None = None) -> None:
        """Give a field a value, whatever its control is."""
        field = (within or self.form).locator(f'.panel-field[data-name="{name}"]').last
        field.wait_for()
        control = field.get_attribute("data-control")
        if isinstance(value, str) and "{{" in value and control in ("choice", "boolean", "list", "map"):
            self.hands.press(field.get_by_role("button", name="as an expression"))
            control = "expression"
        if control == "choice":
            self.hands.choose(field.locator("select"), value)
        elif control == "list":
            for number, entry in enumerate(value):
                self.hands.press(field.get_by_role("button", name="Add an entry"))
                self.hands.write(field.locator(".panel-row").nth(number).locator("textarea"), entry)
        elif control == "map":
            for number, (key, entry) in enumerate(value.items()):
                self.hands.press(field.get_by_role("button", name="Add a value"))
                row = field.locator(".panel-row").nth(number)
                self.hands.write(row.locator("input"), key)
                self.hands.write(row.locator("textarea"), entry)
        else:
            self.hands.write(field.locator("textarea"), str(value))


def compiled(orchestra: Orchestra, name: str) -> dict[str, Any]:
    """Return a plan without what is the workflow's own: its name and id."""
    plan: Plan = orchestra.workflows.plan(OWNER, name)
    own = ("name", "document", "last_rename")
    rest = {one.name: getattr(plan, one.name) for one in dataclasses.fields(plan) if one.name not in own}
    return {**rest, "document": {key: value for key, value in plan.document.items() if key != "id"}}


@pytest.fixture
def wide(page: Page) -> Page:
    page.set_viewport_size({"width": 1600, "height": 1200})
    return page


@pytest.mark.parametrize(
    ("sample", "hands"),
    [("bug-reports", Hands), ("newsletter-digest", Hands), ("stale-issues", Keys)],
    ids=["bug reports by mouse", "newsletters by mouse", "stale issues by keyboard"],
)
def test_a_gallery_workflow_built_on_the_canvas_has_the_plan_of_its_file(
    served: Served, wide: Page, sample: str, hands: Callable[[Page], Hands]
) -> None:
    orchestra = Orchestra.open(served.root)
    try:
        orchestra.workflows.create(OWNER, f"built-{sample}")
        orchestra.workflows.create_from_sample(OWNER, sample, sample)
        wide.goto(f"{served.url}/workflow?name=built-{sample}&tab=canvas")
        step(wide, "hello").wait_for()
        settled(wide)
        Builder(hands(wide), orchestra.workspace.workflows.document(sample)).build()
        saved(served, wide, f"built-{sample}")
        assert compiled(orchestra, f"built-{sample}") == compiled(orchestra, sample)
        counts(wide.locator(".panel-problem"), 0)
    finally:
        orchestra.close()
