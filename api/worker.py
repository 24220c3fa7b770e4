"""What `orchestra worker` answers by HTTP: metrics of its process, and whether it works, for Prometheus and for probes.

Threads answer, and no check asks the state: a worker whose event loop stands still, or that is cut off, says so.
"""

from __future__ import annotations

import http.server
import json
import logging
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from urllib.parse import urlsplit

from engine.base.errors import NotAllowed, OrchestraError, TooManyTries
from engine.operations.health import Reason

if TYPE_CHECKING:
    from engine.orchestra import Orchestra

_log = logging.getLogger(__name__)
_MOST_CONNECTIONS = 64
_HEAD_SECONDS = 2.0
"""For the head of a request, from the connection on."""
_ANSWER_SECONDS = 5.0
"""For the answer, which a client may read slowly."""
_STATUSES: Mapping[type[OrchestraError], int] = {NotAllowed: 403, TooManyTries: 429}
_NONE = Reason("lease", "The worker holds no lease.", "It starts as soon as it can reach the state.")
_STANDS = Reason("engine", "The event loop of the engine stands still.", "Restart the worker; others take its runs.")
_UNSURE = Reason("lease", "The worker cannot renew its lease.", "It goes on by itself once it can reach the state.")


class WorkerResponse(NamedTuple):
    """A response."""

    status: int
    content: bytes
    media_type: str = "application/json"


class WorkerPages:
    """Answers for the worker of this process."""

    def __init__(self) -> None:
        self._orchestra: Orchestra | None = None

    @contextmanager
    def about(self, orchestra: Orchestra) -> Iterator[None]:
        """Answer for this engine while the block runs; before and after, the worker is starting, or starting anew."""
        self._orchestra = orchestra
        try:
            yield
        finally:
            self._orchestra = None

    def health(self) -> WorkerResponse:
        """Tell whether the engine's loop turns and the lease is good (200, else 503 with the reason)."""
        orchestra = self._orchestra
        if orchestra is None:
            return _told(_NONE)
        if not orchestra.is_turning():
            return _told(_STANDS)
        return _told(None if orchestra.holds_lease() else _UNSURE)

    def live(self) -> WorkerResponse:
        """Tell only whether the process hangs (503): a state that is away is no reason to restart it."""
        orchestra = self._orchestra
        return _told(_STANDS if orchestra is not None and orchestra.hangs() else None)

    def metrics(self, token: str, address: str, accept: str) -> WorkerResponse:
        """Return the metrics of this process to whoever has an API token."""
        orchestra = self._orchestra
        if orchestra is None:
            return _told(_NONE)
        try:
            principal = orchestra.users.api_tokens.principal(token, address, is_mcp=False) if token else None
            if principal is None:
                return _refused(401, "Unauthorized", "Send an API token: `Authorization: Bearer orch_…`.")
            page = orchestra.metrics.process_page(principal, accept)
        except OrchestraError as error:
            return _refused(_STATUSES.get(type(error), 503), type(error).__name__, f"{error.message} {error.remedy}")
        return WorkerResponse(200, page.content, page.media_type)


@contextmanager
def answering(pages: WorkerPages, listener: socket.socket) -> Iterator[None]:
    """Answer on a socket that listens, which is closed in the end."""
    server = _Server(pages, listener)
    thread = threading.Thread(target=server.serve_forever, name="worker pages", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Held(NamedTuple):
    """Whose connection it is, and since when its request is read, or answered."""

    address: str
    since: float


class _Server(http.server.ThreadingHTTPServer):
    """A thread for each connection, up to a limit: one whose request has not come makes room for the next.

    It closes the oldest one of the address that has the most, so that nobody can keep out the probes of others.
    """

    def __init__(self, pages: WorkerPages, listener: socket.socket) -> None:
        super().__init__(("", 0), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket, self.pages = listener, pages
        self._lock = threading.Lock()
        self._reading: dict[Any, _Held] = {}
        self._answering: dict[Any, _Held] = {}

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread, if there is room for one."""
        with self._lock:
            if not self._has_room() and self._reading:
                self._cut(self._longest_read())
            has_room = self._has_room()
            if has_room:
                self._reading[request] = _Held(str(client_address[0]), time.monotonic())
        if has_room:
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def has_read(self, request: Any) -> None:
        """Keep a connection whose request has come until it is answered."""
        with self._lock:
            if (held := self._reading.pop(request, None)) is not None:
                self._answering[request] = _Held(held.address, time.monotonic())

    def service_actions(self) -> None:
        """Cut connections that take too long; called at least every half second."""
        now = time.monotonic()
        with self._lock:
            for held, most in ((self._reading, _HEAD_SECONDS), (self._answering, _ANSWER_SECONDS)):
                for request in [one for one, known in held.items() if now - known.since > most]:
                    self._cut(request)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection and close it."""
        with self._lock:
            self._forget(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log faults of the program, but not that somebody has hung up."""
        if not isinstance(sys.exception(), OSError):
            _log.exception("a request was not answered")

    def _has_room(self) -> bool:
        return len(self._reading) + len(self._answering) < _MOST_CONNECTIONS

    def _longest_read(self) -> Any:
        [(busiest, _)] = Counter(one.address for one in self._reading.values()).most_common(1)
        return next(one for one, held in self._reading.items() if held.address == busiest)

    def _cut(self, request: Any) -> None:
        """Let the thread of a connection end, which then closes it."""
        self._forget(request)
        with suppress(OSError):
            request.shutdown(socket.SHUT_RDWR)

    def _forget(self, request: Any) -> None:
        self._reading.pop(request, None)
        self._answering.pop(request, None)


class _Handler(http.server.BaseHTTPRequestHandler):
    timeout: ClassVar[float] = _ANSWER_SECONDS
    server_version, sys_version = "AI-Orchestra", ""
    server: _Server

    def do_GET(self) -> None:
        """Answer a request."""
        self.server.has_read(self.connection)
        answer = self._answer()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.media_type)
        self.send_header("Content-Length", str(len(answer.content)))
        self.send_header("Cache-Control", "no-store")
        if answer.status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        self.wfile.write(answer.content)

    def _answer(self) -> WorkerResponse:
        pages = self.server.pages
        known: Mapping[str, Callable[[], WorkerResponse]] = {
            "/health": pages.health,
            "/live": pages.live,
            "/metrics": self._metrics,
        }
        try:
            path = urlsplit(self.path).path
        except ValueError:
            return _refused(400, "InvalidInput", "The address of the request is not valid.")
        return known.get(path, _unknown)()

    def _metrics(self) -> WorkerResponse:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        token = token.strip() if scheme.lower() == "bearer" else ""
        return self.server.pages.metrics(token, str(self.client_address[0]), self.headers.get("Accept", ""))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named so in the standard library
        """Keep no log of requests."""


def _told(reason: Reason | None) -> WorkerResponse:
    if reason is None:
        return _as_json(200, {"status": "ok"})
    return _as_json(503, {"status": "failing", "reasons": [asdict(reason)]})


def _refused(status: int, kind: str, said: str) -> WorkerResponse:
    return _as_json(status, {"error": {"type": kind, "message": said}})


def _unknown() -> WorkerResponse:
    return _refused(404, "NotFound", "A worker answers /metrics, /health and /live.")


def _as_json(status: int, body: Mapping[str, Any]) -> WorkerResponse:
    return WorkerResponse(status, json.dumps(body).encode())
