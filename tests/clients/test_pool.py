"""Open connections: used again where they can be, by one request at a time, and never after their end."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpcore
import httpx
import pytest

from clients.pool import Pool
from tests.patience import PATIENCE_SECONDS, until

BODY = b"hello"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n" + BODY


@dataclass
class Server:
    """Counts connections, and how many requests each one carried at once."""

    port: int
    url: str
    requests_before_close: int = 1000
    seconds: float = 0.0
    connections: int = 0
    requests: int = 0
    open: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def handle(self, connection: socket.socket) -> None:
        """Answer until it has been enough."""
        with self.lock:
            self.connections += 1
            self.open += 1
        with connection, contextlib.suppress(OSError):
            for _ in range(self.requests_before_close):
                asked = connection.recv(65_536)
                if not asked:
                    break
                assert asked.count(b"\r\n\r\n") == 1, "two requests at once on one connection"
                with self.lock:
                    self.requests += 1
                time.sleep(self.seconds)
                connection.sendall(ANSWER)
        with self.lock:
            self.open -= 1


@pytest.fixture
def server() -> Iterator[Server]:
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)
    port = listener.getsockname()[1]
    state = Server(port, f"http://127.0.0.1:{port}/")

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=state.handle, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield state
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.fixture
def pool() -> Iterator[Pool]:
    with Pool(httpcore.SyncBackend(), ssl.create_default_context(), 60.0) as opened:
        yield opened


def ask(pool: Pool, server: Server) -> httpx.Response:
    """Send one request; the answer's stream is still to be read."""
    return pool.handle_request(httpx.Request("GET", server.url))


def body_of(answer: httpx.Response) -> bytes:
    """Read an answer to its end, and close it."""
    return answer.read()


def test_requests_after_each_other_share_a_connection(pool: Pool, server: Server) -> None:
    assert [body_of(ask(pool, server)) for _ in range(10)] == [BODY] * 10
    assert server.connections == 1


def test_requests_at_once_have_a_connection_each_and_leave_it_to_the_next(pool: Pool, server: Server) -> None:
    server.seconds = 0.05
    with ThreadPoolExecutor(30) as threads:
        found = list(threads.map(lambda _: body_of(ask(pool, server)), range(120)))
    assert found == [BODY] * 120
    assert server.connections <= 30


def test_a_connection_that_the_server_closed_is_not_used_again(pool: Pool, server: Server) -> None:
    server.requests_before_close = 1
    for _ in range(3):
        assert body_of(ask(pool, server)) == BODY
        until(lambda: server.open == 0)
    assert server.connections == 3


def test_a_connection_that_was_idle_for_long_is_not_used_again(server: Server) -> None:
    with Pool(httpcore.SyncBackend(), ssl.create_default_context(), 0.05) as pool:
        body_of(ask(pool, server))
        time.sleep(0.2)
        body_of(ask(pool, server))
    assert server.connections == 2


def test_connections_that_were_idle_for_long_are_closed_by_and_by(server: Server) -> None:
    with Pool(httpcore.SyncBackend(), ssl.create_default_context(), 0.1) as pool:
        answers = [ask(pool, server) for _ in range(5)]
        for answer in answers:
            body_of(answer)
        assert server.connections == 5
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while server.open > 1 and time.monotonic() < ends_at:
            time.sleep(0.25)
            body_of(ask(pool, server))
        assert server.open <= 1


def test_an_answer_that_is_given_up_takes_its_connection_along(pool: Pool, server: Server) -> None:
    answer = ask(pool, server)
    answer.close()
    until(lambda: server.open == 0)
    assert body_of(ask(pool, server)) == BODY
    assert server.connections == 2


def test_a_place_that_nobody_answers_at_leaves_nothing_behind(pool: Pool, server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(httpx.ConnectError):
        pool.handle_request(httpx.Request("GET", f"http://127.0.0.1:{port}/"))
    assert body_of(ask(pool, server)) == BODY


def test_closing_ends_idle_and_busy_connections(pool: Pool, server: Server) -> None:
    first, second = ask(pool, server), ask(pool, server)
    body_of(first)
    assert server.open == 2
    pool.close()
    until(lambda: server.open == 0)
    second.close()
    assert body_of(ask(pool, server)) == BODY  # a request after that opens its own
    assert server.connections == 3


def test_nothing_but_http_is_spoken(pool: Pool) -> None:
    with pytest.raises(httpx.UnsupportedProtocol, match="ftp"):
        pool.handle_request(httpx.Request("GET", "ftp://127.0.0.1/"))
