"""A loopback service that answers by script, counts what it was asked and what it did, and can be found out."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Word = Literal["ok", "429", "400", "503", "503_after", "cut", "cut_after"]
"""One answer. `…_after`: the thing is made, and the answer does not say so; `cut`: there is no answer at all."""

_ANSWER_SECONDS = 0.002
"""Long enough for what wrongly does not wait for this answer to come meanwhile."""
HAS_EFFECT = frozenset({"ok", "503_after", "cut_after"})


@dataclass
class Request:
    """One request: when it came and went (numbers of one clock), and what came of it."""

    path: str
    came: int
    word: Word
    went: int | None = None


@dataclass
class ScriptedService:
    """Answers each path by its script, then "ok"; a path in `forever` always gets that word."""

    port: int = 0
    script: Callable[[str, int], Word] = lambda _path, _number: "ok"
    """The answer to a path's request number n (from 0)."""
    requests: list[Request] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    made: Counter[str] = field(default_factory=Counter)
    """How many things each path made; the same marker makes one thing only."""
    on_request: Callable[[int], None] = lambda _number: None
    """Called with the number of the request (from 1) once it has had its effect, before it is answered."""
    has_unread: Callable[[], bool] = lambda: False
    """Whether something was sent that no thread has read to its end yet."""
    _by_marker: dict[str, str] = field(default_factory=dict)
    _clock: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self.requests.clear()
            self.asked.clear()
            self.made.clear()
            self._by_marker.clear()
            self.on_request = lambda _number: None

    def remember(self, made: Mapping[str, str]) -> None:
        """Have made things before: {marker: path}."""
        with self._lock:
            self._by_marker.update(made)

    def enter(self, path: str, marker: str | None) -> Request:
        """Count a request and let it have its effect; a read (None) has none, a write without marker always one."""
        with self._lock:
            word = self.script(path, self.asked[path])
            self.asked[path] += 1
            request = Request(path, self._tick(), word)
            self.requests.append(request)
            number = len(self.requests)
            if word in HAS_EFFECT and marker is not None and marker not in self._by_marker:
                self.made[path] += 1
                if marker:
                    self._by_marker[marker] = path
        self.on_request(number)
        return request

    def leave(self, request: Request) -> None:
        """Note that a request is about to be answered."""
        with self._lock:
            request.went = self._tick()

    def found(self, marker: str) -> str | None:
        """Return what bears a marker."""
        with self._lock:
            return self._by_marker.get(marker)

    def is_quiet(self) -> bool:
        """Tell whether every request was answered, also one whose client has gone before it was read."""
        if self.has_unread():
            return False
        with self._lock:
            return all(request.went is not None for request in self.requests)

    def by_path(self, since: int) -> dict[str, list[Request]]:
        """Return the requests after the first `since`, by path."""
        found: dict[str, list[Request]] = defaultdict(list)
        with self._lock:
            for request in self.requests[since:]:
                found[request.path].append(request)
        return found

    def _tick(self) -> int:
        self._clock += 1
        return self._clock


def _handler(service: ScriptedService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server: _Server

        def handle_one_request(self) -> None:
            self.connection.recv(1, socket.MSG_PEEK)  # it stays unread until it counts as being read
            with self.server.reading():
                super().handle_one_request()

        def do_GET(self) -> None:
            if self.path.startswith("/find/"):
                self._answer(200, service.found(self.path.removeprefix("/find/")))
            else:
                self._scripted(None)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self._scripted(self.headers.get("x-marker", ""))

        def _scripted(self, marker: str | None) -> None:
            request = service.enter(self.path, marker)
            time.sleep(_ANSWER_SECONDS)
            service.leave(request)
            if request.word in ("cut", "cut_after"):
                self.close_connection = True
            else:
                self._answer(200 if request.word == "ok" else int(request.word[:3]), self.path)

        def _answer(self, status: int, path: str | None) -> None:
            body = json.dumps({"path": path}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    """Knows what was sent and is not read yet: on a busy machine, a request may outlive the run that has sent it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._connections: set[socket.socket] = set()
        self._being_read = 0
        self._changing = threading.Lock()

    def has_unread(self) -> bool:
        poll = select.poll()
        with self._changing:
            for one in (self.socket, *self._connections):
                poll.register(one, select.POLLIN)
            return self._being_read > 0 or bool(poll.poll(0))

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Count something as being read, from before it is taken from its socket."""
        self._count(1)
        try:
            yield
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._changing:
            self._being_read += change

    def get_request(self) -> tuple[socket.socket, Any]:
        with self.reading():
            connection, address = super().get_request()
            with self._changing:
                self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        with self._changing:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that is gone is no news here."""


@contextmanager
def scripted_service() -> Iterator[ScriptedService]:
    """Run a service on a port of its own."""
    state = ScriptedService()
    server = _Server(("127.0.0.1", 0), _handler(state))
    state.port, state.has_unread = server.server_port, server.has_unread
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
