"""Open HTTP connections, reused for the same host, by the public parts of httpcore.

httpcore's own pool looks at every connection whenever a request begins or ends: 200 calls of 100 ms, 50 at once, take
1.3 s with it and 0.8 s here; 8 at once take the same. A request takes the most recently used connection, or opens one.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import httpcore
import httpx

Place: TypeAlias = tuple[bytes, bytes, int]
"""Scheme, host and port."""
_ERRORS = (
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


class Pool(httpx.BaseTransport):
    """Connections shared by threads; each serves one request at a time. Callers limit the concurrency.

    A connection that was idle for `idle_seconds`, or that the server has closed, is not reused.
    """

    def __init__(self, backend: httpcore.NetworkBackend, trusted: ssl.SSLContext, idle_seconds: float) -> None:
        self._backend, self._trusted, self._idle_seconds = backend, trusted, idle_seconds
        self._idle: dict[Place, deque[httpcore.HTTPConnection]] = {}
        self._busy: set[httpcore.HTTPConnection] = set()
        self._look_at = 0.0
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; closing the answer's stream frees the connection. Raises httpx.TransportError."""
        sent = _of_httpcore(request)
        place = _place(sent.url)
        connection = self._taken(place) or self._opened(sent.url.origin)
        try:
            with _errors_of_httpx():
                answer = connection.handle_request(sent)
        except BaseException:
            self._free(place, connection)
            raise
        stream = _Stream(answer, lambda: self._free(place, connection))
        return httpx.Response(answer.status, headers=answer.headers, stream=stream, extensions=answer.extensions)

    def close(self) -> None:
        """Close all connections; requests in progress fail."""
        with self._lock:
            connections = [*self._busy, *(one for idle in self._idle.values() for one in idle)]
            self._busy.clear()
            self._idle.clear()
        for connection in connections:
            connection.close()

    def _taken(self, place: Place) -> httpcore.HTTPConnection | None:
        """Return an idle connection that is still usable, the most recently used first."""
        while True:
            with self._lock:
                idle = self._idle.get(place)
                if not idle:
                    return None
                connection = idle.pop()
                self._busy.add(connection)
            if not connection.has_expired():
                return connection
            self._forget(connection)

    def _opened(self, origin: httpcore.Origin) -> httpcore.HTTPConnection:
        connection = httpcore.HTTPConnection(
            origin, ssl_context=self._trusted, keepalive_expiry=self._idle_seconds, network_backend=self._backend
        )
        with self._lock:
            self._busy.add(connection)
        return connection

    def _free(self, place: Place, connection: httpcore.HTTPConnection) -> None:
        """Keep a connection for the next request, if it can serve one."""
        if connection.is_closed() or not connection.is_idle():
            self._forget(connection)
            return
        with self._lock:
            if connection not in self._busy:  # all have been closed meanwhile
                return
            self._busy.discard(connection)
            self._idle.setdefault(place, deque()).append(connection)
            expired = self._expired()
        for one in expired:
            one.close()

    def _expired(self) -> list[httpcore.HTTPConnection]:
        """Remove expired connections, of all hosts; checks once a second."""
        now = time.monotonic()
        if now < self._look_at:
            return []
        self._look_at = now + 1.0
        found = []
        for place, idle in list(self._idle.items()):
            while idle and idle[0].has_expired():  # the one idle longest comes first
                found.append(idle.popleft())
            if not idle:
                del self._idle[place]
        return found

    def _forget(self, connection: httpcore.HTTPConnection) -> None:
        with self._lock:
            self._busy.discard(connection)
        connection.close()


class _Stream(httpx.SyncByteStream):
    """The body of an answer; its connection is freed once it is closed."""

    def __init__(self, answer: httpcore.Response, free: Callable[[], None]) -> None:
        self._answer, self._free = answer, free
        self._is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        assert isinstance(self._answer.stream, Iterable)
        with _errors_of_httpx():
            yield from self._answer.stream

    def close(self) -> None:
        """Free the connection."""
        if self._is_closed:
            return
        self._is_closed = True
        with contextlib.ExitStack() as after:
            # Called even if closing the answer fails.
            after.callback(self._free)
            self._answer.close()


@contextlib.contextmanager
def _errors_of_httpx() -> Iterator[None]:
    """Raise httpx's exceptions in place of httpcore's, which have the same names."""
    try:
        yield
    except _ERRORS as error:
        of_httpx: type[httpx.TransportError] = getattr(httpx, type(error).__name__)
        raise of_httpx(str(error)) from error


def _of_httpcore(request: httpx.Request) -> httpcore.Request:
    asked = request.url
    url = httpcore.URL(scheme=asked.raw_scheme, host=asked.raw_host, port=asked.port, target=asked.raw_path)
    assert isinstance(request.stream, httpx.SyncByteStream)
    return httpcore.Request(
        request.method, url, headers=request.headers.raw, content=request.stream, extensions=request.extensions
    )


def _place(url: httpcore.URL) -> Place:
    if url.scheme not in (b"http", b"https"):
        raise httpx.UnsupportedProtocol(f"The scheme is not supported: {url.scheme.decode(errors='replace')!r}.")
    return url.scheme, url.host, url.origin.port
