"""By keyboard alone, without a model: three answers make a twin of inbox-triage, and a failed run is mended."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from engine.workflows import new_workspace
from tests.browser.conftest import Served, _needed_browser, serving
from tests.browser.stories.hands import Keyboard

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.browser.stories.conftest import Story

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.parametrize("story", [pytest.param(Keyboard, id="keyboard")], indirect=True),
]

KINDS = ("bug", "task")
TARGETS = (
    ("Add it to a Notion database", "Database", "Tasks", "task"),
    ("Open an issue on GitHub", "Repository", "acme/app", "bug"),
)
READ = {"id": "issues", "title": "Read issues", "uses": "github.list_issues", "with": {"repository": "acme/ap"}}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve a workspace that has settings and nothing else."""
    _needed_browser()
    root = tmp_path_factory.mktemp("empty") / "workspace"
    (root / "workflows").mkdir(parents=True)
    template = new_workspace._CONFIG_TEMPLATE.read_text(encoding="utf-8")
    (root / "config.yaml").write_text(template, encoding="utf-8")
    with serving(root) as served:
        yield served


def asked(story: Story, words: str) -> Locator:
    """Type a wish into the panel; return the card of its proposal."""
    story.hand.write(story.page.locator(".studio-copilot textarea"), words)
    story.page.keyboard.press("Enter")
    card = story.page.locator(".copilot-turn[data-last]", has_text=words).locator(".copilot-card")
    card.wait_for()
    return card


def accepted(story: Story, card: Locator) -> None:
    """Give each tick, and accept."""
    for one in card.locator("[data-tick]").all():
        story.hand.mark(one)
    story.hand.press(card.get_by_role("button", name="Accept all"))
    story.page.locator(".copilot-turn[data-last] .copilot-card[data-status=accepted]").wait_for()


def built(story: Story, name: str) -> None:
    """Answer the questions: mails of two kinds, of which one becomes issues and the other pages."""
    hand, page = story.hand, story.page
    hand.press(page.locator("summary", has_text="Let a model read it"))
    hand.write(page.get_by_label("Find out whether it is …"), ", ".join(KINDS))
    hand.press(story.button("And something else"))
    for number, (title, place, value, kind) in enumerate(TARGETS):
        hand.choose(page.get_by_role("combobox", name="Do this").nth(number), title)
        hand.choose(page.get_by_role("combobox", name=place), value)
        hand.choose(page.get_by_role("combobox", name="Only if it is").nth(number), kind)
    hand.press(page.locator("summary", has_text="File name"))
    hand.write(page.get_by_role("textbox", name="File name"), name)
    hand.press(story.button("Create"))
    page.wait_for_url(f"**/workflow?name={name}&tab=canvas&run=*")


def test_an_empty_workspace_gets_a_twin_of_inbox_triage_by_three_answers_which_runs(story: Story) -> None:
    hand, name = story.hand, "twin"
    assert not [*story.served.root.glob("workflows/*"), *story.served.root.glob("prompts/*")]
    before = written(story)
    story.home()
    hand.go("Workflows")
    hand.press(story.button("New workflow"))
    built(story, name)
    made = json.loads((story.served.root / "workflows" / f"{name}.json").read_text())
    assert made["triggers"][0]["uses"] == "gmail.new_message"
    each = made["steps"][1]["steps"]
    assert [one["uses"] for one in each] == ["llm.classify", "notion.upsert_page", "github.create_issue"]

    hand.tab("Run")
    hand.press(story.button("Run"))
    run = story.ended(story.opened_run())
    assert run["demo"]
    kinds = Counter(kind for kind, _ in sorted_by(run).values())
    assert set(kinds) == {*KINDS, "other"}
    assert {(kind, *wrote) for kind, wrote in sorted_by(run).values()} == {
        ("bug", "issue"),
        ("task", "task"),
        ("other",),
    }
    assert written(story) == {"issues": before["issues"] + kinds["bug"], "pages": before["pages"] + kinds["task"]}


def sorted_by(run: Any) -> dict[str, tuple[str, list[str]]]:
    """Return of each item the kind of its mail, and the steps that wrote."""
    steps = {one["path"]: one for one in run["steps"]}
    return {
        item: (
            steps[f"{item}.kind"]["output"]["label"],
            [one for one in ("issue", "task") if steps[f"{item}.{one}"]["status"] == "succeeded"],
        )
        for item in (path.rpartition(".")[0] for path, one in steps.items() if one["id"] == "kind")
    }


def written(story: Story) -> dict[str, int]:
    """Return how many issues and pages the stand-ins have."""
    outside = story.outside()
    return {"issues": len(outside["github"]["issues"]), "pages": len(outside["notion"]["pages"])}


def test_a_failed_run_is_explained_and_mended_by_keys_alone(story: Story) -> None:
    hand, page, title = story.hand, story.page, story.title("failing")
    story.has("failing", READ)
    failed = story.ran("failing")
    assert failed["status"] == "failed"
    story.home()
    looks = page.locator(f".st-key-line-look-{failed['run_id']}")
    hand.press(looks.get_by_role("link", name=title))
    hand.press(story.main.get_by_role("button", name="Ask the co-pilot"))
    panel = page.get_by_role("complementary", name="Co-pilot")
    panel.get_by_text(f"about the run {failed['run_id']}").wait_for()
    hand.press(panel.get_by_role("button", name="why did it fail"))
    panel.get_by_text("Check the name, and that it is shared").wait_for()
    accepted(story, asked(story, "set issues.repository to acme/app"))
    hand.press(panel.get_by_role("link", name="Open the canvas"))
    page.wait_for_url("**/workflow?*tab=canvas")
    hand.step("issues").wait_for()
    story.save()
    assert story.steps("failing")[0]["with"]["repository"] == "acme/app"
    hand.tab("Run")
    hand.press(story.button("Run"))
    story.ended(story.opened_run())
