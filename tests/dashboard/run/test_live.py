"""A model writes before the eyes of those who watch the run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from tests.dashboard.conftest import OWNER
from tests.dashboard.test_run import words
from tests.engine.writer import Writer, writing


@pytest.fixture
def writer(workspace: Path) -> Iterator[Writer]:
    """The model server of the workspace."""
    with writing() as running:
        config = {"connections": {"llm": running.connection}}
        (workspace / "config.yaml").write_text(json.dumps(config))
        (workspace / ".env").write_text("WRITER_KEY=any\n")
        yield running


@pytest.fixture
def run_id(writer: Writer, orchestra: Orchestra) -> str:
    """A run whose model has begun to write."""
    orchestra.connections.set_mode(OWNER, "openai", AccountMode.MINE)
    asked = {"messages": [{"role": "user", "content": "Hello"}]}
    step = {"id": "said", "title": "Say *it*", "uses": "llm.chat", "with": asked}
    document = {
        "schema_version": 1,
        "title": "Say",
        "steps": [step],
        "outputs": {"text": "{{ steps.said.output.text }}"},
    }
    orchestra.workflows.save(OWNER, "say", json.dumps(document), None)
    started = orchestra.runs.start(replace(OWNER, confirmed=True), "say", {})
    ends_at = time.monotonic() + 60
    while not orchestra.runs.live(OWNER, started):
        assert time.monotonic() < ends_at
        time.sleep(0.05)
    return started


def test_the_page_shows_what_is_there_and_then_what_was_recorded(
    run_id: str, writer: Writer, orchestra: Orchestra, open_page: Callable[..., AppTest]
) -> None:
    at = open_page("run", id=run_id)
    assert not at.exception
    assert "Say \\*it\\*: the model is writing" in words(at)
    assert any(">First</p>" in str(one.proto.body) for one in at.get("html"))
    writer.may_end.set()
    orchestra.runs.wait(OWNER, run_id, 60)
    at = open_page("run", id=run_id, open="said")
    assert "is writing" not in words(at)
    assert "First second" in words(at)
