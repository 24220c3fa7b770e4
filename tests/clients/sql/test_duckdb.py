"""What is special about DuckDB: one process may write a file, its triggers, and values that others do not have."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients.deadline import deadline
from clients.errors import InvalidRequest, Unavailable
from clients.sql.database import WriteStatement
from tests.clients.sql.servers import Target, target

_KEEPS = "import duckdb, sys; kept = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
VALUES = """
select 12.50 as price, timestamptz '2026-11-22 21:15:00+01' as seen, date '2026-11-22' as day, [1, 2] as list,
    {'a': 1} as object, interval 3 day as span, 'aa'::blob as bytes, true as is_so, null as nothing, 2::hugeint as huge
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Target]:
    with target("duckdb", tmp_path) as opened:
        opened.run("create table item (id integer primary key, name varchar not null, other integer)")
        yield opened


def test_a_file_that_another_program_keeps_is_in_use(database: Target, tmp_path: Path) -> None:
    file = str(tmp_path / database.url.rpartition("/")[2])
    command = [sys.executable, "-c", _KEEPS, file]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        for use in (
            lambda: database.client.query("select * from item", {}, 1),
            lambda: database.client.execute(WriteStatement("insert into item values (1, 'a', 2)", {}, "m")),
        ):
            with deadline(0.5), pytest.raises(Unavailable, match="in use") as raised:
                use()
            assert "close it in the other one" in raised.value.remedy
            assert (raised.value.retryable, raised.value.outcome) == (True, "not_done")
        other.communicate("\n")
    assert database.client.execute(WriteStatement("insert into item values (1, 'a', 2)", {}, "m")).affected == 1


def test_a_trigger_of_a_file_does_not_forget_a_write(database: Target) -> None:
    database.client.execute(WriteStatement("insert into item values (1, 'a', 2)", {}, "k"))
    database.run("create trigger forget after insert on item for each statement delete from orchestra_once")
    with pytest.raises(InvalidRequest, match="has a trigger that changes orchestra_once"):
        database.client.execute(WriteStatement("insert into item values (2, 'b', 2)", {}, "l"))
    assert database.client.found("k") is not None
    assert database.run("select count(*) from item") == [(1,)]


def test_a_write_returns_rows_and_changes_tables(database: Target) -> None:
    done = database.client.execute(
        WriteStatement("insert into item values (1, :n, 2) returning id, name", {"n": "a"}, "r")
    )
    assert (done.affected, done.rows) == (1, ({"id": 1, "name": "a"},))
    assert database.client.execute(WriteStatement("create table more as select 1 as a", {}, "c")).affected <= 1
    assert (
        database.client.execute(
            WriteStatement("update item set other = 3 where id > :least", {"least": 0}, "u")
        ).affected
        == 1
    )
    with pytest.raises(InvalidRequest):
        database.client.execute(
            WriteStatement("insert into item select 3, content, 1 from read_text('/etc/hostname')", {}, "f")
        )
    [item, _] = database.client.schema()
    assert [(one.name, one.type, one.is_nullable, one.is_key) for one in item.columns] == [
        ("id", "integer", False, True),
        ("name", "varchar", False, False),
        ("other", "integer", True, False),
    ]


@pytest.mark.parametrize(
    "made",
    [
        "len(range(200000000))",
        "len(generate_series(1, :n))",
        "length(repeat('x', :n))",
        "length(repeat('x', 100000000))",
        "length(lpad('x', other, 'y'))",
        "len(list_resize([1], :n))",
        "length(printf('%999999999d', 1))",
        "length(format('{:>999999999}', 'a'))",
        "length(format('{:>{}}', 'a', :n))",
        "len([range(1000) for x in [1, 2]])",
        "length(bitstring('1', :n)::varchar)",
        "len(list_transform(range(1000), x -> range(1000)))",
    ],
)
def test_a_value_does_not_take_the_memory_of_this_program(database: Target, made: str) -> None:
    given = {"n": 3} if ":n" in made else {}
    with pytest.raises(InvalidRequest, match="whose length is not a fixed number"):
        database.client.query(f"select {made} as it from item", given, 1)
    with pytest.raises(InvalidRequest, match="whose length is not a fixed number"):
        database.client.execute(WriteStatement(f"insert into item select 1, 'a', {made} from item", given, "k"))


def test_small_values_and_long_series_of_rows_are_made(database: Target) -> None:
    made = "len(range(100)) as a, lpad('x', 5, '0') as b, repeat('ab', 2) as c, format('{}-{:>3}', 1, 2) as d"
    [row] = database.client.query(f"select {made}, count(*) as e from range(:n)", {"n": 3_000_000}, 1).rows
    assert row == {"a": 100, "b": "0000x", "c": "abab", "d": "1-  2", "e": 3_000_000}


def test_its_values_are_plain(database: Target) -> None:
    assert database.client.query(VALUES, {}, 1).rows == [
        {
            "price": "12.50",
            "seen": "2026-11-22T20:15:00+00:00",
            "day": "2026-11-22",
            "list": [1, 2],
            "object": {"a": 1},
            "span": "3 days, 0:00:00",
            "bytes": "YWE=",
            "is_so": True,
            "nothing": None,
            "huge": 2,
        }
    ]
