"""The store: order, counters, transactions, generations, threads and other processes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clients.sql.address import parsed
from demo import stand_ins
from demo.endpoints import FILES
from demo.store import Store, read_generation


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "demo.db")
    yield opened
    opened.close()


def _seed(store: Store) -> None:
    store.put("mails", "seeded", {"n": 0})


def test_what_is_put_comes_back_in_order_of_insertion(store: Store) -> None:
    for n, key in enumerate("cab"):
        store.put("mails", key, {"n": n, "text": "ß 🎉"})
    store.put("mails", "a", {"n": 9})
    store.put("others", "a", {"n": 100})
    assert [each["n"] for each in store.all("mails")] == [0, 9, 2]
    assert store.get("mails", "a") == {"n": 9}
    assert store.get("mails", "x") is None


def test_what_is_deleted_is_gone(store: Store) -> None:
    store.put("mails", "a", {})
    store.delete("mails", "a")
    store.delete("mails", "a")
    assert store.all("mails") == []


def test_a_counter_never_gives_a_number_twice(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(lambda _: store.next_number("issues"), range(100)))
    assert sorted(numbers) == list(range(1, 101))
    assert store.next_number("others") == 1


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    def fail() -> None:
        with store.transaction():
            store.put("mails", "a", {})
            with store.transaction():
                store.put("mails", "b", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert store.all("mails") == []
    with store.transaction():
        store.put("mails", "c", {})
    assert len(store.all("mails")) == 1


def test_a_reset_seeds_and_counts_the_generation_up(store: Store) -> None:
    assert store.generation == 0
    assert store.seed_once(_seed) == 1
    assert store.seed_once(_seed) == 1
    store.put("mails", "mine", {})
    store.next_number("issues")
    assert store.reset(_seed) == 2
    assert store.all("mails") == [{"n": 0}]
    assert store.next_number("issues") == 1


def test_a_reset_that_fails_leaves_everything(store: Store) -> None:
    store.seed_once(_seed)
    store.put("mails", "mine", {"n": 1})

    def broken(_: Store) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.reset(broken)
    assert (len(store.all("mails")), store.generation) == (2, 1)


def test_a_reset_keeps_what_is_about_the_process(store: Store) -> None:
    store.put("_origins", "github", {"origin": "http://127.0.0.1:1"})
    store.reset(_seed)
    assert store.get("_origins", "github") == {"origin": "http://127.0.0.1:1"}


def test_another_opening_of_the_file_sees_a_change_at_once(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "demo.db")
    store.put("mails", "a", {"n": 1})
    assert other.get("mails", "a") == {"n": 1}
    other.reset(_seed)
    assert store.all("mails") == [{"n": 0}]
    other.close()


@pytest.mark.parametrize("name", ["r?v=1", "c%20d", "e#f"])
def test_its_files_are_found_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    store = Store(folder / "demo.db")
    store.reset(_seed)
    told = json.loads(stand_ins.line(store, {}, folder))
    store.close()
    assert read_generation(folder / "demo.db") == 1
    assert {one: parsed(told[one]["base_url"]).database for one in FILES} == {
        one: str(folder / file) for one, file in FILES.items()
    }
