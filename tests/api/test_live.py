"""Watching models write, as server-sent events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.live import changes
from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL
from tests.engine.conftest import write_workflow

MAIL = "Subject: Save\n\nThe app crashes when I press Save. Please fix it before Friday. Ann will test it then."


def events(text: str) -> list[tuple[str, Any]]:
    found = [dict(line.split(": ", 1) for line in block.splitlines()) for block in text.strip().split("\n\n")]
    return [(each["event"], json.loads(each["data"])) for each in found]


def test_what_comes_is_told_piece_by_piece() -> None:
    told = changes({"a": "Hel", "gone": "x"}, {"a": "Hello", "new": "\n\n"})
    assert events("".join(told)) == [
        ("text", {"path": "a", "text": "lo"}),
        ("text", {"path": "new", "text": "\n\n"}),
        ("recorded", {"path": "gone"}),
    ]
    assert changes({"a": "x"}, {"a": "x"}) == []


def test_an_answer_that_begins_anew_says_so() -> None:
    assert events("".join(changes({"a": "First try"}, {"a": "Second"}))) == [
        ("again", {"path": "a"}),
        ("text", {"path": "a", "text": "Second"}),
    ]


@pytest.fixture
def slow_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's model writes a word in about a fifth of a second."""
    monkeypatch.setenv("ORCHESTRA_DEMO_LATENCY", "900")


def test_a_run_is_watched_to_its_end(slow_model: None, orchestra: Orchestra, browser: TestClient) -> None:
    step = {"id": "said", "uses": "llm.chat", "with": {"messages": [{"role": "user", "content": MAIL}]}}
    write_workflow(orchestra.workspace.root, "write", [step], outputs={"text": "{{ steps.said.output.text }}"})
    run_id = orchestra.runs.start(LOCAL, "write", {})
    with browser.stream("GET", f"/api/runs/{run_id}/live") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        told = events("".join(answer.iter_text()))
    run = orchestra.runs.wait(LOCAL, run_id, 30)
    pieces = [data["text"] for name, data in told if name == "text"]
    assert len(pieces) > 2
    assert run["outputs"]["text"].startswith("".join(pieces))
    assert told[-1] == ("end", {"run_id": run_id, "status": "succeeded"})


def test_a_run_that_is_over_has_nothing_to_tell(orchestra: Orchestra, browser: TestClient) -> None:
    step = {"id": "set", "uses": "flow.set", "with": {"values": {"a": 1}}}
    write_workflow(orchestra.workspace.root, "short", [step], outputs={"a": "{{ steps.set.output.a }}"})
    run_id = orchestra.runs.start(LOCAL, "short", {})
    orchestra.runs.wait(LOCAL, run_id, 30)
    assert events(browser.get(f"/api/runs/{run_id}/live").text) == [("end", {"run_id": run_id, "status": "succeeded"})]


def test_a_stranger_watches_nothing(orchestra: Orchestra, client: TestClient) -> None:
    assert client.get("/api/runs/20260501T080000Z-aaaaaaaa/live").status_code == 401


def test_a_run_that_is_not_there_is_told(browser: TestClient) -> None:
    assert browser.get("/api/runs/20260501T080000Z-aaaaaaaa/live").status_code == 404
