"""Strings that break programs, as every title, name, value and output: shown as text, never as anything else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.browser.conftest import Served, settled, shows
from tests.odd_strings import MARKUP, ODD_STRINGS
from tests.patience import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.browser]

OWNER = Principal("owner", "owner")
ALL = " ".join(MARKUP)
WORKFLOW: dict[str, Any] = {
    "schema_version": 1,
    "title": ALL,
    "description": ALL,
    "inputs": {
        "type": "object",
        "properties": {"strings": {"type": "array", "items": {"type": "string"}, "title": ALL, "default": ODD_STRINGS}},
    },
    "steps": [
        {
            "id": "each",
            "title": ALL,
            "foreach": "{{ inputs.strings }}",
            "item_title": "{{ item }}",
            "steps": [{"id": "say", "title": ALL, "uses": "flow.set", "with": {"values": {"said": "{{ item }}"}}}],
        },
        {
            "id": "ask",
            "title": ALL,
            "uses": "flow.approve",
            "with": {"message": ALL, "details": "{{ inputs.strings }}"},
        },
    ],
}
PROMPT: dict[str, Any] = {
    "schema_version": 1,
    "title": ALL,
    "description": ALL,
    "variables": {"text": {"type": "string", "title": ALL, "description": ALL}},
    "samples": [{"name": f"{number} {words}", "variables": {"text": words}} for number, words in enumerate(MARKUP)],
    "messages": [{"role": "user", "content": f"{ALL} {{{{ text }}}}"}],
}


@pytest.fixture
def run_id(served: Served) -> str:
    (served.root / "workflows" / "odd.json").write_text(json.dumps(WORKFLOW))
    orchestra = Orchestra.open(served.root, demo=True)
    try:
        orchestra.prompts.save_version(OWNER, "odd", json.dumps(PROMPT), None, "production")
        run_id = orchestra.runs.start(OWNER, "odd", {})
        until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "waiting", "the question")
        return run_id
    finally:
        orchestra.close()


def test_they_are_shown_as_text_on_every_page_and_nothing_of_them_is_lost(
    served: Served, page: Page, run_id: str
) -> None:
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    for path, words in {
        "workflows": MARKUP[0],
        "workflow?name=odd": MARKUP[0],
        "workflow?name=odd&tab=canvas": "",
        "workflow?name=odd&tab=edit": "",
        "runs": MARKUP[0],
        f"run?id={run_id}": MARKUP[0],
        f"run?id={run_id}&open=each[1].say": MARKUP[1],
        "approvals": MARKUP[0],
        "prompts": MARKUP[0],
        "prompt?name=odd": MARKUP[0],
        "prompt?name=odd&tab=versions": "",
        "prompt?name=odd&tab=cases": "",
        "usage": "",
        "": MARKUP[0],
    }.items():
        page.goto(f"{served.url}/{path}")
        page.get_by_text(words).first.wait_for()
        settled(page)
        _is_harmless(page, path)

    page.goto(f"{served.url}/prompt?name=odd&tab=try")
    shows(page.get_by_role("textbox").first, MARKUP[0])
    page.get_by_role("button", name="Ask the model").click()
    page.get_by_text("Scripted, not a real model").first.wait_for()
    settled(page)
    _is_harmless(page, "try")

    run = page.request.get(f"{served.url}/api/runs/{run_id}").json()
    said = [step["output"]["said"] for step in run["steps"] if step["path"].endswith(".say")]
    assert said == list(ODD_STRINGS)


def _is_harmless(page: Page, path: str) -> None:
    found = page.evaluate(
        "({harm: window.harm ?? null, shown: getComputedStyle(document.body).display !== 'none',"
        " elements: document.querySelectorAll('img[src^=x], [onerror], [onload], [ontoggle], iframe[srcdoc]').length,"
        " links: [...document.querySelectorAll('a')].filter(one => one.href.startsWith('javascript:')).length})"
    )
    assert found == {"harm": None, "shown": True, "elements": 0, "links": 0}, path
