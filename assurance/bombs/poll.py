"""Asks a server for its health until stdin ends, and a plain server of its own, which tells how busy the machine is.

Arguments: the address of `/health`. On stdout at the end one line of JSON: [[seconds, seconds of the plain one], …].
"""

from __future__ import annotations

import json
import select
import sys
import threading
import time
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit


class Plain(BaseHTTPRequestHandler):
    """Answers at once."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def seconds(port: int, path: str) -> float:
    """Return how long an answer takes; as long as it likes where there is none."""
    began = time.monotonic()
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
    finally:
        connection.close()
    return time.monotonic() - began if status == 200 else 1000.0 + status


def main() -> None:
    plain = HTTPServer(("127.0.0.1", 0), Plain)
    threading.Thread(target=plain.serve_forever, daemon=True).start()
    address = urlsplit(sys.argv[1])
    seen: list[tuple[float, float]] = []
    while not select.select([sys.stdin], [], [], 0.1)[0]:
        other = seconds(plain.server_port, "/")
        seen.append((seconds(address.port or 80, address.path), max(other, seconds(plain.server_port, "/"))))
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main()
