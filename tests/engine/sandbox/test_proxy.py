"""The proxy of the sandbox hands on what code sends, however it is cut into pieces."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.sandbox.backends.backend import SOCKET
from engine.sandbox.code.proxy import ProxySession, opened
from tests.patience import PATIENCE_SECONDS

BODY = b"x" * 3_000


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:  # the name of a socket may have a hundred signs
        yield Path(folder)


@pytest.fixture
def host() -> Iterator[tuple[str, list[bytes]]]:
    """A host that reads until the body of a request has come; its name, and what it has got."""
    got: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(PATIENCE_SECONDS)

    def serve() -> None:
        connection, _ = listening.accept()
        connection.settimeout(PATIENCE_SECONDS)
        with connection:
            while not b"".join(got).endswith(BODY) and (piece := connection.recv(65536)):
                got.append(piece)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    serving = threading.Thread(target=serve, daemon=True)
    serving.start()
    yield f"127.0.0.1:{listening.getsockname()[1]}", got
    serving.join(PATIENCE_SECONDS)
    listening.close()


@pytest.mark.parametrize("is_tunnel", [False, True])
def test_what_is_sent_with_the_head_arrives(place: Path, host: tuple[str, list[bytes]], is_tunnel: bool) -> None:
    name, got = host
    head = f"CONNECT {name} HTTP/1.1\r\n\r\n" if is_tunnel else f"POST http://{name}/a HTTP/1.1\r\nHost: a\r\n\r\n"
    way = ProxySession.to([name], ["127.0.0.1"])
    with opened(way, place), socket.socket(socket.AF_UNIX) as inside:
        inside.settimeout(PATIENCE_SECONDS)
        inside.connect(str(place / SOCKET))
        inside.sendall(head.encode() + BODY)
        answer = b""
        while b"200 OK" not in answer and (piece := inside.recv(65536)):
            answer += piece
    assert b"".join(got).endswith(BODY)
    assert b"200 OK" in answer
