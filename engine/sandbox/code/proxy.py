"""The only way out of the sandbox: a proxy outside that connects to the hosts of a step's list, and to no others.

Code inside reaches it through a Unix socket (../inside/forwarder.py). Names are resolved here, once, and addresses
that are not public are refused unless config.yaml lists their host (clients/sockets.py).
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import socketserver
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import httpcore
from msgspec import Struct, field

from clients.errors import InvalidRequest
from clients.sockets import NetworkGate
from engine.sandbox.backends.backend import SOCKET

PLACE = re.compile(r"(?P<host>[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?)(?::(?P<port>\d{1,5}))?\Z")
"""How a step names a host."""
_PORTS = (80, 443)
"""The ports of a host that is named without one."""
_LINE, _LINES = 8192, 100
_CONNECT_SECONDS = 10.0
_IDLE_SECONDS = 120.0
_PIECE = 65536
_AT_ONCE = 32
"""Connections of one step at the same time; further ones are cut."""
_LOOK_SECONDS = 0.05
# Headers for this proxy alone, which go no further (RFC 9110, 7.6.1).
_OWN_HEADERS = (b"proxy-", b"connection:", b"keep-alive:")
_PLAIN_REQUEST = 3  # method, target and version (RFC 9112, 3)


class ProxySession(Struct):
    """The hosts that code may reach, and what it has done with that."""

    hosts: frozenset[tuple[str, int]]
    gate: NetworkGate
    was_used: bool = False
    """Whether a connection has been made, so that something may have been sent."""
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def to(cls, listed: Sequence[str], private: Sequence[str]) -> ProxySession:
        """Return the way to the hosts of a step's list; those in `private` may have addresses that are not public."""
        found = [PLACE.match(one) for one in listed]
        places = [(one["host"].lower(), one["port"]) for one in found if one is not None]
        hosts = {(host, at) for host, port in places for at in ((int(port),) if port else _PORTS)}
        return cls(
            frozenset(hosts), NetworkGate(public_only=True, allow_hosts=frozenset(one.lower() for one in private))
        )

    def connected(self, host: str, port: int) -> socket.socket:
        """Return a connection. Raises InvalidRequest if it is not permitted, OSError if it cannot be made."""
        if (host.lower(), port) not in self.hosts:
            raise InvalidRequest(f"{host}:{port} is not in 'network' of the step")
        try:
            opened = self.gate.connect_tcp(host, port, _CONNECT_SECONDS).get_extra_info("socket")
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise OSError(str(error)) from error
        assert isinstance(opened, socket.socket)
        with self._lock:
            self.was_used = True
            self._open.add(opened)
        return opened

    def close(self, *open_ones: socket.socket) -> None:
        """Close the given connections; without any, all that are open."""
        with self._lock:
            for one in open_ones or tuple(self._open):
                self._open.discard(one)
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)  # `close` alone would not wake a thread that waits for it
                one.close()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, place: str, way: ProxySession) -> None:
        super().__init__(place, _Handler)
        self.way = way
        self._free = threading.BoundedSemaphore(_AT_ONCE)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Return whether there is room for another connection: each has a thread of this program."""
        return self._free.acquire(blocking=False)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection, and make room for another one."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: code inside has cut its connection."""


class _Handler(socketserver.StreamRequestHandler):
    server: _Server
    timeout = _IDLE_SECONDS
    rbufsize = 0
    """Nothing behind the head is read ahead: it goes to the host as it comes."""

    def handle(self) -> None:
        """Make one connection, and hand on what goes both ways."""
        head = list(_head(self.rfile))
        way = self.server.way
        try:
            host, port, rest = _asked(head)
            outside = way.connected(host, port)
        except InvalidRequest as error:
            self.wfile.write(f"HTTP/1.1 403 {error.message}\r\nContent-Length: 0\r\n\r\n".encode("latin-1", "replace"))
            return
        except OSError as error:
            self.wfile.write(f"HTTP/1.1 502 {error}\r\nContent-Length: 0\r\n\r\n".encode("latin-1", "replace"))
            return
        try:
            if rest:
                outside.sendall(rest)
            else:
                self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _relay(self.connection, outside)
        finally:
            way.close(outside)


@contextlib.contextmanager
def opened(way: ProxySession, folder: Path) -> Iterator[None]:
    """Serve the proxy on a socket in a folder; all connections end with it."""
    with _Server(str(folder / SOCKET), way) as server:
        serving = threading.Thread(target=server.serve_forever, args=(_LOOK_SECONDS,), name="code-proxy", daemon=True)
        serving.start()
        try:
            yield
        finally:
            server.shutdown()
            serving.join()
            way.close()


def _head(reader: BinaryIO | Any) -> Iterator[bytes]:
    """Yield the lines of a request's head, without the empty one at its end."""
    for _ in range(_LINES):
        line = reader.readline(_LINE)
        if not line.strip():
            return
        yield line


def _asked(head: Sequence[bytes]) -> tuple[str, int, bytes]:
    """Return (host, port, what is sent there first) of a request's head. Raises InvalidRequest."""
    words = head[0].decode("latin-1").split() if head else []  # takes any bytes
    if len(words) != _PLAIN_REQUEST:
        raise InvalidRequest("this is not a request to a proxy")
    method, target, version = words
    try:
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise InvalidRequest("the address cannot be read") from None
    if method == "CONNECT":
        return host, port or 443, b""
    if parts.scheme != "http":
        raise InvalidRequest("an address that begins with http:// is needed, or CONNECT")
    path = target.partition("://")[2].partition("/")[2]
    kept = [one for one in head[1:] if not one.lower().startswith(_OWN_HEADERS)]
    first = f"{method} /{path} {version}\r\n".encode("latin-1")
    # One request a connection: nobody looks at a second one, which may be for another host.
    return host, port or 80, b"".join([first, *kept, b"Connection: close\r\n\r\n"])


def _relay(inside: socket.socket, outside: socket.socket) -> None:
    """Hand on what goes both ways until one side ends, or nothing goes for long."""
    other = {inside: outside, outside: inside}
    while True:
        ready = select.select([inside, outside], [], [], _IDLE_SECONDS)[0]
        for one in ready:
            piece = one.recv(_PIECE)
            if not piece:
                return
            other[one].sendall(piece)
        if not ready:
            return
