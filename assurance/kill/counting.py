"""A loopback service that counts: reads and writes by path, with a delay before or after a write where told."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Counting:
    """What was asked: "METHOD /path", counted when the request has arrived whole."""

    port: int = 0
    seen: Counter[str] = field(default_factory=Counter)
    delays: dict[str, float] = field(default_factory=dict)
    """Seconds for which the answer to such a request is held back, its effect done."""
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    def count(self, request: str) -> None:
        """Take note of a request, and hold its answer back where told."""
        with self.arrived:
            self.seen[request] += 1
            self.arrived.notify_all()
        time.sleep(self.delays.get(request, 0))

    def wait_for(self, request: str, seconds: float = 60) -> None:
        """Return once such a request has arrived."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: self.seen[request] > 0, seconds), f"no {request}"


def _handler(counting: Counting) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Count and answer."""
            self.rfile.read(int(self.headers.get("content-length") or 0))
            counting.count(f"{self.command} {self.path}")
            answer = json.dumps({"path": self.path}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that is killed while it waits is what this server is for."""


@contextmanager
def counting() -> Iterator[Counting]:
    """Give a running service."""
    state = Counting()
    server = _Server(("127.0.0.1", 0), _handler(state))
    state.port = server.server_port
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
