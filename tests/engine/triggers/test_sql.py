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
