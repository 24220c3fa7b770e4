"""What the co-pilot's panel shows, in both themes, wide and on a phone: nothing serious for axe, nothing too wide.

`SCREENSHOTS=folder` keeps a picture of each.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served
from tests.browser.test_copilot import accept, copied, found_by_axe, opened
from tests.browser.test_copilot_with_model import _connect
from tests.browser.test_pages import SCREENS, TALLEST_PICTURE, TOO_WIDE, _looks
from tests.scripted_model.scripted import Answer, scripted

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.chaos]

Seen = Iterator[tuple[str, "Locator"]]
"""The names of what is looked at, each with what the panel shows then, in any of the looks."""

OWNER = Principal("owner", "owner")
LOOKS = [f"{theme}-{screen}" for screen in SCREENS for theme in ("light", "dark")]
STEPS = [
    {"id": "target", "uses": "flow.set", "with": {"values": {"who": "us"}}},
    {"id": "issues", "title": "Read issues", "uses": "github.list_issues", "with": {"repository": "acme/ap"}},
]
SAID = """It writes **one issue** for each bug. Each has:

- the subject, as its title
- the text, and a link to the mail

```python
output = [one for one in inputs['mails'] if 'crash' in one['subject'] or 'error' in one['subject'].casefold()]
```
"""
TITLE = {"op": "set", "step": "issue", "field": "title", "value": "Report a bug"}
REPOSITORY = {"op": "set", "step": "issue", "field": "with.repository", "value": "evil/app"}
SCRIPT = [
    Answer("What shall it be called?", [("ask", {"question": "Which title?", "choices": ["Report a bug", "Bug"]})]),
    Answer("I name the step.", [("propose", {"ops": [TITLE, REPOSITORY], "why": "A better title."})]),
    Answer(SAID),
    Answer(status=429),
]


def the_demo(served: Served, page: Page) -> Seen:
    copied(served, "shown")
    panel = opened(page, served, "shown")
    question = panel.get_by_role("button", name="Start it every weekday at 8.")
    yield "shown", question
    question.click()
    yield "proposed", panel.locator("[data-tick]").first
    accept(panel.locator(".copilot-card").last)
    yield "accepted", panel.locator(".copilot-card[data-status=accepted]")


def no_command(served: Served, page: Page) -> Seen:
    copied(served, "words")
    panel = opened(page, served, "words")
    say(panel, "How do I undo a run?")
    yield "looked-up", panel.locator(".copilot-passages")


def a_failed_run(served: Served, page: Page) -> Seen:
    document = {"schema_version": 1, "id": "fails", "title": "Fails", "steps": STEPS}
    orchestra = Orchestra.open(served.root)
    orchestra.workflows.save(OWNER, "fails", json.dumps(document, indent=2), None)
    orchestra.close()
    sent = {"workflow": "fails", "inputs": {}, "wait_seconds": 60}
    asked = page.request.post(f"{served.url}/workflows/execute", data=sent, headers={"Origin": served.url})
    page.goto(f"{served.url}/run?id={asked.json()['run_id']}")
    page.get_by_role("button", name="Ask the co-pilot").click()
    panel = page.get_by_role("complementary", name="Co-pilot")
    panel.get_by_role("button", name="why did it fail").click()
    panel.get_by_text("Check the name, and that it is shared").wait_for()
    yield "explained", panel.get_by_text("2 of 2: Read issues")


def a_model(served: Served, page: Page) -> Seen:
    with scripted(SCRIPT) as model:
        _connect(served, model.base_url)
        copied(served, "talked")
        panel = opened(page, served, "talked")
        panel.get_by_role("button", name="Show exactly what would be sent").click()
        yield "first-use", panel.get_by_label("Message 1")
        assert model.requests == []
        panel.get_by_role("button", name="Agree", exact=True).click()
        say(panel, "Give the step that opens issues a better title.")
        choice = panel.get_by_role("button", name="Report a bug", exact=True)
        yield "question", choice
        choice.click()
        yield "answer", panel.locator("pre", has_text="casefold")
        say(panel, "And what else?")
        yield "refused", panel.get_by_role("button", name="Try again")


def say(panel: Locator, words: str) -> None:
    field = panel.get_by_role("textbox")
    field.fill(words)
    field.press("Enter")


@pytest.mark.parametrize("states", [the_demo, no_command, a_failed_run, a_model])
def test_what_the_panel_shows_fits_the_screen_and_can_be_read_by_everybody(
    states: Callable[[Served, Page], Seen], served: Served, page: Page
) -> None:
    wrong: list[str] = []
    for name, shown in states(served, page):
        wrong += [f"{name} {look}: {one}" for look in LOOKS for one in found(page, look, name, shown)]
        _looks(page, LOOKS[0])
    assert wrong == [], "\n".join(wrong)


def found(page: Page, look: str, name: str, shown: Locator) -> Sequence[str]:
    """Return what is wrong with the panel in a look, with everything unfolded."""
    _looks(page, look)
    page.wait_for_timeout(300)
    unfolded = page.locator(".studio-copilot details")
    unfolded.evaluate_all("every => every.forEach(one => (one.open = true))")
    shown.wait_for()
    if folder := os.environ.get("SCREENSHOTS"):
        keep(page, Path(folder, f"copilot-{name}-{look}.png"))
    return [*found_by_axe(page), *(["page too wide"] * (page.evaluate(TOO_WIDE) > 0))]


def keep(page: Page, path: Path) -> None:
    """Keep a picture of the whole panel, which scrolls inside the window."""
    size = page.viewport_size
    assert size is not None
    more = page.locator(".copilot-log").evaluate("one => one.scrollHeight - one.clientHeight")
    page.set_viewport_size({**size, "height": min(TALLEST_PICTURE, size["height"] + more)})
    page.wait_for_timeout(300)
    page.screenshot(path=path)
    page.set_viewport_size(size)
