"""The one way out: deadlines over every byte, addresses checked before a socket opens, answers limited in size."""

from __future__ import annotations

import contextlib
import gzip
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from clients import addresses
from clients import error_mapping as failures
from clients.errors import BadAnswer, InvalidRequest, ServiceError, Timeout, Unavailable
from clients.github.service import GITHUB
from clients.http.service import HTTP
from clients.read_retry import retrying_reads
from clients.request_tracking import asking
from clients.transport import MAX_ANSWER_BYTES, AnswerRefused, Forbidden, borrowed, deadline, http_client, origin
from tests.clients.conftest import Scripted
from tests.patience import PATIENCE_SECONDS

TOLERANCE_SECONDS = 20.0
"""How late a deadline may be noticed on a busy machine; the servers below would take far longer."""

Handler = Callable[[socket.socket], None]


class Server:
    """A loopback server that treats each connection as one test wants it."""

    def __init__(self, handle: Handler) -> None:
        self.connections = 0
        self._handle = handle
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(OSError):
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self._handle(connection)

    def stop(self) -> None:
        self._stopped.set()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        self._thread.join(PATIENCE_SECONDS)
        self._listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Handler], Server]]:
    servers: list[Server] = []

    def start(handle: Handler) -> Server:
        servers.append(Server(handle))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with http_client() as client:
        yield client


def answer(body: bytes = b"{}", head: str = "HTTP/1.1 200 OK") -> Handler:
    lines = [head, f"content-length: {len(body)}"]

    def handle(connection: socket.socket) -> None:
        while connection.recv(65_536):
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    return handle


def drip(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    for _ in range(600):
        connection.sendall(b"x")
        time.sleep(0.1)


def drip_head(connection: socket.socket) -> None:
    connection.recv(65_536)
    for _ in range(600):
        connection.sendall(b"H")
        time.sleep(0.1)


def read_slowly(connection: socket.socket) -> None:
    # Fast enough that no single write waits for long, slow enough that all of them take half a minute.
    while connection.recv(100_000):
        time.sleep(0.05)


def say_nothing(connection: socket.socket) -> None:
    connection.recv(65_536)
    time.sleep(60)


@pytest.mark.parametrize(
    ("handle", "body"),
    [
        pytest.param(drip, b"", id="drips its answer"),
        pytest.param(drip_head, b"", id="drips its head"),
        pytest.param(say_nothing, b"", id="says nothing"),
        pytest.param(read_slowly, b"x" * 60_000_000, id="reads the request slowly"),
    ],
)
def test_a_slow_server_is_left_at_the_deadline(
    serve: Callable[[Handler], Server], http: httpx.Client, handle: Handler, body: bytes
) -> None:
    server = serve(handle)
    started = time.monotonic()
    with deadline(1.0), pytest.raises(httpx.TimeoutException) as caught:
        http.post(server.url, content=body)
    assert time.monotonic() - started < TOLERANCE_SECONDS
    error = failures.of_broken_connection(GITHUB, caught.value)
    assert isinstance(error, Timeout)
    assert error.outcome == "unknown"


def test_one_deadline_covers_several_requests(serve: Callable[[Handler], Server], http: httpx.Client) -> None:
    def slow(connection: socket.socket) -> None:
        while connection.recv(65_536):
            time.sleep(0.15)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

    server = serve(slow)
    answered: list[httpx.Response] = []
    started = time.monotonic()
    with deadline(0.5), pytest.raises(httpx.TimeoutException):
        answered.extend(http.get(server.url) for _ in range(400))
    assert len(answered) <= 3
    assert time.monotonic() - started < TOLERANCE_SECONDS


def test_after_its_deadline_nothing_is_sent(serve: Callable[[Handler], Server], http: httpx.Client) -> None:
    server = serve(answer())
    with deadline(0.0), pytest.raises(httpx.ConnectTimeout) as caught:
        http.post(server.url)
    assert server.connections == 0
    assert failures.of_broken_connection(GITHUB, caught.value).outcome == "not_done"


def test_an_inner_deadline_only_shortens(serve: Callable[[Handler], Server], http: httpx.Client) -> None:
    server = serve(drip)
    started = time.monotonic()
    with deadline(0.3), deadline(60), pytest.raises(httpx.TimeoutException):
        http.get(server.url)
    assert time.monotonic() - started < TOLERANCE_SECONDS


def test_a_deadline_ends_with_its_block(serve: Callable[[Handler], Server], http: httpx.Client) -> None:
    server = serve(answer())
    with deadline(0.0):
        pass
    assert http.get(server.url).json() == {}


def test_a_deadline_is_of_its_thread_only(serve: Callable[[Handler], Server], http: httpx.Client) -> None:
    server = serve(answer())
    with deadline(0.0), ThreadPoolExecutor(1) as pool:
        assert pool.submit(http.get, server.url).result(30).status_code == 200


def test_a_foreign_origin_is_refused_without_a_socket(serve: Callable[[Handler], Server]) -> None:
    allowed, foreign = serve(answer()), serve(answer())
    with http_client(allowed_origins=frozenset({allowed.url})) as http:
        assert http.get(f"{allowed.url}/a").status_code == 200
        for url in (
            foreign.url,
            f"https://127.0.0.1:{allowed.port}",
            "http://127.0.0.1",
            f"http://localhost:{allowed.port}",
        ):
            with pytest.raises(Forbidden) as refused:
                http.get(url)
            # Under `--demo` there is no switch to turn: the remedy must work for a command, too.
            assert "leave out `--demo`" in refused.value.remedy
    assert foreign.connections == 0
    assert allowed.connections == 1


def test_a_foreign_name_is_refused_before_it_is_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a name was looked up")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    with http_client(allowed_origins=frozenset({"http://127.0.0.1:1"})) as http, pytest.raises(Forbidden):
        http.get("https://api.github.com/user")


INSIDE = [
    "127.0.0.1",
    "127.1.2.3",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7f.1",
    "127.1",
    "0",
    "0.0.0.0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fe80::1]",
    "[fd00::1]",
    "[fec0::1]",
    "[ff02::1]",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "192.0.0.8",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "168.63.129.16",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "localhost",
    "LOCALHOST",
]


@pytest.mark.parametrize("host", INSIDE)
def test_inside_addresses_are_refused_in_every_spelling(host: str) -> None:
    with (
        http_client(public_only=True) as http,
        deadline(20),
        pytest.raises((Forbidden, httpx.TransportError)) as caught,
    ):
        http.get(f"http://{host}:9/")
    error = failures.of_broken_connection(HTTP, caught.value)
    assert isinstance(error, Forbidden), f"{host} was not refused: {caught.value!r}"
    assert error.outcome == "not_done"


def test_a_name_is_refused_when_one_of_its_addresses_is_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: mixed)
    with http_client(public_only=True) as http, pytest.raises(Forbidden):
        http.get("http://rebound.example/")


def test_the_checked_address_is_the_one_that_is_connected_to(
    serve: Callable[[Handler], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(answer())
    asked: list[object] = []
    real = socket.getaddrinfo

    def count(host: Any, *rest: Any, **options: Any) -> object:
        asked.append(host)
        return real("127.0.0.1" if host == "named.example" else host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", count)
    named = frozenset({"named.example"})
    with http_client(public_only=True, allow_hosts=named) as http:
        assert http.get(f"http://named.example:{server.port}/").status_code == 200
    assert asked.count("named.example") == 1


@pytest.mark.parametrize("named", ["127.0.0.1", "127.0.0.1:{port}"])
def test_a_named_host_is_allowed(serve: Callable[[Handler], Server], named: str) -> None:
    server = serve(answer())
    with http_client(public_only=True, allow_hosts=frozenset({named.format(port=server.port)})) as http:
        assert http.get(server.url).status_code == 200
        with pytest.raises(Forbidden):
            http.get(f"http://localhost:{server.port}")


@pytest.mark.parametrize("text", ["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_public(text: str) -> None:
    address = addresses.literal(text)
    assert address is not None
    assert addresses.is_public(address)


def test_an_unknown_name_is_unavailable_and_nothing_was_done(http: httpx.Client) -> None:
    with deadline(30), pytest.raises(httpx.ConnectError) as caught:
        http.get("http://nowhere.invalid/")
    error = failures.of_broken_connection(GITHUB, caught.value)
    assert (type(error), error.outcome) == (Unavailable, "not_done")


def test_a_resolver_that_hangs_is_left_at_the_deadline(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(60) and [])
    started = time.monotonic()
    with deadline(0.3), pytest.raises(httpx.ConnectTimeout):
        http.get("http://slow.example/")
    release.set()
    assert time.monotonic() - started < TOLERANCE_SECONDS


def test_a_refused_connection_is_unavailable_and_nothing_was_done(http: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(httpx.ConnectError) as caught:
        http.post(f"http://127.0.0.1:{port}/")
    error = failures.of_broken_connection(GITHUB, caught.value)
    assert (type(error), error.outcome) == (Unavailable, "not_done")


def test_a_redirect_is_not_followed(serve: Callable[[Handler], Server], http: httpx.Client) -> None:
    target = serve(answer())
    server = serve(answer(b"", f"HTTP/1.1 302 Found\r\nlocation: {target.url}"))
    assert http.get(server.url).status_code == 302
    assert target.connections == 0


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "not announced"])
def test_an_answer_over_the_limit_is_not_read(
    serve: Callable[[Handler], Server], http: httpx.Client, announced: bool
) -> None:
    def huge(connection: socket.socket) -> None:
        connection.recv(65_536)
        length = f"content-length: {MAX_ANSWER_BYTES + 1}\r\n" if announced else ""
        connection.sendall(f"HTTP/1.1 200 OK\r\n{length}\r\n".encode())
        for _ in range(MAX_ANSWER_BYTES // 65_536 + 2):
            connection.sendall(b" " * 65_536)

    server = serve(huge)
    with pytest.raises(AnswerRefused) as caught:
        http.get(server.url)
    error = failures.of_broken_connection(GITHUB, caught.value)
    assert isinstance(error, BadAnswer)
    assert "too large" in error.message


def packed(content: bytes, coding: str) -> Handler:
    """Answer with packed content in two pieces, of which the first is one byte."""

    def handle(connection: socket.socket) -> None:
        connection.recv(65_536)
        head = f"HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {len(content)}\r\n\r\n"
        connection.sendall(head.encode() + content[:1])
        time.sleep(0.05)
        connection.sendall(content[1:])

    return handle


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 1_000_000])
def test_a_packed_answer_is_not_asked_for_but_read(
    serve: Callable[[Handler], Server], http: httpx.Client, size: int
) -> None:
    content = random.Random(size).randbytes(size // 2) + b" " * (size - size // 2)
    answer = http.get(serve(packed(gzip.compress(content), "gzip")).url)
    assert (answer.content, answer.request.headers["accept-encoding"]) == (content, "identity")
    assert {"content-encoding", "content-length"}.isdisjoint(answer.headers)


def test_a_packed_answer_that_cannot_be_read_is_refused(serve: Callable[[Handler], Server], http: httpx.Client) -> None:
    with pytest.raises(AnswerRefused, match=r"compressed \(br\)"):
        http.get(serve(packed(b"xx", "br")).url)


def test_of_a_file_that_is_kept_packed_a_part_is_not_unpacked(
    serve: Callable[[Handler], Server], http: httpx.Client
) -> None:
    content = gzip.compress(b"a")
    answer = http.get(serve(packed(content, "gzip")).url, headers={"Range": "bytes=0-99"})
    assert answer.content == content


def test_cookies_are_neither_kept_nor_sent(serve: Callable[[Handler], Server], http: httpx.Client) -> None:
    server = serve(answer(head="HTTP/1.1 200 OK\r\nset-cookie: session=1"))
    http.get(server.url)
    assert "cookie" not in http.get(server.url).request.headers


def test_a_proxy_of_the_environment_is_not_used(
    serve: Callable[[Handler], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(answer())
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with http_client() as http:
        assert http.get(server.url).status_code == 200


def test_threads_share_one_client(serve: Callable[[Handler], Server], http: httpx.Client) -> None:
    def echo(connection: socket.socket) -> None:
        while request := connection.recv(65_536):
            path = request.split(b" ")[1]
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(path), path))

    server = serve(echo)

    def ask(number: int) -> bool:
        with deadline(60):
            return http.get(f"{server.url}/{number}").text == f"/{number}"

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(240)))


def test_a_borrowed_client_keeps_its_headers_to_itself(serve: Callable[[Handler], Server], http: httpx.Client) -> None:
    server = serve(answer())
    own = borrowed(http)
    own.headers["authorization"] = "Bearer secret"
    assert own.get(server.url).request.headers["authorization"] == "Bearer secret"
    assert "authorization" not in http.get(server.url).request.headers


def test_a_borrowed_client_is_refused_what_its_lender_is() -> None:
    with http_client(public_only=True) as http, pytest.raises(Forbidden):
        borrowed(http).get("http://127.0.0.1:9/")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://api.github.com/x", "https://api.github.com:443"),
        ("http://127.0.0.1:80", "http://127.0.0.1:80"),
        ("HTTP://LOCALHOST/", "http://localhost:80"),
        ("http://[::1]:5/", "http://[::1]:5"),
    ],
)
def test_an_origin_always_names_its_port(url: str, expected: str) -> None:
    assert origin(url) == expected


def test_forbidden_is_a_service_error_that_is_not_retried() -> None:
    error = Forbidden("no")
    assert isinstance(error, ServiceError)
    assert not error.retryable


@pytest.mark.parametrize(
    ("method", "pauses", "asked"),
    [
        pytest.param("GET", (0.0, 0.0), 3, id="a read, patiently"),
        pytest.param("GET", (), 1, id="a read"),
        pytest.param("POST", (0.0, 0.0), 1, id="a write is never sent again"),
    ],
)
def test_only_reads_are_sent_again_and_only_where_that_was_asked_for(
    scripted: Scripted, method: str, pauses: tuple[float, ...], asked: int
) -> None:
    scripted.then(503).then(502).then(200, {"ok": True})
    with http_client() as http, retrying_reads(*pauses):
        http.request(method, scripted.url)
    assert len(scripted.seen) == asked


def test_a_search_that_is_a_post_is_a_read(scripted: Scripted) -> None:
    scripted.then(503).then(200, {"ok": True})
    with http_client() as http, retrying_reads(0.0), asking():
        assert http.post(scripted.url).status_code == 200


def test_patience_runs_out_with_a_request_and_comes_back_with_the_next(scripted: Scripted) -> None:
    for status in (503, 503, 200):
        scripted.then(status, {})
    with http_client() as http, retrying_reads(0.0) as given:
        assert http.get(scripted.url).status_code == 503
        assert given.has_run_out
        assert http.get(scripted.url).status_code == 200
        assert not given.has_run_out


def test_a_service_that_names_a_time_is_not_asked_again_before(scripted: Scripted) -> None:
    scripted.then(503, retry_after="60").then(200, {"ok": True})
    with http_client() as http, retrying_reads(0.0):
        assert http.get(scripted.url).status_code == 503
    assert len(scripted.seen) == 1


@pytest.mark.parametrize("name", ["..", ".", "../acme/website", "a/../../b", "%2e%2E", "..%2Fwebsite"])
def test_no_name_leads_a_request_to_another_address(serve: Callable[[Handler], Server], name: str) -> None:
    there = serve(lambda _: None)
    with http_client() as http, pytest.raises(InvalidRequest, match="another address"):
        http.get(f"{there.url}/items/{name}/labels")
    with http_client() as plain, borrowed(plain) as sdk, pytest.raises(InvalidRequest):
        sdk.get(f"{there.url}/items/{name}")
    assert there.connections == 0
