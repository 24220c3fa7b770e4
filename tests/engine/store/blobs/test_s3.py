"""Blobs in a bucket: requests that arrive late, and services that are not what they seem."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.base.errors import Fenced, StorageError
from engine.store.blobs.s3 import S3Blobs
from engine.store.blobs.s3_place import S3Place
from tests.engine.store.blobs.servers import BUCKET, KEYS, bucket, proxy
from tests.patience import PATIENCE_SECONDS

LOG = "2026-11-20/run.json"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The endpoint of a server with a bucket."""
    with bucket() as url:
        yield url


@pytest.fixture
def place(endpoint: str, request: pytest.FixtureRequest) -> S3Place:
    """A prefix of its own."""
    return S3Place(BUCKET, request.node.name, endpoint)


def fenced() -> None:
    """Refuse to admit a process again."""
    raise Fenced


@pytest.mark.parametrize(
    ("before", "late"),
    [(None, ("PUT", "If-None-Match")), (b"first", ("PUT", "If-Match")), (b"first", ("HEAD", "Host"))],
    ids=["a put of a new blob", "a put in place of another", "the look at what is to be replaced"],
)
def test_requests_that_arrive_late_replace_nothing_newer(
    place: S3Place, before: bytes | None, late: tuple[str, str]
) -> None:
    blobs, arrived, let_go = S3Blobs.at(place, KEYS), threading.Event(), threading.Event()

    def hold(method: str, path: str, headers: dict[str, str]) -> None:
        if method == late[0] and path.endswith("run.json") and late[1] in titles(headers):
            arrived.set()
            assert let_go.wait(PATIENCE_SECONDS)

    if before is not None:
        blobs.put(LOG, before)
    blobs.admit("old")
    with proxy(place.endpoint, hold) as far, ThreadPoolExecutor() as threads:
        old = S3Blobs.at(S3Place(BUCKET, place.prefix, far), KEYS).put_by("old", fenced)
        put = threads.submit(old.put, LOG, b"old")
        assert arrived.wait(PATIENCE_SECONDS)
        blobs.shut_out("old")
        blobs.put(LOG, b"new")
        let_go.set()
        with pytest.raises(Fenced):
            put.result(PATIENCE_SECONDS)
    assert blobs.get(LOG) == b"new"


def titles(headers: dict[str, str]) -> set[str]:
    """The names of headers as they are usually written."""
    return {name.title() for name in headers}


@pytest.mark.parametrize("ignored", ["If-None-Match", "If-Match"])
def test_a_service_that_ignores_conditions_is_refused(place: S3Place, ignored: str) -> None:
    def strip(_method: str, _path: str, headers: dict[str, str]) -> None:
        for name in [name for name in headers if name.title() == ignored]:
            del headers[name]

    with proxy(place.endpoint, strip) as far, pytest.raises(StorageError, match="ignores conditions") as refused:
        S3Blobs.at(S3Place(BUCKET, place.prefix, far), KEYS).admit("me")
    assert "conditional writes" in refused.value.remedy


def test_a_file_that_changes_while_it_is_stored_is_not_stored(
    place: S3Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, blobs = tmp_path / "source", S3Blobs.at(place, KEYS)
    source.write_bytes(b"changed" * 2_000_000)
    monkeypatch.setattr("engine.store.blobs.s3.hash_of", lambda _: "0" * 64)
    with pytest.raises(StorageError, match="source was changed while it was being stored"):
        blobs.put_file_hashed("day/run.files/", source)
    assert blobs.names() == []


DOINGS: dict[str, Callable[[S3Blobs], object]] = {
    "put": lambda blobs: blobs.put(LOG, b"x"),
    "list": lambda blobs: blobs.names(),
    "admit": lambda blobs: blobs.admit("me"),
}


@pytest.mark.parametrize("doing", DOINGS)
def test_a_bucket_that_is_missing_is_named(place: S3Place, doing: str) -> None:
    blobs = S3Blobs.at(S3Place("unknown", "", place.endpoint), KEYS)
    with pytest.raises(StorageError, match=r"^s3://unknown/.*404") as missing:
        DOINGS[doing](blobs)
    assert "AWS_" in missing.value.remedy


@pytest.mark.slow
def test_what_does_not_answer_is_named_in_one_line() -> None:
    blobs = S3Blobs.at(S3Place("logs", "team", "http://127.0.0.1:1"), KEYS)
    with pytest.raises(StorageError, match=r"^s3://logs/team/2026-11-20/run\.json: ") as missing:
        blobs.get(LOG)
    assert "\n" not in missing.value.message
    assert "secret" not in missing.value.message


def test_the_environment_completes_the_address() -> None:
    environment = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9000", "AWS_DEFAULT_REGION": "eu-north-1"}
    assert S3Place.of("s3://logs/team/").completed(environment) == S3Place(
        "logs", "team", "http://127.0.0.1:9000", "eu-north-1"
    )
    named = S3Place.of("s3://logs?endpoint=https://minio.example.org&region=eu-west-1")
    assert named.completed(environment) == S3Place("logs", "", "https://minio.example.org", "eu-west-1")
