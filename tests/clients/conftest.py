"""A loopback server that answers what a test tells it, for answers that no well-behaved stand-in gives."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.patience import PATIENCE_SECONDS


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Scripted:
    """Answers in the order told, then the last one again; keeps what it was asked."""

    url: str = ""
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)

    def then(self, status: int, body: Any = b"", **headers: str) -> Scripted:
        """Add an answer; a body that is no bytes goes out as JSON. Header names are written with `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if not isinstance(body, bytes):
            body, named = json.dumps(body).encode(), {"content-type": "application/json", **named}
        self.answers.append((status, named, body))
        return self

    def next_answer(self) -> tuple[int, dict[str, str], bytes]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def _handler(script: Scripted) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            script.seen.append(Seen(self.command, self.path, headers, body))
            status, given, content = script.next_answer()
            self.send_response(status)
            for name, value in given.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "SEARCH"):
        setattr(Handler, f"do_{method}", Handler.answer)
    return Handler


@pytest.fixture
def start_scripted() -> Iterator[Callable[[], Scripted]]:
    """Start as many scripted servers as a test wants: a function that gives a new one."""
    servers: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start() -> Scripted:
        script = Scripted()
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(script))
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        servers.append((server, thread))
        script.url = f"http://127.0.0.1:{server.server_port}"
        return script

    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE_SECONDS)


@pytest.fixture
def scripted(start_scripted: Callable[[], Scripted]) -> Scripted:
    """One scripted server."""
    return start_scripted()
