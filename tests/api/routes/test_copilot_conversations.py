"""`POST /api/copilot/conversations/{workflow}/turns`: an answer as server-sent events, read by a real client."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import yaml
from starlette.applications import Starlette

from engine.base.statuses import AccountMode
from engine.orchestra import Orchestra
from tests.api.conftest import LOCAL, serving
from tests.scripted_model.scripted import MODEL, Answer, scripted

pytestmark = pytest.mark.slow

AT = "/api/copilot/conversations/inbox-triage"
TITLED = {"op": "set", "step": "mails", "field": "title", "value": "Get the mail"}


def events(response: httpx.Response) -> Iterator[tuple[str, Any]]:
    """The events of a stream, each as soon as it is there."""
    name = ""
    for line in response.iter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


def connected(orchestra: Orchestra, base_url: str) -> None:
    """Make a server the one of the co-pilot's model."""
    path = orchestra.workspace.root / "config.yaml"
    config = yaml.safe_load(path.read_text())
    config["connections"]["llm"] = {"service": "openai", "base_url": base_url, "model": MODEL, "api_key": "env:SOME"}
    path.write_text(yaml.safe_dump(config))
    (orchestra.workspace.root / ".env").write_text("SOME=any\n")
    orchestra.connections.set_mode(LOCAL, "openai", AccountMode.MINE)


def test_words_arrive_before_the_end_and_the_last_event_has_the_turn(
    orchestra: Orchestra, app: Starlette, token: str
) -> None:
    gate = threading.Event()
    script = [Answer("", [("propose", {"ops": [TITLED], "why": ""})]), Answer("First and the rest", gate=gate)]
    with (
        scripted(script) as model,
        serving(app) as url,
        httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as http,
    ):
        connected(orchestra, model.base_url)
        setup = http.get("/api/copilot/setup").json()
        agreed = http.put("/api/copilot/agreement", json={"host": setup["host"], "model": setup["model"]})
        assert agreed.json()["is_agreed"], agreed.text
        with http.stream("POST", f"{AT}/turns", json={"text": "A better title!"}) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            told = events(response)
            early = [next(told) for _ in range(5)]
            assert [name for name, _ in early] == ["turn", "call", "proposal", "part", "text"]
            assert early[-1][1] == {"text": "First"}
            [working] = http.get(AT).json()["turns"]
            assert working["status"] == "working", "the model still writes"
            gate.set()
            late = list(told)
        assert [name for name, _ in late] == ["text", "text", "text", "part", "done"]
        assert late[-2][1]["text"] == "First and the rest"
        [turn] = http.get(AT).json()["turns"]
    assert late[-1] == ("done", turn)
    assert (turn["id"], turn["status"]) == (early[0][1]["id"], "done")
    assert [one["kind"] for one in turn["parts"]] == ["proposal", "text"]
