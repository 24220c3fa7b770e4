"""Lists over pages, forms, files, and hops to names that change their meaning on the way."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpcore
import httpx
import pytest

from clients.errors import BadAnswer, InvalidRequest, ServiceError
from clients.http.client import HttpClient
from clients.http.pages import Pagination
from clients.http.request import FileUpload, WebRequest
from clients.http.service import HttpSettings
from clients.transport import FILE_BYTES, MAX_ANSWER_BYTES, Forbidden, http_client

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted

PUBLIC = "93.184.216.34"
FILE = FileUpload("scan.pdf", b"%PDF-1.4 \x00", "application/pdf")


@pytest.fixture
def local() -> Iterator[HttpClient]:
    hosts = frozenset({"127.0.0.1"})
    with http_client(public_only=True, allow_hosts=hosts) as http:
        yield HttpClient(HttpSettings(allow_hosts=list(hosts)), http)


def pages(client: HttpClient, url: str, **paging: Any) -> dict[str, Any]:
    return client.pages(WebRequest("GET", url, query={"size": 2}), Pagination(**paging))


def test_a_list_goes_on_by_the_link_header(scripted: Scripted, local: HttpClient) -> None:
    link = f'<{scripted.url}/list?page=2>; rel="next", <{scripted.url}/list?page=9>; rel="last"'
    scripted.then(200, [1, 2], link=link).then(200, [3])
    answer = pages(local, f"{scripted.url}/list")
    assert (answer["items"], answer["pages"], answer["has_more"]) == ([1, 2, 3], 2, False)
    assert [seen.path for seen in scripted.seen] == ["/list?size=2", "/list?page=2"]


@pytest.mark.parametrize("relation", ["Next", "next last", "prev NEXT", "prev  next"])
def test_a_link_may_have_several_relations_in_any_case(scripted: Scripted, local: HttpClient, relation: str) -> None:
    link = f'<{scripted.url}/list?page=1>; rel="first nextish", <{scripted.url}/list?page=2>; REL="{relation}"'
    scripted.then(200, [1], link=link).then(200, [2])
    assert pages(local, f"{scripted.url}/list")["items"] == [1, 2]


def test_a_list_goes_on_by_an_address_in_the_json(scripted: Scripted, local: HttpClient) -> None:
    scripted.then(200, {"data": {"rows": [1]}, "links": {"next": "/list?page=2"}})
    scripted.then(200, {"data": {"rows": [2]}, "links": {"next": None}})
    answer = pages(local, f"{scripted.url}/list", items="data.rows", next="links.next")
    assert (answer["items"], answer["has_more"]) == ([1, 2], False)


def test_a_list_goes_on_by_a_cursor(scripted: Scripted, local: HttpClient) -> None:
    scripted.then(200, {"rows": ["a"], "cursor": "x/1"}).then(200, {"rows": ["b"], "cursor": 2}).then(
        200, {"rows": ["c"], "cursor": ""}
    )
    answer = pages(local, f"{scripted.url}/list", items="rows", next="cursor", cursor="after")
    assert answer["items"] == ["a", "b", "c"]
    asked = [parse_qs(urlsplit(seen.path).query) for seen in scripted.seen]
    assert asked == [{"size": ["2"]}, {"size": ["2"], "after": ["x/1"]}, {"size": ["2"], "after": ["2"]}]


def test_a_list_that_was_cut_says_so(scripted: Scripted, local: HttpClient) -> None:
    for number in range(5):
        scripted.then(200, {"rows": [number], "cursor": number + 1})
    answer = pages(local, scripted.url, items="rows", next="cursor", cursor="after", pages=3)
    assert (answer["items"], answer["pages"], answer["has_more"]) == ([0, 1, 2], 3, True)
    assert len(scripted.seen) == 3


@pytest.mark.parametrize(
    ("first", "paging", "words"),
    [
        pytest.param({"rows": 1}, {"items": "rows"}, "no list at 'rows'", id="no list"),
        pytest.param({"other": []}, {"items": "rows.deep"}, "no list", id="nothing there"),
        pytest.param({"rows": []}, {}, "is not a list", id="not the list itself"),
        pytest.param(
            {"rows": [], "n": {}}, {"items": "rows", "next": "n"}, "neither an address", id="an object for a cursor"
        ),
        pytest.param(
            {"rows": [], "n": True}, {"items": "rows", "next": "n"}, "neither an address", id="a yes for a cursor"
        ),
        pytest.param(
            {"rows": [], "n": "https://elsewhere.example/"}, {"items": "rows", "next": "n"}, "another server", id="away"
        ),
        pytest.param(
            {"rows": [], "n": "http://a:b"}, {"items": "rows", "next": "n"}, "cannot be read", id="neither an address"
        ),
        pytest.param(
            {"rows": [], "n": "x"}, {"items": "rows", "next": "n", "cursor": "c"}, "already read", id="in a circle"
        ),
    ],
)
def test_a_list_that_goes_on_nowhere_good_is_for_the_workflow_to_correct(
    scripted: Scripted, local: HttpClient, first: Any, paging: dict[str, str], words: str
) -> None:
    scripted.then(200, first)
    with pytest.raises(InvalidRequest, match=words) as caught:
        pages(local, scripted.url, **paging)
    assert "Correct `paging" in caught.value.remedy


def test_an_answer_without_json_holds_no_list_and_may_be_asked_for_again(scripted: Scripted, local: HttpClient) -> None:
    scripted.then(200, b"<p>Back soon", content_type="text/html")
    with pytest.raises(BadAnswer, match="is not a list"):
        pages(local, scripted.url)


def test_a_form_goes_out_as_one(scripted: Scripted, local: HttpClient) -> None:
    scripted.then(200, {})
    local.request(WebRequest("POST", scripted.url, form={"a": "x y", "b": ["1", "2"], "none": None}))
    assert scripted.seen[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(scripted.seen[0].body.decode()) == {"a": ["x y"], "b": ["1", "2"]}


def test_files_go_out_as_parts_of_a_form(scripted: Scripted, local: HttpClient) -> None:
    scripted.then(200, {})
    odd = FileUpload('a"b\r\nX: y.pdf', b"two", "text/plain\r\nX: z")
    local.request(WebRequest("POST", scripted.url, form={"title": "Scan"}, files={"file": FILE, "more": odd}))
    (seen,) = scripted.seen
    assert seen.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="title"\r\n\r\nScan' in seen.body
    assert b'name="file"; filename="scan.pdf"\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.4 \x00' in seen.body
    assert b"\nX: " not in seen.body, "neither its name nor its type adds a header"
    assert b"Content-Type: application/octet-stream\r\n\r\ntwo" in seen.body


def test_a_file_goes_out_as_it_is(scripted: Scripted, local: HttpClient) -> None:
    scripted.then(200, {}).then(200, {})
    local.request(WebRequest("PUT", scripted.url, file=FILE))
    local.request(WebRequest("PUT", scripted.url, headers={"content-type": "text/x"}, file=FILE))
    assert [seen.headers["content-type"] for seen in scripted.seen] == ["application/pdf", "text/x"]
    assert scripted.seen[0].body == FILE.content


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        pytest.param("", "report.pdf", id="the address"),
        pytest.param('attachment; filename="a b.pdf"', "a b.pdf", id="in quotes"),
        pytest.param("attachment; filename=x.pdf", "x.pdf", id="bare"),
        pytest.param("attachment; filename=\"x\"; filename*=UTF-8''%C3%A4.pdf", "ä.pdf", id="in another script"),
        pytest.param('attachment; filename="a\\"b;c.txt"', 'a"b;c.txt', id="with a quote"),
        pytest.param('attachment; filename="../../etc/passwd"', "passwd", id="a folder is not the server's to choose"),
        pytest.param("attachment; filename*=UTF-8''a%0D%0ABcc:%20x%00.pdf", "a Bcc: x .pdf", id="nor lines of its own"),
        pytest.param('attachment; filename="C:\\\\x\\\\y.exe"', "y.exe", id="nor one of Windows"),
    ],
)
def test_a_file_comes_with_its_name_and_type(
    scripted: Scripted, local: HttpClient, disposition: str, name: str
) -> None:
    headers = {"content_disposition": disposition} if disposition else {}
    scripted.then(200, FILE.content, content_type="application/pdf; x=1", **headers)
    facts, content, found, media_type = local.download(WebRequest("GET", f"{scripted.url}/files/report.pdf"))
    assert (content, found, media_type, facts["status"]) == (FILE.content, name, "application/pdf", 200)


def test_an_answer_may_be_larger_or_smaller_than_usual_only_as_far_as_it_is_said(
    scripted: Scripted, local: HttpClient
) -> None:
    large = b"x" * (MAX_ANSWER_BYTES + 1)
    scripted.then(200, large, content_type="application/zip")
    wanted = WebRequest("GET", scripted.url, most_bytes=MAX_ANSWER_BYTES + 1)
    assert len(local.download(wanted)[1]) == len(large)
    for most in (MAX_ANSWER_BYTES, 1000, None):
        with pytest.raises(InvalidRequest, match="too large"):
            local.download(WebRequest("GET", scripted.url, most_bytes=most))


def test_no_request_may_ask_for_more_than_is_ever_read(scripted: Scripted, local: HttpClient) -> None:
    scripted.then(200, b"x", content_type="application/zip", x_pad="y")
    scripted.answers[0] = (200, {"content-length": str(FILE_BYTES + 1)}, b"")
    with pytest.raises(ServiceError):
        local.download(WebRequest("GET", scripted.url, most_bytes=FILE_BYTES * 10))


@pytest.fixture
def rebinding(monkeypatch: pytest.MonkeyPatch, scripted: Scripted) -> list[str]:
    """A public name whose public address is the scripted server, until it suddenly means this machine itself."""
    asked: list[str] = []
    connect, real = httpcore.SyncBackend.connect_tcp, socket.getaddrinfo

    def resolved(host: str, port: int, *more: Any, **named: Any) -> Any:
        if host != "rebind.example":
            return real(host, port, *more, **named)
        asked.append(host)
        address = PUBLIC if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def connected(self: Any, host: str, *more: Any, **named: Any) -> Any:
        return connect(self, "127.0.0.1" if host == PUBLIC else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connected)
    return asked


Ask = Callable[[HttpClient, str], Any]


@pytest.mark.parametrize(
    ("ask", "headers", "body"),
    [
        pytest.param(lambda client, url: client.request(WebRequest("GET", url)), "location", {}, id="redirect"),
        pytest.param(
            lambda client, url: client.pages(WebRequest("GET", url), Pagination()), "link", [], id="next page"
        ),
    ],
)
def test_a_name_that_means_another_machine_at_the_next_hop_is_refused_there(
    scripted: Scripted, rebinding: list[str], ask: Ask, headers: str, body: Any
) -> None:
    port = urlsplit(scripted.url).port
    target = f"http://rebind.example:{port}/inside"
    named = {"location": target} if headers == "location" else {"link": f'<{target}>; rel="next"'}
    # It closes the connection, so that the next request has to ask for the address again.
    scripted.then(302 if headers == "location" else 200, body, connection="close", **named)
    with http_client(public_only=True) as http, pytest.raises(Forbidden, match=r"127\.0\.0\.1"):
        ask(HttpClient(HttpSettings(), http), f"http://rebind.example:{port}/")
    assert rebinding == ["rebind.example", "rebind.example"]
    assert len(scripted.seen) == 1, "nothing was sent to the second address"


def test_a_body_is_one_or_none() -> None:
    request = WebRequest("POST", "https://a.example", json={"a": 1}).request(httpx.Client())
    assert json.loads(request.content) == {"a": 1}
    with pytest.raises(InvalidRequest):
        WebRequest("TRACE", "https://a.example").request(httpx.Client())
