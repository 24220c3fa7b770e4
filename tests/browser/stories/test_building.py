"""Workflows built from nothing on the canvas and in its forms: the same plan as that of their files.

In `make browser` one with each hand; `make assurance` builds the others, too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from engine.compiler.definition.plan import Plan
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import REPOSITORY, Served, counts, show_expressions
from tests.browser.stories.builder import Builder
from tests.browser.stories.hands import Keyboard, Mouse

if TYPE_CHECKING:
    from tests.browser.stories.conftest import Story

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")
GALLERY = [
    pytest.param("stale-issues", Keyboard, id="stale issues by keyboard", marks=pytest.mark.chaos),
    pytest.param("newsletter-digest", Mouse, id="newsletters by mouse", marks=pytest.mark.chaos),
    pytest.param("stale-issues", Mouse, id="stale issues by mouse", marks=pytest.mark.chaos),
    pytest.param("bug-reports", Mouse, id="bug reports by mouse", marks=pytest.mark.chaos),
]


def built(story: Story, name: str, document: dict[str, Any]) -> None:
    """Build a new workflow as the document says, and save it."""
    hand = story.hand
    show_expressions(story.page)
    story.home()
    hand.go("Workflows")
    hand.press(story.button("New workflow"))
    hand.press(story.button("Start empty"))
    dialog = story.page.get_by_role("dialog")
    hand.write(dialog.get_by_role("textbox", name="Name"), name)
    hand.press(dialog.get_by_role("button", name="Create"))
    story.page.wait_for_url(f"**/workflow?name={name}&tab=canvas")
    hand.tab("Canvas")
    hand.step("hello").wait_for()
    Builder(hand, document).build()
    story.save()
    counts(story.page.locator(".panel-problem"), 0)


def compiled(served: Served, name: str) -> dict[str, Any]:
    """Return a plan without what is the workflow's own: its name and id."""
    orchestra = Orchestra.open(served.root)
    try:
        plan: Plan = orchestra.workflows.plan(OWNER, name)
    finally:
        orchestra.close()
    own = ("name", "document", "last_rename")
    rest = {name: value for name, value in structs.asdict(plan).items() if name not in own}
    return {**rest, "document": {key: value for key, value in plan.document.items() if key != "id"}}


@pytest.mark.chaos
def test_inbox_triage_with_its_trigger(story: Story) -> None:
    hand, name = story.hand, story.name("built")
    built(story, name, json.loads((REPOSITORY / "workflows" / "inbox-triage.json").read_text()))
    hand.tab("Triggers")
    hand.press(story.button("Add a trigger …"))
    dialog = story.page.get_by_role("dialog")
    hand.choose(dialog.get_by_role("combobox", name="What starts it?"), "New mail in Gmail")
    dialog.get_by_role("combobox", name="Only these mails").wait_for()
    hand.write(dialog.get_by_role("textbox", name="Id", exact=True), "new_mail")
    hand.choose(dialog.get_by_role("combobox", name="Only these mails"), "a list of one: Id")
    hand.press(dialog.get_by_role("button", name="Add", exact=True))
    story.button("Turn on …").wait_for()  # what tells of it is gone after a moment
    assert compiled(story.served, name) == compiled(story.served, "inbox-triage")


@pytest.mark.parametrize(("sample", "story"), GALLERY, indirect=["story"])
def test_a_workflow_of_the_gallery(story: Story, sample: str) -> None:
    name, of_the_gallery = story.name(sample), f"gallery-{story.name(sample)}"
    orchestra = Orchestra.open(story.served.root)
    orchestra.workflows.create_from_sample(OWNER, sample, of_the_gallery)
    orchestra.close()
    built(story, name, json.loads((REPOSITORY / "gallery" / "workflows" / f"{sample}.json").read_text()))
    assert compiled(story.served, name) == compiled(story.served, of_the_gallery)
