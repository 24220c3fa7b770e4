"""The contract of the port of named texts: what every implementation does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from engine.store.postgres.database import PostgresStateDatabase
from engine.store.texts.copying import copy_texts
from engine.store.texts.folder import FolderTexts
from engine.store.texts.texts import TextStore
from tests import postgres

ONE, OTHER = "versions/workflows/a/1.json", "versions/workflows/a/2.json"
ODD = "versions/workflows/a%b_@c!/ü.json"


@pytest.fixture(params=["folder", "postgres"])
def texts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TextStore]:
    """No texts yet."""
    if request.param == "folder":
        yield FolderTexts(tmp_path)
    else:
        with postgres.schema() as url, closing(PostgresStateDatabase(url)) as database:
            yield database.texts(tmp_path)


def test_a_text_that_was_put_is_there_with_another_mark_each_time(texts: TextStore) -> None:
    assert (texts.get(ONE), texts.mark(ONE)) == (None, None)
    texts.put(ONE, "old")
    first = texts.mark(ONE)
    texts.put(ONE, "new ü\n")
    assert texts.get(ONE) == "new ü\n"
    assert None not in (first, texts.mark(ONE))
    assert texts.mark(ONE) != first
    assert "1.json" in texts.where(ONE)


def test_folders_list_what_is_in_them_and_nothing_of_their_neighbours(texts: TextStore) -> None:
    texts.put_new("versions/workflows", {ONE: "1", OTHER: "2", ODD: "odd"})
    texts.put("versions/workflows/ab/3.json", "of another one")
    texts.put("versions/workflows/a/tests/4.json", "deeper")
    assert texts.names("versions/workflows/a") == ["1.json", "2.json"]
    assert texts.all("versions/workflows/a") == {"1.json": "1", "2.json": "2"}
    assert texts.all("versions/workflows/a%b_@c!") == {"ü.json": "odd"}
    assert texts.below("versions/workflows/a") == [ONE, OTHER, "versions/workflows/a/tests/4.json"]
    assert (texts.names("none"), texts.all("none"), texts.below("none")) == ([], {}, [])


def test_what_is_removed_or_moved_replaces_what_was_there(texts: TextStore) -> None:
    texts.put(ONE, "1")
    texts.put("versions/workflows/a/tests/4.json", "deeper")
    texts.put("versions/workflows/new/9.json", "of an earlier one")
    texts.move("versions/workflows/none", "versions/workflows/new")
    assert texts.names("versions/workflows/new") == ["9.json"]
    texts.move("versions/workflows/a", "versions/workflows/new")
    assert texts.below("versions") == ["versions/workflows/new/1.json", "versions/workflows/new/tests/4.json"]
    texts.remove("versions/workflows/new/1.json", "versions/none.json")
    assert texts.names("versions/workflows/new") == []
    texts.remove_all("versions/workflows/new")
    texts.remove_all("none")
    assert texts.below("versions") == []


def test_one_holds_a_lock_at_a_time(texts: TextStore) -> None:
    holds, most = [0, 0], threading.Lock()

    def work(_number: int) -> None:
        with texts.locked("secrets/gmail.json"):
            with most:
                holds[0] += 1
                holds[1] = max(holds)
            texts.put(ONE, "meanwhile")
            with most:
                holds[0] -= 1

    with texts.locked("another"), ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))
    assert holds == [0, 1]


def test_a_copy_has_every_text(texts: TextStore, tmp_path: Path) -> None:
    texts.put_new("versions/workflows", {ONE: "1", ODD: "odd"})
    texts.put("tries/answer/tests/5.json", "5")
    other = FolderTexts(tmp_path / "other")
    copy_texts(texts, other)
    names = ["tries/answer/tests/5.json", ONE, ODD]
    assert [other.get(name) for name in names] == ["5", "1", "odd"]
    texts.remove_all("versions")
    copy_texts(other, texts)
    assert [texts.get(name) for name in names] == ["5", "1", "odd"]
