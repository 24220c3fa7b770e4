"""The contract of the port of blobs: what every implementation does."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from engine.base.errors import Fenced, StorageError
from engine.store.blobs.blobs import Blobs
from engine.store.blobs.opened import opened_blobs
from tests.engine.store.blobs.servers import BUCKET, KEYS, bucket, postgres
from tests.patience import until

LOG, OTHER = "2026-11-20/run.json", "2026-11-20/other.json"
FOLDER = "2026-11-20/run.files/"
LARGE = os.urandom(9 * 1024 * 1024)
"""More than any implementation sends at once."""


KINDS = ("disk", "postgres", "s3")


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The address of a database."""
    with postgres() as address:
        yield address


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """The endpoint of a server with a bucket."""
    with bucket() as url:
        yield url


@pytest.fixture(params=KINDS)
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Blobs]:
    """Empty blobs."""
    with contextlib.closing(opened(request, tmp_path)) as found:
        yield found


def opened(request: pytest.FixtureRequest, folder: Path) -> Blobs:
    """Open the blobs of a kind."""
    if request.param == "disk":
        return opened_blobs("", folder / "logs", {})
    if request.param == "s3":
        endpoint = request.getfixturevalue("endpoint")
        return opened_blobs(f"s3://{BUCKET}/{uuid4()}?endpoint={endpoint}", folder, KEYS)
    address = request.getfixturevalue("database")
    with psycopg.connect(address.replace("+psycopg", "")) as direct:
        direct.execute("DROP TABLE IF EXISTS blobs, blob_writers")
    return opened_blobs("postgres", folder, {}, address)


def fenced() -> None:
    """Refuse to admit a process again."""
    raise Fenced


@pytest.fixture(params=["by anybody", "by a process"])
def put_by(request: pytest.FixtureRequest, blobs: Blobs) -> Blobs:
    """The same blobs, to put."""
    if request.param == "by anybody":
        return blobs
    blobs.admit("me")
    return blobs.put_by("me", fenced)


def test_what_was_put_is_there(blobs: Blobs, put_by: Blobs) -> None:
    assert (blobs.get(LOG), blobs.exists(LOG), blobs.version(LOG), blobs.size_bytes(LOG)) == (None, False, None, 0)
    put_by.put(LOG, b"old")
    put_by.put(LOG, b"newer")
    assert (blobs.get(LOG), blobs.exists(LOG), blobs.size_bytes(LOG)) == (b"newer", True, 5)
    assert LOG in blobs.where(LOG)


@pytest.mark.parametrize("count", [1, 3, 50])
def test_many_are_put_at_once(blobs: Blobs, put_by: Blobs, count: int) -> None:
    def made() -> Iterator[tuple[str, bytes]]:
        for number in range(count):
            assert not blobs.exists(f"day{number % 2}/{number}.json")  # none is in place before its content is durable
            yield f"day{number % 2}/{number}.json", b"%d" % number

    put_by.put("day0/0.txt", b"")
    assert put_by.put_all(made(), count) == {}
    assert [blobs.get(f"day{number % 2}/{number}.json") for number in range(count)] == [
        b"%d" % number for number in range(count)
    ]
    assert sum(name.endswith(".json") for day in blobs.names() for name in blobs.names(day)) == count


def test_several_threads_put_at_once(blobs: Blobs, put_by: Blobs) -> None:
    together = threading.Barrier(4)

    def put(who: int) -> None:
        together.wait()
        errors.append(put_by.put_all(((f"day/{who}-{number}", b"x") for number in range(30)), 30))

    errors: list[dict[str, Exception]] = []
    threads = [threading.Thread(target=put, args=(who,)) for who in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert errors == [{}] * 4
    assert len(blobs.names("day/")) == 120


def test_the_version_changes_with_the_blob(blobs: Blobs) -> None:
    blobs.put(LOG, b"one")
    until(lambda: blobs.version(LOG) is not None)
    before = blobs.version(LOG)
    assert blobs.version(LOG) == before
    blobs.put(LOG, b"two")
    assert blobs.version(LOG) != before


def test_a_name_may_be_the_hash_of_the_content(blobs: Blobs) -> None:
    digest = blobs.put_hashed(FOLDER, b"value")
    assert digest == hashlib.sha256(b"value").hexdigest() == blobs.put_hashed(FOLDER, b"value")
    assert blobs.get(FOLDER + digest) == b"value"
    assert blobs.names(FOLDER) == [FOLDER + digest]


def test_a_large_file_is_stored_and_opened(blobs: Blobs, tmp_path: Path) -> None:
    source, empty = tmp_path / "source", tmp_path / "empty"
    source.write_bytes(LARGE)
    empty.touch()
    digest = blobs.put_file_hashed(FOLDER, source)
    assert digest == hashlib.sha256(LARGE).hexdigest() == blobs.put_file_hashed(FOLDER, source)
    with blobs.opened(FOLDER + digest) as path:
        assert path is not None
        assert path.read_bytes() == LARGE
    assert blobs.get(FOLDER + digest) == LARGE
    assert blobs.size_bytes(FOLDER) == blobs.size_bytes(FOLDER + digest) == len(LARGE)
    with blobs.opened(FOLDER + blobs.put_file_hashed(FOLDER, empty)) as path:
        assert path is not None
        assert path.read_bytes() == b""
    with blobs.opened(FOLDER + "unknown") as path:
        assert path is None


def test_a_short_blob_takes_the_place_of_a_large_one(blobs: Blobs, put_by: Blobs) -> None:
    put_by.put(LOG, LARGE)
    assert blobs.get(LOG) == LARGE
    put_by.put(LOG, b"short")
    assert (blobs.get(LOG), blobs.size_bytes(LOG)) == (b"short", 5)


def test_names_are_listed_by_folder_in_order(blobs: Blobs) -> None:
    assert (blobs.names(), blobs.names("2026-11-20/")) == ([], [])
    for name in (LOG, OTHER, "2026-11-19/x.json", "renamed.jsonl", f"{FOLDER}a"):
        blobs.put(name, b"")
    blobs.admit("me")
    assert blobs.names() == ["2026-11-19/", "2026-11-20/", "renamed.jsonl"]
    assert blobs.names("2026-11-20/") == [OTHER, FOLDER, LOG]


def test_what_is_removed_is_gone_with_all_that_is_in_it(blobs: Blobs) -> None:
    for name, data in ((LOG, b"1"), (OTHER, b"22"), (f"{FOLDER}a", b"333"), (f"{FOLDER}b", b"4444")):
        blobs.put(name, data)
    assert blobs.size_bytes(FOLDER) == 7
    blobs.remove([LOG, FOLDER, "2026-11-18/unknown.json", "2026-11-18/unknown.files/"])
    assert (blobs.names("2026-11-20/"), blobs.size_bytes(FOLDER)) == ([OTHER], 0)
    blobs.remove([OTHER])
    assert blobs.names() == []
    blobs.put(LOG, b"again")
    assert blobs.get(LOG) == b"again"


def test_a_process_that_is_shut_out_replaces_nothing(blobs: Blobs) -> None:
    blobs.admit("old")
    old = blobs.put_by("old", fenced)
    old.put(LOG, b"first")
    blobs.shut_out("old")
    blobs.put(LOG, b"second")
    with pytest.raises(Fenced):
        old.put(LOG, b"first again")
    with pytest.raises(Fenced):
        old.put_all([(LOG, b"first again")], 1)
    assert blobs.get(LOG) == b"second"


def test_a_process_that_is_shut_out_while_it_makes_a_blob_replaces_nothing(blobs: Blobs) -> None:
    def made() -> Iterator[tuple[str, bytes]]:
        blobs.shut_out("old")
        blobs.put(LOG, b"second")
        yield LOG, b"first again"

    blobs.admit("old")
    old = blobs.put_by("old", fenced)
    old.put(LOG, b"first")
    with contextlib.suppress(Fenced):
        assert isinstance(old.put_all(made(), 1)[LOG], StorageError)
    assert blobs.get(LOG) == b"second"


def test_a_process_that_was_shut_out_by_mistake_is_admitted_again(blobs: Blobs) -> None:
    again = blobs.put_by("me", lambda: blobs.admit("me"))
    again.put(LOG, b"one")
    blobs.shut_out("me")
    assert again.put_all([(OTHER, b"two")], 1) == {}
    assert (blobs.get(LOG), blobs.get(OTHER)) == (b"one", b"two")
