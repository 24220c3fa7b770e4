"""The contract of the port of blobs: what every implementation does."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.blobs.blobs import Blobs
from engine.blobs.disk import DiskBlobs
from engine.store.owners import Fenced
from tests.engine.blobs.memory import MemoryBlobs
from tests.patience import until

LOG, OTHER = "2026-11-20/run.json", "2026-11-20/other.json"
FOLDER = "2026-11-20/run.files/"


@pytest.fixture(params=["memory", "disk"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    """Empty blobs."""
    return MemoryBlobs() if request.param == "memory" else DiskBlobs(tmp_path / "logs")


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


def test_a_process_that_was_shut_out_by_mistake_is_admitted_again(blobs: Blobs) -> None:
    again = blobs.put_by("me", lambda: blobs.admit("me"))
    again.put(LOG, b"one")
    blobs.shut_out("me")
    assert again.put_all([(OTHER, b"two")], 1) == {}
    assert (blobs.get(LOG), blobs.get(OTHER)) == (b"one", b"two")
