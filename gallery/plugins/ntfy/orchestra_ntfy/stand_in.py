"""A small ntfy server for tests (https://docs.ntfy.sh/publish, /subscribe/api)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "tk_right"


class Handler(BaseHTTPRequestHandler):
    """Answers like the service, from the messages in `kept`."""

    protocol_version = "HTTP/1.1"
    kept: list[dict[str, Any]]

    def do_GET(self) -> None:
        """Describe the account, or list the messages of a topic."""
        url = urlsplit(self.path)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, {"code": 40101, "http": 401, "error": "unauthorized"})
        elif url.path == "/v1/account":
            self._answer(200, {"username": "ada", "subscriptions": [{"topic": "alerts"}]})
        else:
            since = int(parse_qs(url.query)["since"][0])
            asked = [one for one in self.kept if one["time"] >= since and f"/{one['topic']}/json" == url.path]
            self._answer(200, *asked)

    def do_POST(self) -> None:
        """Keep a message."""
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.kept.append({"id": f"m{len(self.kept)}", "time": int(time.time()), "event": "message", **sent})
        self._answer(200, self.kept[-1])

    def _answer(self, status: int, *lines: dict[str, Any]) -> None:
        body = "".join(json.dumps(line) + "\n" for line in lines).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Serve on a free port of this machine; gives the address, and the messages that the server keeps."""
    kept: list[dict[str, Any]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Kept", (Handler,), {"kept": kept}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
