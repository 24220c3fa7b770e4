"""Many clients of a server in one thread: each sends its requests one after the other on a connection of its own.

Clients in threads of their own wait for each other, and take processor time from the server. These build each request
once, and read of a response only its status and length.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle

_CHUNK = 1 << 16


@dataclass
class Calls:
    """What a fleet has seen."""

    seconds: list[float]
    """The duration of each call, the shortest first."""
    per_second: float


@dataclass
class _Client:
    connection: socket.socket
    requests: Iterator[bytes]
    began: float = 0.0
    received: bytearray = field(default_factory=bytearray)

    def send(self) -> None:
        self.received.clear()
        self.began = time.perf_counter()
        self.connection.sendall(next(self.requests))

    def has_answer(self) -> bool:
        """Read what has come; return whether it is a whole response. Raises AssertionError if it is an error."""
        data = self.connection.recv(_CHUNK)
        assert data, "The server has closed a connection."
        self.received += data
        head, separator, body = self.received.partition(b"\r\n\r\n")
        if not separator:
            return False
        assert head.split(b" ", 2)[1].startswith(b"2"), bytes(self.received[:500])
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return len(body) >= int(length.partition(b":")[2])


def request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    """Return a request as it is sent."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
    kind = "Content-Type: application/json\r\n" if body else ""
    return f"{head}{kind}Content-Length: {len(body)}\r\n\r\n".encode() + body


def called(port: int, requests: Sequence[bytes], count: int, seconds: float) -> Calls:
    """Let this many clients send the requests in turn, without a pause, for so long; return what they saw."""
    found: list[float] = []
    with selectors.DefaultSelector() as selector:
        clients = [_connected(port, requests) for _ in range(count)]
        for one in clients:
            selector.register(one.connection, selectors.EVENT_READ, one)
        began = time.perf_counter()
        for one in clients:
            one.send()
        active = count
        while active:
            for key, _ in selector.select():
                client: _Client = key.data
                if not client.has_answer():
                    continue
                now = time.perf_counter()
                found.append(now - client.began)
                if now - began < seconds:
                    client.send()
                else:
                    active -= 1
        took = time.perf_counter() - began
    for one in clients:
        one.connection.close()
    return Calls(sorted(found), len(found) / took)


def _connected(port: int, requests: Sequence[bytes]) -> _Client:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _Client(connection, cycle(requests))
