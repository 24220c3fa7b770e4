"""Credentials of an HTTP connection: how they are sent, to whom alone, and that they come back nowhere."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import ValidationError

from clients.errors import AuthError, InvalidRequest
from clients.http.client import HttpClient
from clients.http.pages import Pagination
from clients.http.request import WebRequest
from clients.http.service import HttpSettings
from clients.transport import http_client

if TYPE_CHECKING:
    from tests.clients.conftest import Scripted

SECRET = "very+secret/7"
BASIC = base64.b64encode(f"ann:{SECRET}".encode()).decode()
Opened = Callable[..., HttpClient]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Open a client with settings; its way out may reach this machine, whatever the settings allow."""
    made: list[httpx.Client] = []

    def make(**settings: Any) -> HttpClient:
        made.append(http_client(public_only=True, allow_hosts=frozenset({"127.0.0.1"})))
        return HttpClient(HttpSettings.model_validate(settings), made[-1])

    yield make
    for client in made:
        client.close()


def host_of(script: Scripted) -> str:
    return script.url.removeprefix("http://")


WAYS: dict[str, tuple[dict[str, Any], Callable[[Any], bool]]] = {
    "bearer": ({"token": SECRET}, lambda seen: seen.headers["authorization"] == f"Bearer {SECRET}"),
    "basic": ({"user": "ann", "password": SECRET}, lambda seen: seen.headers["authorization"] == f"Basic {BASIC}"),
    "header": ({"headers": {"X-Key": SECRET}}, lambda seen: seen.headers["x-key"] == SECRET),
    "query": ({"query": {"key": SECRET}}, lambda seen: "key=very%2Bsecret%2F7" in seen.path),
}
ways = pytest.mark.parametrize(("settings", "is_sent"), WAYS.values(), ids=WAYS)


@ways
def test_a_named_host_gets_them(
    scripted: Scripted, opened: Opened, settings: dict[str, Any], is_sent: Callable[[Any], bool]
) -> None:
    scripted.then(200, {})
    answer = opened(**settings, allow_hosts=[host_of(scripted)]).request(
        WebRequest("GET", f"{scripted.url}/x?a=1", query={"b": 2})
    )
    assert is_sent(scripted.seen[0])
    assert scripted.seen[0].path.startswith("/x?a=1&b=2")
    assert answer["url"] == f"{scripted.url}/x?a=1&b=2", "the address is shown without them"


@ways
def test_no_other_host_gets_them(
    scripted: Scripted, opened: Opened, settings: dict[str, Any], is_sent: Callable[[Any], bool]
) -> None:
    scripted.then(200, {})
    opened(**settings, allow_hosts=["other.example"]).request(WebRequest("GET", scripted.url))
    (seen,) = scripted.seen
    assert {"authorization", "x-key"}.isdisjoint(seen.headers)
    assert "key=" not in seen.path


@ways
@pytest.mark.parametrize("status", [302, 307])
def test_they_do_not_go_along_to_another_host(
    start_scripted: Callable[[], Scripted],
    opened: Opened,
    settings: dict[str, Any],
    is_sent: Callable[[Any], bool],
    status: int,
) -> None:
    here, there = start_scripted(), start_scripted().then(200, {})
    here.then(status, b"", location=f"{there.url}/next")
    opened(**settings, allow_hosts=[host_of(here)]).request(WebRequest("GET", here.url))
    assert is_sent(here.seen[0])
    assert {"authorization", "x-key"}.isdisjoint(there.seen[0].headers)
    assert there.seen[0].path == "/next"


@ways
def test_what_a_server_repeats_of_them_is_redacted(
    scripted: Scripted, opened: Opened, settings: dict[str, Any], is_sent: Callable[[Any], bool]
) -> None:
    told = {"you": [f"sent {SECRET}", BASIC, "very%2Bsecret%2F7"], "plain": "text", "number": 7}
    scripted.then(200, told, x_echo=f"Bearer {SECRET}").then(401, {"error": f"unknown key {SECRET}, {BASIC}"})
    client = opened(**settings, allow_hosts=[host_of(scripted)])
    answer = client.request(WebRequest("GET", scripted.url))
    with pytest.raises(AuthError) as caught:
        client.request(WebRequest("GET", scripted.url))
    shown = repr(answer) + repr(vars(caught.value)) + repr(client.__dict__)
    assert SECRET not in shown
    assert "very%2Bsecret" not in shown or "user" in settings
    assert BASIC not in shown, "base64 hides nothing"
    assert (answer["json"]["plain"], answer["json"]["number"]) == ("text", 7)


def in_base64(lead: str) -> bytes:
    return base64.b64encode(f"{lead}{SECRET} and more".encode())


REPEATED = {
    "as it is": SECRET.encode(),
    "in an address": b"very%2Bsecret%2F7",
    "in JSON with slashes escaped": b"very+secret\\/7",
    "UTF-16": SECRET.encode("utf-16"),
    "base64": in_base64(""),
    "base64, one byte on": in_base64("1"),
    "base64, two bytes on": in_base64("12"),
}
repeated = pytest.mark.parametrize("said", REPEATED.values(), ids=REPEATED)


def downloaded(scripted: Scripted, opened: Opened, body: bytes, kind: str) -> tuple[Any, bytes, str, str]:
    scripted.then(200, body, content_type=kind, content_disposition=f'attachment; filename="{SECRET}.bin"')
    return opened(token=SECRET, allow_hosts=[host_of(scripted)]).download(WebRequest("GET", scripted.url))


@repeated
@pytest.mark.parametrize("kind", ["text/plain", "application/json"])
def test_a_text_kept_as_a_file_has_them_redacted(scripted: Scripted, opened: Opened, said: bytes, kind: str) -> None:
    _, kept, name, _ = downloaded(scripted, opened, b"before " + said + b" after \xff", kind)
    assert said not in kept
    assert "secret" not in name
    assert "***" in kept.replace(b"\0", b"").decode("latin-1")
    assert kept.startswith(b"before ")
    assert kept.endswith(b" after \xff"), "all else stays as it was, byte by byte"


@repeated
def test_any_other_file_that_holds_them_is_refused(scripted: Scripted, opened: Opened, said: bytes) -> None:
    with pytest.raises(InvalidRequest, match="contains a secret of the connection") as refused:
        downloaded(scripted, opened, b"\x89PNG\0" + said + b"\0\xff", "image/png")
    assert "secret/7" not in repr(vars(refused.value))
    assert refused.value.outcome == "unknown", "a write was sent all the same"


IN_LINES = b"\r\n".join((in_base64("1")[:9], in_base64("1")[9:]))


@pytest.mark.parametrize("kind", ["image/png", ""])
def test_base64_in_lines_is_looked_through(scripted: Scripted, opened: Opened, kind: str) -> None:
    with pytest.raises(InvalidRequest, match="contains a secret"):
        downloaded(scripted, opened, IN_LINES, kind)


def test_base64_in_lines_of_a_text_is_redacted(scripted: Scripted, opened: Opened) -> None:
    kept = downloaded(scripted, opened, b"before " + IN_LINES + b" after", "text/plain")[1]
    assert (b"***" in kept, in_base64("1")[4:9] in kept) == (True, False)


def test_a_file_without_them_is_kept_as_it_came(scripted: Scripted, opened: Opened) -> None:
    body = bytes(range(256)) * 8
    assert downloaded(scripted, opened, body, "image/png")[1] == body
    assert downloaded(scripted, opened, body, "text/plain")[1] == body


def test_a_page_that_repeats_the_key_in_its_link_shows_it_nowhere(scripted: Scripted, opened: Opened) -> None:
    scripted.then(200, {"items": [1], "next": f"{scripted.url}/?page=2&key=very%2Bsecret%2F7"})
    scripted.then(200, {"items": [2]})
    client = opened(query={"key": SECRET}, allow_hosts=[host_of(scripted)])
    answer = client.pages(WebRequest("GET", scripted.url), Pagination(items="items", next="next"))
    assert answer["items"] == [1, 2]
    assert scripted.seen[1].path.count("key=") == 1
    assert "secret" not in repr(answer)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"token": "t", "user": "u"}, id="token and user"),
        pytest.param({"token": "t", "headers": {"authorization": "x"}}, id="token and header"),
        pytest.param({"user": "u", "headers": {"Authorization": "x"}}, id="user and header"),
        pytest.param({"colour": "blue"}, id="an unknown one"),
    ],
)
def test_settings_that_contradict_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HttpSettings.model_validate(settings)


def test_credentials_that_go_nowhere_are_told(opened: Opened) -> None:
    for settings, _ in WAYS.values():
        assert not opened(**settings).check()[0].ok
    assert opened().check()[0].ok
