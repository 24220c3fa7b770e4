"""Rows of a table by its names: wrong ones are errors, odd ones are found, and no row is left out unasked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clients.errors import ServiceError
from clients.sql.select import RowSelection
from tests.clients.sql.servers import DIALECTS, Target, target


@pytest.fixture(scope="module", params=DIALECTS)
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with target(request.param, tmp_path_factory.mktemp("sql")) as opened:
        mark = "`" if opened.dialect == "mysql" else '"'
        odd = [f"{mark}{name.replace(mark, mark * 2)}{mark}" for name in (ODD_TABLE, ODD_COLUMN)]
        opened.run("create table item (id integer primary key, name varchar(20), qty integer)")
        opened.run("insert into item values (1, 'a', 3), (2, 'b', null), (3, 'c', 5)")
        opened.run(f"create table {odd[0]} ({odd[1]} integer)")
        opened.run(f"insert into {odd[0]} values (7)")
        yield opened


ODD_TABLE, ODD_COLUMN = 'my `table` "a"', 'Kund"en `x.y`'


@pytest.mark.parametrize(
    "selection",
    [
        RowSelection("item", ["name", "emial"]),
        RowSelection("item", order_by="emial"),
        RowSelection("item", equal={"emial": "x"}),
        RowSelection("item", order_by="emial", at_least=1),
    ],
    ids=["picked", "sorted by", "compared", "from a value on"],
)
def test_an_unknown_column_is_an_error(database: Target, selection: RowSelection) -> None:
    with pytest.raises(ServiceError, match="emial"):
        database.client.select(selection)


def test_a_picked_statement_reads_nothing_but_columns(database: Target) -> None:
    (picked,) = (one for one in database.client.statements() if "item" in one)
    assert [row["qty"] for row in database.client.query(picked, {}, 10).rows] == [3, None, 5]
    with pytest.raises(ServiceError, match="emial"):
        database.client.query(picked.replace("name", "emial"), {}, 10)


@pytest.mark.parametrize(
    ("more", "ids"),
    [
        ({}, [1, 3, 2]),
        ({"descending": True}, [3, 1, 2]),
        ({"needs_order": True, "descending": True}, [3, 1]),
        ({"at_least": 4}, [3]),
    ],
    ids=["rising", "falling", "with a value only", "from a value on"],
)
def test_rows_without_a_value_to_sort_by_are_last(database: Target, more: dict[str, Any], ids: list[int]) -> None:
    found = database.client.select(RowSelection("item", order_by="qty", **more))
    assert [row["id"] for row in found.rows] == ids


def test_all_that_pickers_offer_can_be_read(database: Target) -> None:
    assert ODD_TABLE in database.client.tables()
    name = f"{ODD_TABLE}.{ODD_COLUMN}"
    assert name in database.client.columns()
    found = database.client.select(RowSelection(ODD_TABLE, [name], {name: 7}, order_by=name))
    assert found.rows == [{ODD_COLUMN: 7}]
    assert len(database.client.statements()) == len(database.client.tables())


def test_the_inner_tables_of_a_full_text_search_are_not_offered(tmp_path: Path) -> None:
    with target("sqlite", tmp_path) as opened:
        opened.run("create virtual table notes using fts5(text)")
        assert opened.client.tables() == ["notes"]
        assert opened.client.columns() == ["notes.text"]
