"""WebSockets of a real server, under clients that send more than they should."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from api.network.websockets import MOST_FRAMES, guarded_websocket
from tests.patience import PATIENCE_SECONDS, until

PING, TEXT, MORE = b"\x89\x80\0\0\0\0", b"\x81\x80\0\0\0\0", b"\x00\x80\0\0\0\0"


async def takes_all(scope: Any, receive: Any, send: Any) -> None:
    """Open every socket, and read from it to its end."""
    await receive()
    await send({"type": "websocket.accept"})
    kind = ""
    while kind != "websocket.disconnect":
        kind = (await receive())["type"]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    config = uvicorn.Config(takes_all, ws=guarded_websocket, lifespan="off", log_config=None)  # type: ignore[arg-type]
    server, listener = uvicorn.Server(config), socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    until(lambda: server.started)
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(PATIENCE_SECONDS)


def opened(port: int, path: str, *headers: str) -> socket.socket:
    """Open a socket, and return it with the answer read."""
    client = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
    key = base64.b64encode(bytes(16)).decode()
    asked = ["Host: here", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}", *headers]
    client.sendall("\r\n".join([f"GET {path} HTTP/1.1", *asked, "Sec-WebSocket-Version: 13", "", ""]).encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += client.recv(1)
    assert answer.startswith(b"HTTP/1.1 101"), answer
    assert b"permessage-deflate" not in answer or path == "/other"
    return client


def is_cut_while_sending(client: socket.socket, frames: bytes) -> bool:
    """Send and read what is answered; return whether the server hangs up soon."""
    client.settimeout(0.01)
    for _ in range(200):
        try:
            client.sendall(frames)
            if client.recv(1_000_000) == b"":
                return True
        except TimeoutError:
            continue
        except ConnectionError:
            return True
    return False


@pytest.mark.parametrize("frame", [PING, b"\x8a\x80\0\0\0\0", TEXT, MORE], ids=["ping", "pong", "text", "continued"])
def test_a_flood_of_frames_is_cut_off(port: int, frame: bytes) -> None:
    with opened(port, "/other") as client:
        if frame is MORE:
            client.sendall(b"\x01\x80\0\0\0\0")
        assert is_cut_while_sending(client, frame * 5_000)


def test_ordinary_pings_are_answered(port: int) -> None:
    with opened(port, "/api/ws/runs/x") as client:
        client.sendall(PING * (MOST_FRAMES // 2))
        answers = b""
        while len(answers) < MOST_FRAMES:
            answers += client.recv(65_536)
        assert answers == b"\x8a\x00" * (MOST_FRAMES // 2)


def test_a_socket_that_takes_no_messages_reads_no_large_ones_and_inflates_none(port: int) -> None:
    deflate = "Sec-WebSocket-Extensions: permessage-deflate"
    with opened(port, "/api/ws/runs/x", deflate) as client:
        client.sendall(b"\x82\xff" + (2_000_000).to_bytes(8, "big") + bytes(4))
        assert client.recv(4)[2:] == (1009).to_bytes(2, "big")
    with opened(port, "/other", deflate) as client:
        client.sendall(b"\x82\xff" + (100_000).to_bytes(8, "big") + bytes(4) + bytes(100_000) + PING)
        assert client.recv(2) == b"\x8a\x00"


@pytest.mark.parametrize(
    ("path", "header", "status"),
    [("/" + "a" * 9_000, "X-Some: thing", b"414 "), ("/some", "X-Some: " + "a" * 9_000, b"431 ")],
    ids=["address", "header"],
)
def test_a_request_for_a_socket_that_is_too_long_is_answered(port: int, path: str, header: str, status: bytes) -> None:
    client = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
    asked = ["Host: here", "Upgrade: websocket", "Connection: Upgrade", header]
    client.sendall("\r\n".join([f"GET {path} HTTP/1.1", *asked, "", ""]).encode())
    answer = b""
    while piece := client.recv(4_096):
        answer += piece
    client.close()
    assert answer.startswith(b"HTTP/1.1 " + status)
