"""A loopback HTTP service that takes its time (100 ms) or none, in a process of its own: it shares no GIL with us."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SECONDS = 0.1
_BODY = '{"ok": true, "of": "a service that takes its time"}'
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class _Server(asyncio.Protocol):
    def __init__(self, seconds: float, body: bytes) -> None:
        self._seconds, self._answer = seconds, _ANSWER % (len(body), body)
        self._transport: asyncio.Transport | None = None
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (length := self._first()) <= len(self._read):
            self._read = self._read[length:]
            asyncio.get_running_loop().call_later(self._seconds, self._send)

    def _first(self) -> int:
        """Return the length of the first request, more than has been read if its head is not whole."""
        head, end, _ = self._read.partition(b"\r\n\r\n")
        if not end:
            return len(self._read) + 1
        found = _LENGTH.search(head)
        return len(head) + len(end) + (int(found[1]) if found else 0)

    def _send(self) -> None:
        assert self._transport is not None
        self._transport.write(self._answer)


async def _serve(seconds: float, body: str) -> None:
    def made() -> _Server:
        return _Server(seconds, body.encode())

    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0, backlog=256)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


@contextmanager
def serving(seconds: float = SECONDS, body: str = _BODY) -> Iterator[int]:
    """Yield the port of a running service that answers after so many seconds, with this JSON text."""
    command = [sys.executable, "-m", "bench.base.slow_service", str(seconds), body]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]), sys.argv[2]))
