"""The workspace's own tables: rows survive, two processes do not lose each other's, and limits have sentences."""

from __future__ import annotations

import json
import re
import sqlite3
import stat
import tracemalloc
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from clients.client import Opening
from clients.datastore.client import StoreClient
from clients.datastore.rows import TABLE_BYTES_MOST, VALUE_BYTES_MOST, TableRow, TableRows, WantedRows, json_of
from clients.datastore.service import StoreSettings
from clients.errors import InvalidRequest, Unavailable, WriteRefused
from clients.reads_only import reads_only


def tables(folder: Path, *, is_demo: bool = False) -> StoreClient:
    return StoreClient.open(StoreSettings(), Opening(is_demo=is_demo, shared_folder=folder))


def test_a_row_is_added_replaced_merged_and_deleted(tmp_path: Path) -> None:
    here = tables(tmp_path)
    assert here.get("people", "ann") is None
    assert here.save("people", "ann", {"mails": 1, "city": "Bonn"}).before is None
    saved = here.save("people", "ann", {"mails": 2}, merge=True)
    assert saved.row.value == {"mails": 2, "city": "Bonn"}
    assert saved.before is not None
    assert saved.before.row.value == {"mails": 1, "city": "Bonn"}
    assert here.save("people", "ann", {"city": "Bonn", "mails": 2}).row == saved.row, "the same again changes nothing"
    assert here.names() == {"people": 1}
    gone = here.delete("people", "ann")
    assert gone is not None
    assert here.delete("people", "ann") is None
    assert here.names() == {}


def test_a_new_row_replaces_none_that_can_be_read(tmp_path: Path) -> None:
    client = tables(tmp_path)
    client.save("people", "ann", {"city": "Bonn"}, is_new=True)
    with pytest.raises(InvalidRequest, match="has a row 'ann' already"):
        client.save("people", "ann", {"city": "Ulm"}, is_new=True)
    found = client.get("people", "ann")
    assert found is not None
    assert found.value == {"city": "Bonn"}


@pytest.mark.parametrize(
    ("stored", "wanted", "is_found"),
    [
        (2, 2.0, True),
        (-0.0, 0, True),
        ({"a": [1.0]}, {"a": [1]}, True),
        (1, True, False),
        ([0], [False], False),
        (2, "2", False),
        ([1], [1, 2], False),
        ({"a": 1}, {"b": 1}, False),
        (2**60, float(2**60), True),
        (2**60 + 1, float(2**60), False),
        (None, None, True),
    ],
    ids=str,
)
def test_members_are_compared_by_value(tmp_path: Path, stored: object, wanted: object, *, is_found: bool) -> None:
    here = tables(tmp_path)
    here.save("t", "a", {"n": stored})
    assert here.query("t", WantedRows(where={"n": wanted})).total == is_found


def test_rows_are_found_by_members_prefix_and_words_in_order(tmp_path: Path) -> None:
    here = tables(tmp_path)
    for key, value in (("a:1", {"n": 2, "ok": True}), ("a:2", {"n": 10, "ok": 1}), ("b:1", "plain"), ("b:2", None)):
        here.save("t", key, value)
    assert [row.key for row in here.query("t", WantedRows(where={"ok": True})).rows] == ["a:1"]
    found = here.query("t", WantedRows(prefix="a:", order_by="n", descending=True, limit=1))
    assert ([row.key for row in found.rows], found.total) == (["a:2"], 2)
    assert [row.key for row in here.query("t", WantedRows(words="PLAIN")).rows] == ["b:1"]
    assert here.query("none", WantedRows()).total == 0


def nested(levels: int) -> str:
    """The text of lists in each other."""
    return "[" * levels + "]" * levels


def test_a_value_is_at_most_64_levels_deep(tmp_path: Path) -> None:
    here = tables(tmp_path)
    here.save("t", "fits", json.loads(nested(64)))
    with pytest.raises(InvalidRequest, match="'deep' is nested deeper than 64 levels") as refused:
        here.save("t", "deep", json.loads(nested(65)))
    assert refused.value.remedy
    assert here.query("t", WantedRows()) == TableRows(here.query("t", WantedRows()).rows, 1)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param({"n": 1, "city": ["Bo\0nn"]}, "'ann' holds a NUL character in 'city'", id="NUL"),
        pytest.param({"ci\0ty": 1}, r"'ann' holds a NUL character in 'ci\\x00ty'", id="name"),
        pytest.param({"id": 2**63}, "'ann' holds a whole number that does not fit into 64 bits in 'id'", id="large"),
        pytest.param(-(2**63) - 1, "'ann' holds a whole number that does not fit into 64 bits.", id="no object"),
    ],
)
def test_what_no_database_reads_is_refused_by_row_and_member(tmp_path: Path, value: object, said: str) -> None:
    here = tables(tmp_path)
    here.save("t", "ann", {"n": 2**63 - 1, "m": -(2**63), "is": True})
    with pytest.raises(InvalidRequest, match=said) as refused:
        here.save("t", "ann", value)
    assert refused.value.remedy
    with pytest.raises(InvalidRequest, match="key of a row holds a NUL"):
        here.save("t", "a\0", 1)


@pytest.mark.parametrize("before", [{}, None, "text", 1, [1]], ids=str)
@pytest.mark.parametrize("value", [{"n": 1}, None, "text", 1, [1]], ids=str)
def test_only_objects_are_merged_and_nothing_else_is_replaced(tmp_path: Path, before: object, value: object) -> None:
    here = tables(tmp_path)
    here.save("t", "k", before)
    if isinstance(before, dict) and isinstance(value, dict):
        assert here.save("t", "k", value, merge=True).row.value == {**before, **value}
        return
    seen = json_of(before if isinstance(value, dict) else value)
    with pytest.raises(InvalidRequest, match=f"the row 'k' is {re.escape(seen)}, which has no members") as refused:
        here.save("t", "k", value, merge=True)
    assert refused.value.remedy
    row = here.get("t", "k")
    assert row is not None
    assert row.value == before


def test_a_row_is_put_back_only_if_nobody_changed_it_since(tmp_path: Path) -> None:
    here = tables(tmp_path)
    here.save("t", "k", 1)
    here.save("t", "k", 2)
    assert here.put_back("t", "k", 2, TableRow("k", 1, ""))
    assert here.put_back("t", "k", 2, TableRow("k", 1, "")), "twice is as once"
    here.save("t", "k", 3)
    assert not here.put_back("t", "k", 2, TableRow("k", 1, ""))
    assert here.put_back("t", "k", 3, None)
    assert here.get("t", "k") is None


def _count_up(folder: Path, name: str) -> None:
    for number in range(25):
        tables(folder).save("t", "shared", {f"{name}-{number}": number}, merge=True)


@pytest.mark.slow
def test_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4) as pool:
        list(pool.map(_count_up, [tmp_path] * 4, "abcd"))
    row = tables(tmp_path).get("t", "shared")
    assert row is not None
    assert len(row.value) == 100


def test_the_file_is_private_and_the_demo_has_its_own(tmp_path: Path) -> None:
    tables(tmp_path).save("t", "k", 1)
    assert tables(tmp_path, is_demo=True).get("t", "k") is None
    assert stat.S_IMODE((tmp_path / "tables.db").stat().st_mode) == 0o600


def test_nothing_is_written_while_a_plan_is_made(tmp_path: Path) -> None:
    here = tables(tmp_path)
    here.save("t", "k", 1)
    with reads_only():
        assert here.get("t", "k") is not None
        for write in (lambda: here.save("t", "k", 2), lambda: here.delete("t", "k"), lambda: here.drop("t")):
            with pytest.raises(WriteRefused):
                write()
    assert here.query("t", WantedRows()).rows[0].value == 1


@pytest.mark.slow
def test_a_full_table_is_refused_and_a_query_holds_only_what_it_returns(tmp_path: Path) -> None:
    here = tables(tmp_path)
    here.save("t", "0000", "x")
    rows = [("t", f"{number:04}", json_of("x" * 59_998), "") for number in range(TABLE_BYTES_MOST // 60_000)]
    with closing(sqlite3.connect(tmp_path / "tables.db")) as file, file:
        file.executemany("INSERT OR REPLACE INTO rows (name, key, value, updated_at) VALUES (?, ?, ?, ?)", rows)
    with pytest.raises(InvalidRequest, match="is full"):
        here.save("t", "more", "x" * 59_998)
    assert here.get("t", "more") is None
    tracemalloc.start()
    found = here.query("t", WantedRows(limit=1, descending=True))
    grown = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found.total, found.rows[0].key) == (833, "0832")
    assert grown < 1_000_000
    assert len(here.query("t", WantedRows(limit=1_000)).rows) < 400, "an answer has a limit, too"


def test_what_does_not_fit_is_refused_with_the_remedy(tmp_path: Path) -> None:
    here = tables(tmp_path)
    for table, key, value, words in (
        ("Über", "k", 1, "cannot be the name"),
        ("t", "", 1, "has 0 characters"),
        ("t", "k", "x" * VALUE_BYTES_MOST, "at most 64,000"),
        ("t", "k", float("nan"), "cannot be stored"),
        ("t", "k", "\ud800", "cannot be stored"),
        ("t", "\ud800", 1, "half a character"),
    ):
        with pytest.raises(InvalidRequest, match=words):
            here.save(table, key, value)
    (tmp_path / "tables.db").write_bytes(b"no database, but somebody's notes" * 100)
    with pytest.raises(Unavailable, match="cannot be used"):
        here.get("t", "k")


def test_the_size_of_a_table_is_kept_with_every_change(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "tables.db")) as file, file:  # as earlier versions left it
        file.execute("CREATE TABLE rows (name, key, value, updated_at, PRIMARY KEY (name, key)) WITHOUT ROWID")
        file.execute("""INSERT INTO rows VALUES ('t', 'old', '"é"', '')""")
    here = tables(tmp_path)
    for key in ("a", "b", "b", "c"):
        here.save("t", key, {"n": key * 9})
    here.save("t", "a", {"m": "é"}, merge=True)
    here.delete("t", "c")
    here.put_back("t", "b", {"n": "b" * 9}, TableRow("b", 1, ""))
    here.save("gone", "x", 1)
    here.drop("gone")
    with closing(sqlite3.connect(tmp_path / "tables.db")) as file:
        summed = file.execute("SELECT name, count(*), sum(length(CAST(value AS BLOB))) FROM rows GROUP BY name")
        assert file.execute("SELECT * FROM sizes").fetchall() == summed.fetchall()
    assert here.names() == {"t": 3}
