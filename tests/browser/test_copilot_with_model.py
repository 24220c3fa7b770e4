"""The panel of the co-pilot with a model: agreement first, words as they are written, choices as buttons."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from bench.copilot.scripted import MODEL, Answer, scripted
from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served
from tests.browser.test_copilot import copied, opened

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
