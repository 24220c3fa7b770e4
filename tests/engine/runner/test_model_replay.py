"""Every model call is written down: what was asked, answered and used; a rerun may take all of it again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from engine.orchestra import Orchestra
from tests.engine.conftest import OWNER, write_workflow
from tests.workspaces import init

if TYPE_CHECKING:
    from tests.conftest import StandIns

TEXT = "The app crashes when I press Save. Please fix it before Friday."
SCHEMA = {
    "type": "object",
    "properties": {"kind": {"type": "string", "enum": ["bug", "task"]}},
    "required": ["kind"],
    "additionalProperties": False,
}
ASKED: dict[str, dict[str, Any]] = {
    "llm.chat": {"messages": [{"role": "user", "content": TEXT}]},
    "llm.extract": {"messages": [{"role": "user", "content": TEXT}], "schema": SCHEMA},
    "llm.classify": {"text": TEXT, "labels": ["bug", "task"]},
    "llm.summarize": {"text": TEXT},
    "llm.embed": {"texts": [TEXT, "Lunch?"], "dimensions": 4},
    "llm.vision": {"file": "{{ steps.page.output.file }}", "question": "What is it?"},
    "llm.list_models": {},
}


@pytest.fixture
def orchestra(tmp_path: Path, standins: StandIns, web: str) -> Iterator[Orchestra]:
    """A workspace with two model connections side by side."""
    root = tmp_path / "workspace"
    init(root)
    model = standins["openai"]
    one: dict[str, Any] = {"service": "openai", "base_url": model.base_url, "api_key": "env:MODEL_KEY", "model": "one"}
    connections = {"small": one, "large": {**one, "model": "two"}}
    connections["web"] = {"service": "http", "allow_hosts": [web]}
    (root / "config.yaml").write_text(json.dumps({"connections": connections}))
    (root / ".env").write_text(f"MODEL_KEY={model.token}\n")
    opened = Orchestra.open(root)
    yield opened
    opened.close()


class _Files(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """A web server that has a picture: its `host:port`."""
    folder = tmp_path / "web"
    folder.mkdir()
    Image.new("RGB", (30, 20), "red").save(folder / "red.png")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, directory=str(folder)))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def steps(url: str) -> list[Mapping[str, Any]]:
    page = {"id": "page", "uses": "http.request", "connection": "web", "with": {"url": url, "as_file": True}}
    names = {name: name.partition(".")[2] for name in ASKED}
    asked = [
        {"id": short, "uses": name, "connection": "small" if index % 2 else "large", "with": ASKED[name]}
        for index, (name, short) in enumerate(names.items())
    ]
    return [page, *asked]


def test_a_rerun_takes_every_answer_again(orchestra: Orchestra, standins: StandIns, web: str) -> None:
    names = [name.partition(".")[2] for name in ASKED]
    outputs = {name: f"{{{{ steps.{name}.output }}}}" for name in names}
    write_workflow(orchestra.workspace.root, "ask", steps(f"http://{web}/red.png"), outputs=outputs)
    first = orchestra.runs.wait(OWNER, orchestra.runs.start(OWNER, "ask", {}), 60)
    assert first["status"] == "succeeded", first["error"]
    asked = standins.requests("openai")
    again = orchestra.runs.wait(OWNER, orchestra.runs.rerun(OWNER, first["run_id"], replay=True), 60)
    assert standins.requests("openai") == asked, "nothing was asked again"
    assert again["outputs"] == first["outputs"]
    assert all(step["replayed"] for step in again["steps"] if step["uses"] in ASKED)
    told: Any = {step["uses"]: step for step in first["steps"] if step["uses"] in ASKED and "request" in step}
    assert sorted(told) == sorted(set(ASKED) - {"llm.list_models"})
    for step in told.values():
        assert step["request"]["model"] == "demo-extractive"
        assert step["usage"]["input_tokens"] > 0
        assert step["started_at"] <= step["ended_at"]
    assert told["llm.vision"]["request"]["messages"] == [{"role": "user", "content": "What is it?\n[the picture]"}]
    assert told["llm.summarize"]["request"]["messages"][1] == {"role": "user", "content": TEXT}
