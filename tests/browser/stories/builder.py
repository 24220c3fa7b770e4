"""Builds a workflow on the canvas as its document says, with either hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tests.browser.stories.hands import Group, Hand
from tests.browser.test_canvas import kept
from tests.browser.test_panel import found_by_axe

if TYPE_CHECKING:
    from playwright.sync_api import Locator

TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "yes or no",
    "array": "list of texts",
}
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


class Builder:
    """Builds a workflow from the blank one, whose only step is `hello`."""

    def __init__(self, hand: Hand, document: Mapping[str, Any]) -> None:
        self.hand, self.page, self.document = hand, hand.page, document
        self.form = self.page.locator(".studio-panel")

    def build(self) -> None:
        """Fill in the form of the workflow, then add its steps."""
        self._about()
        self._steps(self.document["steps"], None)
        self.hand.remove("hello")
        self.hand.step("hello").wait_for(state="detached")
        kept(self.page)

    def _about(self) -> None:
        self.hand.workflow()
        self.form.get_by_role("heading", name="Workflow", exact=True).wait_for()
        for name in ("title", "description"):
            self.field(name, self.document[name])
        for name, schema in self.document["inputs"]["properties"].items():
            self._input(name, schema)
        self.hand.press(self.form.get_by_role("button", name="Remove Outputs: text"))
        assert found_by_axe(self.page) == []
        for name in ("outputs", "links"):
            if name in self.document:
                self.field(name, self.document[name])
        kept(self.page)

    def _input(self, name: str, schema: Mapping[str, Any]) -> None:
        self.hand.write(self.form.get_by_label("Name of a new input", exact=True), name)
        self.hand.press(self.form.get_by_role("button", name="Add the input"))
        box = self.form.locator(f'[data-input="{name}"]')
        box.wait_for()
        if schema["type"] != "string":
            self.hand.pick(box.get_by_label("Type", exact=True), TYPES[schema["type"]])
            box.locator("summary", has_text=TYPES[schema["type"]]).wait_for()
        for key, value in schema.items():
            if key not in ("type", "items") and value != []:  # a list is empty unless a run gives one
                self.field(key, value, within=box)

    def _steps(self, steps: Sequence[Mapping[str, Any]], group: Group | None) -> None:
        last = "" if group else "hello"
        for one in steps:
            self.hand.add(one.get("uses", "group"), last, group)
            last = str(one["id"])
            self._named(one["title"], last)
            self._filled(one)
            if "steps" in one:
                self._steps(one["steps"], Group(last, one["title"]))

    def _named(self, title: str, key: str) -> None:
        made = self.page.locator(".studio [data-step]:focus")
        made.wait_for()
        self.hand.rename(str(made.get_attribute("data-step")))
        self.hand.called(title, key)

    def _filled(self, one: Mapping[str, Any]) -> None:
        """Fill in the panel of a step."""
        self.hand.panel(one["id"])
        self.form.get_by_role("heading", name=one["title"], exact=True).wait_for()
        self._unfolded()
        for name, value in one.get("with", {}).items():
            self.field(name, value)
        for name in SENTENCES:
            if name in one:
                self.field(name, one[name])
        for name, value in one.get("retry", {}).items():
            self.field(name, value)
        if "approve" in one:
            self.hand.press(self.form.get_by_role("button", name="Set who, and until when"))
            for name, value in one["approve"].items():
                self.field(name, value)
        kept(self.page)

    def _unfolded(self) -> None:
        self.form.get_by_text("Runs ").first.wait_for()
        while (folded := self.form.locator("details:not([open]) > summary")).count():
            self.hand.press(folded.first)

    def field(self, name: str, value: Any, within: Locator | None = None) -> None:
        """Give a field a value, whatever its control is."""
        field = (within or self.form).locator(f'.panel-field[data-name="{name}"]').last
        field.wait_for()
        control = field.get_attribute("data-control")
        if isinstance(value, str) and "{{" in value and control in ("choice", "boolean", "list", "map"):
            self.hand.press(field.get_by_role("button", name="as an expression"))
            control = "expression"
        if control == "choice":
            self.hand.pick(field.locator("select"), value)
        elif control == "list":
            for number, entry in enumerate(value):
                self.hand.press(field.get_by_role("button", name="Add an entry"))
                self.hand.write(field.locator(".panel-row").nth(number).locator("textarea"), entry)
        elif control == "map":
            for number, (key, entry) in enumerate(value.items()):
                self.hand.press(field.get_by_role("button", name="Add a value"))
                row = field.locator(".panel-row").nth(number)
                self.hand.write(row.locator("input"), key)
                self.hand.write(row.locator("textarea"), entry)
        else:
            self.hand.write(field.locator("textarea"), str(value))
