"""Any HTTP service: where a request may go, whose headers go with it, and what comes back."""

from __future__ import annotations

import gzip
import re
import time
import zlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from clients.errors import (
    AuthError,
    BadAnswer,
    Conflict,
    InvalidRequest,
    NotFound,
    RateLimited,
    ServiceError,
    Unavailable,
)
from clients.http.client import HttpClient
from clients.http.demo_site import site_client
from clients.http.fetching import DocumentVersion
from clients.http.json_text import read_json
from clients.http.request import WebRequest
from clients.http.service import HttpSettings
from clients.transport import Forbidden, http_client

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted

SECRET = "Bearer very-secret"
Opened = Callable[..., HttpClient]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Open a client as the engine does, with its own way out; `allow` are the hosts of its connection."""
    made: list[httpx.Client] = []

    def make(*allow: str, headers: dict[str, str] | None = None) -> HttpClient:
        secrets = {name: SecretStr(value) for name, value in (headers or {}).items()}
        settings = HttpSettings(headers=secrets, allow_hosts=list(allow))
        made.append(http_client(public_only=True, allow_hosts=frozenset(allow)))
        return HttpClient(settings, made[-1])

    yield make
    for client in made:
        client.close()


@pytest.fixture
def local(opened: Opened) -> HttpClient:
    return opened("127.0.0.1", headers={"Authorization": SECRET})


def host_of(script: Scripted) -> str:
    return script.url.removeprefix("http://")


def test_a_read_gives_all_that_came(scripted: Scripted, local: HttpClient) -> None:
    scripted.then(200, {"a": 1}, x_Kind="test", set_cookie="session=secret")
    answer = local.request(WebRequest("get", f"{scripted.url}/x?a=1", query={"b": ["2", 3], "c": True, "d": None}))
    assert (answer["status"], answer["json"], answer["text"]) == (200, {"a": 1}, '{"a": 1}')
    assert answer["headers"]["x-kind"] == "test"
    assert "set-cookie" not in answer["headers"]
    assert scripted.seen[0].path == "/x?a=1&b=2&b=3&c=true"
    assert scripted.seen[0].headers["authorization"] == SECRET


@pytest.mark.parametrize(
    ("wanted", "body", "kind"),
    [
        pytest.param({"json": {"a": "ü"}}, '{"a":"ü"}'.encode(), "application/json", id="JSON"),
        pytest.param({"json": []}, b"[]", "application/json", id="an empty list"),
        pytest.param({"json": False}, b"false", "application/json", id="false"),
        pytest.param({"text": "hällo"}, "hällo".encode(), None, id="text"),
        pytest.param({"text": ""}, b"", None, id="empty text"),
        pytest.param({}, b"", None, id="nothing"),
    ],
)
def test_a_write_sends_its_body(
    scripted: Scripted, local: HttpClient, wanted: dict[str, Any], body: bytes, kind: str | None
) -> None:
    scripted.then(201, b"")
    assert local.request(WebRequest("POST", scripted.url, **wanted))["json"] is None
    assert scripted.seen[0].body == body
    assert scripted.seen[0].headers.get("content-type") == kind


@pytest.mark.parametrize(
    ("status", "kind", "outcome"),
    [
        pytest.param(400, InvalidRequest, "not_done", id="400"),
        pytest.param(401, AuthError, "not_done", id="401"),
        pytest.param(403, AuthError, "not_done", id="403"),
        pytest.param(404, NotFound, "not_done", id="404"),
        pytest.param(409, Conflict, "not_done", id="409"),
        pytest.param(422, InvalidRequest, "not_done", id="422"),
        pytest.param(429, RateLimited, "not_done", id="429"),
        pytest.param(500, Unavailable, "unknown", id="500"),
        pytest.param(503, Unavailable, "unknown", id="503"),
    ],
)
def test_a_refusal_is_its_error(
    scripted: Scripted, local: HttpClient, status: int, kind: type[ServiceError], outcome: str
) -> None:
    scripted.then(status, {"message": f"your {SECRET} is no good"}, retry_after="4")
    with pytest.raises(ServiceError) as caught:
        local.request(WebRequest("POST", f"{scripted.url}/things?key=very-secret", json={}))
    # A wait in the answer makes a 403 a rate limit, as for every service.
    assert type(caught.value) is (RateLimited if status == 403 else kind)
    assert (caught.value.outcome, caught.value.retry_after_seconds) == (outcome, 4)
    assert "is no good" in caught.value.message
    assert "very-secret" not in repr(caught.value) + caught.value.message + caught.value.remedy


JSON, LINED = "application/json", "application/x-ndjson"
LATIN = '<meta charset="iso-8859-1"><p>grüß Gott</p>'
DECLARED = '<?xml version="1.0" encoding="windows-1251"?><a>Привет</a>'
LINES = b'{"a": 1}\n\n{"a": 2}\n'


@pytest.mark.parametrize(
    ("content", "kind", "json", "text"),
    [
        pytest.param(b"plain", "text/plain", None, "plain", id="text"),
        pytest.param(b"caf\xe9", "text/plain; charset=iso-8859-1", None, "café", id="a charset"),
        pytest.param(b"caf\xe9", "text/plain; charset=x-nobody", None, "café", id="an unknown charset"),
        pytest.param(b"caf\xe9 \x80", "text/plain; charset=utf-8", None, "café €", id="not the charset it names"),
        pytest.param(b"caf\xe9", "text/plain", None, "café", id="no charset"),
        pytest.param(b"\xc3\xa9\xc3\xa9\xff", "text/plain", None, "éé�", id="UTF-8 with a damaged place"),
        pytest.param(b'{"a": [1]}', "application/problem+json", {"a": [1]}, '{"a": [1]}', id="JSON by another name"),
        pytest.param(b"", "application/json", None, "", id="empty JSON"),
        pytest.param(b"\x89PNG", "image/png", None, "", id="a picture"),
        pytest.param(LINES, "application/x-ndjson", [{"a": 1}, {"a": 2}], LINES.decode(), id="JSON lines"),
        pytest.param(LINES, "application/jsonl; charset=utf-8", [{"a": 1}, {"a": 2}], LINES.decode(), id="JSONL"),
        pytest.param(LINES, "application/json", [{"a": 1}, {"a": 2}], LINES.decode(), id="lines called JSON"),
        pytest.param(b'{"a": 1}\r\n', "application/x-ndjson", [{"a": 1}], '{"a": 1}\r\n', id="one JSON line"),
        pytest.param(b"\x1e1\n\x1e[2]\n", "application/json-seq", [1, [2]], "\x1e1\n\x1e[2]\n", id="a sequence"),
        pytest.param(b'\xef\xbb\xbf{"a": 1}', "application/json", {"a": 1}, '{"a": 1}', id="JSON with a mark"),
        pytest.param('["ü"]'.encode("utf-16"), "application/json", ["ü"], '["ü"]', id="UTF-16 with a mark"),
        pytest.param('["ü"]'.encode("utf-16-be"), "application/json", ["ü"], '["ü"]', id="UTF-16 without"),
        pytest.param(b'["\xfc"]', "application/json; charset=latin1", ["ü"], '["ü"]', id="JSON in a charset"),
        pytest.param(b"[1, 2]\n", "application/x-ndjson", [[1, 2]], "[1, 2]\n", id="a list in a line"),
        pytest.param(b"[\n1\n]", "application/x-ndjson", [1], "[\n1\n]", id="a list that is called lines"),
        pytest.param(b'{\n"a": 1}', "application/x-ndjson", [{"a": 1}], '{\n"a": 1}', id="one that is called lines"),
        pytest.param(b'{"a": 1}', "text/plain", None, '{"a": 1}', id="JSON that is called text"),
        pytest.param(LATIN.encode("latin1"), "text/html", None, LATIN, id="a charset within HTML"),
        pytest.param(LATIN.encode(), "text/html; charset=utf-8", None, LATIN, id="the header's before that within"),
        pytest.param(DECLARED.encode("cp1251"), "text/xml", None, DECLARED, id="a charset within XML"),
        pytest.param(
            DECLARED.encode("cp1251"), "application/soap+xml", None, DECLARED, id="within XML by another name"
        ),
    ],
)
def test_what_came_is_read_as_what_it_says_it_is(
    scripted: Scripted, local: HttpClient, content: bytes, kind: str, json: Any, text: str
) -> None:
    scripted.then(200, content, content_type=kind)
    answer = local.request(WebRequest("GET", scripted.url))
    assert (answer["json"], answer["text"]) == (json, text)


@pytest.mark.parametrize("kind", ["", "application/octet-stream", "binary/octet-stream"])
@pytest.mark.parametrize(
    ("ending", "json", "text"),
    [("json", [{"a": 1}, {"a": 2}], LINES), ("ndjson", [{"a": 1}, {"a": 2}], LINES), ("csv", None, LINES)],
)
def test_a_type_that_says_nothing_is_that_of_the_ending(
    scripted: Scripted, local: HttpClient, kind: str, ending: str, json: Any, text: bytes
) -> None:
    scripted.then(200, LINES, **({"content_type": kind} if kind else {}))
    answer = local.request(WebRequest("GET", f"{scripted.url}/all.{ending}?x=1"))
    assert (answer["json"], answer["text"], answer["left_out"]) == (json, text.decode(), [])


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    ("content", "kind", "json", "said"),
    [
        pytest.param(b'{"a": ', JSON, None, "is application/json, but it is not: Expecting value at line 1, column 7"),
        pytest.param(b"<html>", JSON, None, "Expecting value at line 1, column 1"),
        pytest.param(b'["a', JSON, None, "Unterminated string starting at line 1, column 2"),
        pytest.param(b'{"a": 1}\n<br />Warning', JSON, None, "Extra data at line 2, column 1", id="a warning after it"),
        pytest.param(b'["NaN", NaN]', JSON, None, "No JSON at line 1, column 9: NaN"),
        pytest.param(b"[\n -Infinity]", JSON, None, "No JSON at line 2, column 2: -Infinity"),
        pytest.param(b'{"a": [1.5, -1E+999]}', JSON, None, "too large at line 1, column 13: -1E+999"),
        pytest.param(b"[" * 100_000, JSON, None, "nested too deeply", id="nested without end"),
        pytest.param(b"[" * 201 + b"]" * 201, JSON, None, "deeper than 200 levels", id="nested too deeply to be kept"),
        pytest.param(b'{"a":' * 700 + b"1" + b"}" * 700, JSON, None, "deeper", id="too deeply to be searched"),
        pytest.param(b"9" * 5000, JSON, None, "a number that is too long", id="a long number"),
        # Minutes, if each quote after the number began a text of its own.
        pytest.param(
            b"[" + b"9" * 5000 + b',"' + b'\\"' * 500_000, JSON, None, "a number that is too long", id="quotes after it"
        ),
        pytest.param(b"", JSON, None, "is application/json, but it is empty", id="empty"),
        pytest.param(
            LINES + b'{"a"',
            LINED,
            [{"a": 1}, {"a": 2}],
            "Line 4 of the answer is not JSON and was left out of `json`: Expecting ':' delimiter at line 4",
            id="cut lines",
        ),
        pytest.param(b"x\n1\ny\n[2]", LINED, [1, [2]], "Line 1 and 1 more of the answer", id="odd lines"),
        pytest.param(b"x\ny", LINED, None, "is application/x-ndjson, but it is not", id="no line"),
        pytest.param(LINES + b'{"a"', JSON, [{"a": 1}, {"a": 2}], "Line 4 of the", id="cut lines called JSON"),
        pytest.param(b'\x1e{"a":\n1}\n\x1e12', "application/json-seq", [{"a": 1}], "Record 2 of the", id="a sequence"),
        pytest.param(
            b"caf\xe9", "text/plain; charset=x-nobody", None, "names the charset 'x-nobody', which is unknown"
        ),
        pytest.param(b"caf\xe9", "text/plain; charset=utf-8", None, "is not in the charset that it names, 'utf-8'"),
        pytest.param(b"caf\xe9", "text/plain; charset=hex", None, "unknown", id="no charset of texts"),
    ],
)
def test_an_answer_that_is_not_what_it_says_is_done_all_the_same(
    scripted: Scripted, local: HttpClient, method: str, content: bytes, kind: str, json: Any, said: str
) -> None:
    scripted.then(201, content, content_type=kind)
    answer = local.request(WebRequest(method, scripted.url))
    assert (answer["status"], answer["json"], len(scripted.seen)) == (201, json, 1)
    assert answer["text"] == content.decode("cp1252")
    [note] = answer["left_out"]
    assert said in note


def test_json_of_many_levels_is_read_and_redacted(scripted: Scripted, local: HttpClient) -> None:
    scripted.then(200, b"[" * 200 + b'"very-secret"' + b"]" * 200, content_type="application/json")
    assert "very-secret" not in str(local.request(WebRequest("GET", scripted.url))["json"])


@pytest.mark.parametrize(("method", "outcome"), [("GET", "not_done"), ("POST", "unknown")])
def test_too_much_is_not_read_and_not_asked_for_again(
    scripted: Scripted, local: HttpClient, method: str, outcome: str
) -> None:
    scripted.then(200, b"x" * 1001, content_type="text/plain")
    with pytest.raises(InvalidRequest, match="too large") as caught:
        local.request(WebRequest(method, scripted.url, most_bytes=1000))
    assert "`max_bytes`" in caught.value.remedy
    assert (caught.value.outcome, caught.value.retryable) == (outcome, False)


RAW = zlib.compressobj(wbits=-15)
PACKED = '{"a": "ü"}'.encode()


@pytest.mark.parametrize(
    ("content", "coding"),
    [
        pytest.param(gzip.compress(PACKED), "gzip", id="gzip"),
        pytest.param(gzip.compress(PACKED[:5]) + gzip.compress(PACKED[5:]) + b"\0\0", "X-GZip", id="gzip in two parts"),
        pytest.param(zlib.compress(PACKED), "deflate", id="deflate"),
        pytest.param(RAW.compress(PACKED) + RAW.flush(), "deflate", id="deflate without a header"),
        pytest.param(gzip.compress(zlib.compress(PACKED)), "deflate, gzip", id="twice"),
        pytest.param(PACKED, "gzip", id="no gzip at all"),
        pytest.param(PACKED, "deflate", id="no deflate at all"),
        pytest.param(gzip.compress(PACKED), "", id="gzip that is not named"),
    ],
)
def test_what_is_packed_without_being_asked_for_is_unpacked(
    scripted: Scripted, local: HttpClient, content: bytes, coding: str
) -> None:
    scripted.then(201, content, content_type=JSON, **({"content_encoding": coding} if coding else {}))
    answer = local.request(WebRequest("POST", scripted.url))
    assert (answer["json"], answer["text"], answer["left_out"]) == ({"a": "ü"}, PACKED.decode(), [])
    fetched = local.fetch(scripted.url, 1000, DocumentVersion())
    assert fetched is not None
    assert fetched.content == PACKED
    assert scripted.seen[0].headers["accept-encoding"] == "identity"


BOMB = gzip.compress(b" " * 100_000_000)


@pytest.mark.parametrize(
    ("content", "headers", "said"),
    [
        pytest.param(BOMB, {"content_encoding": "gzip"}, "too large", id="a bomb"),
        pytest.param(BOMB, {}, "more than 1000000 bytes when it is unpacked", id="a bomb that is not named"),
        pytest.param(gzip.compress(BOMB), {"content_encoding": "gzip, gzip"}, "too large", id="a bomb in a bomb"),
        pytest.param(BOMB, {"content_encoding": "gzip, gzip, gzip"}, "compressed (gzip, gzip, gzip)", id="too often"),
        pytest.param(gzip.compress(PACKED)[:-9], {"content_encoding": "gzip"}, "ends before", id="cut"),
        pytest.param(gzip.compress(PACKED)[:-9], {}, "ends before", id="cut without being named"),
        pytest.param(gzip.compress(PACKED)[:15] + b"xxxxxx", {"content_encoding": "gzip"}, "damaged", id="damaged"),
        pytest.param(b"\x0b\x02\x80", {"content_encoding": "br"}, "compressed (br). `as_file` keeps", id="unknown"),
    ],
)
def test_what_cannot_be_unpacked_is_said(
    scripted: Scripted, local: HttpClient, content: bytes, headers: dict[str, str], said: str
) -> None:
    scripted.then(200, content, content_type="text/plain", **headers)
    begun = time.process_time()
    try:
        answer = local.request(WebRequest("GET", scripted.url, most_bytes=1_000_000))
        told = "".join(answer["left_out"])
        assert answer["text"] == ""
    except ServiceError as error:
        told = error.message
    assert said in told
    assert time.process_time() - begun < 1
    with pytest.raises(ServiceError, match=re.escape(said.partition(". ")[0])):
        local.fetch(scripted.url, 1_000_000, DocumentVersion())


def test_a_file_is_kept_as_packed_as_it_is(scripted: Scripted, local: HttpClient) -> None:
    scripted.then(200, gzip.compress(PACKED), content_type="text/csv")
    assert local.download(WebRequest("GET", scripted.url))[1] == gzip.compress(PACKED)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://127.0.0.1:{port}/", id="loopback"),
        pytest.param("http://localhost:{port}/", id="its name"),
        pytest.param("http://2130706433:{port}/", id="as one number"),
        pytest.param("http://0x7f.1:{port}/", id="in hexadecimal"),
        pytest.param("http://127.1:{port}/", id="shortened"),
        pytest.param("http://0:{port}/", id="any address"),
        pytest.param("http://[::1]:{port}/", id="IPv6 loopback"),
        pytest.param("http://[::ffff:127.0.0.1]:{port}/", id="wrapped in IPv6"),
        pytest.param("http://169.254.169.254/latest/meta-data/", id="a cloud's own data"),
        pytest.param("http://10.0.0.1/", id="a private network"),
        pytest.param("http://[64:ff9b::7f00:1]/", id="NAT64"),
    ],
)
def test_nothing_inside_is_reached_without_being_named(scripted: Scripted, opened: Opened, url: str) -> None:
    scripted.then(200, b"inside")
    with pytest.raises(ServiceError) as caught:
        opened().request(WebRequest("GET", url.format(port=host_of(scripted).split(":")[1])))
    assert caught.value.outcome == "not_done"
    assert scripted.seen == []


def test_a_named_port_opens_no_other(start_scripted: Callable[[], Scripted], opened: Opened) -> None:
    named, other = start_scripted().then(200, b""), start_scripted().then(200, b"")
    client = opened(host_of(named), headers={"X-Key": "very-secret"})
    assert client.request(WebRequest("GET", named.url))["status"] == 200
    assert named.seen[0].headers["x-key"] == "very-secret"
    with pytest.raises(Forbidden):
        client.request(WebRequest("GET", other.url))
    assert other.seen == []


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("ftp://example.com/x", id="another scheme"),
        pytest.param("file:///etc/passwd", id="a file"),
        pytest.param("example.com", id="no scheme"),
        pytest.param("", id="empty"),
        pytest.param("http://", id="no host"),
        pytest.param("http://user:pw@127.0.0.1/", id="a password in it"),
        pytest.param("http://a\nb/", id="a line end"),
        pytest.param("http://exa mple.com/", id="a blank"),
        pytest.param("http://127.0.0.1:99999/", id="a port that is none"),
    ],
)
def test_an_address_that_is_none_is_refused(local: HttpClient, url: str) -> None:
    with pytest.raises(ServiceError) as caught:
        local.request(WebRequest("GET", url))
    assert caught.value.outcome == "not_done"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Host": "other.example"}, id="host"),
        pytest.param({"content-length": "5"}, id="length"),
        pytest.param({"Transfer-Encoding": "chunked"}, id="transfer"),
        pytest.param({"X-A": "a\r\nX-B: b"}, id="a second header"),
        pytest.param({"X-A": "ü\u20ac"}, id="no header letters"),
        pytest.param({"X A": "a"}, id="a name that is none"),
    ],
)
def test_headers_that_could_be_a_second_request_are_refused(
    scripted: Scripted, local: HttpClient, headers: dict[str, str]
) -> None:
    scripted.then(200, b"")
    with pytest.raises(ServiceError) as caught:
        local.request(WebRequest("GET", scripted.url, headers=headers))
    assert caught.value.outcome == "not_done"
    assert scripted.seen == []


def test_an_unknown_method_is_refused(local: HttpClient) -> None:
    with pytest.raises(InvalidRequest, match="TRACE"):
        local.request(WebRequest("TRACE", "http://127.0.0.1/"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_read_follows_redirects(scripted: Scripted, local: HttpClient, status: int) -> None:
    scripted.then(status, b"", location="/there?x=1").then(200, b"found")
    assert local.request(WebRequest("GET", f"{scripted.url}/here"))["url"] == f"{scripted.url}/there?x=1"
    assert [seen.headers.get("authorization") for seen in scripted.seen] == [SECRET, SECRET]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_write_follows_none(scripted: Scripted, local: HttpClient, method: str) -> None:
    scripted.then(302, b"", location="/there")
    with pytest.raises(BadAnswer, match="GET and HEAD only") as caught:
        local.request(WebRequest(method, scripted.url))
    assert caught.value.outcome == "unknown"
    assert len(scripted.seen) == 1


def test_a_write_that_says_where_to_see_what_came_of_it_is_done(scripted: Scripted, local: HttpClient) -> None:
    scripted.then(303, b"", location="/things/7")
    answer = local.request(WebRequest("POST", scripted.url, form={"a": "b"}))
    assert (answer["status"], answer["headers"]["location"]) == (303, "/things/7")
    assert len(scripted.seen) == 1


@pytest.mark.parametrize("status", [307, 308])
def test_a_write_that_is_to_go_elsewhere_is_not_done(scripted: Scripted, local: HttpClient, status: int) -> None:
    scripted.then(status, b"", location=f"/there/{SECRET}?signed=abc")
    with pytest.raises(InvalidRequest, match="another address") as caught:
        local.request(WebRequest("POST", scripted.url, json={}))
    assert (caught.value.outcome, len(scripted.seen)) == ("not_done", 1)
    told = caught.value.remedy.replace("Bearer ***", "***")  # what comes after it may be known as a secret of its own
    assert "has moved to '/there/***'" in told


def test_three_redirects_are_enough(scripted: Scripted, local: HttpClient) -> None:
    scripted.then(302, b"", location="/again")
    with pytest.raises(InvalidRequest, match="3 times"):
        local.request(WebRequest("GET", scripted.url))
    assert len(scripted.seen) == 4


def test_cookies_are_neither_kept_nor_sent(scripted: Scripted, opened: Opened) -> None:
    """As the engine opens a client: beside the demo's site."""
    for _ in range(2):
        scripted.then(200, {}, set_cookie="session=1; Path=/")
    others = opened(host_of(scripted)).http
    client = HttpClient(HttpSettings(), site_client(others, lambda: "", lambda _: others))
    for _ in range(2):
        client.request(WebRequest("GET", f"{scripted.url}/x"))
    assert [one.headers.get("cookie") for one in scripted.seen] == [None, None]


def test_credentials_do_not_go_along_to_another_host(start_scripted: Callable[[], Scripted], opened: Opened) -> None:
    here, there = start_scripted(), start_scripted().then(200, b"")
    here.then(302, b"", location=f"{there.url}/")
    # Both may be reached; the headers of the connection are for one port of the host only.
    transport = http_client(public_only=True, allow_hosts=frozenset({"127.0.0.1"}))
    settings = HttpSettings(headers={"X-Token": SecretStr("very-secret")}, allow_hosts=[host_of(here)])
    with transport:
        client = HttpClient(settings, transport)
        own = {"Authorization": "mine", "Cookie": "a=b", "Private-Token": "mine", "Accept-Language": "de"}
        client.request(WebRequest("GET", here.url, headers=own))
    assert here.seen[0].headers["x-token"] == "very-secret"
    went_along = there.seen[0].headers
    assert {"x-token", "authorization", "cookie", "private-token"}.isdisjoint(went_along)
    assert went_along["accept-language"] == "de"


@pytest.mark.parametrize(
    ("first", "hops", "is_reached"),
    [
        pytest.param("https://news.example.com/feed.xml", [], True, id="named"),
        pytest.param("https://news.example.com/a", ["https://news.example.com/b"], True, id="redirect inside"),
        pytest.param("", ["https://news.example.com/feed.xml"], False, id="redirect of a stranger"),
        pytest.param("", ["https://news.example.com/a", "https://news.example.com/b"], False, id="two of a stranger"),
        pytest.param("https://news.example.com/_demo/show", [], False, id="controls"),
        pytest.param("https://news.example.com/%5fdemo/show", [], False, id="controls in other letters"),
        pytest.param("https://news.example.com/a", ["https://news.example.com/_demo/show"], False, id="to controls"),
    ],
)
def test_only_who_names_the_site_of_the_demo_reaches_it(
    start_scripted: Callable[[], Scripted], opened: Opened, first: str, hops: list[str], is_reached: bool
) -> None:
    stranger, site = start_scripted(), start_scripted()
    asked = [stranger, site] if not first else [site]
    for at, hop in enumerate(hops):
        asked[min(at, len(asked) - 1)].then(302, b"", location=hop)
    site.then(200, b"reached")
    started: list[str] = []
    others = opened(host_of(stranger)).http

    def start() -> str:
        started.append(site.url)
        return site.url

    client = HttpClient(
        HttpSettings(),
        site_client(others, start, lambda _: opened(host_of(site)).http),
    )
    try:
        text = client.request(WebRequest("GET", first or stranger.url))["text"]
    except ServiceError:
        text = ""
    assert (text == "reached") is is_reached
    assert is_reached or len(site.seen) == (1 if first and hops else 0)
    assert bool(started) is bool(first and (is_reached or hops)), "it is not even started"


def test_a_redirect_inside_is_refused(scripted: Scripted, opened: Opened) -> None:
    scripted.then(302, b"", location="http://169.254.169.254/latest/meta-data/")
    with pytest.raises(Forbidden, match=r"^169\.254\.169\.254 is not an address"):
        opened(host_of(scripted)).request(WebRequest("GET", scripted.url))


@pytest.mark.parametrize("headers", [{}, {"Authorization": SECRET}], ids=["private address", "credentials"])
@pytest.mark.parametrize("hops", [1, 2], ids=["at once", "by way of another page"])
@pytest.mark.parametrize("ask", ["request", "download", "fetch"])
def test_a_stranger_does_not_decide_what_is_read_at_a_host_of_the_connection(
    start_scripted: Callable[[], Scripted], headers: dict[str, str], hops: int, ask: str
) -> None:
    stranger, ours = start_scripted(), start_scripted().then(200, b"")
    for there in [f"{stranger.url}/on"] * (hops - 1) + [f"{ours.url}/admin/delete-user?id=7"]:
        stranger.then(302, b"", location=there)
    secrets = {name: SecretStr(value) for name, value in headers.items()}
    with http_client(public_only=True, allow_hosts=frozenset({"127.0.0.1"})) as transport:
        client = HttpClient(HttpSettings(headers=secrets, allow_hosts=[host_of(ours)]), transport)
        asked: dict[str, Callable[[], object]] = {
            "request": lambda: client.request(WebRequest("GET", stranger.url)),
            "download": lambda: client.download(WebRequest("GET", stranger.url)),
            "fetch": lambda: client.fetch(stranger.url, 1000, DocumentVersion()),
        }
        with pytest.raises(Forbidden, match="a host of the connection") as caught:
            asked[ask]()
    assert "final address" in caught.value.remedy
    assert (len(stranger.seen), ours.seen) == (hops, [])


def test_the_way_back_from_a_stranger_is_refused(start_scripted: Callable[[], Scripted]) -> None:
    stranger, ours = start_scripted(), start_scripted()
    ours.then(302, b"", location=f"{stranger.url}/")
    stranger.then(302, b"", location=f"{ours.url}/secret")
    with http_client(public_only=True, allow_hosts=frozenset({"127.0.0.1"})) as transport:
        client = HttpClient(HttpSettings(allow_hosts=[host_of(ours)]), transport)
        with pytest.raises(Forbidden, match="a host of the connection"):
            client.request(WebRequest("GET", ours.url))
    assert [len(one.seen) for one in (ours, stranger)] == [1, 1]


def test_hosts_of_the_connection_lead_to_each_other(start_scripted: Callable[[], Scripted], opened: Opened) -> None:
    one, other = start_scripted(), start_scripted().then(200, b"found")
    one.then(302, b"", location=f"{other.url}/there")
    client = opened(host_of(one), host_of(other), headers={"Authorization": SECRET})
    assert client.request(WebRequest("GET", one.url))["text"] == "found"
    assert other.seen[0].headers["authorization"] == SECRET


@pytest.mark.parametrize(
    "location", ["ftp://127.0.0.1/", "http://a:b@127.0.0.1/", "http://[", "http://127.0.0.1:99999/"]
)
def test_a_redirect_to_no_address_is_an_error_of_ours(scripted: Scripted, local: HttpClient, location: str) -> None:
    scripted.then(302, b"", location=location)
    with pytest.raises(ServiceError):
        local.request(WebRequest("GET", scripted.url))


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_redirect_that_cannot_be_read_is_called_so(scripted: Scripted, local: HttpClient, method: str) -> None:
    scripted.then(302, b"", location="http://[x]/")
    with pytest.raises(InvalidRequest, match="redirects to an address that cannot be read") as caught:
        local.request(WebRequest(method, scripted.url))
    assert (caught.value.retryable, caught.value.outcome) == (False, "unknown")


def test_encryption_is_not_given_up_on_the_way(local: HttpClient) -> None:
    request = httpx.Request("GET", "https://127.0.0.1/")
    answer = httpx.Response(302, headers={"location": "http://127.0.0.1/"}, request=request)
    with pytest.raises(Forbidden, match="without encryption"):
        local._next(request, answer)


def test_a_service_that_is_not_there_did_nothing(local: HttpClient) -> None:
    with pytest.raises(Unavailable) as caught:
        local.request(WebRequest("POST", "http://127.0.0.1:1/"))
    assert caught.value.outcome == "not_done"


def test_head_has_no_body(scripted: Scripted, local: HttpClient) -> None:
    scripted.then(200, {"a": 1})
    answer = local.request(WebRequest("HEAD", scripted.url))
    assert (answer["json"], answer["text"]) == (None, "")


def test_the_account_is_where_the_headers_go(opened: Opened) -> None:
    assert opened("b.example", "a.example").account() == "a.example,b.example"
    assert opened().account() == "public"
    assert opened().check()[0].ok
    assert not opened(headers={"X-Key": "k"}).check()[0].ok


def test_secrets_show_nowhere(opened: Opened) -> None:
    client = opened("a.example", headers={"X-Key": "very-secret"})
    settings = HttpSettings(headers={"X-Key": SecretStr("very-secret")})
    assert "very-secret" not in repr(client) + repr(settings) + str(settings) + str(client.check())


@pytest.mark.slow
@pytest.mark.parametrize("line", ["1", "x", "["])
@pytest.mark.parametrize("media_type", ["application/json", "application/x-ndjson"])
def test_a_million_lines_are_read_in_time_that_their_length_takes(line: str, media_type: str) -> None:
    """Of lines that are no JSON, ten thousand are left out: with more, the text is none."""
    begun = time.process_time()
    value, note = read_json(f"{line}\n" * 1_000_000, media_type)
    assert time.process_time() - begun < 10
    assert (value, bool(note)) == (([1] * 1_000_000, False) if line == "1" else (None, True))
