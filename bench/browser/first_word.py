"""The first word of an answer in the co-pilot's panel: the time from when the model has sent it until it is there.

A scripted model in the OpenAI form, the server, and a headless Chromium run on one machine and share its clock. The
model goes on talking only once the panel has the word.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from bench.base.figures import absolute
from bench.base.served import Served, served
from bench.base.workspace import chain
from bench.browser.canvas import signed_in
from tests.scripted_model.scripted import MODEL, Answer, Scripted, scripted

if TYPE_CHECKING:
    from playwright.sync_api import Page

WORK = "first_word"
GOAL_MS = 300.0
TURNS = 11
_NAME = "chain"
_CONFIG = """connections:
  llm:
    service: openai
    base_url: {url}
    model: {model}
"""
_WATCH = """word => {
  const there = () => document.querySelector('.copilot-turn[data-last] .copilot-prose')?.textContent.includes(word);
  window.heard = new Promise(done => {
    const watch = new MutationObserver(() => there() && (watch.disconnect(), done(Date.now())));
    watch.observe(document.body, {subtree: true, childList: true, characterData: true});
  });
}"""


def measure() -> dict[str, Any]:
    """Return the milliseconds of each of several questions, one after another, without the first one."""
    gates = [threading.Event() for _ in range(TURNS)]
    script = [Answer(f"{_word(number)} and the rest.", gate=gate) for number, gate in enumerate(gates)]
    with scripted(script) as model:
        config = _CONFIG.format(url=model.base_url, model=MODEL)
        with served({_NAME: chain(3)}, config, settle_seconds=3.0) as server, signed_in(server) as page:
            _agree(page, server)
            times = [_asked(page, model, number, gate) for number, gate in enumerate(gates)]
    return {**absolute(times[1:], GOAL_MS, "ms"), "more": {"each": times}}


def _agree(page: Page, server: Served) -> None:
    """Let the model answer, and open the panel."""
    url = f"http://127.0.0.1:{server.port}"
    answer = page.request.post(f"{url}/api/connections/llm/mode", data={"mode": "mine"}, headers={"Origin": url})
    assert answer.ok, answer.text()
    page.goto(f"{url}/workflow?name={_NAME}&tab=canvas")
    page.locator('.studio [data-step="s0"]').wait_for()
    page.get_by_role("button", name="Co-pilot", exact=True).click()
    page.get_by_role("button", name="Agree", exact=True).click()
    page.get_by_text(f"{MODEL} at").first.wait_for()


def _asked(page: Page, model: Scripted, number: int, gate: threading.Event) -> float:
    """Ask a question; return the milliseconds from the model's first word to that of the panel."""
    page.evaluate(_WATCH, _word(number))
    field = page.locator(".studio-copilot textarea")
    field.fill(f"Question {number}?")
    field.press("Enter")
    heard_at: float = page.evaluate("heard")
    gate.set()
    page.locator(".copilot-turn[data-last]:not([data-status=working])", has_text=_word(number)).wait_for()
    return heard_at - model.spoke_at[number] * 1000


def _word(number: int) -> str:
    return f"Word{number}"
