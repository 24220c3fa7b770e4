"""The servers of shared blobs: a bucket of moto's server, a proxy before it, and a database of PostgreSQL."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.postgres import database

MOTO = Path(__file__).resolve().parents[4] / ".venv-s3" / "bin" / "moto_server"
KEYS = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "secret"}
BUCKET = "logs"
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Give the address of an empty database; skip the test if no server answers on this machine."""
    with database(f"orchestra_blobs_{os.getpid()}") as url:
        yield url.replace("://", "+psycopg://", 1)


@contextlib.contextmanager
def bucket() -> Iterator[str]:
    """Give the endpoint of a server with an empty bucket; skip the test if the server is not installed."""
    if not MOTO.exists():
        (pytest.fail if os.environ.get("REQUIRE_S3") else pytest.skip)(
            "No server for S3: `make bucket-server` installs it."
        )
    with subprocess.Popen(
        [MOTO, "-H", "127.0.0.1", "-p", "0"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stderr is not None
            endpoint = next(
                found[0] for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line))
            )
            threading.Thread(target=server.stderr.read, daemon=True).start()  # a full pipe would stop the server
            urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT")).close()
            yield endpoint
        finally:
            server.send_signal(signal.SIGKILL)


@contextlib.contextmanager
def proxy(endpoint: str, on_request: Callable[[str, str, dict[str, str]], None]) -> Iterator[str]:
    """Give the endpoint of a proxy. `on_request` gets method, path and headers; it may wait, or change the headers."""
    target = endpoint.removeprefix("http://")

    class Forwarding(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = dict(self.headers)
            on_request(self.command, self.path, headers)
            with contextlib.closing(http.client.HTTPConnection(target)) as server:
                server.request(self.command, self.path, body, headers)
                answer = server.getresponse()
                self._answer(answer.status, dict(answer.headers), answer.read())

        def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in ("connection", "transfer-encoding"):
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = forward

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Forwarding) as server:
        server.daemon_threads = True
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()
