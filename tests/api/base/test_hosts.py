"""Which Host and Origin headers are ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from api.base.hosts import host_name, is_loopback, is_same_origin, known_hosts
from engine.orchestra import Orchestra
from tests.api.conftest import opened


@pytest.fixture(scope="module")
def orchestra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orchestra]:
    with opened(tmp_path_factory.mktemp("api") / "workspace") as orchestra:
        yield orchestra


@pytest.mark.parametrize(
    ("header", "name"),
    [
        pytest.param("localhost", "localhost", id="name"),
        pytest.param("LocalHost:8501", "localhost", id="capitals and port"),
        pytest.param("localhost.:8501", "localhost", id="full name with its dot"),
        pytest.param("127.0.0.1:8501", "127.0.0.1", id="address"),
        pytest.param("[::1]:8501", "::1", id="version 6"),
        pytest.param("", None, id="empty"),
        pytest.param(":8501", None, id="port only"),
        pytest.param("localhost:http", None, id="port is not a number"),
        pytest.param("localhost:99999", None, id="no such port"),
        pytest.param("localhost/../evil.example", None, id="path"),
        pytest.param("localhost?x", None, id="query"),
        pytest.param("localhost#x", None, id="fragment"),
        pytest.param("localhost@evil.example", None, id="user"),
        pytest.param("[::1", None, id="open bracket"),
    ],
)
def test_a_host_header_gives_a_name_or_nothing(header: str, name: str | None) -> None:
    assert host_name(header) == name


@pytest.mark.parametrize(
    ("bound_to", "name", "known"),
    [
        pytest.param("127.0.0.1", "localhost", True, id="loopback by name"),
        pytest.param("127.0.0.1", "::1", True, id="loopback by address"),
        pytest.param("127.0.0.1", "192.168.1.5", False, id="loopback only: an address"),
        pytest.param("127.0.0.1", "evil.example", False, id="loopback only: a foreign name"),
        pytest.param("orchestra.lan", "orchestra.lan", True, id="the name in config.yaml"),
        pytest.param("orchestra.lan", "evil.example", False, id="another name"),
        pytest.param("0.0.0.0", "192.168.1.5", True, id="everywhere: an address"),
        pytest.param("0.0.0.0", "evil.example", False, id="everywhere: a foreign name"),
        pytest.param("0.0.0.0", "127.0.0.1.evil.example", False, id="everywhere: a name that begins like an address"),
    ],
)
def test_a_server_answers_to_its_own_names_only(bound_to: str, name: str, known: bool) -> None:
    assert known_hosts(bound_to)(name) == known


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        pytest.param("http://127.0.0.1:8501", "127.0.0.1:8501", True, id="same"),
        pytest.param("https://orchestra.lan", "orchestra.lan", True, id="TLS ends at a proxy"),
        pytest.param("https://orchestra.lan", "orchestra.lan:443", True, id="default port written out"),
        pytest.param("http://127.0.0.1:8502", "127.0.0.1:8501", False, id="another port"),
        pytest.param("http://localhost:8501", "127.0.0.1:8501", False, id="another name"),
        pytest.param("http://127.0.0.1.evil.example:8501", "127.0.0.1:8501", False, id="begins the same"),
        pytest.param("http://127.0.0.1:8501@evil.example", "127.0.0.1:8501", False, id="ours as the user's name"),
        pytest.param("null", "127.0.0.1:8501", False, id="null"),
        pytest.param("", "127.0.0.1:8501", False, id="empty"),
        pytest.param("file://127.0.0.1:8501", "127.0.0.1:8501", False, id="a file"),
        pytest.param("http://[", "127.0.0.1:8501", False, id="no address"),
    ],
)
def test_an_origin_is_ours_or_not(origin: str, host: str, same: bool) -> None:
    assert is_same_origin(Headers({"origin": origin, "host": host})) == same


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param([(b"host", b"a")], id="no origin"),
        pytest.param([(b"host", b"a"), (b"origin", b"http://a"), (b"origin", b"http://b")], id="two origins"),
        pytest.param([(b"host", b"a"), (b"host", b"b"), (b"origin", b"http://a")], id="two hosts"),
    ],
)
def test_headers_that_say_nothing_or_two_things_are_not_ours(raw: list[tuple[bytes, bytes]]) -> None:
    assert not is_same_origin(Headers(raw=raw))


@pytest.mark.parametrize("path", ["/", "/login", "/health", "/api/runs", "/static/js/index.js", "/_stcore/health"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:8501", "127.0.0.1:8501@evil.example", ""])
def test_no_address_answers_to_a_foreign_host_name(client: TestClient, path: str, host: str) -> None:
    answer = client.get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert "Open the address that it printed" in answer.text


@pytest.mark.parametrize(
    ("bound_to", "is_so"),
    [("localhost", True), ("127.0.0.2", True), ("::1", True), ("127.example.com", False), ("0.0.0.0", False)],
)
def test_a_name_that_begins_like_an_address_of_this_machine_is_none(bound_to: str, is_so: bool) -> None:
    assert is_loopback(bound_to) is is_so
