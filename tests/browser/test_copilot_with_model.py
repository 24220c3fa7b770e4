"""The panel of the co-pilot with a model: agreement first, words as they are written, choices as buttons."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, settled
from tests.browser.test_copilot import copied, opened
from tests.browser.test_pages import LOOKS, _findings, _keep, _looks
from tests.scripted_model.scripted import MODEL, Answer, scripted

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner", confirmed=True)
TITLE = {"op": "set", "step": "issue", "field": "title", "value": "Report a bug"}
SCRIPT = [
    Answer("What shall it be called?", [("ask", {"question": "Which title?", "choices": ["Report a bug", "Bug"]})]),
    Answer("I name the step.", [("propose", {"ops": [TITLE], "why": "A better title."})]),
    Answer("The step has its title. ![x](https://evil.example/x.png)"),
]


def test_a_model_answers_after_agreement_and_its_proposal_becomes_the_draft(page: Page, served: Served) -> None:
    with scripted(SCRIPT) as model:
        _connect(served, model.base_url)
        copied(served, "titled")
        panel = opened(page, served, "titled")
        agree = panel.get_by_role("button", name="Agree", exact=True)
        agree.wait_for()
        assert MODEL in panel.inner_text()
        assert model.requests == []
        agree.click()
        panel.get_by_text(f"{MODEL} at").wait_for()
        field = panel.get_by_role("textbox")
        field.fill("Give the step that opens issues a better title.")
        field.press("Enter")
        choice = panel.get_by_role("button", name="Report a bug", exact=True)
        choice.wait_for()
        choice.click()
        card = panel.locator(".copilot-card")
        card.wait_for()
        panel.get_by_text("The step has its title.").wait_for()
        assert page.locator(".studio-copilot img").count() == 0
        assert "Report a bug" in json.dumps(model.requests[1]["messages"][-1])
        page.reload()
        panel.get_by_text("The step has its title.").wait_for()
        card.get_by_role("button", name="Accept").first.click()
        page.wait_for_function(
            "async () => (await (await fetch('/api/workflows/titled/canvas')).json()).text.includes('Report a bug')"
        )


def _connect(served: Served, base_url: str) -> None:
    file = served.root / "config.yaml"
    config: dict[str, Any] = yaml.safe_load(file.read_text())
    config["connections"]["llm"] = {"service": "openai", "base_url": base_url, "model": MODEL}
    file.write_text(yaml.safe_dump(config))
    orchestra = Orchestra.open(served.root)
    try:
        orchestra.connections.set_mode(OWNER, "openai", AccountMode.MINE)
    finally:
        orchestra.close()


SHORT = [{"role": "system", "content": "Sort the mail."}, {"role": "user", "content": "{{ subject }}: {{ text }}"}]


def _improves(body: dict[str, Any], _number: int) -> Answer:
    """Propose a text once, and answer the cases: each mail is a task."""
    if "improve a prompt" not in body["messages"][0]["content"]:
        return Answer(json.dumps({"kind": "task", "title": "Something", "summary": "Something is to be done."}))
    if any(one["role"] == "tool" for one in body["messages"]):
        return Answer("It is **shorter** now.\n- The rules are one sentence.\n- The cases are as they were.")
    changes = {"messages": SHORT}
    return Answer("I make it shorter.", [("propose", {"changes": changes, "why": "Shorter."})])


def test_a_prompt_is_changed_on_its_tab_which_everybody_can_read(page: Page, served: Served) -> None:
    wrong: list[str] = []

    def looked(what: str) -> None:
        for look in LOOKS:
            _looks(page, look)
            settled(page)
            page.wait_for_timeout(300)
            wrong.extend(f"{what} {look}: {one}" for one in _findings(page))
            if folder := os.environ.get("SCREENSHOTS"):
                _keep(page, Path(folder, f"prompt-{what}-{look}.png"))
        _looks(page, LOOKS[0])

    with scripted(_improves) as model:
        _connect(served, model.base_url)
        page.goto(f"{served.url}/prompt?name=classify-mail&tab=co-pilot")
        settled(page)
        agree = page.get_by_role("button", name="Agree to it")
        agree.wait_for()
        looked("agreement")
        agree.click()
        page.get_by_label("What should change?").fill("Make it shorter, and keep the cases green.")
        page.get_by_text("it may cost money").click()
        looked("question")
        page.get_by_role("button", name="Ask the co-pilot").click()
        page.get_by_text("cases pass before").wait_for()
        page.get_by_text("The cases are as they were.").wait_for()
        looked("proposal")
    assert wrong == []
