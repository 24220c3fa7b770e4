"""What leaves inside `reads_only()`: the ways around a declaration that a step type could try, against a server."""

from __future__ import annotations

import socket
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from clients import reads_only as guard
from clients.client import Opening
from clients.errors import AuthError, ServiceError, WriteRefused
from clients.github.client import GitHubClient
from clients.github.service import GitHubSettings
from clients.mail_server.outgoing_traffic import IMAP_READS, SMTP_READS, OutgoingTraffic
from clients.reads import ANYWHERE, SERVER, ConnectionReads, ReadRequest
from clients.reads_only import reads_only
from clients.sockets import NetworkGate
from clients.transport import borrowed, http_client
from engine.runner.effects.retry import _is_retryable
from tests.clients.conftest import Scripted

if TYPE_CHECKING:
    from openai import OpenAI

    from tests.conftest import StandIns

READS = (ReadRequest("GET", "/**"), ReadRequest("POST", "/search"), ReadRequest("POST", "/tables/*/query"))


@pytest.fixture
def server(scripted: Scripted) -> Scripted:
    return scripted.then(200, {"ok": True})


@pytest.fixture
def http(server: Scripted) -> Iterator[httpx.Client]:
    with http_client(reads=ConnectionReads(READS, server.url, "Tables")) as client:
        yield client


def _small(request: httpx.Request) -> httpx.Request:
    request.method = "post"
    return request


def _sdk(http: httpx.Client, url: str) -> OpenAI:
    from openai import OpenAI  # it takes a second, and most processes that collect tests run none of these

    return OpenAI(api_key="none", base_url=url, http_client=http, max_retries=0)  # type: ignore[arg-type]


def _raw_bytes(http: httpx.Client, url: str) -> None:
    with http.stream("GET", url) as answer:
        answer.extensions["network_stream"].write(b"POST /pages HTTP/1.1\r\nHost: x\r\n\r\n")


def _own_client(url: str) -> None:
    with http_client() as http:
        http.get(url)


def _own_connection(url: str) -> None:
    gate = NetworkGate(public_only=False, allow_hosts=frozenset())
    stream = gate.connect_tcp("127.0.0.1", int(url.rpartition(":")[2]))
    try:
        stream.write(b"POST /pages HTTP/1.1\r\nHost: x\r\n\r\n")
    finally:
        stream.close()


def _in_thread(work: Callable[[], Any]) -> None:
    raised: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again where the thread is awaited
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


def _in_pool(work: Callable[[], Any]) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


WAYS: dict[str, Callable[[httpx.Client, str], Any]] = {
    "post": lambda http, url: http.post(f"{url}/pages", json={}),
    "put": lambda http, url: http.put(f"{url}/search"),
    "delete": lambda http, url: http.delete(f"{url}/search"),
    "patch": lambda http, url: http.patch(f"{url}/tables/1/query"),
    "a method of its own": lambda http, url: http.request("PUBLISH", f"{url}/search"),
    "a method in small letters": lambda http, url: http.send(_small(http.build_request("POST", f"{url}/pages"))),
    "another method in a header": lambda http, url: http.get(f"{url}/1", headers={"X-HTTP-Method-Override": "DELETE"}),
    "another protocol": lambda http, url: http.get(url, headers={"Connection": "upgrade", "Upgrade": "websocket"}),
    "a longer path": lambda http, url: http.post(f"{url}/search/delete"),
    "a path around": lambda http, url: http.post(httpx.URL(f"{url}/tables/%2e%2e/query")),
    "a slash encoded": lambda http, url: http.post(httpx.URL(f"{url}/tables/1%2F..%2Fpages/query")),
    "a verb after a colon": lambda http, url: http.post(f"{url}/tables/1:delete/query"),
    "another place": lambda http, url: http.get(url.replace("127.0.0.1", "localhost")),
    "a borrowed client": lambda http, url: borrowed(http).post(f"{url}/pages"),
    "an SDK": lambda http, url: _sdk(http, url).files.create(file=b"text", purpose="assistants"),
    "a client of its own": lambda _, url: _own_client(url),
    "bytes on an open connection": _raw_bytes,
    "a connection of its own": lambda _, url: _own_connection(url),
    "urllib": lambda _, url: urllib.request.urlopen(urllib.request.Request(f"{url}/pages", method="POST")),
    "a plain httpx client": lambda _, url: httpx.post(f"{url}/pages"),
    "a plain socket": lambda _, url: socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))),
    "a datagram": lambda *_: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
    "a thread": lambda http, url: _in_thread(lambda: http.post(f"{url}/pages")),
    "a thread of a thread": lambda http, url: _in_thread(lambda: _in_thread(lambda: http.post(f"{url}/pages"))),
    "a socket in a thread": lambda _, url: _in_thread(lambda: httpx.post(f"{url}/pages")),
    "a pool": lambda http, url: _in_pool(lambda: http.post(f"{url}/pages")),
}


def test_a_pool_that_was_there_before_inherits_it_for_this_work_alone(http: httpx.Client, server: Scripted) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        with reads_only(), pytest.raises(WriteRefused):
            pool.submit(http.post, f"{server.url}/pages").result()
        assert pool.submit(http.post, f"{server.url}/pages").result().status_code == 200
    assert len(server.seen) == 1


@pytest.mark.parametrize("way", WAYS)
def test_no_way_leads_past_the_declaration(way: str, http: httpx.Client, server: Scripted) -> None:
    with reads_only(), pytest.raises(Exception) as caught:  # noqa: PT011 - some SDKs wrap it
        WAYS[way](http, server.url)
    causes = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert any(isinstance(getattr(cause, "reason", cause), WriteRefused) for cause in causes), repr(caught.value)
    assert [(one.method, one.path) for one in server.seen if one.method != "GET" or one.path != "/"] == []


WITHOUT_A_GUARD = {
    "bytes on an open connection": "the server has closed it",
    "another place": "it listens on one address",
    "another protocol": "it stays HTTP",
    "a datagram": "nobody listens",
    "a connection of its own": "nobody waits for the answer",
    "a plain socket": "nothing is sent",
    "a method of its own": "the server does not know it",
    "a method in small letters": "the server does not know it",
}


@pytest.mark.parametrize("way", [way for way in WAYS if way not in WITHOUT_A_GUARD])
def test_without_the_guard_each_way_arrives(way: str, http: httpx.Client, server: Scripted) -> None:
    with suppress(httpx.HTTPError):
        WAYS[way](http, server.url)
    assert server.seen


ALLOWED: dict[str, Callable[[httpx.Client, str], httpx.Response]] = {
    "get": lambda http, url: http.get(f"{url}/pages/a%2Fb?limit=3"),
    "search": lambda http, url: http.post(f"{url}/search", json={"words": "x"}),
    "one part": lambda http, url: http.post(f"{url}/tables/0f-1_a.b~c/query", content=iter([b"{", b"}"])),
    "borrowed": lambda http, url: borrowed(http).post(f"{url}/search"),
    "a thread": lambda http, url: _result(lambda: http.post(f"{url}/search")),
}


def _result(work: Callable[[], httpx.Response]) -> httpx.Response:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


@pytest.mark.parametrize("way", ALLOWED)
def test_declared_reads_leave(way: str, http: httpx.Client, server: Scripted) -> None:
    with reads_only():
        assert ALLOWED[way](http, server.url).json() == {"ok": True}
    assert len(server.seen) == 1


def test_a_redirect_is_one_more_request(http: httpx.Client, scripted: Scripted) -> None:
    scripted.answers[:] = [(307, {"location": "/pages"}, b""), (200, {}, b"")]
    with reads_only(), pytest.raises(WriteRefused):
        http.post(f"{scripted.url}/search", follow_redirects=True)
    assert [one.path for one in scripted.seen] == ["/search"]


def test_a_body_is_complete_before_anything_leaves(http: httpx.Client, server: Scripted) -> None:
    def parts() -> Iterator[bytes]:
        assert not server.seen
        with pytest.raises(WriteRefused):
            http.post(f"{server.url}/pages")
        yield b"{}"

    with reads_only():
        http.post(f"{server.url}/search", content=parts())
    assert [one.path for one in server.seen] == ["/search"]


def test_a_service_that_declares_nothing_reads_nothing_and_is_told(server: Scripted) -> None:
    nothing = ConnectionReads(title="Tables")
    with http_client(reads=nothing) as http, reads_only(), pytest.raises(WriteRefused) as caught:
        http.get(f"{server.url}/secret-path?key=123")
    assert caught.value.message == (
        f"GET {server.url}/secret-path was not sent: while a plan is made or a question is asked, only declared "
        "reads leave this program, and Tables declares none."
    )
    assert "`reads` of the service" in caught.value.remedy
    assert not server.seen


def test_the_refusal_is_no_matter_of_the_account_and_final(standins: StandIns) -> None:
    where = standins["github"]
    client = GitHubClient.open(GitHubSettings(base_url=where.base_url, token=where.token), Opening())
    with reads_only(), pytest.raises(ServiceError) as caught:
        client.create_issue("acme/app", "Title", "Body")
    client.close()
    assert type(caught.value) is WriteRefused
    assert not isinstance(caught.value, AuthError)
    assert (caught.value.outcome, caught.value.retryable) == ("not_done", False)


def test_it_ends_with_its_block_and_threads_started_before_are_others(http: httpx.Client, server: Scripted) -> None:
    with reads_only():
        assert guard.is_active()
        with reads_only():
            pass
        assert guard.is_active()
    assert not guard.is_active()
    assert http.post(f"{server.url}/pages").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/x"), ("get", "/x"), ("GET", "x"), ("GET", "/**/x"), ("PATCH", "/x")]
)
def test_what_cannot_be_a_read_cannot_be_declared(method: str, path: str) -> None:
    with pytest.raises(ValueError, match=r"must begin|is not the method"):
        ReadRequest(method, path)


@pytest.mark.parametrize(
    ("read", "url", "fits"),
    [
        (ReadRequest("GET", "/**"), "https://a.test/api/v3/repos", True),
        (ReadRequest("GET", "/**"), "https://a.test/api/v3", False),
        (ReadRequest("GET", "/**"), "https://a.test/api/v33/repos", False),
        (ReadRequest("GET", "/**"), "https://a.test:444/api/v3/repos", False),
        (ReadRequest("GET", "/**"), "http://a.test/api/v3/repos", False),
        (ReadRequest("GET", "/**"), "https://a.test.evil.test/api/v3/repos", False),
        (ReadRequest("GET", "/*"), "https://a.test:443/api/v3/repos", True),
        (ReadRequest("GET", "/*"), "https://a.test/api/v3/a/b", False),
        (ReadRequest("GET", "/x", SERVER), "https://a.test/x", True),
        (ReadRequest("GET", "/x", SERVER), "https://a.test/api/v3/x", False),
        (ReadRequest("GET", "/x", "https://b.test"), "https://b.test/x?y=z", True),
        (ReadRequest("GET", "/x", "https://b.test"), "https://a.test/x", False),
        (ReadRequest("GET", "/x", "https://*.b.test"), "https://store.b.test/x", True),
        (ReadRequest("GET", "/x", "https://*.b.test"), "https://b.test/x", False),
        (ReadRequest("GET", "/x", "https://*.b.test"), "https://evilb.test/x", False),
        (ReadRequest("GET", "/x", "https://*.b.test"), "https://store.b.test.evil.test/x", False),
        (ReadRequest("GET", "/x", ANYWHERE), "http://c.test:8000/x", True),
    ],
)
def test_a_read_fits_its_place(read: ReadRequest, url: str, fits: bool) -> None:
    assert read.fits(httpx.Request("GET", url), "https://a.test/api/v3") is fits


IMAP_LINES = {
    "A1 NOOP": True,
    "A1 LOGIN user secret": True,
    "A1 CAPABILITY": True,
    'A1 EXAMINE "INBOX" (CONDSTORE)': True,
    'A1 SELECT "INBOX"': False,
    'A1 LIST "" "*" RETURN (SPECIAL-USE)': True,
    "A1 UID SEARCH UNSEEN SUBJECT STORE": True,
    "A1 UID FETCH 1:4,9 (UID FLAGS INTERNALDATE RFC822.SIZE)": True,
    "A1 UID FETCH 1 (UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE)])": True,
    "A1 UID FETCH 1 (UID BODY.PEEK[]<0.1048576>)": True,
    "A1 UID FETCH 1 BODY[]": False,
    "A1 FETCH 1 (BODY.PEEK[] BODY[TEXT])": False,
    "A1 FETCH 1 RFC822": False,
    "A1 FETCH 1 (RFC822.TEXT)": False,
    "A1 fetch 1 body[]": False,
    "A1 UID STORE 1 +FLAGS (\\Seen)": False,
    "A1 STORE 1 +FLAGS (\\Seen)": False,
    "A1 UID COPY 1 Archive": False,
    "A1 UID MOVE 1 Archive": False,
    "A1 APPEND Drafts {3}": False,
    "A1 EXPUNGE": False,
    "A1 UID EXPUNGE 1": False,
    "A1 CLOSE": False,
    "A1 CREATE x": False,
    "A1 DELETE x": False,
    "A1 RENAME x y": False,
    "A1 SUBSCRIBE x": False,
    "A1 SETACL x y z": False,
    "A1 NOOP\nA2 EXPUNGE": False,
    "A1 NOOP\0": False,
    "A1 SEARCH SUBJECT {400}": True,
    "A1 STORE 1 +FLAGS {400}": False,
    "A1 SEARCH SUBJECT {400+}": False,
    "A1  STORE 1 +FLAGS x": False,
    "NOOP": False,
    "": False,
}
SMTP_LINES = {
    "ehlo [127.0.0.1]": True,
    "STARTTLS": True,
    "AUTH PLAIN AGFubgBzZWNyZXQ=": True,
    "QUIT": True,
    "mail FROM:<ann@example.com>": False,
    "RCPT TO:<bob@example.com>": False,
    "DATA": False,
    "BDAT 5 LAST": False,
    "VRFY ann": False,
    "Subject: x": False,
    ".": False,
}


@pytest.mark.parametrize(
    ("reads", "line", "passes"),
    [(IMAP_READS, *one) for one in IMAP_LINES.items()] + [(SMTP_READS, *one) for one in SMTP_LINES.items()],
)
def test_only_commands_that_read_pass_to_a_mail_server(reads: Any, line: str, passes: bool) -> None:
    outgoing = OutgoingTraffic(reads, "mail.example.com:993")
    outgoing.require_reads(f"{line}\r\n".encode())
    with reads_only():
        if passes:
            outgoing.require_reads(f"{line}\r\n".encode())
            return
        with pytest.raises(WriteRefused, match=r"mail\.example\.com:993"):
            outgoing.require_reads(f"{line}\r\n".encode())


def test_a_sign_in_is_one_command_and_its_answers() -> None:
    outgoing = OutgoingTraffic(IMAP_READS, "mail.example.com:993")
    with reads_only():
        outgoing.require_reads(b"A1 AUTHENTICATE PLAIN\r\n")
        outgoing.require_reads(b"AGFubgBzZWNyZXQ=")  # imaplib sends the end of this line by itself
        outgoing.require_reads(b"\r\n")
        outgoing.require_reads(b"A2 NOOP\r\n")
        for late in (b"AGFubgBzZWNyZXQ=\r\n", b"A3 NOOP", b"A3 NOOP\r\nA4 STORE 1 +FLAGS x\r\n"):
            with pytest.raises(WriteRefused):
                outgoing.require_reads(late)


def test_the_literals_of_a_search_belong_to_it_and_nothing_else_passes_with_them() -> None:
    outgoing = OutgoingTraffic(IMAP_READS, "mail.example.com:993")
    with reads_only():
        outgoing.require_reads(b"A1 UID SEARCH CHARSET UTF-8 SUBJECT {7}\r\n")
        outgoing.require_reads("Größe".encode() + b" FROM {3}")  # imaplib sends the end of this line by itself
        outgoing.require_reads(b"\r\n")
        outgoing.require_reads("\n\u00e9".encode() + b" UNDELETED\r\nA2 NOOP\r\n")
        with pytest.raises(WriteRefused):
            outgoing.require_reads(b"A3 STORE 1 +FLAGS x\r\n")
        outgoing.require_reads(b"A4 SEARCH SUBJECT {400}\r\n")
        outgoing.begin()
        with pytest.raises(WriteRefused):  # the server has refused the literal
            outgoing.require_reads(b"A5 STORE 1 +FLAGS x\r\n")
        outgoing.require_reads(b"A6 SEARCH SUBJECT {1}\r\n")
        with pytest.raises(WriteRefused):
            outgoing.require_reads(b"a\nA7 STORE 1 +FLAGS x\r\n")


def test_it_is_not_retried() -> None:
    class Job:
        retry = None

    assert not _is_retryable(Job(), WriteRefused("x"))  # type: ignore[arg-type]
