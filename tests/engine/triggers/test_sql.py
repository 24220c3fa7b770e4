"""The trigger for new rows, where its column does not only rise."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from clients.errors import InvalidRequest
from clients.sql.client import SqlClient
from clients.sql.service import SqlSettings
from engine.triggers.sql import NewRows
from tests.engine.triggers.looking import NOW, Looker
from tests.engine.triggers.sql_world import changed

FAR = "9999-12-31T00:00:00"


@pytest.fixture
def looker(tmp_path: Path) -> Looker:
    changed(tmp_path / "shop.db", "CREATE TABLE orders (id INTEGER PRIMARY KEY, at TEXT)")
    client = SqlClient(SqlSettings(url=SecretStr("sqlite:///shop.db")), tmp_path, None)
    return Looker(NewRows(), {"table": "orders", "column": "at", "key": "id"}, client, root=tmp_path)


def add(looker: Looker, *times: str) -> None:
    for at in times:
        changed(looker.root / "shop.db", "INSERT INTO orders (at) VALUES (?)", at)


def ids(looker: Looker) -> Sequence[str]:
    return [item.id for item in looker.look_until_done()]


def soon(number: int) -> str:
    return (NOW + timedelta(minutes=number)).isoformat()


@pytest.mark.parametrize("already", [[], [FAR], [soon(-9)], [soon(-9), FAR]], ids=str)
def test_a_row_of_the_far_future_hides_no_later_one(looker: Looker, already: list[str]) -> None:
    add(looker, *already)
    assert ids(looker) == []
    add(looker, FAR)
    first = len(already) + 1
    assert ids(looker) == [str(first)]
    assert "orders with a time in the future in at, such as 9999-12-31" in looker.notes[-1]
    for number in range(1, 4):
        add(looker, soon(number))
        assert ids(looker) == [str(first + number)]


@pytest.mark.slow
def test_so_many_that_none_can_be_told_apart_are_an_error(looker: Looker) -> None:
    add(looker, soon(1))
    assert ids(looker) == []
    add(looker, *[FAR] * 350)
    with pytest.raises(InvalidRequest, match="More than 200 rows of orders have a time in the future"):
        ids(looker)
    looker.cursor = None
    with pytest.raises(InvalidRequest, match="in the future"):
        ids(looker)


@pytest.mark.parametrize("wrong", ["column", "key"])
def test_an_unknown_column_is_named(looker: Looker, wrong: str) -> None:
    looker.fields[wrong] = "creatd"
    with pytest.raises(InvalidRequest, match=r"no (such )?column:? '?creatd"):
        ids(looker)


def test_a_row_without_a_value_of_the_column_starts_nothing(looker: Looker) -> None:
    changed(looker.root / "shop.db", "INSERT INTO orders (at) VALUES (NULL)")
    assert ids(looker) == []
    add(looker, soon(1))
    assert ids(looker) == ["2"]


def tabled(looker: Looker, key: str) -> None:
    """Let the trigger watch the table `o`, whose columns hold anything."""
    changed(looker.root / "shop.db", "CREATE TABLE o (created_at TEXT, mail, v)")
    looker.fields.update(table="o", column="created_at", key=key)


def put(looker: Looker, *rows: tuple[str | None, str | int | None, int]) -> None:
    for row in rows:
        changed(looker.root / "shop.db", "INSERT INTO o VALUES (?, ?, ?)", *row)


def started(looker: Looker) -> list[int]:
    return [item.value["row"]["v"] for item in looker.look_until_done() if item.value is not None]


def test_rows_without_a_key_are_told_apart_by_their_content(looker: Looker) -> None:
    tabled(looker, "mail")
    assert started(looker) == []
    put(looker, (soon(1), "None", 1), (soon(2), None, 2), (soon(3), None, 3), (soon(4), None, 3), (soon(4), None, 3))
    assert started(looker) == [1, 2, 3, 3, 3]
    assert started(looker) == []


def test_rows_of_the_same_second_all_start_a_run(looker: Looker) -> None:
    tabled(looker, "")
    put(looker, (soon(0), "a", 1), (soon(0), "b", 2))
    assert started(looker) == []
    put(looker, (soon(0), "a", 3), (soon(1), "a", 4))
    assert started(looker) == [3, 4]
    put(looker, (soon(1), "b", 5), (soon(1), "b", 5))
    changed(looker.root / "shop.db", "CREATE INDEX other ON o (created_at, v DESC)")  # another order of equal times
    assert started(looker) == [5, 5]
    assert started(looker) == []


def test_a_row_whose_key_another_has_is_left_out_with_a_reason(looker: Looker) -> None:
    tabled(looker, "mail")
    assert started(looker) == []
    put(looker, (soon(1), 1, 1), (soon(2), "1", 2))
    items = looker.kind.look(looker.request()).items
    assert [(item.title[:5], item.skip) for item in items] == [("o 1", ""), ("o (ro", "another row has the same key")]
    assert started(looker) == [1]


def test_rows_without_a_value_of_the_column_are_in_the_note(looker: Looker) -> None:
    tabled(looker, "mail")
    put(looker, (None, "a", 1), (None, "b", 2))
    assert started(looker) == []
    assert looker.notes[-1] == "2 rows of o without a value of created_at: they start no run."


def test_no_old_row_with_the_time_of_the_oldest_one_read_starts_a_run(looker: Looker) -> None:
    tabled(looker, "")
    put(looker, *[(soon(0), None, number) for number in range(150)], *[(soon(1), None, n) for n in range(150)])
    assert started(looker) == []
    assert started(looker) == []
