"""Watching models write, as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from api.routes.live import _events, changes
from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from engine.people.access import Principal
from tests.api.conftest import LOCAL, serving
from tests.engine.conftest import write_workflow
from tests.engine.writer import Writer, writing
from tests.patience import PATIENCE_SECONDS


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
def writer(orchestra: Orchestra) -> Iterator[Writer]:
    """The model server of the workspace."""
    with writing() as running:
        config = {"connections": {"llm": running.connection}}
        (orchestra.workspace.root / "config.yaml").write_text(json.dumps(config))
        (orchestra.workspace.root / ".env").write_text("WRITER_KEY=any\n")
        orchestra.connections.set_mode(LOCAL, "openai", AccountMode.MINE)
        yield running


def test_a_run_is_watched_to_its_end(writer: Writer, orchestra: Orchestra) -> None:
    step = {"id": "said", "uses": "llm.chat", "with": {"messages": [{"role": "user", "content": "Hello"}]}}
    write_workflow(orchestra.workspace.root, "write", [step], outputs={"text": "{{ steps.said.output.text }}"})
    run_id = orchestra.runs.start(replace(LOCAL, confirmed=True), "write", {})

    async def signed_in() -> Principal:
        return LOCAL

    async def watched() -> str:
        told: list[str] = []
        async for event in _events(orchestra, signed_in, orchestra.runs.get(LOCAL, run_id)):
            told.append(event)
            writer.may_end.set()  # it goes on once somebody has seen its first word
        return "".join(told)

    told = events(asyncio.run(watched()))
    assert told[0] == ("text", {"path": "said", "text": "First "})
    assert ("recorded", {"path": "said"}) in told
    assert told[-1] == ("end", {"run_id": run_id, "status": "succeeded"})


def test_who_is_removed_sees_no_more_of_what_a_model_writes(
    writer: Writer, orchestra: Orchestra, app: Starlette, token: str
) -> None:
    step = {"id": "said", "uses": "llm.chat", "with": {"messages": [{"role": "user", "content": "Hello"}]}}
    write_workflow(orchestra.workspace.root, "write", [step], outputs={"text": "{{ steps.said.output.text }}"})
    run_id = orchestra.runs.start(replace(LOCAL, confirmed=True), "write", {})
    headers = {"Authorization": f"Bearer {token}"}
    with serving(app) as url, httpx.Client(base_url=url, headers=headers, timeout=PATIENCE_SECONDS) as ada:
        with ada.stream("GET", f"/api/runs/{run_id}/live") as answer:
            pieces = answer.iter_text()
            told = next(pieces)
            orchestra.users.remove(LOCAL, "ada")
            told += "".join(pieces)
        assert events(told) == [("text", {"path": "said", "text": "First "})]
        assert orchestra.runs.get(LOCAL, run_id)["status"] == "running"


def test_a_run_that_is_over_has_nothing_to_tell(orchestra: Orchestra, browser: TestClient) -> None:
    step = {"id": "set", "uses": "flow.set", "with": {"values": {"a": 1}}}
    write_workflow(orchestra.workspace.root, "short", [step], outputs={"a": "{{ steps.set.output.a }}"})
    run_id = orchestra.runs.start(LOCAL, "short", {})
    orchestra.runs.wait(LOCAL, run_id, PATIENCE_SECONDS)
    answer = browser.get(f"/api/runs/{run_id}/live")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert events(answer.text) == [("end", {"run_id": run_id, "status": "succeeded"})]


def test_a_stranger_watches_nothing(orchestra: Orchestra, client: TestClient) -> None:
    assert client.get("/api/runs/20260501T080000Z-aaaaaaaa/live").status_code == 401


def test_a_run_that_is_not_there_is_told(browser: TestClient) -> None:
    assert browser.get("/api/runs/20260501T080000Z-aaaaaaaa/live").status_code == 404
