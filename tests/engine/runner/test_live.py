"""Answers seen while they come: from the model's first piece until the answer is recorded, and by nobody's mercy."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine.orchestra import Orchestra
from engine.runner.live import Live, Watch
from engine.workspace.new_workspace import init
from tests.engine.conftest import OWNER, write_workflow

ASK = {"messages": [{"role": "user", "content": "Hello"}]}


@dataclass
class Writer:
    """A model server that writes one word, and the next when it is told to."""

    port: int = 0
    may_end: threading.Event = field(default_factory=threading.Event)
    streams: list[bool] = field(default_factory=list)


def _handler(writer: Writer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            writer.streams.append(bool(asked.get("stream")))
            self.send_response(200)
            kind = "text/event-stream" if asked.get("stream") else "application/json"
            self.send_header("content-type", kind)
            self.end_headers()
            if not asked.get("stream"):
                self.wfile.write(json.dumps(_whole()).encode())
                return
            self._piece({"content": "First "}, None)
            writer.may_end.wait(30)
            with suppress(OSError):  # the caller may be gone
                self._piece({"content": "second"}, "stop")
                self.wfile.write(b"data: [DONE]\n\n")

        def _piece(self, delta: dict[str, Any], reason: str | None) -> None:
            choice = {"index": 0, "delta": delta, "finish_reason": reason}
            self.wfile.write(f"data: {json.dumps({'id': '1', 'model': 'm', 'choices': [choice]})}\n\n".encode())
            self.wfile.flush()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


def _whole() -> dict[str, Any]:
    message = {"role": "assistant", "content": "First second"}
    return {"id": "1", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


@pytest.fixture
def writer() -> Iterator[Writer]:
    state = Writer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    server.daemon_threads = True
    state.port = server.server_port
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield state
    state.may_end.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def open_workspace(tmp_path: Path, writer: Writer) -> Iterator[Callable[..., Orchestra]]:
    opened: list[Orchestra] = []
    root = tmp_path / "workspace"
    init(root)
    url = f"http://127.0.0.1:{writer.port}/v1"
    connection = {"service": "openai", "base_url": url, "model": "m", "api_key": "env:WRITER_KEY"}
    (root / "config.yaml").write_text(json.dumps({"connections": {"llm": connection}}))
    (root / ".env").write_text("WRITER_KEY=sk-very-secret\n")
    write_workflow(
        root,
        "write",
        [{"id": "said", "uses": "llm.chat", "with": ASK}],
        outputs={"text": "{{ steps.said.output.text }}"},
    )

    def start(*, serve: bool) -> Orchestra:
        orchestra = Orchestra.open(root, serve=serve)
        opened.append(orchestra)
        if serve:
            orchestra.connections.set_mode(OWNER, "openai", "mine")
        return orchestra

    yield start
    for orchestra in opened:
        orchestra.close()


def until(look: Callable[[], Any]) -> Any:
    ends_at = time.monotonic() + 30
    while not (found := look()):
        assert time.monotonic() < ends_at, "it never came"
        time.sleep(0.02)
    return found


def test_what_a_model_writes_is_seen_until_it_is_recorded(
    open_workspace: Callable[..., Orchestra], writer: Writer
) -> None:
    orchestra = open_workspace(serve=True)
    run_id = orchestra.runs.start(OWNER, "write", {})
    assert until(lambda: orchestra.runs.live(OWNER, run_id)) == {"said": "First "}
    assert orchestra.runs.get(OWNER, run_id)["outputs"] is None, "what is seen is not recorded yet"
    writer.may_end.set()
    run = orchestra.runs.wait(OWNER, run_id, 30)
    assert run["outputs"] == {"text": "First second"}
    assert orchestra.runs.live(OWNER, run_id) == {}


def test_a_run_that_is_cancelled_leaves_nothing_to_see(
    open_workspace: Callable[..., Orchestra], writer: Writer
) -> None:
    orchestra = open_workspace(serve=True)
    run_id = orchestra.runs.start(OWNER, "write", {})
    until(lambda: orchestra.runs.live(OWNER, run_id))
    orchestra.runs.cancel(OWNER, run_id)
    until(lambda: orchestra.runs.get(OWNER, run_id)["status"] == "cancelled")
    writer.may_end.set()
    assert orchestra.runs.live(OWNER, run_id) == {}


def test_where_nobody_can_look_the_answer_comes_whole(open_workspace: Callable[..., Orchestra], writer: Writer) -> None:
    orchestra = open_workspace(serve=False)
    run_id = orchestra.runs.start(OWNER, "write", {})
    assert orchestra.runs.wait(OWNER, run_id, 30)["outputs"] == {"text": "First second"}
    assert writer.streams == [False]
    assert orchestra.runs.live(OWNER, run_id) == {}


def test_an_attempt_takes_the_place_of_the_one_before() -> None:
    live = Live()
    watch = Watch(live, "run", "step")
    first, second = watch.attempt(), watch.attempt()
    assert live.of("run") == {}
    first("One")
    second("Two")
    first(" late")
    assert live.of("run") == {"step": "Two"}
    watch.close()
    assert live.of("run") == {}


def test_a_thread_that_is_late_shows_nothing_any_more() -> None:
    live = Live()
    watch = Watch(live, "run", "step")
    take = watch.attempt()
    watch.close()
    take("Too late")
    assert live.of("run") == {}


def test_an_endless_answer_takes_bounded_memory() -> None:
    live = Live()
    take = Watch(live, "run", "step").attempt()
    for _ in range(1000):
        take("x" * 1000)
    assert len(live.of("run")["step"]) <= 51_000
