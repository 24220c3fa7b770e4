"""A model writes before the eyes of those who watch the run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from engine.orchestra import Orchestra
from tests.dashboard.conftest import OWNER
from tests.dashboard.test_run import words

MAIL = "Subject: Save\n\nThe app crashes when I press Save. Please fix it before Friday. Ann will test it then."


@pytest.fixture
def run_id(orchestra: Orchestra, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run whose model has begun to write, about two words a second."""
    monkeypatch.setenv("ORCHESTRA_DEMO_LATENCY", "2500")
    step = {
        "id": "said",
        "title": "Say *it*",
        "uses": "llm.chat",
        "with": {"messages": [{"role": "user", "content": MAIL}]},
    }
    document = {
        "schema_version": 1,
        "title": "Say",
        "steps": [step],
        "outputs": {"text": "{{ steps.said.output.text }}"},
    }
    orchestra.workflows.save(OWNER, "say", json.dumps(document), None)
    started = orchestra.runs.start(OWNER, "say", {})
    ends_at = time.monotonic() + 60
    while not orchestra.runs.live(OWNER, started):
        assert time.monotonic() < ends_at
        time.sleep(0.05)
    return started


def test_the_page_shows_what_is_there_and_then_what_was_recorded(
    run_id: str, orchestra: Orchestra, open_page: Callable[..., AppTest]
) -> None:
    at = open_page("run", id=run_id)
    assert not at.exception
    assert "Say \\*it\\*: the model is writing" in words(at)
    (begun,) = [one.value for one in at.text if one.value]
    whole = orchestra.runs.wait(OWNER, run_id, 60)["outputs"]["text"]
    assert whole.startswith(begun)
    at = open_page("run", id=run_id, open="said")
    assert "is writing" not in words(at)
    assert whole in words(at)
