"""A model server that writes one word, and the next when a test tells it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.patience import PATIENCE_SECONDS


@dataclass
class Writer:
    """A model server that writes one word, and the next when it is told to."""

    port: int = 0
    may_end: threading.Event = field(default_factory=threading.Event)
    streams: list[bool] = field(default_factory=list)
    """For each request, whether it asked for a stream."""
    keys: list[str] = field(default_factory=list)
    """The `Authorization` of each request."""
    bodies: list[str] = field(default_factory=list)

    @property
    def connection(self) -> dict[str, str]:
        """The connection to it, as config.yaml has it; `env:WRITER_KEY` is any word."""
        url = f"http://127.0.0.1:{self.port}/v1"
        return {"service": "openai", "base_url": url, "model": "m", "api_key": "env:WRITER_KEY"}


def _handler(writer: Writer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            writer.bodies.append(self.rfile.read(int(self.headers["content-length"])).decode())
            asked = json.loads(writer.bodies[-1])
            writer.keys.append(self.headers["authorization"] or "")
            writer.streams.append(bool(asked.get("stream")))
            self.send_response(200)
            kind = "text/event-stream" if asked.get("stream") else "application/json"
            self.send_header("content-type", kind)
            self.end_headers()
            if not asked.get("stream"):
                self.wfile.write(json.dumps(_whole()).encode())
                return
            self._piece({"content": "First "}, None)
            writer.may_end.wait(PATIENCE_SECONDS)
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


@contextmanager
def writing() -> Iterator[Writer]:
    """Run one."""
    state = Writer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    server.daemon_threads = True
    state.port = server.server_port
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield state
    state.may_end.set()
    server.shutdown()
    server.server_close()
