"""A scripted model: it writes the text that is given for a problem, tests it once, and finishes."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_ID = re.compile(r"HumanEval/\d+")


@contextmanager
def running(texts: Mapping[str, str]) -> Iterator[str]:
    """Start the model's server on loopback, with the text of solution.py by problem; yield its base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            answer = _answer(asked["messages"], texts)
            usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
            choices = [{"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}]
            told = {"id": "x", "object": "chat.completion", "created": 0, "model": "scripted", "choices": choices}
            content = json.dumps({**told, "usage": usage}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


def _answer(messages: list[dict[str, Any]], texts: Mapping[str, str]) -> str:
    """Return the next call; the text of the file is plain text below its call."""
    found = _ID.search(str(messages[1]["content"]))
    assert found is not None
    turn = sum(one["role"] == "assistant" for one in messages)
    if turn == 0:
        return json.dumps({"tool": "write", "arguments": {"path": "solution.py"}}) + "\n" + texts[found[0]]
    calls = ({"tool": "test", "arguments": {}}, {"tool": "finish", "arguments": {"output": "Written."}})
    return json.dumps(calls[min(turn, len(calls)) - 1])
